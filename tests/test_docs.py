"""The documentation: its examples run, its commands parse, its site is whole and by itself."""

import contextlib
import io
import re
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import docs_pages
import pytest
from docs_pages import (
    DOCS,
    FINISHED,
    FRESH,
    MARKS,
    PAGES,
    list_commands,
    list_runs,
    read_blocks,
    run_block,
)
from workflow_runs import ROOT, TINY, build_once, make_project, run

from nago.cli import make_parser
from nago.cli.progress import parse_config
from nago.generators.named import NAMED
from nago.schema import read_texts, read_yaml, validate
from nago.settings import SCHEMA

FRESH_PAGES = [page for page in PAGES if list_runs(page, FRESH)]
FINISHED_PAGES = [page for page in PAGES if list_runs(page, FINISHED)]
ASKED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


def name(page):
    return str(page.relative_to(DOCS))


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A project whose tiny search is finished; not to be changed."""
    return build_once(tmp_path_factory, "finished", make_project, TINY)


@pytest.mark.parametrize("page", FRESH_PAGES, ids=name)
def test_the_examples_of_a_page_print_what_it_shows(page, tmp_path):
    project = make_project(tmp_path / "project", {})
    for block, printed in list_runs(page, FRESH):
        run_block(block, printed, project)


@pytest.mark.parametrize("page", FINISHED_PAGES, ids=name)
def test_the_examples_on_a_finished_search_print_what_they_show_but_for_numbers(
    page, finished, tmp_path
):
    project = finished.copy(tmp_path / "project")
    config = project.folder / "config/config.yaml"
    given = read_yaml(config) | TINY
    config.write_text("".join(f"{key}: {value}\n" for key, value in given.items()))
    for block, printed in list_runs(page, FINISHED):
        run_block(block, printed, project)


def test_every_mark_of_a_block_is_known_and_the_examples_are_found():
    marks = Counter(block.mark for page in PAGES for block in read_blocks(page))
    kinds = {mark if mark in MARKS else mark.split(" ")[0] for mark in marks if mark}
    assert kinds <= set(MARKS)
    text = "".join(page.read_text() for page in PAGES)
    comments = re.findall(r"^ *<!-- (?:run|prints|file|with)\b", text, re.MULTILINE)
    assert marks.total() - marks[""] == len(comments) > 12


def test_an_example_that_prints_something_else_is_noticed():
    for printed in ("a 1\nmore\nb 2\n", "a 1\nb 2\n"):
        docs_pages.compare("a 1\n...\nb 2\n", printed, numbers=True)
    docs_pages.compare("a 1\n", "a 27.5\n", numbers=False)
    for shown, numbers in (("a 2\n", True), ("b 1\n", False), ("a 1\nb\n", True)):
        with pytest.raises(AssertionError, match="shown"):
            docs_pages.compare(shown, "a 1\n", numbers=numbers)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_commands_of_a_page_are_ones_that_exist(page, monkeypatch):
    monkeypatch.chdir(ROOT)  # where the profiles are
    for words in list_commands(page):
        if words[:1] == ["nago"] and len(words) == 2:
            words.append("--help")  # the mention of a command
        error = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(error):
            code = parse(*words)
        assert code == 0, f"{words}: {error.getvalue()}"
        if "--config" in words:
            check_settings(words)


def parse(tool, *arguments):
    """Parse a command line as its tool does, and return the exit code of that."""
    from snakemake.cli import parse_args

    try:
        make_parser().parse_args(arguments) if tool == "nago" else parse_args([*arguments])
    except SystemExit as stop:
        return stop.code
    return 0


def check_settings(words):
    """Demand that the keys after --config are settings, and their values of their kind."""
    pairs = [word for word in words[words.index("--config") + 1 :] if "=" in word]
    schema = read_yaml(ROOT / SCHEMA)
    values = {key: read_texts(key, value, schema) for key, value in parse_config(pairs).items()}
    validate(values, schema, " ".join(words))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_tests_and_settings_that_a_page_names_exist(page):
    tests = "".join(path.read_text() for path in (ROOT / "tests").glob("test_*.py"))
    stems = {path.stem for path in (ROOT / "tests").glob("*.py")}
    for word in set(re.findall(r"\btest_[a-z_]+\b", page.read_text())) - {"test_fraction"}:
        assert word in stems or f"def {word}(" in tests or word.startswith("test_batch"), word


def test_the_numbers_beside_the_papers_are_those_of_the_benchmark():
    measured = (DOCS / "benchmarks/memory.md").read_text()
    page = (DOCS / "comparison.md").read_text()
    rows = re.findall(r"^\| ([\w-]+) \| (.* \(\d.*)\|$", page, re.MULTILINE)
    seen = 0
    for title, cells in rows:
        dataset = title.lower().replace("cifar-", "cifar")
        kinds = ("mobo", "bohb", None)
        for kind, cell in zip(kinds, cells.split("|"), strict=True):
            found = re.fullmatch(r" *([\d.]+) \(([\d.]+)\) *", cell)
            if not found:
                continue
            seen += 1
            ours, theirs = found.groups()
            assert f"{ours} ({theirs})" in measured or f"| {ours} |" in measured, title
            own = "rnag-d" if dataset == "cifar10" else f"rnag-d-{dataset}"
            preset = NAMED[f"{dataset}-{kind}" if kind else own]
            assert preset.published_memory == float(theirs)
    assert seen == 16


def test_the_page_of_the_settings_is_what_the_schema_says(tmp_path):
    page = tmp_path / "README.md"
    done = run([sys.executable, "docs/write_config_readme.py", str(page)], ROOT)
    assert done.code == 0, done.text
    assert page.read_text() == (ROOT / "config/README.md").read_text(), "make docs writes it"


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The site, built without a network, in a folder of its own."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    nowhere = "http://127.0.0.1:9"
    alone = {"http_proxy": nowhere, "https_proxy": nowhere, "NO_MKDOCS_2_WARNING": "1"}
    done = run(command, ROOT, **alone)
    assert done.code == 0, done.text
    assert "WARNING" not in done.text
    return folder


class Links(HTMLParser):
    """What a page links to, what it loads, and the names of its places."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.names: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.names |= {value for key, value in attrs if key in ("id", "name") and value}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag in ASKED and given.get(ASKED[tag]):
            self.loaded.append(given[ASKED[tag]])


def test_every_link_and_image_of_the_site_leads_somewhere(site):
    pages = {path: Links(path) for path in site.rglob("*.html")}
    assert len(pages) > 15
    for path, page in pages.items():
        if path.name == "404.html":
            continue  # its links begin at the root of wherever the site is
        for link in page.links + page.loaded:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            assert target.is_file(), f"{path.name}: {link}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].names | {"__toc"}, link


def test_no_page_of_the_site_loads_anything_from_elsewhere(site):
    for path in site.rglob("*.html"):
        assert [link for link in Links(path).loaded if urlsplit(link).netloc] == [], path
    for path in site.rglob("*.css"):
        assert re.findall(r"(?:url\(|@import) *[\"']?(?:https?:)?//", path.read_text()) == [], path


def test_the_pages_link_to_files_of_the_repository():
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            assert ":" in link or (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_public_functions_are_in_the_reference(site):
    text = (site / "api.html").read_text()
    for public in ("nago.load", "nago.create", "nago.deployment.export.export"):
        assert f'id="{public}"' in text
