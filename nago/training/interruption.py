"""Signals: a training that is told to end does so after a step, once it has saved its state."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)
REPEATED = 2.0
"""Seconds within which a signal is the same one again: a launcher passes on what its whole group
of processes was sent."""


class InterruptedTraining(SystemExit):
    """A signal told the training to end; it has saved its state. The exit code is a shell's."""


class Interruption:
    """Whether a signal came, and which."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self.since = 0.0

    def __bool__(self) -> bool:
        return self.signal is not None


@contextlib.contextmanager
def listen() -> Iterator[Interruption]:
    """Note a signal instead of ending at once, within the context; a later one ends at once.

    Only the main thread of a process gets signals; elsewhere nothing is changed.
    """
    noted = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    # A signal that is ignored, as SIGINT is in a job in the background, stays so.
    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.getsignal(number) for number in heard}

    def note(number: int, _: FrameType | None) -> None:
        if noted.signal is None:
            noted.signal, noted.since = signal.Signals(number), time.monotonic()
        elif time.monotonic() - noted.since > REPEATED:
            signal.signal(number, before[signal.Signals(number)])
            signal.raise_signal(number)

    for number in heard:
        signal.signal(number, note)
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
