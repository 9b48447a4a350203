"""Prepare a data set: verify its images, write its parts and channel statistics."""

import argparse
from pathlib import Path

from nago.data.datasets import prepare
from nago.script import run_script


def main() -> None:
    """Read the arguments, which have the names of `prepare`'s, and write the data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True)
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--name", required=True, help="of the data set, in results")
    parser.add_argument("--image-size", type=int, required=True, help="pixels")
    parser.add_argument("--stored-size", type=int, help="pixels; image-size if not given")
    parser.add_argument("--image-channels", type=int, required=True, dest="channels")
    parser.add_argument("--split", default="seeded")
    parser.add_argument("--validation-fraction", type=float, required=True)
    parser.add_argument("--test-fraction", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--download", type=int, choices=(0, 1), default=0, help="what is missing")
    parser.add_argument("--cache-gb", type=float, default=50.0, help="10^9 bytes")
    parser.add_argument("--channel-mean", type=float, nargs="+")
    parser.add_argument("--channel-std", type=float, nargs="+")
    parser.add_argument("--workers", type=int, default=1, help="threads that decode images")
    parser.add_argument("--output", type=Path, required=True, help="folder")
    arguments = vars(parser.parse_args())

    info = prepare(arguments.pop("source"), arguments.pop("data_root"), **arguments)
    kept = "arrays" if info.cached else "names of files, read at every epoch"
    print(f"{len(info.class_names)} classes, images: {dict(info.sizes)}, kept as {kept}")


if __name__ == "__main__":
    run_script(main)
