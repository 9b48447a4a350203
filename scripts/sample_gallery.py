"""Draw the samples of the gallery and write each as `nago sample --json` prints it."""

import argparse
from pathlib import Path

from nago.records import write_json
from nago.script import run_script
from nago.studies.draws import sample_for_gallery


def main() -> None:
    """Draw the samples, write the recipe and costs of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", nargs="+", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--outputs", type=Path, nargs="+", required=True)
    args = parser.parse_args()

    for name, path in zip(args.names, args.outputs, strict=True):
        write_json(path, sample_for_gallery(name, args.seed))


if __name__ == "__main__":
    run_script(main)
