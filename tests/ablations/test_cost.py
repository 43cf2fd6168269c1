"""What runs cost: seconds by hand, packing on workers, and what a budget pays for."""

import pytest

from xlmr_lab import configs
from xlmr_lab.ablations import cost, scales
from xlmr_lab.ablations.beforehand import likely_run
from xlmr_lab.ablations.cost import Part, Speed
from xlmr_lab.errors import UserError


def part(claims: str, seed: int, seconds: float, kind: str = "pretraining") -> Part:
    return Part(kind=kind, seed=seed, claims=frozenset(claims.split()), seconds=seconds)


def test_a_run_is_its_steps_its_looks_and_what_is_beside_them():
    """60 steps of 0.1 s; three looks at 32 blocks of 7 languages, one of them beside."""
    changes = ["pretrain.steps=60", "pretrain.heldout_steps=25", "batches.batch_sequences=32"]
    run = likely_run(configs.override(scales.tiny().base, changes))
    seconds = cost.pretraining_seconds(run, Speed(step=0.1, beside=2.0))
    assert seconds == pytest.approx(2.0 + 60 * 0.1 + 2 * 7 * 0.1 / 3)


def test_runs_are_handed_out_in_their_order_to_whoever_is_free():
    assert cost.packed([], 2) == 0
    assert cost.packed([5, 1, 1], 3) == 5
    assert cost.packed([1, 1, 5], 2) == 6
    assert cost.packed([1, 1, 5], 1) == 7


def test_kinds_come_one_after_the_other():
    parts = [part("F1", 0, 4), part("F1", 0, 2, "fine-tuning"), part("F1", 1, 1)]
    assert cost.total(parts, workers=2) == 4 + 2


PARTS = [part(claims, seed, 10) for seed in range(4) for claims in ("F1 F2", "F2", "F3")]


def test_a_budget_pays_for_seeds_first():
    """One seed of all claims is 30 s on one worker."""
    asked = {"seeds": range(4), "workers": 1}
    claims = ["F1", "F2", "F3"]
    assert cost.affordable(PARTS, claims, left=120, **asked) == (("F1", "F2", "F3"), 4)
    assert cost.affordable(PARTS, claims, left=119, **asked) == (("F1", "F2", "F3"), 3)
    assert cost.affordable(PARTS, claims, left=60, **asked) == (("F1", "F2", "F3"), 2)


def test_a_budget_below_two_seeds_leaves_out_the_last_claims():
    """Without F3 a seed is 20 s: then two are 40, and what F1 and F2 share counts once."""
    asked = {"seeds": range(4), "workers": 1}
    claims = ["F1", "F2", "F3"]
    assert cost.affordable(PARTS, claims, left=59, **asked) == (("F1", "F2"), 2)
    assert cost.affordable(PARTS, claims, left=39, **asked) == (("F1",), 3)
    assert cost.affordable(PARTS, ["F3", "F2", "F1"], left=39, **asked) == (("F3",), 3)
    with pytest.raises(UserError, match=r"at least 20s more for F1 alone with 2 seeds, 19s are"):
        cost.affordable(PARTS, claims, left=19, **asked)


def test_seeds_that_are_too_few_from_the_start_are_taken_as_they_are():
    one = [part("F1", 0, 10)]
    assert cost.affordable(one, ["F1"], seeds=[0], workers=1, left=10) == (("F1",), 1)
