"""Independent jobs on one machine: processes with one thread each, one progress bar for all, a
failure stops nothing else.

Small models run faster as two processes of one thread than as one of two, and a job's result does
not depend on how many run beside it. Jobs are resumable by themselves; this module only starts
them, counts their progress, and tells what failed. Where a worker is killed, for want of memory as
a rule, what was at work then is done again in the end, one after the other. A worker whose parent
is gone ends itself.
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
    noted: str = ""
    """What `note` is of."""
    note: Callable[[], str] = str
    """A number that the bar tells of it while it runs; empty: none yet."""


def run(jobs: Sequence[Job], *, workers: int, label: str, unit: str = "step") -> None:
    """Run the jobs, `workers` at a time, and return when all have ended.

    Raises:
        UserError: some jobs failed; the message has what the log has not told yet.
    """
    if not jobs:
        return
    with progress.bar(sum(job.units for job in jobs), label, unit=unit) as bar:
        work = _Work(jobs, bar)
        waiting, again = list(jobs), list[Job]()
        while waiting:
            waiting = work.through(waiting, workers, again)
        if again:
            names = ", ".join(job.name for job in again)
            logger.warning("a worker process was killed; one by one now: %s", names)
        while again:
            again = work.through(again, 1, killed=[])
    if work.failures:
        _raise(work.failures, work.told, len(jobs))


class _Work:
    """Jobs on their way: how far each is, what failed, and which failures the log has told."""

    def __init__(self, jobs: Sequence[Job], bar: "tqdm[None]") -> None:
        self.bar = bar
        self.failures: dict[str, BaseException] = {}
        self.told: set[str] = set()
        self._units = {id(job): min(job.units, job.done()) for job in jobs}

    def through(self, jobs: Sequence[Job], workers: int, killed: list[Job]) -> list[Job]:
        """Do jobs and return those that are left because a worker was killed: not what was at work
        then, which goes to `killed`, or where one is at work at a time has failed.
        """
        context = multiprocessing.get_context("spawn")
        waiting = list(reversed(jobs))
        running: dict[concurrent.futures.Future[Any], Job] = {}
        with concurrent.futures.ProcessPoolExecutor(
            workers, mp_context=context, initializer=_start_worker, initargs=(os.getpid(),)
        ) as pool:
            try:
                self._hand_out(pool, waiting, running, workers)
            except BrokenProcessPool:
                if workers == 1 and running:
                    self._fail(running.popitem()[1], UserError(KILLED), is_last=not waiting)
                killed += running.values()
            except KeyboardInterrupt:
                for worker in multiprocessing.active_children():
                    worker.terminate()
                raise
        return waiting[::-1]

    def _hand_out(
        self,
        pool: concurrent.futures.Executor,
        waiting: list[Job],
        running: dict[concurrent.futures.Future[Any], Job],
        workers: int,
    ) -> None:
        """Hand out no more jobs than can run (a queued one never comes back), and note failures."""
        while running or waiting:
            while waiting and len(running) < workers:
                job = waiting[-1]
                running[pool.submit(_call, job.function, job.arguments)] = job
                waiting.pop()
            ended, _ = concurrent.futures.wait(
                running, POLL_SECONDS, concurrent.futures.FIRST_COMPLETED
            )
            for job in running.values():  # those that wait are where they were
                self._units[id(job)] = min(job.units, job.done())
            for future in ended:
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    raise error
                job = running.pop(future)
                if error is not None:
                    self._fail(job, error, is_last=not (running or waiting))
            self.bar.set_postfix_str(_noted(list(running.values())), refresh=False)
            self.bar.update(sum(self._units.values()) - self.bar.n)

    def _fail(self, job: Job, error: BaseException, *, is_last: bool) -> None:
        """Note a failure; one that is not the last is told in the log, the same words once."""
        self.failures[job.name] = error
        if not is_last and str(error) not in self.told:
            logger.warning("%s failed, others go on: %s", job.name, error)
            self.told.add(str(error))


def _call(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Do a job. A worker that was asked to stop ends: it would wait for work, and a pool one of
    whose workers is gone gives none and waits for it.
    """
    try:
        return function(**arguments)
    except KeyboardInterrupt:
        os._exit(1)


def _noted(running: Sequence[Job]) -> str:
    """Return what the running jobs, all of a kind, have to say."""
    notes = [note for job in running if (note := job.note())]
    return f"{running[0].noted} {', '.join(notes)}" if notes else ""


def _raise(failures: dict[str, BaseException], told: set[str], num_jobs: int) -> None:
    """Raise one error for all failures, each message once, those that are told not again; a bug
    keeps its traceback."""
    unexpected = [e for e in failures.values() if not isinstance(e, UserError | OSError)]
    if unexpected:
        raise unexpected[0]
    names: dict[str, list[str]] = {}
    for name, error in failures.items():
        names.setdefault(str(error), []).append(name)
    lines = [
        f"{', '.join(same)}: {'as told above' if message in told else message}"
        for message, same in names.items()
    ]
    raise UserError(f"{len(failures)} of {num_jobs} jobs failed: {'; '.join(lines)}")


def _start_worker(parent: int) -> None:
    """Give the worker one thread, and end it if its parent is killed; that ends it too on an
    interrupt from the keyboard, so that it is told once."""
    import torch

    torch.set_num_threads(1)
    begin(parent)
