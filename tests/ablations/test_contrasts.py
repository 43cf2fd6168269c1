"""Contrasts: effects by hand, and intervals that cover the truth as often as they say."""

import dataclasses
import math

import numpy as np
import pytest

from xlmr_lab.ablations.contrasts import Pair, column_variance, compare
from xlmr_lab.intervals import detectable, mean_interval


def pair(name: str, better: list[float], worse: list[float]) -> Pair:
    """Return a pair of one value for each seed."""
    return Pair(
        name=name,
        better={seed: [value] for seed, value in enumerate(better)},
        worse={seed: [value] for seed, value in enumerate(worse)},
    )


def test_an_effect_by_hand() -> None:
    # Differences of seeds 0, 1, 2: en 1, 2, 3 and sw 3, 4, 5; their means 2, 3, 4.
    found = compare([pair("en", [11, 22, 33], [10, 20, 30]), pair("sw", [4, 6, 8], [1, 2, 3])])
    assert found.over_seeds == mean_interval([2.0, 3.0, 4.0])
    assert found.deviation == 1.0
    assert found.detectable == detectable(1.0, 3) == pytest.approx(3.264, abs=1e-3)
    assert found.seeds_needed == 3
    assert found.by_language == (
        ("en", mean_interval([1.0, 2.0, 3.0])),
        ("sw", mean_interval([3.0, 4.0, 5.0])),
    )
    # Means of languages 2 and 4 (variance 2), of seeds 2, 3 and 4 (variance 1).
    half = 12.706205 * math.sqrt(1 / 3 + 2 / 2)
    assert found.over_languages.high == pytest.approx(3.0 + half, abs=1e-5)
    assert found.absent == ()


def test_fine_tuning_seeds_are_no_samples_of_their_own() -> None:
    many = Pair(name="en", better={0: [1.0, 3.0], 1: [4.0]}, worse={0: [0.0], 1: [0.0, 2.0]})
    assert compare([many]).over_seeds == mean_interval([2.0, 3.0])


def test_a_difference_of_differences_by_hand() -> None:
    """The loss is 3 and 5 in the narrow model, 1 and 1 in the wide one; seed 2 lacks the latter."""
    wide = pair("en", [9, 9], [8, 8])
    narrow = Pair(name="en", better={0: [4], 1: [6], 2: [7]}, worse={0: [1], 1: [1], 2: [1]})
    found = compare([dataclasses.replace(narrow, less=wide)])
    assert found.over_seeds == mean_interval([2.0, 4.0])


def test_the_spread_of_fine_tuning_is_apart_from_that_of_pretraining() -> None:
    """Runs of seed 0 differ by 1 and 3, of seed 1 by 4 and 6: variance 2 within, means 2 and 5."""
    one = Pair(name="en", better={0: [1, 3], 1: [4, 6]}, worse={0: [0, 0], 1: [0, 0]})
    spread = compare([one]).spread
    assert spread.fine_tuning == pytest.approx(math.sqrt(2))
    assert spread.pretraining == pytest.approx(math.sqrt(4.5 - 2 / 2))
    assert math.isnan(spread.languages)
    single = compare([pair("en", [1, 3], [0, 0])]).spread
    assert math.isnan(single.fine_tuning)
    assert math.isnan(single.pretraining)


def test_fine_tuning_noise_that_languages_share_is_not_averaged_away() -> None:
    """Runs are better or worse in both languages: the mean over them varies as each does."""
    both = [
        Pair(name=key, better={0: [1 + k, 3 + k], 1: [4 + k, 6 + k]}, worse={0: [0, 0], 1: [0, 0]})
        for k, key in enumerate(("en", "sw"))
    ]
    assert compare(both).spread.fine_tuning == pytest.approx(math.sqrt(2))
    assert compare(both).spread.languages == pytest.approx(math.sqrt(0.5))


def test_the_parts_of_the_spread_are_recovered_on_average() -> None:
    rng = np.random.default_rng(3)
    seeds, runs, languages, number = 4, 3, 5, 600
    sums = np.zeros(3)
    for _ in range(number):
        noise = rng.normal(0, 1.0, (seeds, runs, 1)) + rng.normal(0, 2.0, (seeds, 1, 1))
        values = noise + rng.normal(0, 3.0, languages)
        pairs = [
            Pair(
                name=str(k),
                better={s: values[s, :, k].tolist() for s in range(seeds)},
                worse={s: [0.0] * runs for s in range(seeds)},
            )
            for k in range(languages)
        ]
        sums += np.square(compare(pairs).spread)
    assert sums / number == pytest.approx([4.0, 1.0, 9.0], rel=0.12)


def test_what_is_of_no_seed_and_no_language_alone_makes_no_languages_differ() -> None:
    rng = np.random.default_rng(4)
    tables = rng.normal(0, 1, (1500, 3, 4)) + rng.normal(0, 0.5, (1500, 1, 4))
    plain = tables.mean(1).var(1, ddof=1).mean()
    assert plain == pytest.approx(0.25 + 1 / 3, rel=0.1)
    assert np.mean([column_variance(t.tolist()) for t in tables]) < 0.75 * plain
    assert math.isnan(column_variance([[1.0, 2.0]]))


def test_a_margin_moves_the_effect_and_every_bound() -> None:
    plain = compare([pair("en", [1, 2], [1, 3])])
    moved = compare([pair("en", [1, 2], [1, 3])], margin=2.0)
    assert plain.over_seeds.mean == -0.5
    assert moved.over_seeds[:3] == pytest.approx([x + 2.0 for x in plain.over_seeds[:3]])


def test_what_a_seed_does_to_both_cancels() -> None:
    rng = np.random.default_rng(1)
    common = 100 * rng.normal(size=4)
    found = compare([pair("en", [*(common + 1)], [*common])])
    assert found.over_seeds[:3] == pytest.approx((1.0, 1.0, 1.0))


def test_a_seed_counts_where_every_pair_has_it() -> None:
    """Of seed 2 only the language of the large difference is known."""
    found = compare([pair("en", [1, 1], [0, 0]), pair("sw", [9, 9, 9], [0, 0, 0])])
    assert found.over_seeds == mean_interval([5.0, 5.0])
    assert [own.n for _, own in found.by_language] == [2, 2]


def test_a_pair_without_seeds_is_left_out_and_named() -> None:
    found = compare([pair("en", [1, 3], [0, 0]), pair("sw", [], [0, 0])])
    assert found.over_seeds.mean == 2.0
    assert found.absent == ("sw",)


@pytest.mark.parametrize("pairs", [[pair("en", [1.0], [0.5])], [pair("en", [], [])]])
def test_fewer_than_two_seeds_have_no_interval(pairs: list[Pair]) -> None:
    found = compare(pairs)
    numbers = (found.over_seeds.low, found.over_languages.high, found.deviation, found.detectable)
    assert all(math.isnan(number) for number in numbers)
    assert found.seeds_needed is None


@pytest.mark.parametrize("seeds", [3, 5])
def test_the_interval_over_seeds_covers_the_mean_of_the_languages_at_hand(seeds: int) -> None:
    """Seeds and runs are drawn anew, languages are not; seeds differ far more than cells."""
    rng = np.random.default_rng(2)
    languages, number, covered = np.array([-1.0, 0.5, 2.0]), 1500, 0
    for _ in range(number):
        common = rng.normal(0, 5, (seeds, 1))
        worse = common + rng.normal(0, 0.3, (seeds, 3))
        own = rng.normal(0, 0.5, (seeds, 1)) + rng.normal(0, 0.3, (seeds, 3))
        better = common + languages + own
        pairs = [pair(str(k), [*better[:, k]], [*worse[:, k]]) for k in range(3)]
        interval = compare(pairs).over_seeds
        covered += interval.low <= languages.mean() <= interval.high
    assert covered / number == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / number))
