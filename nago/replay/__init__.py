"""Replay: what searches have found as a tabular benchmark, on which any optimiser can run."""

from nago.replay.table import Replay, Result

__all__ = ["Replay", "Result"]
