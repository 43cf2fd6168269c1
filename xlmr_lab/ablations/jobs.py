"""Independent jobs on one machine: processes with one thread each, one progress bar for all, a
failure stops nothing else.

Small models run faster as two processes of one thread than as one of two, and a job's result does
not depend on how many run beside it. Jobs are resumable by themselves; this module only starts
them, counts their progress, and tells what failed. A worker whose parent is gone ends itself.
"""

import concurrent.futures
import dataclasses
import logging
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from tqdm import tqdm

from xlmr_lab import progress
from xlmr_lab.errors import UserError
from xlmr_lab.workers import KILLED, begin

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A call in a process of its own."""

    name: str
    """What a message calls it."""
    function: Callable[..., Any]
    """A function of a module (not a closure), so that a new process can find it."""
    arguments: dict[str, Any]
    """Its keyword arguments."""
    units: int
    """Size of the work, in the unit of the bar."""
    done: Callable[[], int]
    """Units done so far, read by the parent while the job runs."""


def run(jobs: Sequence[Job], *, workers: int, label: str, unit: str = "step") -> None:
    """Run the jobs, `workers` at a time, and return when all have ended.

    Raises:
        UserError: some jobs failed; the message has the first line of each failure.
    """
    if not jobs:
        return
    total = sum(job.units for job in jobs)
    context = multiprocessing.get_context("spawn")
    failures: dict[str, BaseException] = {}
    with (
        progress.bar(total, label, unit=unit) as bar,
        concurrent.futures.ProcessPoolExecutor(
            workers, mp_context=context, initializer=_start_worker, initargs=(os.getpid(),)
        ) as pool,
    ):
        try:
            _work_through(pool, jobs, workers, failures, bar)
        except KeyboardInterrupt:
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise
    if failures:
        _raise(failures, len(jobs))


def _work_through(
    pool: concurrent.futures.Executor,
    jobs: Sequence[Job],
    workers: int,
    failures: dict[str, BaseException],
    bar: "tqdm[None]",
) -> None:
    """Hand out no more jobs than can run (a queued one never comes back), and note failures."""
    running: dict[concurrent.futures.Future[Any], Job] = {}
    waiting = list(reversed(jobs))
    while running or waiting:
        while waiting and len(running) < workers:
            job = waiting.pop()
            running[pool.submit(job.function, **job.arguments)] = job
        ended, _ = concurrent.futures.wait(
            running, POLL_SECONDS, concurrent.futures.FIRST_COMPLETED
        )
        for future in ended:
            job, error = running.pop(future), future.exception()
            if isinstance(error, KeyboardInterrupt):
                raise error
            if isinstance(error, BrokenProcessPool):
                raise UserError(KILLED)
            if error is not None:
                failures[job.name] = error
                logger.warning("%s failed: %s", job.name, error)
        bar.update(sum(min(job.units, job.done()) for job in jobs) - bar.n)


def _raise(failures: dict[str, BaseException], num_jobs: int) -> None:
    """Raise one error for all failures; a bug keeps its traceback."""
    unexpected = [e for e in failures.values() if not isinstance(e, UserError | OSError)]
    if unexpected:
        raise unexpected[0]
    told = "; ".join(f"{name}: {error}" for name, error in failures.items())
    raise UserError(f"{len(failures)} of {num_jobs} jobs failed: {told}")


def _start_worker(parent: int) -> None:
    """Give the worker one thread, and end it if its parent is killed; that ends it too on an
    interrupt from the keyboard, so that it is told once."""
    import torch

    torch.set_num_threads(1)
    begin(parent)
