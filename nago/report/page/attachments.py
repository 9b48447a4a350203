"""Tables and figures that were made elsewhere: whatever is in two folders, as it is.

Captions are those of the workflow, by the name of the file, in reStructuredText.
"""

import base64
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pandas as pd
from docutils.core import publish_parts

from nago.records import RecordError
from nago.report.page.table import Table, show_frame

MOST_BYTES = 4_000_000
"""Figures that the page holds together; further ones are linked."""

MOST_ROWS = 200
"""Rows of a table that the page holds."""

TITLES = {
    "claims": "Claims of the paper",
    "table1-surrogates": "Table 1: surrogates",
    "table2-validation": "Table 2: validation accuracy and cost of the search",
    "table3-generators": "Table 3: the generators found",
    "table4-test": "Table 4: test accuracy",
    "table5-imagenet": "Table 5: ImageNet",
    "table6-expanded": "Table 6: expanded spaces",
}

READER = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "report_level": 5,
    "halt_level": 6,
    "initial_header_level": 4,
    "doctitle_xform": False,
}
"""What docutils may do with a caption: nothing but text."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure: where it is, as a data URI or a link, and how it is read, as HTML."""

    name: str
    title: str
    image: str
    source: str
    pdf: str = ""
    caption: str = ""
    linked: bool = False


def show_tables(
    folder: Path, output: Path, captions: Path | None
) -> tuple[list[Table], list[str]]:
    """Return the CSV files of a folder as tables, and what cannot be shown.

    Args:
        folder: of the files.
        output: the file of the page, which links are relative to.
        captions: a folder of captions, or None.
    """
    tables, gaps = [], []
    for path in sorted(folder.glob("*.csv"), key=_order):
        try:
            frame = _read_csv(path)
        except RecordError as error:
            gaps.append(f"{path.name} is not shown: {error}.")
            continue
        empty = [str(name) for name in frame.columns if len(frame) and frame[name].isna().all()]
        note = ""
        if len(frame) > MOST_ROWS:
            note = f"The page holds the first {MOST_ROWS} of {len(frame):,} rows."
        tables.append(
            show_frame(
                path.stem,
                _title(path.stem),
                frame.drop(columns=empty).head(MOST_ROWS),
                source=path.name,
                link=_link(path, output),
                caption=read_caption(captions, *_caption_names(path.stem)),
                note=note,
                empty=", ".join(empty),
            )
        )
    return tables, gaps


def show_figures(
    paths: Sequence[Path], output: Path, captions: Path | None, *, most: int = MOST_BYTES
) -> list[Picture]:
    """Return SVG files as figures, embedded while there is room and linked from then on.

    Args:
        paths: the files; a PDF of the same name is linked.
        output: the file of the page, which links are relative to.
        captions: a folder of captions, or None.
        most: bytes of all embedded figures together.
    """
    pictures, used = [], 0
    for path in paths:
        content = base64.b64encode(path.read_bytes()).decode()
        used += len(content)
        linked = used > most
        if linked:
            used -= len(content)
        pdf = path.with_suffix(".pdf")
        pictures.append(
            Picture(
                name=path.stem,
                title=_title(path.stem),
                image=_link(path, output) if linked else f"data:image/svg+xml;base64,{content}",
                source=_link(path, output),
                pdf=_link(pdf, output) if pdf.exists() else "",
                caption=read_caption(captions, f"compared_{path.stem}", path.stem),
                linked=linked,
            )
        )
    return pictures


def read_caption(folder: Path | None, *names: str) -> str:
    """Return the caption of the first of these names that has one, as HTML; empty if none has."""
    if folder is None:
        return ""
    for name in names:
        try:
            text = (folder / f"{name.replace('-', '_')}.rst").read_text()
        except OSError:
            continue
        return str(publish_parts(text, writer="html5", settings_overrides=READER)["body"])
    return ""


def _order(path: Path) -> tuple[int, str]:
    """Return the place of a table: what is claimed first, then the paper's, then the others."""
    return (0 if path.stem == "claims" else 1 if path.stem in TITLES else 2), path.name


def _caption_names(stem: str) -> list[str]:
    """Return what the caption of a table may be called: a figure may have the shorter name."""
    short = re.sub(r"^table\d+-", "", stem)
    return [f"table_{short}", f"compared_{short}_table", f"{short}_table", short]


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        text = path.read_text()
        if text and not text.endswith("\n"):
            raise RecordError("its last line is cut off")
        return pd.read_csv(StringIO(text), keep_default_na=False, na_values=[""])
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise RecordError(str(error).strip().splitlines()[0]) from None


def _title(name: str) -> str:
    words = name.replace("_", " ").replace("-", " ")
    return TITLES.get(name, words[:1].upper() + words[1:])


def _link(path: Path, output: Path) -> str:
    return Path(os.path.relpath(path.resolve(), output.resolve().parent)).as_posix()
