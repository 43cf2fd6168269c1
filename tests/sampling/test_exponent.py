"""The exponent against hand-worked numbers, decimal arithmetic, its limits and its errors.

Run with: pytest tests/sampling
"""

import decimal
import math
from decimal import Decimal
from fractions import Fraction

import pytest

from xlmr_lab import languages
from xlmr_lab.errors import UserError
from xlmr_lab.paper import tables
from xlmr_lab.sampling.exponent import check_alpha, probabilities

SIZES = {"en": 8.0, "fr": 1.0}
PAPER = {
    "GiB": {key: language.size_gib for key, language in languages.LANGUAGES.items()},
    "million words": {
        str(row["key"]): float(row["tokens_M_corrected"]) for row in tables.read("cc100_languages")
    },
}


def test_a_third_root_is_worked_by_hand():
    # p = 8/9 and 1/9; the cube roots stand as 2 to 1.
    q = probabilities(SIZES, 1 / 3)
    assert q["en"] == pytest.approx(2 / 3)
    assert q["fr"] == pytest.approx(1 / 3)


def test_alpha_one_gives_the_shares_and_alpha_zero_gives_every_language_alike():
    assert probabilities(SIZES, 1.0) == pytest.approx({"en": 8 / 9, "fr": 1 / 9})
    assert probabilities(SIZES, 0.0) == pytest.approx({"en": 0.5, "fr": 0.5})


@pytest.mark.parametrize("unit", PAPER)
def test_the_papers_hundred_at_alpha_one_are_their_exact_shares(unit):
    sizes = {key: Fraction(size) for key, size in PAPER[unit].items()}
    total = sum(sizes.values())
    q = probabilities(PAPER[unit], 1.0)
    assert max(abs(Fraction(q[key]) - sizes[key] / total) for key in sizes) < Fraction(1, 10**15)
    assert set(probabilities(PAPER[unit], 0.0).values()) == {0.01}


@pytest.mark.parametrize("unit", PAPER)
@pytest.mark.parametrize("alpha", [0.01, 0.3, 0.5, 0.7, 1.0])
def test_the_papers_hundred_are_the_formula_to_a_trillionth(unit, alpha):
    """In 40 digits: p to the power of alpha is exp(alpha ln p)."""
    with decimal.localcontext(prec=40):
        sizes = {key: Decimal(size) for key, size in PAPER[unit].items()}
        total = sum(sizes.values())
        weights = {key: (Decimal(alpha) * (n / total).ln()).exp() for key, n in sizes.items()}
        exact = {key: weight / sum(weights.values()) for key, weight in weights.items()}
        q = probabilities(PAPER[unit], alpha)
        assert max(abs(Decimal(q[key]) / exact[key] - 1) for key in exact) < Decimal("1e-12")


def test_probabilities_sum_to_one_and_do_not_depend_on_the_unit():
    sizes = {f"l{i}": float(3**i) for i in range(60)}
    q = probabilities(sizes, 0.3)
    assert math.fsum(q.values()) == pytest.approx(1.0, abs=1e-12)
    scaled = probabilities({key: 1024 * n for key, n in sizes.items()}, 0.3)
    assert scaled == pytest.approx(q, rel=1e-9)


def test_a_lower_alpha_gives_small_languages_more():
    shares = [probabilities(SIZES, alpha)["fr"] for alpha in (1.0, 0.7, 0.3, 0.0)]
    assert shares == sorted(shares)


@pytest.mark.parametrize("alpha", [-0.1, 1.3, float("nan")])
def test_alpha_out_of_range_is_refused_with_its_value(alpha):
    with pytest.raises(UserError, match=rf"alpha must be in \[0, 1\], got {alpha}"):
        probabilities(SIZES, alpha)
    with pytest.raises(UserError, match=rf"^later_alphas must be in \[0, 1\], got {alpha}"):
        check_alpha(alpha, "later_alphas")


def test_a_language_without_text_is_named():
    with pytest.raises(UserError, match="no text to sample from for sw, ur"):
        probabilities({"en": 1.0, "ur": 0.0, "sw": 0.0}, 0.3)


def test_no_language_at_all_is_refused():
    with pytest.raises(UserError, match="no language"):
        probabilities({}, 0.3)
