"""Several processes that take a run's steps together, as torchrun starts them.

Batches, masks and schedules do not know of processes: each one draws the same batch of the whole
run and takes its slice. What they add up are gradients (once for a step, after the last part of the
batch) and the loss. "ddp" keeps the whole model in each process; "fsdp" (FSDP2) divides weights,
gradients and moments among them, layer by layer, and all-gathers in 32 bits. The first process
writes, logs and shows a bar; a signal to any of them stops all after the same step. With as many
sequences at once (`pretrain.micro_sequences`) another number of processes drops the same elements,
so the numbers are the same up to rounding. Tried with gloo on CPUs; nccl on GPUs takes the same
path and could not be tried where this was written.
"""

import atexit
import contextlib
import datetime
import functools
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from xlmr_lab.errors import ConsequenceError, UserError

Parallel = Literal["ddp", "fsdp"]
Value = TypeVar("Value")

SET_BY_TORCHRUN = ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
"""What each process needs besides WORLD_SIZE."""
LONGEST_WAIT = datetime.timedelta(days=7)
"""How long processes wait for the first one to prepare a run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Processes:
    """The processes of a run, seen from one of them."""

    rank: int = 0
    """The place of this one."""
    size: int = 1
    """How many there are."""
    local_size: int = 1
    """How many there are on this machine."""
    control: Any = None
    """The group through which they agree without their GPUs."""

    @property
    def first(self) -> bool:
        """Whether this one writes."""
        return self.rank == 0

    def part(self, count: int) -> slice:
        """Return which of `count` things, a multiple of the processes, are this one's.

        >>> Processes(rank=1, size=4).part(8)
        slice(2, 4, None)
        """
        share = count // self.size
        return slice(self.rank * share, (self.rank + 1) * share)

    def sum(self, value: Tensor) -> Tensor:
        """Return the sum of every process's value."""
        if self.size > 1:
            dist.all_reduce(value)
        return value

    def any(self, flag: bool) -> bool:
        """Tell whether the flag of some process is set.

        Raises:
            ConsequenceError: one of them is gone.
        """
        if self.size == 1:
            return flag
        agreed = torch.tensor(int(flag))
        with together():
            dist.all_reduce(agreed, dist.ReduceOp.MAX, group=self.control)
        return bool(agreed)

    def wait(self) -> None:
        """Wait until all are here."""
        self.any(False)

    def same(self, value: Value) -> Value:
        """Return the first process's value in all of them.

        Raises:
            ConsequenceError: one of them is gone.
        """
        if self.size == 1:
            return value
        held = [value]
        with together():
            dist.broadcast_object_list(held, src=0, group=self.control)
        return held[0]

    def each(self, value: Value) -> list[Value]:
        """Return every process's value in all of them, by rank.

        Raises:
            ConsequenceError: one of them is gone.
        """
        if self.size == 1:
            return [value]
        values = [value] * self.size
        with together():
            dist.all_gather_object(values, value, group=self.control)
        return values


ALONE = Processes()


def started_with() -> int:
    """Return how many processes torchrun has started, 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Tell whether this is the process that writes."""
    return os.environ.get("RANK", "0") == "0"


def require_torchrun() -> None:
    """Refuse an environment that says that there are other processes, but not where.

    Raises:
        UserError: names what is missing.
    """
    missing = [name for name in SET_BY_TORCHRUN if name not in os.environ]
    if started_with() > 1 and missing:
        raise UserError(
            f"WORLD_SIZE is {started_with()} without {', '.join(missing)}, which torchrun sets; "
            "start the processes with torchrun, or unset WORLD_SIZE for one alone"
        )


def require_even(sequences: int) -> None:
    """Refuse a batch that does not divide among the processes.

    Raises:
        UserError: so it is.
    """
    if sequences % started_with():
        raise UserError(
            f"batches.batch_sequences must be a multiple of the {started_with()} processes that "
            f"share a batch, got {sequences}; change it or torchrun's --nproc-per-node"
        )


def chosen_device(name: str) -> torch.device:
    """Return the device of this process: "auto" is a GPU if there is one, and of several processes
    on a machine each has a GPU of its own.

    Raises:
        UserError: a device that is not there, or that is neither cpu nor cuda; half an environment
            of torchrun.
    """
    require_torchrun()
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UserError(f"device must be auto, cpu or cuda, got {name!r}") from None
    if device.type not in ("cpu", "cuda"):
        raise UserError(f"device must be auto, cpu or cuda, got {name!r}")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError(f"device is {name!r}, but torch finds no CUDA device here; use cpu")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        last = torch.cuda.device_count() - 1
        raise UserError(f"device is {name!r}, the last one that torch finds here is cuda:{last}")
    if device.type == "cuda" and started_with() > 1:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return device


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """Work with the processes that torchrun started, all but the first silent unless something goes
    wrong; without torchrun, alone. What names no GPU meanwhile, as seeds, means `device`.

    Raises:
        ConsequenceError: one of them is gone.
    """
    on_gpu = device.type == "cuda"
    with torch.cuda.device(device) if on_gpu else contextlib.nullcontext():
        if started_with() == 1:
            yield ALONE
        else:
            with _together_with_others(device) as processes:
                yield processes


@contextlib.contextmanager
def _together_with_others(device: torch.device) -> Iterator[Processes]:
    control = _join("nccl" if device.type == "cuda" else "gloo", device)
    rank, level = dist.get_rank(), logging.root.manager.disable
    logging.disable(logging.WARNING if rank else level)
    try:
        with together():
            yield Processes(
                rank=rank,
                size=dist.get_world_size(),
                local_size=int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
                control=control,
            )
    finally:
        logging.disable(level)


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Say so where what processes do together fails because one is gone: gloo says it in a plain
    RuntimeError, nccl in one of its own."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or "gloo" in str(error):
            raise ConsequenceError(f"another process of the run has ended ({error})") from None
        raise


@functools.cache
def _join(backend: str, device: torch.device) -> Any:
    """Connect to the other processes, once for the life of this one (gloo cannot do it again), and
    return the group through which they agree."""
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group(backend)
    atexit.register(dist.destroy_process_group)
    return dist.new_group(backend="gloo", timeout=LONGEST_WAIT)


def shared(
    objective: nn.Module, layers: nn.ModuleList, parallel: Parallel, processes: Processes
) -> nn.Module:
    """Return the objective as the processes train it together; `layers` are divided one by one."""
    if processes.size == 1:
        return objective
    if parallel == "ddp":
        return DistributedDataParallel(objective, gradient_as_bucket_view=True)
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard  # takes a second to import

    device = next(objective.parameters()).device
    mesh = init_device_mesh(device.type, (processes.size,))
    for layer in layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(objective, mesh=mesh)
    return objective


@contextlib.contextmanager
def reducing(objective: nn.Module, now: bool) -> Iterator[None]:
    """While it is entered, a backward pass adds gradients up over the processes only if `now`."""
    if isinstance(objective, DistributedDataParallel):
        with contextlib.nullcontext() if now else objective.no_sync():
            yield
        return
    of_fsdp = getattr(objective, "set_requires_gradient_sync", None)
    if callable(of_fsdp):
        of_fsdp(now)
    yield


def divide_again(objective: nn.Module) -> None:
    """Divide what a forward pass without a backward pass has left whole."""
    reshard = getattr(objective, "reshard", None)
    if callable(reshard):
        reshard()


def whole(tensor: Tensor) -> Tensor:
    """Return a tensor that may be divided among the processes as one; all must ask for it."""
    gather = getattr(tensor, "full_tensor", None)
    return tensor if gather is None else gather()


def divided_as(tensor: Tensor, like: Tensor) -> Tensor:
    """Return a whole tensor divided as `like` is, if it is; all must ask."""
    mesh = getattr(like, "device_mesh", None)
    if mesh is None:
        return tensor
    from torch.distributed.tensor import DTensor, distribute_tensor

    assert isinstance(like, DTensor)
    return distribute_tensor(tensor.to(like.device), mesh, like.placements)
