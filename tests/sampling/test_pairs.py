"""Parallel text takes its share of the blocks, pairs follow an exponent, and without it nothing
changes.

Run with: pytest tests/sampling/test_pairs.py
"""

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.sampling.pairs import PairSampling, with_pairs
from xlmr_lab.sampling.schedules import Phase

SIZES = {"en+sw": 400.0, "en+ur": 100.0, "sw+ur": 100.0}
WHOLE = Phase(1, {"en": 0.5, "sw": 0.3, "ur": 0.2})


def test_the_share_is_that_of_all_pairs_and_languages_keep_their_proportions() -> None:
    """A quarter is divided 2 : 1 : 1 by the root of the sizes."""
    (phase,) = with_pairs([WHOLE], SIZES, PairSampling(share=0.25, alpha=0.5))
    expected = {"en": 0.375, "sw": 0.225, "ur": 0.15}
    expected |= {"en+sw": 0.125, "en+ur": 0.0625, "sw+ur": 0.0625}
    assert phase.probabilities == pytest.approx(expected)


def test_without_a_share_phases_are_the_same_numbers() -> None:
    assert with_pairs([WHOLE], {}, PairSampling()) == [WHOLE]


def test_a_pair_waits_until_both_its_languages_are_there() -> None:
    early = Phase(1, {"en": 0.6, "sw": 0.4})
    later = Phase(5, WHOLE.probabilities)
    first, second = with_pairs([early, later], SIZES, PairSampling(share=0.5, alpha=0.0))
    assert first.probabilities == pytest.approx({"en": 0.3, "sw": 0.2, "en+sw": 0.5})
    assert second.first_step == 5
    assert set(second.probabilities) == {*WHOLE.probabilities, *SIZES}


def test_a_phase_without_a_pair_is_refused() -> None:
    alone = Phase(1, {"en": 1.0})
    told = r"no pair of parallel text has both its languages at step 1, there are en\+sw, .*join"
    with pytest.raises(UserError, match=told):
        with_pairs([alone], SIZES, PairSampling(share=0.5, alpha=0.0))


@pytest.mark.parametrize("share", [1.0, -0.1, float("nan")])
def test_a_share_that_leaves_no_languages_is_refused(share: float) -> None:
    with pytest.raises(UserError, match=rf"tlm.share must be in \[0, 1\), got {share}; with 0.25"):
        PairSampling(share=share, alpha=0.3)


def test_a_share_goes_with_an_exponent() -> None:
    with pytest.raises(UserError, match=r"go together, got 0.5 and None"):
        PairSampling(share=0.5)
