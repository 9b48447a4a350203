"""The standing of a training: how far it is, as values that a checkpoint keeps."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any

from nago.training.outcome import CurveRow


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a training: epochs done, and images seen of the next one."""

    epoch: int
    seen: int = 0

    def describe(self, budget: int) -> str:
        """Return the place in words."""
        within = f" and {self.seen} images of the next" if self.seen else ""
        return f"epoch {self.epoch}/{budget}{within}"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a training is, and what came of it so far.

    `first_epoch` epochs were done by the training that this one continues; `tally` are the sums
    of an epoch that was interrupted, None between epochs.
    """

    first_epoch: int
    position: Position
    batch_size: int
    curve: tuple[CurveRow, ...] = ()
    tally: Mapping[str, float] | None = None

    @property
    def epoch(self) -> int:
        """Epochs done, those of the training that is continued included."""
        return self.position.epoch

    def to_state(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "first_epoch": self.first_epoch,
            "epoch": self.position.epoch,
            "seen": self.position.seen,
            "batch_size": self.batch_size,
            "curve": [astuple(row) for row in self.curve],
            "tally": self.tally,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Standing":
        """Return the standing of plain values."""
        return cls(
            first_epoch=state["first_epoch"],
            position=Position(state["epoch"], state["seen"]),
            batch_size=state["batch_size"],
            curve=tuple(CurveRow(*row) for row in state["curve"]),
            tally=state["tally"],
        )
