"""Propose the configurations of a bracket's first rung."""

import argparse
from pathlib import Path

from nago.data.datasets import read_info
from nago.exact import make_exact
from nago.records import read_protocol, write_proposals
from nago.script import run_script
from nago.search.brackets import Rung
from nago.search.steps import first_rung
from nago.search.surrogate_file import read_surrogate
from nago.seeds import derive_seed
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
    parser.add_argument("--protocol", type=Path, help="to compute what needs no training")
    parser.add_argument("--data", type=Path, help="folder of the prepared data, for the same")
    args = parser.parse_args()

    search, exact = read_search(args.search), None
    if args.protocol:
        exact = make_exact(
            read_protocol(args.protocol),
            read_info(args.data),
            search.objectives,
            derive_seed(search.seed, "exact", args.bracket),
        )
    proposals = first_rung(
        search,
        read_surrogate(args.surrogate),
        bracket=args.bracket,
        rung=Rung(args.size, args.budget),
        exact=exact,
    )
    for proposal in proposals:
        print(proposal.origin, proposal.reason or "", dict(proposal.configuration))
    write_proposals(args.output, proposals)


if __name__ == "__main__":
    run_script(main)
