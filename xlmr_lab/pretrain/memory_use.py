"""What a run takes of its device's memory, beside what was planned (see memory_plan.py).

It is counted from before the model is built, with what an earlier run in the same process has freed
given back, so that it is the run's own. On a CPU it is what the process has grown by, pages of the
token shards that were read included; on a GPU what torch has taken there, which is more than its
tensors fill. It ends as `memory.json` of the run's folder.
"""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import torch

from xlmr_lab import machine_memory, storage
from xlmr_lab.pretrain.memory import give_back_freed_memory
from xlmr_lab.pretrain.telemetry import peak_memory

NAME = "memory.json"
CLEAR = Path("/proc/self/clear_refs")
"""Where Linux is told to begin with a process's peak anew."""
CLEAR_PEAK = "5"
"""What it is told."""

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def counted(folder: Path, device: torch.device, planned: int, *, writes: bool) -> Iterator[None]:
    """Write and tell at the end what was taken at the peak, and of how many bytes that were
    planned. Of several processes one `writes`, of its own memory."""
    before = begin(device)
    yield
    if writes:
        record = {"planned_bytes": planned, "taken_bytes": peak_memory(device) - before}
        storage.write_json(folder / NAME, record | {"bytes_before": before})
        logger.info("%s", told(record))


def begin(device: torch.device) -> int:
    """Forget the peak until now, give back what is free, and return the bytes that are still taken;
    elsewhere than on Linux, where a process's peak stays, that peak."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    else:
        give_back_freed_memory()
        with contextlib.suppress(OSError):  # there is no such file, or none that may be written
            CLEAR.write_text(CLEAR_PEAK)
    return peak_memory(device)


def told(record: dict[str, int]) -> str:
    """Say what was taken, and what share that is of what was planned.

    >>> told({"planned_bytes": 2_000_000_000, "taken_bytes": 1_500_000_000})
    'took 1.5 GB of memory at its peak, 0.75 of the 2.0 GB planned'
    """
    taken, planned = (machine_memory.told(record[f"{n}_bytes"]) for n in ("taken", "planned"))
    share = record["taken_bytes"] / record["planned_bytes"]
    return f"took {taken} of memory at its peak, {share:.2f} of the {planned} planned"
