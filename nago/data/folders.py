"""Folders of images: a directory with a folder for each class, PNG and JPEG files in it.

Classes and files are taken in the order of their names. Hidden files and folders are passed over
in silence, other files that are no PNG or JPEG by their ending are counted.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nago.records import UserError

ENDINGS = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True, slots=True)
class Folder:
    """The images of a directory: `files[i]`, relative to it, shows the class `labels[i]`.

    `ignored` counts the files that are no images, by their ending.
    """

    class_names: tuple[str, ...]
    files: tuple[str, ...]
    labels: tuple[int, ...]
    ignored: Counter[str]


def list_folder(root: Path) -> Folder:
    """Return the images below `root`, by names only."""
    class_names = list_classes(root)
    files: list[str] = []
    labels: list[int] = []
    ignored: Counter[str] = Counter()
    for label, class_name in enumerate(class_names):
        for entry in sorted(_visible(root / class_name), key=lambda entry: entry.name):
            if _is_image(entry):
                files.append(f"{class_name}/{entry.name}")
                labels.append(label)
            else:
                ignored[Path(entry.name).suffix.lower() or "no ending"] += 1
    return Folder(class_names, tuple(files), tuple(labels), ignored)


def report_ignored(root: Path, folder: Folder, report: Callable[[str], None]) -> None:
    """Report which files of a folder are passed over, if any."""
    if folder.ignored:
        kinds = (f"{number} {ending}" for ending, number in sorted(folder.ignored.items()))
        report(f"ignored in {root}, no PNG or JPEG by their names: {', '.join(kinds)}")


def list_classes(root: Path) -> tuple[str, ...]:
    """Return the names of the class folders of a directory, sorted."""
    return tuple(sorted(entry.name for entry in _visible(root) if entry.is_dir()))


def check_folder(root: Path, fewest: int) -> None:
    """Check that a directory has classes of `fewest` images or more, without opening one.

    Raises:
        UserError: it is missing, no directory, or has too few classes or images.
    """
    check_directory(root)
    class_names = list_classes(root)
    if len(class_names) < 2:
        names = ", ".join(repr(name) for name in class_names) or "none"
        raise UserError(
            f"data_root must hold two class folders or more, one for the images of each class;"
            f" in {root} there is {names}"
        )
    sizes = {name: _count_images(root / name, fewest) for name in class_names}
    small = [f"{name!r} has {size}" for name, size in sizes.items() if size < fewest]
    if small:
        raise UserError(
            f"each class folder of {root} must hold {fewest} PNG or JPEG images or more"
            f" (not in folders below it), but {shorten(small)}"
        )


def check_directory(root: Path) -> None:
    """Raise UserError if `root` is no directory."""
    if not root.is_dir():
        given = f"{root} is a file" if root.exists() else f"there is no folder '{root}'"
        raise UserError(f"data_root must be a directory of images, but {given}")


def shorten(names: list[str], most: int = 5) -> str:
    """Return the first names and how many more there are, for a line that people read."""
    more = [f"{len(names) - most} more"] if len(names) > most else []
    return ", ".join([*names[:most], *more])


def _count_images(folder: Path, most: int) -> int:
    """Return the number of images, or `most` as soon as it is reached."""
    count = 0
    for entry in _visible(folder):
        count += _is_image(entry)
        if count == most:
            break
    return count


def _visible(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from (entry for entry in entries if not entry.name.startswith("."))


def _is_image(entry: os.DirEntry[str]) -> bool:
    return entry.name.lower().endswith(ENDINGS) and entry.is_file()
