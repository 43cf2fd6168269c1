"""What pairs of values come to: an effect, its intervals, and what more seeds would tell.

Values are paired by pretraining seed: both of a pair have the same seed, so what the seed does to
both cancels. The first interval is over seeds, with the languages at hand as fixed; the second
treats the languages as a sample of more as well, and is never narrower. A seed counts where every
pair has it: the mean of a seed that lacks a language is not comparable with the others'.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

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

    def differences(self, margin: float = 0.0) -> dict[int, float]:
        """Return better minus worse plus the margin for each seed that both have; fine-tuning seeds
        are averaged.

        >>> Pair(name="sw", better={0: [3.0, 5.0]}, worse={0: [1.0], 1: [2.0]}).differences(0.5)
        {0: 3.5}
        """
        seeds = sorted(seed for seed in self.better if self.better[seed] and self.worse.get(seed))
        return {s: _mean(self.better[s]) - _mean(self.worse[s]) + margin for s in seeds}


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
    seeds_needed: int | None
    """Seeds that would decide an effect as large as the one seen; None: too many, or not known."""


def compare(pairs: Sequence[Pair], margin: float = 0.0) -> Effect:
    """Return what pairs come to: the mean over pairs of better minus worse plus the margin."""
    found = [(pair.name, pair.differences(margin)) for pair in pairs]
    there = [(name, values) for name, values in found if values]
    seeds = sorted(set.intersection(*(set(values) for _, values in there))) if there else []
    table = [[values[seed] for _, values in there] for seed in seeds]
    means = [_mean(row) for row in table]
    over_seeds = intervals.mean_interval(means)
    deviation = intervals.deviation(means)
    return Effect(
        over_seeds=over_seeds,
        over_languages=intervals.two_way_interval(table),
        by_language=tuple(
            (name, intervals.mean_interval([values[seed] for seed in seeds]))
            for name, values in there
        ),
        absent=tuple(name for name, values in found if not values),
        deviation=deviation,
        detectable=intervals.detectable(deviation, len(means)),
        seeds_needed=intervals.seeds_needed(over_seeds.mean, deviation),
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
