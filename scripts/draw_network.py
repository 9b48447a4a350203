"""Draw the architecture of a trained network at its three levels."""

import argparse
from pathlib import Path

from nago.generators.architecture import Architecture
from nago.records import read_json
from nago.report.drawing.architecture import draw_architecture
from nago.script import run_script


def main() -> None:
    """Read the result of a final training, draw its architecture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--result", type=Path, required=True)
    parser.add_argument("--name", required=True, help="of the data set and the search")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()

    architecture = Architecture.from_json(read_json(args.result)["architecture"])
    draw_architecture(architecture, args.output, f"{args.name}: a network of the winner")


if __name__ == "__main__":
    run_script(main)
