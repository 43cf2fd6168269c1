"""Checks of gold labels and answers: `pytest tests/evaluate/doctor/test_gold.py`."""

import numpy as np
import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.doctor.gold import (
    dev_in_test,
    lost_gold,
    num_entities,
    placeholder_labels,
    truncation,
    unofficial_normalization,
    wrong_offsets,
)
from xlmr_lab.evaluate.doctor.verdict import ALPHA
from xlmr_lab.evaluate.examples import Examples
from xlmr_lab.evaluate.ner import encode, label_set, sentence_tags
from xlmr_lab.evaluate.task_files import TaggedSentences
from xlmr_lab.evaluate.text import XLMR


def test_labels_that_are_none_are_refused():
    verdict = placeholder_labels(np.array([0, 1, -1, -1]), 3)
    assert (verdict.name, verdict.level) == ("placeholder labels", "refuse")
    assert "2 of 4 gold labels are not 0 to 2, the first -1 at example 3" in verdict.line
    assert "1 of 2 gold labels are not 0 to 2" in placeholder_labels(np.array([3, 0]), 3).line
    assert placeholder_labels(np.array([0, 1, 2, 2]), 3) is None
    broken = placeholder_labels(np.array([0.5, np.nan]))
    assert "1 of 2 gold labels are not numbers, the first nan at example 2" in broken.line
    assert placeholder_labels(np.array([-1.5, 0.0])) is None


def test_labels_that_are_all_the_same_are_refused():
    """Of 8 labels with 3 classes that happens once in 3^7 = 2,187 sets, of 7 once in 729."""
    assert "all 8 gold labels are 1" in placeholder_labels(np.ones(8, dtype=int), 3).line
    assert placeholder_labels(np.ones(7, dtype=int), 3) is None
    assert "all 2 gold labels are 0.0" in placeholder_labels(np.zeros(2)).line


def test_few_true_labels_are_taken_for_placeholders_as_rarely_as_said():
    rng = np.random.default_rng(0)
    for size in (2, 5, 8):
        drawn = rng.integers(3, size=(5000, size))
        alarms = sum(placeholder_labels(gold, 3) is not None for gold in drawn)
        assert alarms <= ALPHA * 5000 + 4 * (ALPHA * 5000) ** 0.5


def test_lost_and_added_gold_is_refused():
    verdict = lost_gold(10, 7)
    assert verdict.level == "refuse"
    assert "10 gold entities and its encoding 7, 3 are lost" in verdict.line
    assert "4 gold answers and its encoding 5, 1 are too many" in lost_gold(4, 5, "answers").line
    assert lost_gold(10, 10) is None


def test_entities_are_counted_before_and_after_encoding(tokenizer):
    """A sentence of 12 pieces in windows of 10 tokens: none of its entities is lost."""
    words = [["aabb", "cc", "dd", "ee", "ff", "gg", "hh", "ii", "jj", "kk", "ll"]]
    tags = [["B-PER", "I-PER", "B-LOC", "O", "O", "O", "O", "O", "B-LOC", "O", "B-PER"]]
    labels = label_set(tags)
    sentences = TaggedSentences(words, tags)
    examples = encode(tokenizer, sentences, labels, language="en", max_tokens=10)
    assert len(examples) > 1
    after = sentence_tags(examples.labels, labels, [11])
    assert num_entities(tags) == 4
    assert lost_gold(num_entities(tags), num_entities(after)) is None
    assert lost_gold(num_entities(tags), num_entities([after[0][:8]])).evidence["num_after"] == 2


def test_answers_that_do_not_stand_at_their_offset_are_flagged():
    contexts = ["the Nile flows", "in 1902", "the Nile flows", "a b"]
    verdict = wrong_offsets(contexts, ["Nile", "1902", "Nile", "z"], [4, 3, 3, 0])
    assert verdict.level == "flag"
    assert "2 of 4 answers are not what stands at their offset (1 stand elsewhere" in verdict.line
    assert wrong_offsets(contexts[:2], ["Nile", "1902"], [4, 3]) is None
    assert wrong_offsets(["abc"], ["c"], [-1]).evidence["num_wrong"] == 1


def test_offsets_that_count_something_else_are_refused():
    """A character of 2 UTF-16 units stands before each answer."""
    contexts = ["\U0001f600 ab", "\U0001f600\U0001f600 cd", "ef"]
    verdict = wrong_offsets(contexts, ["ab", "cd", "ef"], [3, 5, 0])
    assert verdict.level == "refuse"
    assert "they must count characters" in verdict.line


def test_another_rule_than_the_benchmarks_is_flagged():
    verdict = unofficial_normalization("mlqa", "zh", "squad")
    assert verdict.level == "flag"
    assert "answers in zh are scored by the rule 'squad', those of mlqa by 'mlqa'" in verdict.line
    assert "white space (not official)" in unofficial_normalization("mlqa", "sw", "mlqa").line
    assert unofficial_normalization("mlqa", "zh", "mlqa") is None
    assert unofficial_normalization("xquad", "zh", "squad") is None
    assert unofficial_normalization("xquad", "zh", "mlqa") is not None
    with pytest.raises(UserError, match=r"no rule is known for 'nq'; benchmarks with one: squad"):
        unofficial_normalization("nq", "en", "squad")


def test_many_cut_rows_are_flagged():
    lengths = [10] * 97 + [21, 30, 20]
    verdict = truncation(lengths, 20)
    assert verdict.level == "flag"
    assert "2 of 100 rows (2.0%) are longer than 20 tokens and lose some" in verdict.line
    assert verdict.evidence["longest"] == 30
    assert truncation(lengths, 21) is None


def rows(*ids):
    laid = [XLMR.single(row) for row in ids]
    positions = [np.array([0])] * len(laid)
    labels = np.zeros(len(laid), dtype=np.int64)
    return Examples.of(laid, positions, labels, language="en", layout=XLMR)


def test_a_test_set_that_is_the_dev_set_is_refused():
    dev = rows([7, 8], [9], [7, 9])
    assert dev_in_test(dev, rows([9], [7, 8])).level == "refuse"
    verdict = dev_in_test(dev, rows([9], [8, 7], [9, 9], [5]))
    assert verdict.level == "flag"
    assert "1 of 4 test rows (25.0%) are rows of the dev set" in verdict.line
    assert dev_in_test(dev, rows([8, 7], [9, 9])) is None
