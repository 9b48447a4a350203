"""Contestants beside random search of their generator, and what can't be claimed without it."""

from collections.abc import Sequence
from dataclasses import dataclass

from nago.report.contestants import RANDOM, Contestant, choose_searches, group_runs
from nago.report.runs import Run
from nago.report.traces import Course, trace_contestant

DEFAULT = "default"
"""The method that trains one configuration, which is no search to set beside another."""


@dataclass(frozen=True, slots=True, eq=False)
class Racer:
    """A contestant with a result, and the course of its seeds."""

    contestant: Contestant
    course: Course

    @property
    def name(self) -> str:
        """The contestant's name."""
        return self.contestant.name

    @property
    def seeds(self) -> int:
        """How many seeds have a result."""
        return len(self.course.ends)

    @property
    def searches(self) -> bool:
        """Whether it is a search that random search is a baseline of."""
        return self.contestant.method not in (RANDOM, DEFAULT)


def list_racers(runs: Sequence[Run]) -> list[Racer]:
    """Return the contestants on one data set that search and have a result."""
    return [
        Racer(contestant, course)
        for contestants in group_runs(choose_searches(runs)).values()
        for contestant in contestants.values()
        if (course := trace_contestant(contestant.runs)) is not None
    ]


def find_unmatched(racers: Sequence[Racer]) -> list[Racer]:
    """Return those that search, but have no random search of their generator beside them."""
    names = {racer.name for racer in racers}
    return [racer for racer in racers if racer.searches and racer.contestant.baseline not in names]


def say_baseline(racers: Sequence[Racer]) -> list[str]:
    """Return what cannot be claimed of these contestants, a sentence each."""
    said = []
    unmatched = find_unmatched(racers)
    if unmatched:
        wanted = dict.fromkeys(racer.contestant.baseline for racer in unmatched)
        names = " and ".join(racer.name for racer in unmatched)
        said.append(
            f"There is no random search to compare {names} with, so nothing here"
            f" says whether the search is better than chance. A run of"
            f" {' and '.join(wanted)} with as many epochs would."
        )
    single = [racer.name for racer in racers if racer.seeds == 1]
    if single:
        said.append(
            f"One seed of {', '.join(single)}: no claim. Another seed gives another curve."
        )
    return said
