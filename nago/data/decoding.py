"""Decoding: images read by several threads, handed on in order, few in memory at a time.

Threads, because Pillow lets others run while it decodes and resizes, and processes would have to
copy every image.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
TOGETHER = 16
"""Images that a thread reads at a time."""


def read_in_order(read: Callable[[int], T], places: Sequence[int], workers: int) -> Iterator[T]:
    """Yield `read(place)` for all places in their order.

    At most 2 * TOGETHER images per worker, and one more, wait to be taken.
    """
    if workers == 1:
        yield from map(read, places)
        return
    starts = iter(range(0, len(places), TOGETHER))

    def read_some(start: int) -> list[T]:
        return [read(place) for place in places[start : start + TOGETHER]]

    waiting: deque[Future[list[T]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for start in starts:
                waiting.append(pool.submit(read_some, start))
                if len(waiting) == 2 * workers:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
