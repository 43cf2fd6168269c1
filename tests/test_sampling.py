"""Language sampling against hand-worked numbers, its limits and its errors.

Run with: pytest tests/test_sampling.py
"""

import math

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.sampling import SamplingConfig, passes, probabilities

SIZES = {"en": 8.0, "fr": 1.0}


def test_a_third_root_is_worked_by_hand():
    # p = 8/9 and 1/9; the cube roots stand as 2 to 1.
    q = probabilities(SIZES, 1 / 3)
    assert q["en"] == pytest.approx(2 / 3)
    assert q["fr"] == pytest.approx(1 / 3)


def test_alpha_one_gives_the_shares_and_alpha_zero_gives_every_language_alike():
    assert probabilities(SIZES, 1.0) == pytest.approx({"en": 8 / 9, "fr": 1 / 9})
    assert probabilities(SIZES, 0.0) == pytest.approx({"en": 0.5, "fr": 0.5})


def test_probabilities_sum_to_one_and_do_not_depend_on_the_unit():
    sizes = {f"l{i}": float(3**i) for i in range(60)}
    q = probabilities(sizes, 0.3)
    assert math.fsum(q.values()) == pytest.approx(1.0, abs=1e-12)
    scaled = probabilities({key: 1024 * n for key, n in sizes.items()}, 0.3)
    assert scaled == pytest.approx(q, rel=1e-9)


def test_a_lower_alpha_gives_small_languages_more():
    shares = [probabilities(SIZES, alpha)["fr"] for alpha in (1.0, 0.7, 0.3, 0.0)]
    assert shares == sorted(shares)


def test_passes_count_draws_over_size():
    assert passes({"en": 4, "fr": 4}, {"en": 8, "fr": 1}) == {"en": 0.5, "fr": 4.0}


@pytest.mark.parametrize("alpha", [-0.1, 1.3, float("nan")])
def test_alpha_out_of_range_is_refused_with_its_value(alpha):
    with pytest.raises(UserError, match=rf"alpha must be in \[0, 1\], got {alpha}"):
        SamplingConfig(alpha=alpha)
    with pytest.raises(UserError, match="alpha"):
        probabilities(SIZES, alpha)


def test_a_language_without_text_is_named():
    with pytest.raises(UserError, match="no text to sample from for sw, ur"):
        probabilities({"en": 1.0, "ur": 0.0, "sw": 0.0}, 0.3)


def test_no_language_at_all_is_refused():
    with pytest.raises(UserError, match="no language"):
        probabilities({}, 0.3)
