"""The jobs of a search on so many workers: the static graph, simulated event by event.

A rung begins when all trials of the rung below have ended, a bracket when all of those that it
learns from have, the final networks when all have. A free worker takes the ready training of the
earliest bracket; what isn't a training takes no time.
"""

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nago.search.brackets import Rung, count_seen

LAGS = range(1, 9)
"""The lags that are tried for a recommendation."""

NEAR = 1.1
"""How much longer than the quickest a recommended lag may take."""

Plan = Sequence[Sequence[Rung]]


@dataclass(frozen=True, slots=True)
class Order:
    """What waits for what.

    Attributes:
        plan: the rungs of each bracket.
        lag: brackets in flight.
        learns: whether brackets wait for earlier ones at all.
        makes_initial: whether all wait for the first bracket.
        final_networks: trained at the end, side by side.
    """

    plan: Plan
    lag: int
    learns: bool = True
    makes_initial: bool = False
    final_networks: int = 0

    def count_awaited(self, bracket: int) -> int:
        """Return how many brackets, from the first on, must have ended before one begins."""
        if not self.learns:
            return 0
        return count_seen(bracket, self.lag, makes_initial=self.makes_initial)


@dataclass(frozen=True, slots=True)
class Timeline:
    """What happens when, in seconds.

    Attributes:
        end: of the last training.
        ready: how many trainings became ready together, in the order of time.
        ends: of each training, in the order of the plan, then of the finals.
    """

    end: float
    ready: tuple[int, ...]
    ends: tuple[float, ...]


@dataclass(slots=True, eq=False)
class _State:
    """A simulation at work; a job is (bracket, rung, slot), the finals are one bracket more."""

    order: Order
    durations: Sequence[float]
    waiting: list[tuple[int, int, int, int]] = field(default_factory=list)
    rungs: list[list[int]] = field(default_factory=list)
    places: list[list[int]] = field(default_factory=list)
    open_trials: dict[tuple[int, int], int] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    prefix: int = 0
    begun: int = 0

    def __post_init__(self) -> None:
        place = 0
        sizes = [[rung.size for rung in rungs] for rungs in self.order.plan]
        for rung_sizes in [*sizes, [self.order.final_networks]]:
            self.rungs.append(rung_sizes)
            self.places.append([])
            for size in rung_sizes:
                self.places[-1].append(place)
                place += size

    def begin_brackets(self) -> None:
        """Make the brackets ready, and the finals, for which enough others have ended."""
        brackets = len(self.order.plan)
        while self.begun <= brackets:
            finals = self.begun == brackets
            needed = brackets if finals else self.order.count_awaited(self.begun)
            if self.prefix < needed:
                return
            self.begin_rung(self.begun, 0)
            self.begun += 1

    def begin_rung(self, bracket: int, rung: int) -> None:
        """Make the trials of a rung ready."""
        size, place = self.rungs[bracket][rung], self.places[bracket][rung]
        self.open_trials[bracket, rung] = size
        for slot in range(size):
            heapq.heappush(self.waiting, (bracket, rung, slot, place + slot))

    def end_trial(self, bracket: int, rung: int) -> None:
        """Note that a trial has ended, and begin what only waited for it."""
        self.open_trials[bracket, rung] -= 1
        if self.open_trials[bracket, rung]:
            return
        if rung + 1 < len(self.rungs[bracket]):
            self.begin_rung(bracket, rung + 1)
            return
        self.done.add(bracket)
        while self.prefix in self.done:
            self.prefix += 1
        self.begin_brackets()


def simulate_jobs(order: Order, durations: Sequence[float], workers: int | None) -> Timeline:
    """Return when a search ends.

    Args:
        order: what waits for what.
        durations: seconds of each training, in the order of the plan, then of the finals.
        workers: trainings at a time; None for no limit.
    """
    state = _State(order, durations)
    state.begin_brackets()
    running: list[tuple[float, int, int]] = []
    ends = [0.0] * len(durations)
    ready, counted, now = [], 0, 0.0
    free: float = math.inf if workers is None else workers
    began = 0
    while state.waiting or running:
        new = len(state.waiting) + began - counted
        if new:
            ready.append(new)
            counted += new
        while state.waiting and free:
            bracket, rung, _, place = heapq.heappop(state.waiting)
            ends[place] = now + durations[place]
            heapq.heappush(running, (ends[place], bracket, rung))
            free, began = free - 1, began + 1
        now = running[0][0]
        while running and running[0][0] == now:
            _, bracket, rung = heapq.heappop(running)
            free += 1
            state.end_trial(bracket, rung)
    return Timeline(now, tuple(ready), tuple(ends))


def list_trainings(plan: Plan, *, continues: bool) -> Iterator[tuple[int, int, int]]:
    """Yield bracket, slot and the epochs it trains of each training, in the order of the plan."""
    for bracket, rungs in enumerate(plan):
        trained = 0
        for rung in rungs:
            for slot in range(rung.size):
                yield bracket, slot, rung.budget - trained
            trained = rung.budget if continues else 0
