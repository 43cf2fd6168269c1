"""Signals become a flag, and handlers are put back."""

import os
import signal
import threading

import pytest

from xlmr_lab.errors import Terminated
from xlmr_lab.pretrain.interrupts import SIGNALS, Interrupts


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_noted_and_a_later_one_interrupts(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
):
    clock = iter([0.0, 1.0, 8.0, 9.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    seen = []

    def work() -> None:
        with Interrupts() as interrupts:
            seen.append(interrupts.received)
            os.kill(os.getpid(), number)
            seen.append(interrupts.received)
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
            seen.append("the same once more, as a parent ends its workers")
            os.kill(os.getpid(), signal.SIGINT)
            seen.append("after the later one")

    with pytest.raises(KeyboardInterrupt) as stopped:
        work()
    assert seen == [False, True, "the same once more, as a parent ends its workers"]
    assert (stopped.type is Terminated) == (number == signal.SIGTERM)


def test_a_signal_in_the_last_moment_is_not_lost():
    done = []

    def work() -> None:
        with Interrupts():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("the work went on")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done


def test_handlers_are_put_back():
    before = [signal.getsignal(number) for number in SIGNALS]
    with Interrupts():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_another_thread_catches_nothing():
    seen = []

    def work() -> None:
        with Interrupts() as interrupts:
            seen.append(interrupts.received)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
