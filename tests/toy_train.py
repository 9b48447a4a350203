"""Stands in for scripts/train.py in tests: an error computed from the configuration, at once."""

import argparse
from pathlib import Path

from nago.records import Trial, read_proposals, write_text, write_trial
from nago.seeds import derive_seed


def main() -> None:
    """Read the proposal, compute its error, write the curve and the trial."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proposals", type=Path, required=True)
    parser.add_argument("--slot", type=int, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--curve", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args, _ = parser.parse_known_args()

    proposal = read_proposals(args.proposals)[args.slot]
    values = proposal.configuration
    noise = derive_seed(proposal.seed, "noise") / 2**32
    error = (
        (values["top_p"] - 0.7) ** 2
        + (values["bottom_p"] - 0.3) ** 2
        + values["middle_nodes"] / 20
        + 0.1 * noise / proposal.budget
    )
    write_text(args.curve, "epoch,validation_error\n")
    trial = Trial(
        name=args.name,
        configuration=values,
        budget=proposal.budget,
        seed=proposal.seed,
        origin=proposal.origin,
        parent=proposal.parent,
        status="ok",
        epochs=proposal.budget,
        validation_error=error,
        hash=f"{proposal.seed:016x}",
        width=1,
        nodes=int(values["top_nodes"]),
        parameters=1,
        multiply_adds=1,
        sample_memory_bytes=1,
        error=None,
        cost={"seconds": 0.1, "host": "toy"},
    )
    write_trial(args.output, trial)


if __name__ == "__main__":
    main()
