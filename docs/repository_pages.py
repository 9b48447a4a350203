"""A hook of MkDocs: files of the repository beside docs/ that pages link to become pages, too.

A page links to `../config/README.md` or `../profiles/slurm/config.yaml`, so that the link works in
the repository. The site has no such files; here it gets them, each once, and the links lead there.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"(\]\()([^)#\s:]+)(#[^)\s]*)?(\))")
LANGUAGES = {".py": "python", ".yaml": "yaml", ".yml": "yaml", ".smk": "python"}


def find_outside(page: str, link: str) -> str | None:
    """Return the path from the root of a linked file that isn't in docs/, or None."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link))
    if path.startswith(("docs/", "..")) or not (ROOT / path).is_file():
        return None
    return path


def name_page(path: str) -> str:
    """Return the page that shows a file of the repository."""
    return path if path.endswith(".md") else f"repository/{path}.md"


def write_page(path: str) -> str:
    """Return the Markdown that shows a file of the repository."""
    text = (ROOT / path).read_text()
    if path.endswith(".md"):
        return text
    language = LANGUAGES.get(Path(path).suffix, "text")
    return f"# {path}\n\n````{language}\n{text}````\n"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each file of the repository that a page links to."""
    for file in list(files.documentation_pages()):
        for match in LINK.finditer(file.content_string):
            path = find_outside(file.src_uri, match[2])
            if path and name_page(path) not in files.src_uris:
                page = File.generated(config, name_page(path), content=write_page(path))
                page.edit_uri = None
                files.append(page)
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Let links to files of the repository lead to their pages."""
    here = page.file.src_uri

    def lead(match: re.Match[str]) -> str:
        path = find_outside(here, match[2])
        if path is None:
            return match[0]
        target = posixpath.relpath(name_page(path), posixpath.dirname(here) or ".")
        return f"{match[1]}{target}{match[3] or ''}{match[4]}"

    return LINK.sub(lead, markdown)
