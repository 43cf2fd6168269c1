"""The examination of a scored set: `pytest tests/evaluate/doctor/test_examine.py`."""

import numpy as np
import pytest

from xlmr_lab.evaluate.doctor.examine import examine
from xlmr_lab.evaluate.doctor.verdict import Verdict
from xlmr_lab.evaluate.examples import Examples
from xlmr_lab.evaluate.text import XLMR


def examples_of(labels, positions_each=1):
    count = len(labels) // positions_each
    rows = [XLMR.single(np.arange(4, 4 + positions_each)) for _ in range(count)]
    positions = [np.arange(positions_each)] * count
    return Examples.of(rows, positions, np.asarray(labels), language="en", layout=XLMR)


def logits_of(predicted, num_labels):
    return np.eye(num_labels, dtype=np.float32)[predicted]


def names(*args):
    return [verdict.name for verdict in examine(*args)]


GOLD = np.repeat([0, 1, 2], 20)


@pytest.mark.parametrize(
    ("predicted", "gold", "expected"),
    [
        (GOLD, GOLD, []),
        (np.zeros(60, dtype=int), GOLD, ["one-class collapse"]),
        ((GOLD + 1) % 3, GOLD, ["label order"]),
        (np.where(GOLD == 1, 0, GOLD), GOLD, ["skewed predictions"]),
        (GOLD, np.full(60, -1), ["placeholder labels"]),
        (np.zeros(60, dtype=int), np.zeros(60, dtype=int), ["placeholder labels"]),
    ],
)
def test_classes(predicted, gold, expected):
    assert names("classification", logits_of(predicted, 3), examples_of(gold), 3) == expected


def test_tags_that_are_all_outside_are_a_collapse_and_no_other_order_is_looked_for():
    gold = np.tile([0, 0, 0, 1], 40)
    outside = logits_of(np.zeros(160, dtype=int), 3)
    assert names("tagging", outside, examples_of(gold, 4), 3) == ["one-class collapse"]
    turned = logits_of((np.repeat([0, 1, 2], 20) + 1) % 3, 3)
    assert names("tagging", turned, examples_of(np.repeat([0, 1, 2], 20), 4), 3) == []


def test_numbers():
    gold = np.linspace(0, 5, 30)
    right, same = gold[:, None], np.full((30, 1), 2.0)
    assert names("regression", right, examples_of(gold), 1) == []
    assert names("regression", same, examples_of(gold), 1) == ["constant predictions"]
    assert names("regression", right, examples_of(np.zeros(30)), 1) == ["placeholder labels"]


def test_answers():
    """Rows of four positions, an answer of one token at the second one of each."""
    gold = np.tile([0, 3, 0, 0], 20)
    examples = examples_of(gold, 4)
    right = np.stack([gold, gold], axis=1).astype(float)
    none = np.tile([[1.0, 1.0], [0, 0], [0, 0], [0, 0]], (20, 1))
    assert names("span", right, examples, 2) == []
    assert names("span", none, examples, 2) == ["one-class collapse"]
    absent = examples_of(np.tile([3, 0, 0, 0], 20), 4)
    assert names("span", none, absent, 2) == []
    assert names("span", right * np.nan, examples, 2) == ["not finite"]
    cut = np.tile(gold, 10)
    cut[:80] = [3, 0, 0, 0] * 20  # rows of a long text that its answer is not in
    always = np.tile([[0, 0], [2.0, 2.0], [0, 0], [0, 0]], (200, 1))
    assert names("span", always, examples_of(cut, 4), 2) == []


def test_logits_that_are_no_numbers_come_before_what_they_would_mean():
    broken = np.full((60, 3), np.nan)
    assert names("classification", broken, examples_of(GOLD), 3) == ["not finite"]


def test_a_verdict_is_one_line():
    for predicted in (np.zeros(60, dtype=int), (GOLD + 1) % 3, np.where(GOLD == 1, 0, GOLD)):
        (verdict,) = examine("classification", logits_of(predicted, 3), examples_of(GOLD), 3)
        assert isinstance(verdict, Verdict)
        assert str(verdict) == f"{verdict.level}: {verdict.line}"
        assert "\n" not in str(verdict)
