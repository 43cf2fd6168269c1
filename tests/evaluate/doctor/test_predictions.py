"""Checks of predictions: `pytest tests/evaluate/doctor/test_predictions.py`."""

import numpy as np
import pytest

from xlmr_lab.evaluate.doctor import predictions
from xlmr_lab.evaluate.doctor.predictions import (
    constant_predictions,
    label_order,
    not_finite,
    one_class_collapse,
    same_order,
    skewed_predictions,
    sure_order,
)
from xlmr_lab.evaluate.doctor.verdict import ALPHA

STATISTICAL = (one_class_collapse, skewed_predictions, label_order)
DRAWS = 3000


def balanced(num_each, num_labels=3):
    return np.repeat(np.arange(num_labels), num_each)


def test_one_class_for_everything_is_refused():
    """XNLI's 33.3 %: 5 of 15 gold labels are what is predicted for all."""
    gold = balanced(5)
    verdict = one_class_collapse(np.full(15, 2), gold, 3)
    assert (verdict.name, verdict.level) == ("one-class collapse", "refuse")
    assert "all 15 predictions are label 2, which 33.3% of the gold labels are" in verdict.line
    assert verdict.evidence["p"] == pytest.approx(3 * (1 / 3) ** 15)
    assert verdict.evidence["gold_share"] == pytest.approx(1 / 3)


def test_one_class_is_no_collapse_where_it_may_be_right():
    assert one_class_collapse(np.full(15, 2), np.full(15, 2), 3) is None
    few = np.array([0, 0, 0, 0, 1])
    assert one_class_collapse(np.zeros(5, dtype=int), few, 2) is None  # 2 (4/5)^5 = 0.66
    rest = balanced(5)
    rest[0] = 1
    assert one_class_collapse(np.append(np.full(14, 2), 0), rest, 3) is None


def test_a_label_that_is_predicted_too_often_is_flagged():
    """60 of 100 are predicted as 0 and 30 are: 30 too many and none too few, p = 6 / 2^30."""
    gold = np.repeat([0, 1, 2], [30, 30, 40])
    predicted = np.repeat([0, 2], [60, 40])
    verdict = skewed_predictions(predicted, gold, 3)
    assert (verdict.name, verdict.level) == ("skewed predictions", "flag")
    assert verdict.evidence["p"] == pytest.approx(6 / 2**30)
    assert "label 0 is predicted for 60.0% of 100 examples and is gold for 30.0%" in verdict.line


def test_a_little_skew_or_few_examples_are_let_pass():
    gold = balanced(1000)
    little = gold.copy()
    little[1000:1250] = 0  # 8 % of all, and surely no accident
    assert skewed_predictions(little, gold, 3) is None
    few = balanced(4)
    assert skewed_predictions(np.where(few == 1, 0, few), few, 3) is None
    assert skewed_predictions(gold, gold, 3) is None


def test_labels_in_another_order_are_refused_with_that_order():
    gold = balanced(20)
    predicted = np.array([2, 0, 1])[gold]
    predicted[::10] = gold[::10]
    verdict = label_order(predicted, gold, 3)
    assert (verdict.name, verdict.level) == ("label order", "refuse")
    assert "accuracy is 10.0%, and 90.0% if predictions are read in another order" in verdict.line
    assert "(0 as 1, 1 as 2, 2 as 0)" in verdict.line
    assert [verdict.evidence[f"read_{i}_as"] for i in range(3)] == [1, 2, 0]


def test_two_labels_that_are_swapped_are_told_and_the_third_left():
    gold = balanced(30)
    verdict = label_order(np.array([0, 2, 1])[gold], gold, 3)
    assert "(1 as 2, 2 as 1)" in verdict.line


def test_an_accuracy_far_below_chance_is_another_order():
    rng = np.random.default_rng(0)
    gold = rng.integers(2, size=400)
    predicted = np.where(rng.random(400) < 0.2, gold, 1 - gold)
    assert label_order(predicted, gold, 2).evidence["accuracy"] < 0.25


CODE_SWITCHED = np.array([[0.210, 0.100, 0.087], [0.064, 0.085, 0.155], [0.060, 0.155, 0.084]])
"""Weak transfer to code-switched XNLI: of what is predicted (rows) 0.379 is gold (columns), and
0.520 with the last two labels swapped."""


def drawn(joint, size, rng):
    """Draw predictions and gold labels from their joint distribution."""
    cells = rng.choice(joint.size, size=size, p=(joint / joint.sum()).ravel())
    return cells // len(joint), cells % len(joint)


def test_weak_transfer_that_confuses_two_labels_is_flagged_and_never_refused():
    joint = CODE_SWITCHED
    assert joint.trace() == pytest.approx(0.379)
    assert joint[0, 0] + joint[1, 2] + joint[2, 1] == pytest.approx(0.520)
    rng = np.random.default_rng(0)
    found = [label_order(*drawn(joint, 1000, rng), 3) for _ in range(300)]
    levels = [verdict.level for verdict in found if verdict]
    assert len(levels) > 290
    assert set(levels) == {"flag"}
    assert "weak transfer can do that, and labels numbered differently" in found[0].line


def test_a_swap_is_refused_once_the_task_is_learned_and_only_flagged_before():
    """Halfway from the commonest of two labels to perfect is 75 %: 0.6 and 0.9 are either side."""
    rng = np.random.default_rng(0)
    gold = rng.integers(3, size=2000)
    for accuracy, level in ((0.6, "flag"), (0.9, "refuse")):
        wrong = (gold + rng.integers(1, 3, size=2000)) % 3
        own = np.where(rng.random(2000) < accuracy, gold, wrong)
        assert label_order(np.array([0, 2, 1])[own], gold, 3).level == level


def test_orders_that_are_right_halfway_are_refused_as_rarely_as_said():
    """Two labels, read the other way right in just three quarters of the cases."""
    rng = np.random.default_rng(3)
    joint = np.array([[0.125, 0.375], [0.375, 0.125]])
    found = [label_order(*drawn(joint, 200, rng), 2) for _ in range(DRAWS)]
    assert all(found)
    refused = sum(verdict.level == "refuse" for verdict in found)
    assert refused <= ALPHA * DRAWS + 4 * (ALPHA * DRAWS) ** 0.5


def test_a_flag_turns_into_the_refusal_of_the_same_order():
    gold = balanced(60)
    rng = np.random.default_rng(0)
    own = np.where(rng.random(180) < 0.5, gold, rng.integers(3, size=180))
    weak = label_order((own + 1) % 3, gold, 3)
    other = label_order((own + 2) % 3, gold, 3)
    assert (weak.level, other.level) == ("flag", "flag")
    sure = sure_order(weak)
    assert sure.level == "refuse"
    assert "(0 as 2, 1 as 0, 2 as 1): training and test labels are numbered diff" in sure.line
    assert same_order(weak, sure)
    assert not same_order(weak, other)


def test_good_poor_and_biased_models_have_their_labels_in_order():
    rng = np.random.default_rng(0)
    gold = rng.choice(3, size=600, p=[0.8, 0.1, 0.1])
    right = np.where(rng.random(600) < 0.6, gold, rng.integers(3, size=600))
    assert label_order(right, gold, 3) is None
    prefers_rare = rng.choice(3, size=600, p=[0.05, 0.05, 0.9])
    accuracy = np.mean(prefers_rare == gold)
    assert accuracy < 0.2, "another order of labels would gain"
    assert label_order(prefers_rare, gold, 3) is None
    assert label_order(np.full(600, 2), gold, 3) is None


def test_of_many_labels_swaps_are_found():
    gold = balanced(20, 9)
    order = np.array([0, 1, 7, 3, 4, 5, 6, 2, 8])
    assert "(2 as 7, 7 as 2)" in label_order(order[gold], gold, 9).line
    assert "(0 as 1, " in label_order((gold - 1) % 9, gold, 9).line
    assert label_order(gold, gold, 9) is None


def null(rng, check, shares, size):
    """Draw predictions that are as likely as gold labels, and have nothing to do with them."""
    gold, predicted = rng.choice(len(shares), size=(2, size), p=shares)
    return check(predicted, gold, len(shares))


@pytest.mark.parametrize("check", STATISTICAL)
@pytest.mark.parametrize(("shares", "size"), [([0.34, 0.33, 0.33], 30), ([0.7, 0.3], 100)])
def test_false_alarms_are_as_rare_as_said(check, shares, size):
    rng = np.random.default_rng(0)
    alarms = sum(null(rng, check, shares, size) is not None for _ in range(DRAWS))
    assert alarms <= ALPHA * DRAWS + 4 * (ALPHA * DRAWS) ** 0.5


@pytest.mark.parametrize("check", STATISTICAL)
@pytest.mark.parametrize(("shares", "size"), [([0.34, 0.33, 0.33], 40), ([0.7, 0.3], 100)])
def test_the_tests_themselves_hold_their_level(check, shares, size, monkeypatch):
    """Without the demand that what is found be large, and at a level that can be measured."""
    monkeypatch.setattr(predictions, "ALPHA", 0.05)
    monkeypatch.setattr(predictions, "LEAST_SKEW", 0.0)
    monkeypatch.setattr(predictions, "LEAST_GAIN", 0.0)
    rng = np.random.default_rng(1)
    alarms = sum(null(rng, check, shares, size) is not None for _ in range(DRAWS))
    assert alarms / DRAWS <= 0.05 + 4 * (0.05 * 0.95 / DRAWS) ** 0.5
    if check is label_order and len(shares) == 2:
        assert alarms / DRAWS > 0.02, "the test would be far too strict"


@pytest.mark.parametrize("accuracy", [0.45, 0.9])
def test_another_order_is_found_in_a_hundred_examples(accuracy):
    rng = np.random.default_rng(2)
    found = 0
    for _ in range(200):
        gold = rng.integers(3, size=100)
        own = np.where(rng.random(100) < accuracy, gold, rng.integers(3, size=100))
        found += label_order((own + 1) % 3, gold, 3) is not None
    assert found >= 190


def test_numbers_that_are_all_the_same_are_refused():
    gold = np.array([0.0, 1.0, 2.5, 5.0])
    verdict = constant_predictions(np.array([2.0, 2.0005, 2.0, 2.0]), gold)
    assert (verdict.name, verdict.level) == ("constant predictions", "refuse")
    assert constant_predictions(np.array([2.0, 2.1, 2.0, 2.0]), gold) is None
    assert constant_predictions(np.full(3, 2.0), np.full(3, 2.0)) is None


def test_logits_that_are_no_numbers_are_refused():
    logits = np.zeros((4, 3))
    assert not_finite(logits) is None
    logits[1, 2], logits[3] = np.nan, np.inf
    verdict = not_finite(logits)
    assert verdict.level == "refuse"
    assert "2 of 4 predictions are infinite or not a number" in verdict.line
