"""The learning rate at its corner points, by hand."""

import pytest

from xlmr_lab.pretrain.schedule import learning_rate

SHAPE = {"steps": 100, "warmup_steps": 10, "peak": 2.0}


@pytest.mark.parametrize(
    ("step", "expected"), [(1, 0.2), (5, 1.0), (10, 2.0), (55, 2.0 * 46 / 91), (100, 2.0 / 91)]
)
def test_corner_points_of_the_polynomial_schedule(step: int, expected: float):
    assert learning_rate(step, **SHAPE) == pytest.approx(expected)


@pytest.mark.parametrize(("step", "expected"), [(1, 0.2), (10, 2.0), (55, 2.0), (100, 2.0)])
def test_corner_points_of_the_constant_schedule(step: int, expected: float):
    assert learning_rate(step, **SHAPE, kind="constant") == pytest.approx(expected)


@pytest.mark.parametrize(
    ("step", "expected"),
    [(1, 0.2), (10, 2.0), (80, 2.0), (81, 2.0 * 20 / 21), (90, 2.0 * 11 / 21), (100, 2.0 / 21)],
)
def test_corner_points_of_warm_up_stable_decay(step: int, expected: float):
    assert learning_rate(step, **SHAPE, kind="wsd", decay_steps=20) == pytest.approx(expected)


@pytest.mark.parametrize(("step", "expected"), [(10, 2.0), (55, 0.5 + 1.5 * (46 / 91) ** 2)])
def test_power_and_end_shape_the_fall(step: int, expected: float):
    assert learning_rate(step, **SHAPE, power=2, end=0.5) == pytest.approx(expected)


def test_the_fall_ends_just_after_the_last_step():
    shape = {"power": 3.0, "end": 0.25, "kind": "wsd", "decay_steps": 7}
    assert learning_rate(101, **SHAPE, **shape) == 0.25
    assert learning_rate(100, **SHAPE, **shape) > 0.25


def test_a_decay_over_all_after_the_warm_up_is_the_polynomial():
    for step in range(1, 101):
        decayed = learning_rate(step, **SHAPE, kind="wsd", decay_steps=90)
        assert decayed == learning_rate(step, **SHAPE)


def test_without_warm_up_the_first_step_has_the_peak():
    assert learning_rate(1, steps=4, warmup_steps=0, peak=1.0) == 1.0


def test_warm_up_over_all_steps_ends_at_the_peak():
    rates = [learning_rate(step, steps=3, warmup_steps=3, peak=3.0) for step in (1, 2, 3)]
    assert rates == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("warmup_steps", [0, 1, 7, 50])
def test_rises_then_falls_and_is_never_zero(warmup_steps: int):
    rates = [learning_rate(s, steps=50, warmup_steps=warmup_steps, peak=1.0) for s in range(1, 51)]
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert min(rates) > 0
    assert max(rates) == 1.0
