"""Where the work on a corpus runs: in processes of this machine, or on a Ray cluster.

A call is a function of a module and plain arguments; it leaves its result in files, under a name
that depends on nothing but the call, so every executor gives the same bytes and a second run finds
what is done. On a cluster the folders must be on a disk that all machines share. Local processes
have one thread each: they share no state, and the machine is full without more.
"""

import concurrent.futures
import logging
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from xlmr_lab import progress, workers
from xlmr_lab.errors import UserError

if TYPE_CHECKING:
    from tqdm import tqdm

Executor = Literal["local", "ray"]

RAY_TRIES = 3
"""How often a cluster on this machine is started before that is an error."""

RAY_HERE = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_agent_register_timeout_ms": "180000",
    "RAY_raylet_start_wait_time_s": "180",
}
"""What a cluster on this machine is started with: the loopback address, and more patience than its
defaults have on a busy machine."""


class Call(NamedTuple):
    """A piece of work."""

    function: Callable[..., object]
    """A function of a module, so that another process finds it."""
    arguments: dict[str, Any]
    """Its keyword arguments."""
    size: int = 1
    """How much of the bar it is."""


Failed = Callable[[Call, Exception], None]
"""Is told of a call and of the error that a user sees."""


def run(
    calls: Sequence[Call],
    *,
    label: str,
    unit: str = "B",
    jobs: int = 1,
    executor: Executor,
    failed: Failed | None = None,
    gpus: float = 0.0,
) -> None:
    """Make all calls, `jobs` at a time (Ray: as many as the cluster has room for); the first
    failure stops the rest, unless `failed` is told of it. `gpus` is the share of a GPU that a call
    takes of a cluster that has some.

    Raises:
        ResumableError: a worker was killed.
        UserError: Ray is not installed or does not start, or what a call raises.
    """
    if not calls:
        return
    with progress.bar(sum(call.size for call in calls), label, unit=unit) as bar:
        if executor == "ray":
            _run_on_ray(calls, bar, failed, gpus)
        elif jobs == 1 or len(calls) == 1:
            for call in calls:
                _end(call, _call(call.function, call.arguments), failed)
                bar.update(call.size)
        else:
            _run_in_processes(calls, bar, min(jobs, len(calls)), failed)


def _run_in_processes(
    calls: Sequence[Call], bar: "tqdm[None]", jobs: int, failed: Failed | None
) -> None:
    with workers.pool(jobs) as pool:
        running = {pool.submit(_call, call.function, call.arguments): call for call in calls}
        for future in concurrent.futures.as_completed(running):
            _end(running[future], future.result(), failed)
            bar.update(running[future].size)


def _run_on_ray(
    calls: Sequence[Call], bar: "tqdm[None]", failed: Failed | None, gpus: float
) -> None:
    """Run on the cluster that RAY_ADDRESS names, or on one that is started on this machine and ends
    with this process.
    """
    join_cluster()
    import ray

    share = gpus if ray.cluster_resources().get("GPU") else 0
    remote = ray.remote(num_cpus=1, num_gpus=share, max_retries=3)(_call)
    waiting = {remote.remote(call.function, call.arguments): call for call in calls}
    try:
        while waiting:
            ended, _ = ray.wait(list(waiting), num_returns=1)
            for reference in ended:
                call = waiting.pop(reference)
                _end(call, _outcome(reference), failed)
                bar.update(call.size)
    finally:
        for reference in waiting:
            ray.cancel(reference, force=True)
        if waiting:
            ray.wait(list(waiting), num_returns=len(waiting))


def _outcome(reference: Any) -> Exception | None:
    """Return what went wrong with a call on a cluster: what users see, a bug, or a lost machine."""
    import ray

    try:
        error: Exception | None = ray.get(reference)
    except ray.exceptions.RayError as lost:
        return lost
    return error


def join_cluster() -> None:
    """Connect to the cluster that RAY_ADDRESS names, or start one on this machine, which listens on
    the loopback address only; once in a process.

    Raises:
        UserError: Ray is not installed, or there is no cluster.
    """
    address = os.environ.get("RAY_ADDRESS")
    if not address:
        os.environ.update(RAY_HERE)  # before the import
    try:
        import ray
    except ImportError:
        raise UserError("executor=ray needs Ray; install it: pip install 'xlmr-lab[ray]'") from None
    if ray.is_initialized():
        return
    here: dict[str, Any] = {} if address else {"address": "local", "include_dashboard": False}
    for left in reversed(range(1 if address else RAY_TRIES)):
        try:
            ray.init(log_to_driver=False, logging_level=logging.ERROR, **here)
        except Exception as error:  # noqa: BLE001 - Ray raises nothing finer for a slow start
            if not left:
                where = f"at {address}" if address else "on this machine"
                raise UserError(f"no Ray cluster {where}: {error}") from None
            ray.shutdown()
        else:
            return


def _end(call: Call, error: Exception | None, failed: Failed | None) -> None:
    """Raise what a call raised, or tell of it."""
    if error is not None:
        if failed is None:
            raise error
        failed(call, error)


def _call(function: Callable[..., object], arguments: dict[str, Any]) -> Exception | None:
    """Make a call and return what it raises of the errors that users see; Ray would wrap them."""
    try:
        function(**arguments)
    except (UserError, OSError) as error:
        return error
    return None
