"""Student t intervals: `pytest tests/test_intervals.py`."""

import math
import random
from statistics import NormalDist

import numpy as np
import pytest

from xlmr_lab.intervals import (
    detectable,
    hierarchical_interval,
    holm,
    mean_interval,
    p_value,
    seeds_needed,
    two_way_interval,
)
from xlmr_lab.student_t import student_t_quantile


def test_mean_interval_by_hand():
    # mean 2, standard deviation 1, so the half width is 4.302653 / sqrt(3).
    interval = mean_interval([1.0, 2.0, 3.0])
    assert interval.n == 3
    assert interval.mean == 2.0
    assert interval.high - 2.0 == pytest.approx(4.302653 / math.sqrt(3), abs=1e-6)
    assert 2.0 - interval.low == pytest.approx(interval.high - 2.0)


def test_one_value_has_no_bounds_and_none_no_mean():
    one, none = mean_interval([0.5]), mean_interval([])
    assert one.mean == 0.5
    assert math.isnan(one.low)
    assert math.isnan(one.high)
    assert math.isnan(none.mean)
    assert (one.n, none.n) == (1, 0)


def test_equal_values_have_an_interval_of_no_width():
    assert mean_interval([0.1, 0.1, 0.1])[:3] == pytest.approx((0.1, 0.1, 0.1), abs=1e-15)


def test_a_value_that_is_not_a_number_is_not_hidden():
    assert all(math.isnan(x) for x in mean_interval([0.1, math.nan, 0.3])[:3])


def test_intervals_of_three_values_cover_the_mean_as_often_as_they_say():
    rng = random.Random(5)
    intervals = [mean_interval([rng.gauss(1, 2) for _ in range(3)]) for _ in range(4000)]
    covered = sum(i.low <= 1 <= i.high for i in intervals) / len(intervals)
    assert covered == pytest.approx(0.95, abs=0.012)


def test_hierarchical_interval_counts_pretraining_seeds_only():
    groups = {1: [0.1, 0.3], 2: [0.3, 0.5], 3: [0.5, 0.7]}
    found = hierarchical_interval(groups)
    assert found[:4] == pytest.approx(mean_interval([0.2, 0.4, 0.6]))
    # Each seed varies by 0.02 within; the means by 0.04, of which 0.02 / 2 is that noise.
    assert found.within == pytest.approx(0.02)
    assert found.between == pytest.approx(0.03)


def test_between_is_never_negative():
    assert hierarchical_interval({1: [0.0, 1.0], 2: [1.0, 0.0]}).between == 0.0


def test_what_cannot_be_estimated_is_nan():
    single_runs = hierarchical_interval({1: [0.1], 2: [0.2]})
    assert math.isnan(single_runs.within)
    assert math.isnan(single_runs.between)
    assert single_runs.low < 0.15 < single_runs.high
    one_seed = hierarchical_interval({1: [0.1, 0.3]})
    assert one_seed.within == pytest.approx(0.02)
    assert math.isnan(one_seed.between)
    assert math.isnan(one_seed.low)


def test_components_are_recovered_on_average():
    rng = random.Random(6)
    between, within = [], []
    for _ in range(1500):
        centres = [rng.gauss(0, 3) for _ in range(4)]
        groups = {k: [c + rng.gauss(0, 1) for _ in range(3)] for k, c in enumerate(centres)}
        found = hierarchical_interval(groups)
        between.append(found.between)
        within.append(found.within)
    assert sum(within) / 1500 == pytest.approx(1.0, rel=0.05)
    assert sum(between) / 1500 == pytest.approx(9.0, rel=0.08)


def test_a_table_of_seeds_and_languages_by_hand():
    # Means of seeds 1 and 3 (variance 2), of languages 0, 2 and 4 (variance 4), one degree of
    # freedom: the half width is 12.706205 * sqrt(2 / 2 + 4 / 3).
    interval = two_way_interval([[-1.0, 1.0, 3.0], [1.0, 3.0, 5.0]])
    assert (interval.mean, interval.n) == (2.0, 2)
    assert interval.high - 2.0 == pytest.approx(12.706205 * math.sqrt(1 + 4 / 3), abs=1e-5)


def test_one_seed_or_one_language_has_no_bounds_for_others():
    for table in ([[1.0, 2.0]], [[1.0], [2.0]]):
        interval = two_way_interval(table)
        assert interval.mean == 1.5
        assert math.isnan(interval.low)
        assert math.isnan(interval.high)
    assert math.isnan(two_way_interval([]).mean)


def drawn(rng, spreads, shape, number):
    """Yield tables of mean 1 with deviations of seeds, of languages, and of neither alone."""
    seeds, languages, rest = spreads
    for _ in range(number):
        yield (
            1
            + rng.normal(0, seeds, (shape[0], 1))
            + rng.normal(0, languages, (1, shape[1]))
            + rng.normal(0, rest, shape)
        )


@pytest.mark.parametrize("shape", [(3, 7), (5, 3), (4, 4)])
@pytest.mark.parametrize("spreads", [(1, 1, 1), (0.1, 2, 0.3), (1, 0.1, 0.3), (0, 0, 1)])
def test_intervals_for_other_languages_cover_at_least_as_often_as_they_say(spreads, shape):
    rng = np.random.default_rng(7)
    both, fixed = 0, 0
    for table in drawn(rng, spreads, shape, number := 1500):
        wide, narrow = two_way_interval(table.tolist()), mean_interval(table.mean(1).tolist())
        assert wide.low <= narrow.low <= narrow.high <= wide.high
        both += wide.low <= 1 <= wide.high
        fixed += narrow.low <= 1 <= narrow.high
    assert both / number > 0.95 - 3 * math.sqrt(0.95 * 0.05 / number)
    if spreads[1] > spreads[0]:
        assert fixed / number < 0.6, "seeds alone say nothing of other languages"


@pytest.mark.parametrize("n", [2, 3, 10])
def test_the_least_detectable_effect_is_decided_in_four_of_five_studies(n):
    rng = np.random.default_rng(8)
    values = detectable(2.0, n) + rng.normal(0, 2.0, (20_000, n))
    half = student_t_quantile(0.975, n - 1) * values.std(1, ddof=1) / math.sqrt(n)
    decided = np.mean(values.mean(1) > half)
    assert decided == pytest.approx(0.8, abs=3 * math.sqrt(0.8 * 0.2 / 20_000))


def test_the_least_detectable_effect_of_two_values_equals_the_sum_over_deviations():
    """Their sample deviation is the absolute value of a normal deviate, times the true one."""
    number, normal = 20_000, NormalDist()
    effect, quantile = detectable(1.0, 2) * math.sqrt(2), 12.7062047
    deviations = (normal.inv_cdf(0.5 + 0.5 * (k + 0.5) / number) for k in range(number))
    power = math.fsum(normal.cdf(effect - quantile * w) for w in deviations) / number
    assert power == pytest.approx(0.8, abs=1e-5)


def test_the_least_detectable_effect_of_many_values_is_the_normal_one():
    """1.96 and 0.84 standard errors."""
    assert detectable(1.0, 900) * 30 == pytest.approx(1.959964 + 0.841621, rel=2e-3)
    assert detectable(0.0, 3) == 0.0
    assert math.isnan(detectable(math.nan, 1))


def test_seeds_that_would_do_are_the_fewest():
    assert seeds_needed(0.1, 0.0) == 2
    assert seeds_needed(-1e9, 1.0) == 2
    assert seeds_needed(0.0, 1.0) is None
    for deviation in (0.5, 2.0):
        number = seeds_needed(-1.0, deviation)
        assert math.isclose(number, (1.96 * deviation) ** 2, abs_tol=4)
        half = [student_t_quantile(0.975, n - 1) * deviation / n**0.5 for n in (number - 1, number)]
        assert half[0] >= 1.0 > half[1]


def test_a_p_value_is_that_of_the_t_test_behind_the_interval():
    """Of 1, 2, 3 the mean is 2 standard deviations off 0: t = 2 sqrt(3) at 2 degrees of freedom, of
    which the closed form is 1 - t / sqrt(2 + t^2)."""
    interval = mean_interval([1.0, 2.0, 3.0])
    t = 2 * math.sqrt(3)
    assert p_value(*interval) == pytest.approx(1 - t / math.sqrt(2 + t * t), rel=1e-9)
    assert p_value(-interval.mean, -interval.high, -interval.low, 3) == p_value(*interval)


@pytest.mark.parametrize("n", [2, 3, 5, 40])
def test_a_p_value_is_just_the_level_where_an_interval_ends_at_0(n):
    assert p_value(1.0, 0.0, 2.0, n) == pytest.approx(0.05, rel=1e-9)
    assert p_value(1.0, 0.01, 1.99, n) < 0.05 < p_value(1.0, -0.01, 2.01, n)


def test_what_has_no_interval_has_no_p_value():
    assert math.isnan(p_value(1.0, math.nan, math.nan, 1))
    assert math.isnan(p_value(1.0, math.nan, math.nan, 3))
    assert (p_value(1.0, 1.0, 1.0, 2), p_value(0.0, 0.0, 0.0, 2)) == (0.0, 1.0)


def test_holm_by_hand():
    """The least of four counts four times, the next three times, and none less than the one
    before."""
    adjusted = holm([0.02, 0.9, 0.011, 0.6])
    assert adjusted == pytest.approx([0.06, 1.0, 0.044, 1.0])
    assert holm([0.03]) == [0.03]
    with_none = holm([math.nan, 0.02, 0.03])
    assert math.isnan(with_none[0])
    assert with_none[1:] == pytest.approx([0.04, 0.04])


def test_holm_decides_wrongly_in_one_of_twenty_studies_where_nothing_is_true():
    rng = random.Random(0)
    studies = [holm([rng.random() for _ in range(40)]) for _ in range(2000)]
    wrong = sum(min(study) <= 0.05 for study in studies) / len(studies)
    assert wrong == pytest.approx(0.05, abs=0.015)
