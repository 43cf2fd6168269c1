"""The learning rate as a pure function of the step: linear warm-up, then a fall, at once, late or
never.

"polynomial" is RoBERTa's schedule (Table 9; the power of its released code is 1): up to the peak
over the warm-up, then down to the end of the run. "wsd" (warm-up, stable, decay; MiniCPM, arXiv
2404.06395) stays at the peak and falls in the last steps, so what comes before the fall does not
depend on the length of the run (going on from there for longer, in another run, is left out); how
it falls is the polynomial's, a straight line at power 1 (1 - sqrt, arXiv 2405.18392, is left out).
XLM-R gives no learning rate and no warm-up.
"""

from typing import Literal

Schedule = Literal["polynomial", "wsd", "constant"]


def learning_rate(
    step: int,
    *,
    steps: int,
    warmup_steps: int,
    peak: float,
    kind: Schedule = "polynomial",
    decay_steps: int = 0,
    power: float = 1.0,
    end: float = 0.0,
) -> float:
    """Return the learning rate of update `step`, counted from 1 to `steps`.

    The peak is reached by update `warmup_steps`; the way down reaches `end` just after the last
    update, so no update is wasted on a rate of 0. `decay_steps`: the updates below the peak at the
    end of "wsd".

    >>> [learning_rate(step, steps=6, warmup_steps=2, peak=1.0) for step in range(1, 7)]
    [0.5, 1.0, 0.8, 0.6, 0.4, 0.2]
    """
    if step < warmup_steps:
        return peak * step / warmup_steps
    last_peak = steps - decay_steps if kind == "wsd" else max(warmup_steps, 1)
    if kind == "constant" or step <= last_peak:
        return peak
    left = (steps - step + 1) / (steps - last_peak + 1)
    return float(end + (peak - end) * left**power)
