"""Student's t intervals over seeds, and how much of the variance each kind of seed makes.

Fine-tuning the same pretrained model several times says nothing about another pretraining run, so
an interval about a setting is taken over the means of its pretraining seeds; counting every
fine-tuning run as a sample of its own would make it too narrow. Quantiles and the power of the t
test behind the least detectable effect are exact, where approximations fail for two or three seeds.
Where many intervals are looked at, some leave 0 out by chance: `p_value` and `holm` tell which
would still decide if all were to hold together. Left out: bootstrap intervals, which cover too
little at that many samples.
"""

import bisect
import functools
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from xlmr_lab.student_t import student_t_quantile, upper_tail

BEYOND_TWO = math.erfc(math.sqrt(2))
"""Chance that a normal deviate is more than two standard deviations off."""
MOST_SEEDS = 1000
"""Seeds up to which it is told how many would do."""
POWER_STEPS = 1000
"""Steps of the integral of a power; even, for Simpson's rule."""


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


def two_way_interval(table: Sequence[Sequence[float]], level: float = 0.95) -> Interval:
    """Return the mean of a table [seeds, languages] and an interval for other seeds and other
    languages: both are samples, with effects of their own (two-way random effects).

    The variance of the mean is that of the seeds' means over their number plus that of the
    languages' over theirs. This counts what is of neither alone twice, and degrees of freedom are
    those of the fewer: it covers at least as often as it says, and is never narrower than
    `mean_interval` of the seeds' means. `n` is the lesser number; with fewer than two seeds or
    languages there are no bounds.

    >>> [round(x, 3) for x in two_way_interval([[1.0, 2.0, 6.0], [2.0, 4.0, 6.0], [3.0, 6.0, 6.0]])]
    [4.0, -1.555, 9.555, 3]
    """
    rows = [math.fsum(row) / len(row) for row in table if len(row)]
    columns = [math.fsum(column) / len(column) for column in zip(*table, strict=True)]
    n = min(len(rows), len(columns))
    mean = math.fsum(rows) / len(rows) if rows else math.nan
    if n < 2:
        return Interval(mean, math.nan, math.nan, n)
    error = math.sqrt(_variance(rows) / len(rows) + _variance(columns) / len(columns))
    half = student_t_quantile(0.5 + level / 2, n - 1) * error
    return Interval(mean, mean - half, mean + half, n)


def deviation(values: Sequence[float]) -> float:
    """Return the sample standard deviation; nan of fewer than two values.

    >>> deviation([1.0, 2.0, 3.0]), deviation([1.0])
    (1.0, nan)
    """
    return math.sqrt(_variance(values)) if len(values) > 1 else math.nan


def detectable(std: float, n: int, *, power: float = 0.8, level: float = 0.95) -> float:
    """Return the least true effect whose interval over `n` values of this standard deviation is all
    on its side of 0 with the given chance; nan with fewer than two values. Exact (noncentral t).

    >>> round(detectable(1.0, 2), 1), round(detectable(1.0, 3), 2), round(detectable(1.0, 100), 3)
    (11.5, 3.26, 0.283)
    """
    return _noncentrality(n, power, level) * std / math.sqrt(n) if n > 1 else math.nan


def seeds_needed(effect: float, std: float, level: float = 0.95) -> int | None:
    """Return the least number of seeds whose interval, of values with this standard deviation, is
    narrower on each side than the effect is large; None if more than `MOST_SEEDS`, or if the
    deviation is not known. An effect that is just as large is then decided in about every second
    study; see `detectable` for more.

    >>> seeds_needed(0.01, 0.01), seeds_needed(0.0, 0.01), seeds_needed(0.01, math.nan)
    (7, None, None)
    """

    def is_enough(number: int) -> bool:
        quantile = student_t_quantile(0.5 + level / 2, number - 1)
        return quantile * std / math.sqrt(number) < abs(effect)

    numbers = range(2, MOST_SEEDS + 1)  # the more seeds, the narrower the interval
    place = bisect.bisect_left(numbers, True, key=is_enough)
    return numbers[place] if place < len(numbers) else None


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


def p_value(effect: float, low: float, high: float, n: int, level: float = 0.95) -> float:
    """Return the two-sided p-value, against a true effect of 0, behind a Student t interval over
    `n` values; nan without one. It is below 1 - level where the interval leaves 0 out.

    >>> round(p_value(0.6, 0.352, 0.848, 3), 4), round(p_value(1.0, 0.0, 2.0, 3), 4)
    (0.0091, 0.05)
    """
    if n < 2 or not math.isfinite(high - low):
        return math.nan
    error = (high - low) / 2 / student_t_quantile(0.5 + level / 2, n - 1)
    if not error:
        return 0.0 if effect else 1.0
    return 2 * upper_tail(abs(effect) / error, n - 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted by Holm's method: where one is at most 0.05, its effect is decided
    and the chance of any false decision among all of them is at most 0.05, however they depend on
    each other. A nan is no test, and stays.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    known = sorted((p, place) for place, p in enumerate(p_values) if math.isfinite(p))
    adjusted, least = list(p_values), 0.0
    for rank, (p, place) in enumerate(known):
        least = max(least, min(1.0, (len(known) - rank) * p))
        adjusted[place] = least
    return adjusted


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
def _noncentrality(n: int, power: float, level: float) -> float:
    """Return the effect, in standard errors, that `n` values decide with the given chance."""
    low, high = 0.0, 1.0
    while _power(high, n, level) < power:
        low, high = high, 2.0 * high
    while high - low > 1e-9 * high:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _power(middle, n, level) < power else (low, middle)
    return 0.5 * (low + high)


def _power(effect: float, n: int, level: float) -> float:
    """Return the chance that the interval of `n` normal values is all above 0; the effect is in
    standard errors.

    Given that the sample deviation is w times the true one the mean must exceed t w standard
    errors; the chance of that is integrated over the density of w, that of a chi over the root of
    its degrees of freedom.
    """
    df, quantile = n - 1, student_t_quantile(0.5 + level / 2, n - 1)
    front = math.log(2) + 0.5 * df * math.log(0.5 * df) - math.lgamma(0.5 * df)

    def height(w: float) -> float:
        if w <= 0.0:
            return math.exp(front) * _normal(effect) if df == 1 else 0.0
        density = math.exp(front + (df - 1) * math.log(w) - 0.5 * df * w * w)
        return density * _normal(effect - quantile * w)

    start, end = (max(0.0, 1.0 + side * 8.0 / math.sqrt(df)) for side in (-1, 1))
    step = (end - start) / POWER_STEPS
    weights = ((1 if k in (0, POWER_STEPS) else 2 + 2 * (k % 2)) for k in range(POWER_STEPS + 1))
    return step / 3 * math.fsum(w * height(start + k * step) for k, w in enumerate(weights))


def _normal(x: float) -> float:
    """Return the chance that a normal deviate is below x."""
    return 0.5 * math.erfc(-x / math.sqrt(2))


def _variance(values: Sequence[float]) -> float:
    """Return the unbiased sample variance; a value that is not finite makes it nan."""
    return statistics.variance(values) if all(map(math.isfinite, values)) else math.nan
