"""Propose the configurations of a bracket's first rung."""

import argparse
from pathlib import Path

from nago.records import read_json, write_proposals
from nago.script import run_script
from nago.search.brackets import Rung
from nago.search.steps import first_rung
from nago.settings import read_search


def main() -> None:
    """Read the surrogate, write the proposals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--search", type=Path, required=True)
    parser.add_argument("--surrogate", type=Path, required=True)
    parser.add_argument("--bracket", type=int, required=True)
    parser.add_argument("--size", type=int, required=True, help="trials of the rung")
    parser.add_argument("--budget", type=int, required=True, help="epochs")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()

    proposals = first_rung(
        read_search(args.search),
        read_json(args.surrogate),
        bracket=args.bracket,
        rung=Rung(args.size, args.budget),
    )
    for proposal in proposals:
        print(proposal.origin, proposal.reason or "", dict(proposal.configuration))
    write_proposals(args.output, proposals)


if __name__ == "__main__":
    run_script(main)
