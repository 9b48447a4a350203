"""A run: what decides a training, beside the network and its images."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nago.records import TrainingSettings
from nago.training.team import SOLO, Team


def print_line(line: str) -> None:
    """Print a line of the log at once, so that it can be followed and survives a kill."""
    print(line, flush=True)


@dataclass(frozen=True, slots=True)
class Run:
    """How a network is trained, for how long, and where its checkpoint lies.

    Args:
        settings: how it is trained.
        budget: epochs, those of the training that is continued included.
        seed: decides batches, augmentation and dropout; not the first weights.
        checkpoint: a file that is still there after the training: whoever has its result may
            keep it by `keep_state` for another one to continue, and removes it.
        fingerprint: names the data and where the network comes from; a checkpoint of another
            fingerprint, budget, seed, settings or shape of network is not used.
        start: the kept state of a training to be continued.
        device: `auto`, `cpu` or `cuda`.
        team: the processes that train the network together, and which of them this is.
        workers: processes that decode images which are read from their files; at least one.
        most_seconds: that the training may take, over all its runs; None for no limit. It decides
            nothing before it is reached, so a checkpoint is used under any.
        report: takes a line for the log.
    """

    settings: TrainingSettings
    budget: int
    seed: int
    checkpoint: Path
    fingerprint: str
    start: Path | None = None
    device: str = "auto"
    team: Team = SOLO
    workers: int = 1
    most_seconds: float | None = None
    report: Callable[[str], None] = print_line
