"""Checkpoints written while training goes on.

Saving copies weights and moments into host memory, which training waits for, and leaves the rest to
a thread: writing, checksums, flushing, renaming, removal of old checkpoints. One checkpoint is in
flight at most; the next one waits for it, so the copies are one set of buffers that is used again
and again, `BYTES_PER_PARAMETER` of host memory in all. Of several processes the first writes, and
the others wait for it where it waits for the disk: in the group that has no timeout of its own, not
in the next step's, and not by leaving, upon which torchrun would end the first one too.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import checkpoint
from xlmr_lab.pretrain.distributed import ALONE, Processes, whole

BYTES_PER_PARAMETER = 12
"""Of a checkpoint, on the disk and as a copy in memory: the weight and two moments in 32 bits."""
CPU = torch.device("cpu")


class CheckpointWriter:
    """Writes checkpoints into a folder from a thread of its own; leaving it waits for the last one.

    What goes wrong in the thread is raised by the next `check`, `save` or `wait`, or on leaving.
    """

    def __init__(
        self,
        folder: Path,
        *,
        keep: int,
        keep_best: bool = False,
        before: Callable[[], None] = lambda: None,
        device: torch.device = CPU,
        processes: Processes = ALONE,
    ) -> None:
        """Keep the last `keep` checkpoints, and the best if so wanted; `before` each one is written
        something else may have to be on the disk. What is saved is on `device`."""
        self.folder = folder
        self._device = device
        self._processes = processes
        self._keep, self._keep_best, self._before = keep, keep_best, before
        self._thread = ThreadPoolExecutor(1, "checkpoint")
        self._pending: Future[None] | None = None
        self._copies: dict[str, dict[str, Tensor]] = {}

    def __enter__(self) -> "CheckpointWriter":
        return self

    def __exit__(self, error_type: type[BaseException] | None, *error: object) -> None:
        self._thread.shutdown(wait=True)
        if error_type is None:
            self.check()

    def save(self, content: checkpoint.Tensors, *, step: int, state: Mapping[str, Any]) -> None:
        """Copy what the checkpoint of a step holds and have it written; both may change after. All
        processes save together."""
        self.wait()
        self._copy(content)
        if self._processes.first:
            self._pending = self._thread.submit(self._write, step, dict(state))

    def check(self) -> None:
        """Raise what the thread met, if it is done with the last checkpoint.

        Raises:
            UserError: the disk is full or the folder cannot be written.
        """
        if self._pending is not None and self._pending.done():
            self._settle()

    def wait(self) -> None:
        """Wait until the last checkpoint is written, in all processes together; raises what `check`
        does, and ConsequenceError where another process has met it."""
        self._settle()
        self._processes.wait()

    def last_good(self) -> str:
        """Return the path of the newest whole checkpoint, the one in flight included, and what has
        kept that one from being written, in words for an error that is told already."""
        failed = ""
        try:
            self._settle()
        except UserError as error:
            failed = f", and {error}"
        self._processes.wait()
        try:
            found = checkpoint.newest(self.folder)
        except UserError as error:
            return f"none, {error}"
        return f"{found[0] if found else 'none'}{failed}"

    def _settle(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def _copy(self, content: checkpoint.Tensors) -> None:
        for name, part in content.items():
            copies = self._copies.setdefault(name, {})
            for key, held in part.items():
                tensor = whole(held)
                if not self._processes.first:
                    continue
                if key not in copies:
                    copies[key] = _host_buffer(tensor)
                copies[key].copy_(tensor, non_blocking=True)
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def _write(self, step: int, state: Mapping[str, Any]) -> None:
        self._before()
        checkpoint.write(self.folder, self._copies, step=step, state=state)
        checkpoint.remove_old(self.folder, step, keep=self._keep, keep_best=self._keep_best)


def _host_buffer(like: Tensor) -> Tensor:
    """Return an uninitialised tensor in host memory; pages that a GPU can write to are locked."""
    return torch.empty_like(like, device="cpu", pin_memory=like.is_cuda)
