"""Pools of processes: one thread each, and nothing of the parent is changed or ended by them.

Run with: pytest tests/test_workers.py
"""

import multiprocessing
import os
import signal
import time

import pytest

from xlmr_lab import workers
from xlmr_lab.errors import ResumableError, UserError

pytestmark = pytest.mark.slow

_told: list[str] = []


def tell(word: str) -> None:
    """Note a word in this process."""
    _told.append(word)


def told() -> list[str]:
    return _told


def environment() -> dict[str, str]:
    return {name: os.environ[name] for name in workers.ONE_THREAD}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def stop_amid_work() -> None:
    with workers.pool(2) as pool:
        for _ in range(3):
            pool.submit(time.sleep, 60)
        raise UserError("enough")


def test_each_process_begins_with_the_given_call() -> None:
    with workers.pool(1, tell, "hello") as pool:
        assert pool.submit(told).result() == ["hello"]
    assert told() == []


def test_processes_have_one_thread_each_and_leave_the_environment_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POLARS_MAX_THREADS", "7")
    monkeypatch.delenv("TOKENIZERS_PARALLELISM", raising=False)
    with workers.pool(1) as pool:
        assert pool.submit(environment).result() == workers.ONE_THREAD
    assert os.environ["POLARS_MAX_THREADS"] == "7"
    assert "TOKENIZERS_PARALLELISM" not in os.environ


def test_a_killed_process_is_one_clear_line() -> None:
    with pytest.raises(ResumableError, match="lower `jobs`"), workers.pool(1) as pool:
        pool.submit(die).result()


def test_an_error_ends_the_processes_of_the_pool_and_no_others() -> None:
    other = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    other.start()
    try:
        began = time.monotonic()
        with pytest.raises(UserError, match="enough"):
            stop_amid_work()
        assert time.monotonic() - began < 30
        assert multiprocessing.active_children() == [other]
    finally:
        other.terminate()
        other.join()
