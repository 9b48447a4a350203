"""Draw a gallery of architectures that `nago sample --json` has recorded."""

import argparse
from pathlib import Path

from nago.records import UserError
from nago.report.drawing.gallery import draw_gallery
from nago.sampling import read_recipe
from nago.script import run_script


def main() -> None:
    """Read the samples, draw their architectures again, draw the gallery."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, nargs="+", required=True, metavar="FILE")
    parser.add_argument("--captions", nargs="+", required=True, metavar="TEXT")
    parser.add_argument("--columns", type=int, default=3)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.svg")
    args = parser.parse_args()

    if len(args.captions) != len(args.samples):
        raise UserError(
            f"--captions takes one text for each sample,"
            f" got {len(args.captions)} for {len(args.samples)} samples"
        )
    architectures = [read_recipe(path)[0].draw() for path in args.samples]
    draw_gallery(list(zip(args.captions, architectures, strict=True)), args.output, args.columns)


if __name__ == "__main__":
    run_script(main)
