"""Amounts of text read off curves of loss."""

import math

import pytest

from xlmr_lab import text_equivalents
from xlmr_lab.student_t import student_t_quantile
from xlmr_lab.text_equivalents import over_seeds, worth

FALLING = [(30.0, 4.0), (120.0, 3.0), (480.0, 2.5)]


def test_a_point_of_the_curve_is_worth_its_own_amount():
    for amount, loss in FALLING:
        assert worth(FALLING, loss) == pytest.approx(amount)


def test_between_points_it_goes_by_the_logarithm():
    assert worth(FALLING, 3.5) == pytest.approx(60.0)  # half way from 30 to 120
    assert worth(FALLING, 2.75) == pytest.approx(240.0)


def test_beyond_the_curve_nothing_is_guessed():
    assert worth(FALLING, 4.01) == 0.0
    assert worth(FALLING, 2.49) == math.inf
    assert worth([], 3.0) == math.inf


def test_where_a_curve_rises_again_the_least_amount_that_is_enough_counts():
    assert worth([(10.0, 3.0), (100.0, 2.0), (1000.0, 2.6)], 2.5) == pytest.approx(10**1.5)
    assert worth([(10.0, 3.0), (100.0, 3.0), (1000.0, 1.0)], 2.0) == pytest.approx(10**2.5)


def test_the_interval_is_of_the_logarithm_over_seeds():
    curves = dict.fromkeys((0, 1, 2), FALLING)
    found = over_seeds(curves, {0: 4.0, 1: 3.5, 2: 3.0})  # 30, 60, 120
    assert found.amount == pytest.approx(60.0)
    half = student_t_quantile(0.975, 2) * math.log(2) / math.sqrt(3)
    assert math.log(found.high / 60.0) == pytest.approx(half)
    assert math.log(60.0 / found.low) == pytest.approx(half)
    assert found[3:] == (0, 0, 3)


def test_each_seed_is_read_off_its_own_curve():
    lower = [(amount, loss - 1.0) for amount, loss in FALLING]
    found = over_seeds({0: FALLING, 1: lower}, {0: 3.0, 1: 2.0})
    assert found.amount == pytest.approx(120.0)
    assert found.low == pytest.approx(found.high)


def test_one_seed_beyond_its_curve_leaves_no_amount():
    curves = dict.fromkeys((0, 1, 2), FALLING)
    found = over_seeds(curves, {0: 3.0, 1: 2.0, 2: 5.0})
    assert math.isnan(found.amount)
    assert (found.num_below, found.num_above, found.num_seeds) == (1, 1, 3)


def test_seeds_without_a_curve_are_left_out_and_one_seed_has_no_interval():
    found = over_seeds({0: FALLING}, {0: 3.0, 1: 3.0})
    assert found.num_seeds == 1
    assert found.amount == pytest.approx(120.0)
    assert math.isnan(found.low)
    assert text_equivalents.over_seeds({}, {}).num_seeds == 0
