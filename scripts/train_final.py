"""Train one network of a chosen generator to completion and test it once."""

import argparse
from pathlib import Path

from nago.data.datasets import read_info
from nago.networks.weights import save_network
from nago.objective import train_final
from nago.paths import checkpoint_file
from nago.records import read_json, read_protocol, write_json
from nago.script import run_script
from nago.seeds import derive_seed
from nago.training.outcome import write_curve
from nago.training.team import join_team


def main() -> None:
    """Read the configuration, train, write the curve, the weights and the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--finalists", type=Path, required=True)
    parser.add_argument("--finalist", type=int, required=True, help="which of them, from 0")
    parser.add_argument("--network", type=int, required=True, help="which of all, from 0")
    parser.add_argument("--protocol", type=Path, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder of the prepared data")
    parser.add_argument("--cpus", type=int, default=1, help="of the job")
    parser.add_argument("--curve", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()

    chosen = read_json(args.finalists)[args.finalist]
    checkpoint = checkpoint_file(args.output)
    protocol = read_protocol(args.protocol)
    with join_team(protocol.training.processes) as team:
        result, curve, network = train_final(
            configuration=chosen["configuration"],
            protocol=protocol,
            epochs=args.epochs,
            seed=derive_seed(args.seed, "final", args.network),
            data=args.data,
            checkpoint=checkpoint,
            team=team,
            workers=args.cpus // team.size,
        )
    if not team.leads:
        return
    write_curve(args.curve, curve)
    save_network(args.weights, network, read_info(args.data), result["status"])
    write_json(args.output, {"trial": chosen["trial"]} | result)
    checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    run_script(main)
