"""How long steps take: a clock that runs while a step does, not while held-out loss or checkpoints
do."""

import time


class StepClock:
    """Counts the seconds spent inside `with clock:`."""

    def __init__(self, seconds: float, *, step: int, step_tokens: int) -> None:
        """Go on from `seconds` counted up to `step`; each step sees `step_tokens` tokens."""
        self._seconds = seconds
        self._step_tokens = step_tokens
        self._started = 0.0
        self._recorded = (step, seconds)

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        self._seconds += time.perf_counter() - self._started

    def record(self, step: int) -> dict[str, float]:
        """Return the telemetry at `step`: seconds so far, and the speed since the record before."""
        steps, seconds = step - self._recorded[0], self._seconds - self._recorded[1]
        self._recorded = (step, self._seconds)
        return {
            "step": step,
            "seconds": round(self._seconds, 3),
            "tokens_per_second": round(steps * self._step_tokens / seconds, 1),
        }
