"""The learning rate as a pure function of the step: linear warm-up, then linear decay or none.

"polynomial" is RoBERTa's schedule (Table 9; the power of its released code is 1): up to the peak
over the warm-up, then down a straight line. XLM-R gives no learning rate and no warm-up.
"""

from typing import Literal

Schedule = Literal["polynomial", "constant"]


def learning_rate(
    step: int, *, steps: int, warmup_steps: int, peak: float, kind: Schedule = "polynomial"
) -> float:
    """Return the learning rate of update `step`, counted from 1 to `steps`.

    The peak is reached by update `warmup_steps`; the line down reaches 0 just after the last
    update, so no update is wasted on a rate of 0.

    >>> [learning_rate(step, steps=6, warmup_steps=2, peak=1.0) for step in range(1, 7)]
    [0.5, 1.0, 0.8, 0.6, 0.4, 0.2]
    """
    if step < warmup_steps:
        return peak * step / warmup_steps
    if kind == "constant":
        return peak
    return peak * (steps - step + 1) / (steps - max(warmup_steps, 1) + 1)
