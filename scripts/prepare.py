"""Prepare a data set: its arrays, parts and channel statistics."""

import argparse
from pathlib import Path

from nago.data.datasets import prepare
from nago.script import run_script


def main() -> None:
    """Read the arguments, write the arrays and their description."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True)
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--name", required=True, help="of the data set, in results")
    parser.add_argument("--image-size", type=int, required=True, help="pixels")
    parser.add_argument("--image-channels", type=int, required=True)
    parser.add_argument("--validation-fraction", type=float, required=True)
    parser.add_argument("--test-fraction", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True, help="folder")
    args = parser.parse_args()

    info = prepare(
        args.source,
        args.data_root,
        image_size=args.image_size,
        channels=args.image_channels,
        validation_fraction=args.validation_fraction,
        test_fraction=args.test_fraction,
        seed=args.seed,
        output=args.output,
        name=args.name,
    )
    print(f"{len(info.class_names)} classes, images: {dict(info.sizes)}")


if __name__ == "__main__":
    run_script(main)
