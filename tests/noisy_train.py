"""Stands in for scripts/train.py in tests: a noisy error, and what the real network would cost."""

import argparse
import dataclasses
from pathlib import Path

from nago.data.datasets import read_info
from nago.exact import find_task, make_costs
from nago.records import read_proposals, read_protocol, write_text, write_trial
from nago.search.simulate import make_trial
from nago.seeds import derive_seed


def main() -> None:
    """Read the proposal, compute its error and costs, write the curve and the trial."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proposals", type=Path, required=True)
    parser.add_argument("--slot", type=int, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--protocol", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--curve", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args, _ = parser.parse_known_args()

    proposal = read_proposals(args.proposals)[args.slot]
    protocol = read_protocol(args.protocol)
    costs = make_costs(protocol, find_task(protocol, read_info(args.data)))
    values = proposal.configuration
    noise = derive_seed(proposal.seed, "noise") / 2**32 - 0.5
    error = 0.2 + 0.5 * (values["top_p"] - 0.7) ** 2 - values["bottom_nodes"] / 50 + 0.15 * noise
    trial = dataclasses.replace(
        make_trial(args.name, proposal, error),
        hash=f"{proposal.seed:016x}",
        width=1,
        nodes=1,
        **{name: int(value) for name, value in costs(values, proposal.seed).items()},
        cost={"seconds": 0.1, "host": "toy"},
    )
    write_text(args.curve, "epoch,validation_error\n")
    write_trial(args.output, trial)


if __name__ == "__main__":
    main()
