"""Run a training script in several processes that share every batch.

The command takes this process's place: signals reach it as they would have reached this one.
"""

import argparse
import os

from nago.script import run_script
from nago.training.launch import choose_command


def main() -> None:
    """Read the arguments, become the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, required=True)
    parser.add_argument("script", nargs=argparse.REMAINDER, help="its path and arguments")
    args = parser.parse_args()

    command = choose_command(args.processes, args.script, os.environ)
    os.execvp(command[0], command)


if __name__ == "__main__":
    run_script(main)
