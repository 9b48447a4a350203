"""What a page holds, read by an HTML parser: for tests of the report's page."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

INLINE = {"a", "b", "cite", "code", "span", "strong", "em"}
VOID = {"meta", "link", "img", "br", "hr", "input"}


@dataclass
class Page(HTMLParser):
    """Elements by what tests ask of them; texts without the space around them."""

    tables: dict = field(default_factory=dict)
    values: dict = field(default_factory=dict)
    marks: dict = field(default_factory=dict)
    paths: dict = field(default_factory=dict)
    links: list = field(default_factory=list)
    images: list = field(default_factory=list)
    tags: list = field(default_factory=list)
    ids: list = field(default_factory=list)
    text: str = ""

    def __post_init__(self):
        super().__init__(convert_charrefs=True)
        self.table = self.chart = None
        self.inside = []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append(tag)
        if tag not in VOID:
            self.inside.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "figure":
            self.chart = given.get("id")
        elif tag == "table":
            self.table = given.get("id", "checklist")
            self.tables[self.table], self.values[self.table] = [], []
        elif tag == "tr" and self.table:
            self.tables[self.table].append([])
            self.values[self.table].append([])
        elif tag in ("td", "th") and self.table:
            self.tables[self.table][-1].append("")
            self.values[self.table][-1].append(given.get("data-v"))
        elif tag == "use" and "mark" in given.get("class", ""):
            self.marks.setdefault(self.chart, []).append({**given, "text": ""})
        elif tag == "path" and self.chart:
            self.paths.setdefault(self.chart, []).append(given)
        if tag == "a":
            self.links.append(given["href"])
        if tag == "img":
            self.images.append(given)

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass
        if tag == "table":
            self.table = None
        if tag not in INLINE:
            self.text += " "

    def handle_data(self, data):
        if {"script", "style"} & set(self.inside):
            return
        if self.inside and self.inside[-1] == "title" and self.chart in self.marks:
            self.marks[self.chart][-1]["text"] += data
            return
        self.text += data
        if self.table and {"td", "th"} & set(self.inside):
            self.tables[self.table][-1][-1] += data.strip()

    def column(self, table, heading):
        """The texts of a column, from the row below its heading on."""
        place = self.tables[table][0].index(heading)
        return [row[place] for row in self.tables[table][1:]]


def read_page(path):
    page = Page()
    page.feed(path.read_text())
    page.close()
    page.text = " ".join(page.text.split())
    return page
