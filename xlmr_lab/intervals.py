"""Student's t intervals over seeds, and how much of the variance each kind of seed makes.

Fine-tuning the same pretrained model several times says nothing about another pretraining run, so
an interval about a setting is taken over the means of its pretraining seeds; counting every
fine-tuning run as a sample of its own would make it too narrow. Pure Python: quantiles come from
the incomplete beta function (Numerical Recipes Sec. 6.4) inverted by bisection, exact for the two
or three seeds of a small study, where approximations fail. Left out: bootstrap intervals, which
cover too little at that many samples.
"""

import functools
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

CONTINUED_FRACTION_TERMS = 10_000
BEYOND_TWO = math.erfc(math.sqrt(2))
"""Chance that a normal deviate is more than two standard deviations off."""


class Interval(NamedTuple):
    """A mean of `n` values and its confidence bounds, which are nan with fewer than two values."""

    mean: float
    low: float
    high: float
    n: int


class HierarchicalInterval(NamedTuple):
    """An interval over pretraining seeds, with the two components of the variance of one score.

    `between` is the variance from one pretraining seed to another, freed of the fine-tuning noise
    that their means carry (never below 0); `within` is the variance from one fine-tuning seed to
    another on the same model.
    """

    mean: float
    low: float
    high: float
    n: int
    between: float
    within: float


def mean_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Return the mean of independent values and its Student t interval.

    >>> [round(x, 3) for x in mean_interval([0.5, 0.6, 0.7])]
    [0.6, 0.352, 0.848, 3]
    """
    n = len(values)
    mean = math.fsum(values) / n if n else math.nan
    if n < 2:
        return Interval(mean, math.nan, math.nan, n)
    error = math.sqrt(_variance(values) / n)
    half = student_t_quantile(0.5 + level / 2, n - 1) * error
    return Interval(mean, mean - half, mean + half, n)


def hierarchical_interval(
    groups: Mapping[int, Sequence[float]], level: float = 0.95
) -> HierarchicalInterval:
    """Return the interval over pretraining seeds, given the scores of each seed's fine-tuning runs.

    The mean is the mean of the seeds' means, so that each pretraining run counts once. `within` is
    pooled over seeds (nan if none has two runs), `between` is the variance of the seeds' means less
    the share of it that `within` explains (nan with fewer than two seeds, or where `within` is
    unknown).

    >>> h = hierarchical_interval({1: [0.5, 0.7], 2: [0.8, 1.0]})
    >>> round(h.mean, 3), h.n, round(h.between, 4), round(h.within, 4)
    (0.75, 2, 0.035, 0.02)
    """
    runs = [list(values) for values in groups.values() if len(values)]
    means = [math.fsum(values) / len(values) for values in runs]
    interval = mean_interval(means, level)
    repeats = sum(len(values) - 1 for values in runs)
    if not repeats:
        return HierarchicalInterval(*interval, math.nan, math.nan)
    repeated = [values for values in runs if len(values) > 1]
    within = math.fsum(_variance(v) * (len(v) - 1) for v in repeated) / repeats
    if len(means) < 2:
        return HierarchicalInterval(*interval, math.nan, within)
    noise = within * math.fsum(1 / len(values) for values in runs) / len(runs)
    return HierarchicalInterval(*interval, max(0.0, _variance(means) - noise), within)


def told(mean: float, low: float | None, high: float | None, *, sign: bool = True) -> str:
    """Write a mean and its interval with as many digits as the interval warrants: two significant
    ones of its half-width.

    >>> told(-0.15668, -0.35189, 0.03852), told(0.8166, 0.7329, 0.9003, sign=False)
    ('-0.16 [-0.35, +0.04]', '0.817 [0.733, 0.900]')
    >>> told(0.5, None, None)
    '+0.50 (no interval)'
    """
    plus = "+" if sign else ""
    if low is None or high is None or not math.isfinite(high - low):
        return f"{mean:{plus}.2f} (no interval)"
    half = (high - low) / 2
    digits = min(6, max(0, 1 - math.floor(math.log10(half)))) if half > 0 else 3
    mean, low, high = (round(x, digits) + 0.0 for x in (mean, low, high))
    return f"{mean:{plus}.{digits}f} [{low:{plus}.{digits}f}, {high:{plus}.{digits}f}]"


def binomial_tail(least: int, number: int, p: float) -> float:
    """Return the chance that of so many independent events of chance `p` that many happen, or more.

    >>> round(binomial_tail(1, 5, 0.0455), 3), round(binomial_tail(2, 2, 0.5), 3)
    (0.208, 0.25)
    """
    return math.fsum(
        math.exp(
            math.lgamma(number + 1)
            - math.lgamma(k + 1)
            - math.lgamma(number - k + 1)
            + k * math.log(p)
            + (number - k) * math.log1p(-p)
        )
        for k in range(least, number + 1)
    )


@functools.lru_cache(maxsize=1024)
def student_t_quantile(p: float, df: float) -> float:
    """Return the t with P(T <= t) = p for Student's t distribution with `df` degrees of freedom.

    >>> round(student_t_quantile(0.975, 2), 3)
    4.303

    Raises:
        ValueError: p is not in (0, 1) or df is not positive.
    """
    if not 0.0 < p < 1.0 or not df > 0.0:
        raise ValueError(f"p must be in (0, 1) and df positive, got p={p} and df={df}")
    if p == 0.5:
        return 0.0
    tail = min(p, 1.0 - p)
    low, high = 0.0, 1.0
    while _upper_tail(high, df) > tail:
        low, high = high, 2.0 * high
    while high - low > 1e-14 * high:
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        low, high = (middle, high) if _upper_tail(middle, df) > tail else (low, middle)
    quantile = 0.5 * (low + high)
    return quantile if p > 0.5 else -quantile


def _variance(values: Sequence[float]) -> float:
    """Return the unbiased sample variance; a value that is not finite makes it nan."""
    return statistics.variance(values) if all(map(math.isfinite, values)) else math.nan


def _upper_tail(t: float, df: float) -> float:
    """Return P(T > t) for t >= 0."""
    return 0.5 * _incomplete_beta(df / (df + t * t), 0.5 * df, 0.5)


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b) (Numerical Recipes Eq. 6.4.1)."""
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(log_front + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _beta_fraction(x, a, b) / a
    return 1.0 - front * _beta_fraction(1.0 - x, b, a) / b


def _beta_fraction(x: float, a: float, b: float) -> float:
    """Evaluate the continued fraction of the incomplete beta function by Lentz's method (Eq.
    6.4.5)."""
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, CONTINUED_FRACTION_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for term in (even, odd):
            d = 1.0 / (1.0 + term * d)
            c = 1.0 + term / c
            value *= c * d
        if abs(c * d - 1.0) < 1e-16:
            break
    return value
