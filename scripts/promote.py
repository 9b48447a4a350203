"""Promote the best trials of one rung to the next; new proposals fill what failures leave."""

import argparse
from pathlib import Path

from nago.exact import read_known
from nago.records import read_trial, write_proposals
from nago.script import run_script
from nago.search.brackets import Rung
from nago.search.steps import next_rung
from nago.search.surrogate_file import read_surrogate
from nago.settings import read_search


def main() -> None:
    """Read the trials below and the surrogate, write the proposals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--search", type=Path, required=True)
    parser.add_argument("--surrogate", type=Path, required=True)
    parser.add_argument("--trials", type=Path, nargs="+", required=True, help="of the rung below")
    parser.add_argument("--bracket", type=int, required=True)
    parser.add_argument("--rung", type=int, required=True)
    parser.add_argument("--size", type=int, required=True, help="trials of the rung")
    parser.add_argument("--budget", type=int, required=True, help="epochs")
    parser.add_argument("--last", type=int, nargs=3, metavar=("RUNG", "SIZE", "BUDGET"))
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--protocol", type=Path, help="to compute what needs no training")
    parser.add_argument("--data", type=Path, help="folder of the prepared data, for the same")
    parser.add_argument("--modelled", action="store_true", help="compute it for limits alone")
    args = parser.parse_args()

    search = read_search(args.search)
    known = read_known(search, args.protocol, args.data, args.bracket, modelled=args.modelled)
    proposals = next_rung(
        search,
        read_surrogate(args.surrogate),
        [read_trial(path) for path in args.trials],
        bracket=args.bracket,
        number=args.rung,
        rung=Rung(args.size, args.budget),
        last=(args.last[0], Rung(*args.last[1:])) if args.last else None,
        exact=known.exact,
        costs=known.costs,
    )
    for proposal in proposals:
        print(proposal.parent or proposal.origin, dict(proposal.configuration))
    write_proposals(args.output, proposals)


if __name__ == "__main__":
    run_script(main)
