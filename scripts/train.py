"""Train the network of one proposal; go on where an interrupted training stopped."""

import argparse
from pathlib import Path

from nago.objective import evaluate_proposal
from nago.paths import checkpoint_file, state_file
from nago.records import read_proposals, read_protocol, write_bytes, write_trial
from nago.script import run_script
from nago.training.checkpoint import keep_state
from nago.training.outcome import write_curve
from nago.training.team import join_team


def main() -> None:
    """Read the proposal, train, write the curve and the trial."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proposals", type=Path, required=True)
    parser.add_argument("--slot", type=int, required=True)
    parser.add_argument("--name", required=True, help="of the trial")
    parser.add_argument("--protocol", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder of the prepared data")
    parser.add_argument("--states", type=Path, help="folder of the states of the rung below")
    parser.add_argument("--keep-state", type=Path, help="where to leave the last state")
    parser.add_argument("--cpus", type=int, default=1, help="of the job")
    parser.add_argument("--curve", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()

    proposal = read_proposals(args.proposals)[args.slot]
    protocol = read_protocol(args.protocol)
    checkpoint = checkpoint_file(args.output)
    start = state_file(args.states, proposal.parent) if args.states and proposal.parent else None
    with join_team(protocol.training.processes) as team:
        trial, curve = evaluate_proposal(
            name=args.name,
            proposal=proposal,
            protocol=protocol,
            data=args.data,
            checkpoint=checkpoint,
            start=start,
            team=team,
            workers=args.cpus // team.size,
        )
    if not team.leads:
        return
    write_curve(args.curve, curve)
    if args.keep_state and trial.status == "invalid":
        write_bytes(args.keep_state, b"")  # it never trained, so nobody continues it
    elif args.keep_state:
        keep_state(checkpoint, args.keep_state)
    write_trial(args.output, trial)
    checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    run_script(main)
