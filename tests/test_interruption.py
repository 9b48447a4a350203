"""Signals: noted and acted on after the step, and where nothing is to be noted left alone."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from nago.training import interruption
from nago.training.interruption import listen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_noted_and_does_not_end_the_process(number):
    before = signal.getsignal(number)
    with listen() as noted:
        assert not noted
        signal.raise_signal(number)
        assert noted
        assert noted.signal == number
    assert signal.getsignal(number) is before


def test_the_same_signal_from_a_launcher_is_one_and_a_later_one_ends_at_once(monkeypatch):
    with listen() as noted:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert noted
        monkeypatch.setattr(interruption, "REPEATED", -1.0)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_second_sigterm_kills(tmp_path):
    code = (
        "import signal; from nago.training import interruption as i; i.REPEATED = -1.0\n"
        "with i.listen():\n"
        "    signal.raise_signal(signal.SIGTERM); print('noted', flush=True)\n"
        "    signal.raise_signal(signal.SIGTERM); print('alive', flush=True)"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "noted\n")


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with listen() as noted:
            signal.raise_signal(signal.SIGINT)
            assert not noted
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_outside_of_the_main_thread_nothing_is_changed():
    seen = []

    def work():
        with listen() as noted:
            seen.append((signal.getsignal(signal.SIGTERM), bool(noted)))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(before, False)]
