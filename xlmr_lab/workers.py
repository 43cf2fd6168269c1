"""Processes of this machine that share the work: one thread each, none is left behind.

They are spawned, never forked: libraries with threads of their own do not survive a fork. A worker
ends itself when its parent is gone; only the parent heeds an interrupt from the keyboard, and ends
the workers before it passes it on.
"""

import concurrent.futures
import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from xlmr_lab import progress
from xlmr_lab.environment_variables import held
from xlmr_lab.errors import ResumableError

KILLED = (
    "a worker process was killed, for want of memory as a rule; lower `jobs` and run the same "
    "command again, it goes on"
)

ONE_THREAD = {"POLARS_MAX_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
"""Environment of workers: libraries that would take all cores."""


@contextlib.contextmanager
def pool(
    jobs: int, start: Callable[..., object] | None = None, *arguments: Any
) -> Iterator[concurrent.futures.ProcessPoolExecutor]:
    """Yield a pool of at most `jobs` processes, each of which first calls `start(*arguments)`.

    Work that is not begun when the block ends is not done.

    Raises:
        ResumableError: a worker was killed.
    """
    context = multiprocessing.get_context("spawn")
    others = multiprocessing.active_children()
    with held(ONE_THREAD):
        executor = concurrent.futures.ProcessPoolExecutor(
            jobs, mp_context=context, initializer=_begin, initargs=(os.getpid(), start, arguments)
        )
        try:
            yield executor
        except BrokenProcessPool:
            raise ResumableError(KILLED) from None
        except BaseException:
            for worker in multiprocessing.active_children():
                if worker not in others:
                    worker.terminate()
            raise
        finally:
            executor.shutdown(cancel_futures=True)


def begin(parent: int) -> None:
    """Begin as a worker: it leaves an interrupt from the keyboard to its parent, ends when that is
    gone, and writes its warnings clear of the parent's bar.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    progress.start_log(logging.WARNING)
    watch_parent(parent)


def watch_parent(parent: int) -> None:
    """End this process when its parent is gone, killed or not."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _begin(parent: int, start: Callable[..., object] | None, arguments: tuple[Any, ...]) -> None:
    begin(parent)
    if start is not None:
        start(*arguments)
