"""What a run gets out of its machine: seconds, tokens a second, operations a second, memory.

The clock runs while a step does, not while held-out loss is measured or checkpoints are copied.
Operations are counted, not measured: the matrix products that the model needs for a token (see
model.operations), so with the head and the last layer at masked positions only, which is less than
half of what a head at all positions would claim, and of an adaptive softmax for the bands that the
targets of these steps were in. `mfu` is their rate as a share of the rate at which this device
multiplies two matrices in the run's precision, measured in a moment before the first step: no
number of a data sheet. Memory is the most that the process (on a GPU: torch) has taken since the
run was opened, with what it had before (see memory_use.py).
"""

import dataclasses
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from xlmr_lab.batches.masking import num_masked
from xlmr_lab.model import operations
from xlmr_lab.pretrain.precision import Computed
from xlmr_lab.pretrain.settings import PretrainRun

MATRIX_SIZE = {"cpu": 1024, "cuda": 8192}
"""Rows and columns of the matrices that are multiplied: a device is as fast as it gets."""
MATRIX_SECONDS = 0.1
"""How long they are, at least three times."""
STATUS = Path("/proc/self/status")
"""Where Linux tells the peak of this process alone; what it otherwise tells can be its parent's."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What a step is made of, and what the device could do."""

    step_tokens: int
    """Tokens of a batch."""
    token_operations: Callable[[Sequence[float]], float]
    """Operations for a token, given the share of the targets in each further band of an adaptive
    softmax."""
    matrix_rate: float
    """Operations a second of a matrix product."""
    device: torch.device
    """Where the model is."""


class StepClock:
    """Counts the seconds spent inside `with clock:`."""

    def __init__(self, seconds: float, *, step: int, work: Work) -> None:
        """Go on from `seconds` counted up to `step`."""
        self._seconds = seconds
        self._work = work
        self._started = 0.0
        self._recorded = (step, seconds)

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        self._seconds += time.perf_counter() - self._started

    def record(self, step: int, band_shares: Sequence[float] = ()) -> dict[str, float]:
        """Return the telemetry at `step`: seconds and the most memory so far, and the speed since
        the record before, where targets were in further bands by `band_shares`."""
        steps, seconds = step - self._recorded[0], self._seconds - self._recorded[1]
        self._recorded = (step, self._seconds)
        tokens_per_second = steps * self._work.step_tokens / seconds
        return {
            "step": step,
            "seconds": round(self._seconds, 3),
            "tokens_per_second": round(tokens_per_second, 1),
            **_rates(tokens_per_second, self._work, band_shares),
            "peak_memory_bytes": peak_memory(self._work.device),
        }


def token_operations(run: PretrainRun, vocab_size: int, band_shares: Sequence[float] = ()) -> float:
    """Return the operations for a token of a run (see `operations.count`)."""
    block_tokens = run.batches.block_tokens
    return operations.count(
        vocab_size,
        num_layers=run.model.num_layers,
        hidden_size=run.model.hidden_size,
        ffn_size=run.model.ffn_size,
        block_tokens=block_tokens,
        masked_share=num_masked(block_tokens, run.batches.mask_fraction) / block_tokens,
        adaptive_cutoffs=run.model.adaptive_cutoffs,
        band_shares=band_shares,
    ).total


def matrix_rate(device: torch.device, precision: Computed) -> float:
    """Return how many operations a second a product of two random matrices makes at best."""
    size = MATRIX_SIZE[device.type]
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    random = torch.Generator(device).manual_seed(0)
    one, other = (
        torch.randn(size, size, generator=random, device=device).to(dtype) for _ in range(2)
    )
    product = torch.empty_like(one)
    taken: list[float] = []
    while len(taken) < 3 or sum(taken) < MATRIX_SECONDS:
        _synchronize(device)
        started = time.perf_counter()
        torch.mm(one, other, out=product)
        _synchronize(device)
        taken.append(time.perf_counter() - started)
    return 2 * size**3 / min(taken)


def peak_memory(device: torch.device) -> int:
    """Return the most bytes that torch has taken of a GPU, for its tensors and to keep, elsewhere
    that the process has."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    if STATUS.exists():
        lines = STATUS.read_text().splitlines()
        (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
        return int(peak) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _rates(tokens_per_second: float, work: Work, band_shares: Sequence[float]) -> dict[str, float]:
    rate = tokens_per_second * work.token_operations(band_shares)
    return {"model_flops_per_second": round(rate), "mfu": round(rate / work.matrix_rate, 4)}


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
