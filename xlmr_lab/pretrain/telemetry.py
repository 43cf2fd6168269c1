"""What a run gets out of its machine: seconds, tokens a second, operations a second, memory.

The clock runs while a step does, not while held-out loss is measured or checkpoints are copied.
Operations are counted, not measured: the matrix products that the model needs for a token (see
model.operations), so with the head and the last layer at masked positions only, which is less than
half of what a head at all positions would claim; they are not counted for an adaptive softmax,
whose work depends on the targets. `mfu` is their rate as a share of the rate at which this device
multiplies two matrices in the run's precision, measured in a moment before the first step: no
number of a data sheet. Memory is the most that the process (on a GPU: torch) has held so far.
"""

import dataclasses
import resource
import sys
import time


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

    def record(self, step: int) -> dict[str, float]:
        """Return the telemetry at `step`: seconds and the most memory so far, and the speed since
        the record before."""
        steps, seconds = step - self._recorded[0], self._seconds - self._recorded[1]
        self._recorded = (step, self._seconds)
        return {
            "step": step,
            "seconds": round(self._seconds, 3),
            "tokens_per_second": round(tokens_per_second, 1),
            **_rates(tokens_per_second, self._work),
            "peak_memory_bytes": peak_memory(self._work.device),
        }
        tokens_per_second = steps * self._work.step_tokens / seconds
