"""What pairs of values come to: an effect, its intervals, and what more seeds would tell.

Values are paired by pretraining seed: both of a pair have the same seed, so what the seed does to
both cancels. The first interval is over seeds, with the languages at hand as fixed; the second
treats the languages as a sample of more as well, and is never narrower. A seed counts where every
pair has it: the mean of a seed that lacks a language is not comparable with the others'. What a
seed of pretraining, one of fine-tuning and a language add to the spread is told apart, as far as
there are several of each.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from xlmr_lab import intervals
from xlmr_lab.intervals import Interval

Values = Mapping[int, Sequence[float]]
"""Values of fine-tuning seeds by pretraining seed."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """The values of one language or task in the better and the worse cell."""

    name: str
    better: Values
    worse: Values
    less: "Pair | None" = None
    """Pair whose difference is taken off."""

    def differences(self) -> dict[int, list[float]]:
        """Return better minus worse for each seed that both have: of each fine-tuning run, or of
        their means where the two have not as many.

        >>> Pair(name="sw", better={0: [3.0, 5.0]}, worse={0: [1.0], 1: [2.0]}).differences()
        {0: [3.0]}
        >>> Pair(name="sw", better={0: [3.0, 5.0]}, worse={0: [1.0, 2.0]}).differences()
        {0: [2.0, 3.0]}
        """
        own = _minus(self.better, self.worse)
        return _minus(own, self.less.differences()) if self.less else own


class Spread(NamedTuple):
    """Standard deviations that make up the spread of a difference; nan where not known."""

    pretraining: float
    """From one pretraining seed to another, fine-tuning noise taken off; of what is not fine-tuned
    at all, see `Effect.deviation`."""
    fine_tuning: float
    """From one fine-tuning seed to another on the same models."""
    languages: float
    """From one language to another."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What a contrast comes to, in the unit of its values."""

    over_seeds: Interval
    """The mean difference and its interval over pretraining seeds."""
    over_languages: Interval
    """The same mean, languages a sample too; `n` is the lesser of seeds and languages."""
    by_language: tuple[tuple[str, Interval], ...]
    """The difference of each pair and its interval over the same seeds."""
    absent: tuple[str, ...]
    """Pairs that no seed has, which are left out."""
    deviation: float
    """Standard deviation of the mean difference from seed to seed; nan of fewer than two."""
    detectable: float
    """Least effect that as many seeds would decide in four of five studies."""
    spread: Spread
    """What makes up the spread, of the mean over languages and between languages."""
    seeds_needed: int | None
    """Seeds that would decide an effect as large as the one seen; None: too many, or not known."""


def compare(pairs: Sequence[Pair], margin: float = 0.0) -> Effect:
    """Return what pairs come to: the mean over pairs of better minus worse plus the margin."""
    found = [(pair.name, pair.differences()) for pair in pairs]
    there = [(name, values) for name, values in found if values]
    seeds = sorted(set.intersection(*(set(values) for _, values in there))) if there else []
    table = [[_mean(values[seed]) + margin for _, values in there] for seed in seeds]
    means = [_mean(row) for row in table]
    over_seeds = intervals.mean_interval(means)
    deviation = intervals.deviation(means)
    return Effect(
        over_seeds=over_seeds,
        over_languages=intervals.two_way_interval(table),
        by_language=tuple(
            (name, intervals.mean_interval([row[place] for row in table]))
            for place, (name, _) in enumerate(there)
        ),
        absent=tuple(name for name, values in found if not values),
        deviation=deviation,
        spread=_spread([values for _, values in there], seeds, table),
        detectable=intervals.detectable(deviation, len(means)),
        seeds_needed=intervals.seeds_needed(over_seeds.mean, deviation),
    )


def column_variance(table: Sequence[Sequence[float]]) -> float:
    """Return the variance between the columns (languages) of a table [seeds, languages], freed of
    what is of no seed and no language alone; never below 0, nan with fewer than two of either.

    >>> round(column_variance([[1.0, 3.0], [2.0, 4.0]]), 9)
    2.0
    >>> column_variance([[1.0, 0.0], [0.0, 1.0]])
    0.0
    """
    columns = [_mean(column) for column in zip(*table, strict=True)]
    n, k = len(table), len(columns)
    if n < 2 or k < 2:
        return math.nan
    mean = _mean(columns)
    squares = math.fsum(
        (x - _mean(row) - column + mean) ** 2
        for row in table
        for x, column in zip(row, columns, strict=True)
    )
    return max(0.0, intervals.deviation(columns) ** 2 - squares / ((n - 1) * (k - 1)) / n)


def _spread(
    found: Sequence[Values], seeds: Sequence[int], table: Sequence[Sequence[float]]
) -> Spread:
    """Return what makes up the spread of differences by language and seed; `table` has their means.

    Languages of one run share its model, so fine-tuning noise is that of the mean over languages.
    """
    runs = {seed: _runs([values[seed] for values in found]) for seed in seeds}
    over_seeds = intervals.hierarchical_interval(runs)
    variances = over_seeds.between, over_seeds.within, column_variance(table)
    return Spread(*map(math.sqrt, variances))


def _runs(values: Sequence[Sequence[float]]) -> list[float]:
    """Return the mean over languages of each fine-tuning run; of all, if they differ in number.

    >>> _runs([[1.0, 2.0], [3.0, 4.0]]), _runs([[1.0, 2.0], [3.5]])
    ([2.0, 3.0], [2.5])
    """
    if len({len(own) for own in values}) == 1:
        return [_mean(run) for run in zip(*values, strict=True)]
    return [_mean([_mean(own) for own in values])]


def _minus(better: Values, worse: Values) -> dict[int, list[float]]:
    """Return the differences of the seeds that both have, run by run if they have as many."""
    return {
        seed: [b - w for b, w in zip(own, worse[seed], strict=True)]
        if len(own) == len(worse[seed])
        else [_mean(own) - _mean(worse[seed])]
        for seed, own in sorted(better.items())
        if own and worse.get(seed)
    }


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
