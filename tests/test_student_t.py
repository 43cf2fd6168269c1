"""Student's t distribution: `pytest tests/test_student_t.py`."""

import math

import pytest

from xlmr_lab import student_t
from xlmr_lab.student_t import student_t_quantile, upper_tail

# Two-sided 95 % and 99 % points as printed in statistical tables.
TABLE_975 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 9: 2.262, 14: 2.145, 30: 2.042}
TABLE_995 = {1: 63.657, 2: 9.925, 4: 4.604, 9: 3.250, 29: 2.756, 120: 2.617}


@pytest.mark.parametrize(("df", "expected"), TABLE_975.items())
def test_quantiles_equal_the_printed_table_at_95_percent(df, expected):
    assert round(student_t_quantile(0.975, df), 3) == expected


@pytest.mark.parametrize(("df", "expected"), TABLE_995.items())
def test_quantiles_equal_the_printed_table_at_99_percent(df, expected):
    assert round(student_t_quantile(0.995, df), 3) == expected


@pytest.mark.parametrize("p", [1e-9, 0.01, 0.3, 0.5, 0.62, 0.975, 0.99999])
def test_quantiles_equal_the_closed_forms_for_one_and_two_degrees_of_freedom(p):
    cauchy = -1 / math.tan(math.pi * p)
    two = (2 * p - 1) * math.sqrt(2 / (4 * p * (1 - p)))
    assert student_t_quantile(p, 1) == pytest.approx(cauchy, rel=1e-10, abs=1e-12)
    assert student_t_quantile(p, 2) == pytest.approx(two, rel=1e-10, abs=1e-12)


def test_quantiles_approach_the_normal_distribution():
    assert student_t_quantile(0.975, 1e7) == pytest.approx(1.959964, abs=1e-5)


def test_quantiles_are_antisymmetric():
    assert student_t_quantile(0.025, 3) == -student_t_quantile(0.975, 3)


@pytest.mark.parametrize(
    ("p", "df"), [(0.0, 2), (1.0, 2), (0.9, 0), (math.nan, 2), (0.9, math.nan)]
)
def test_a_quantile_outside_its_domain_is_refused(p, df):
    with pytest.raises(ValueError, match=r"p must be in \(0, 1\)"):
        student_t_quantile(p, df)


def test_a_quantile_asked_for_again_is_not_computed_again(monkeypatch):
    first = student_t_quantile(0.975, 1234.5)
    monkeypatch.setattr(student_t, "upper_tail", lambda t, df: pytest.fail("computed again"))
    assert student_t_quantile(0.975, 1234.5) == first


@pytest.mark.parametrize("df", [1, 2, 7, 30])
def test_tails_are_what_quantiles_leave(df):
    assert upper_tail(0.0, df) == pytest.approx(0.5)
    for p in (0.6, 0.95, 0.999):
        assert upper_tail(student_t_quantile(p, df), df) == pytest.approx(1 - p, rel=1e-9)
