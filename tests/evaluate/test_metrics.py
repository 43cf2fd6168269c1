"""Accuracy and span F1: `pytest tests/evaluate/test_metrics.py`."""

import random

import numpy as np
import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.metrics import accuracy, chunks, span_f1


def conlleval_counts(predicted, gold):
    """Count (gold, predicted, correct) chunks in one pass over both columns, as conlleval does.

    Unlike the module under test it keeps no spans: it follows whether the chunk that is open has
    been right so far.
    """
    lines = [
        (g, p)
        for gs, ps in zip(gold, predicted, strict=True)
        for g, p in [*zip(gs, ps, strict=True), ("O", "O")]
    ]
    num_gold = num_predicted = num_correct = 0
    in_correct = False
    last_gold = last_predicted = ("O", "")
    for gold_tag, predicted_tag in lines:
        now_gold, now_predicted = split(gold_tag), split(predicted_tag)
        ends_gold, ends_predicted = ends(last_gold, now_gold), ends(last_predicted, now_predicted)
        if in_correct:
            if ends_gold and ends_predicted and last_gold[1] == last_predicted[1]:
                in_correct = False
                num_correct += 1
            elif ends_gold != ends_predicted or now_gold[1] != now_predicted[1]:
                in_correct = False
        starts_gold, starts_predicted = (
            starts(last_gold, now_gold),
            starts(last_predicted, now_predicted),
        )
        if starts_gold and starts_predicted and now_gold[1] == now_predicted[1]:
            in_correct = True
        num_gold += starts_gold
        num_predicted += starts_predicted
        last_gold, last_predicted = now_gold, now_predicted
    return num_gold, num_predicted, num_correct + in_correct


def split(tag):
    return (tag[0], tag[2:]) if "-" in tag else (tag, "")


def ends(last, now):
    pairs = {("B", "B"), ("B", "O"), ("I", "B"), ("I", "O")}
    return (last[0], now[0]) in pairs or (last[0] != "O" and last[1] != now[1])


def starts(last, now):
    pairs = {("B", "B"), ("I", "B"), ("O", "B"), ("O", "I")}
    return (last[0], now[0]) in pairs or (now[0] != "O" and last[1] != now[1])


CHUNKS = {
    "": [],
    "O O": [],
    "B-PER I-PER O": [(0, 2, "PER")],
    "B-PER B-PER": [(0, 1, "PER"), (1, 2, "PER")],
    "B-PER": [(0, 1, "PER")],
    "O I-LOC I-LOC O": [(1, 3, "LOC")],  # I without B begins a chunk
    "I-LOC O I-LOC": [(0, 1, "LOC"), (2, 3, "LOC")],
    "B-PER I-LOC I-LOC": [
        (0, 1, "PER"),
        (1, 3, "LOC"),
    ],  # a change of type ends one and begins another
    "I-PER I-LOC I-PER": [(0, 1, "PER"), (1, 2, "LOC"), (2, 3, "PER")],
    "I-PER I-PER B-PER I-PER": [(0, 2, "PER"), (2, 4, "PER")],  # IOB1
    "B-X-Y I-X-Y I-X": [(0, 2, "X-Y"), (2, 3, "X")],  # a type may hold a hyphen
    "B-PER O I-PER": [(0, 1, "PER"), (2, 3, "PER")],
}


@pytest.mark.parametrize(("tags", "expected"), CHUNKS.items())
def test_chunks_by_hand(tags, expected):
    assert chunks(tags.split()) == expected


def test_span_f1_by_hand():
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["B-ORG", "O"]]
    predicted = [["B-PER", "I-PER", "O", "B-ORG"], ["O", "B-ORG"]]
    # 3 gold chunks, 3 predicted, 1 in both.
    assert span_f1(predicted, gold) == (1 / 3, 1 / 3, 1 / 3, 3, 3, 1)


def test_a_span_that_is_too_long_is_wrong_altogether():
    assert span_f1([["B-PER", "I-PER"]], [["B-PER", "O"]]).num_correct == 0


def test_a_wrong_first_tag_does_not_matter_where_conlleval_ignores_it():
    assert span_f1([["I-PER", "I-PER", "O"]], [["B-PER", "I-PER", "O"]]).f1 == 1.0


def test_a_chunk_does_not_run_from_one_sentence_into_the_next():
    assert span_f1([["B-PER"], ["I-PER"]], [["B-PER"], ["B-PER"]]) == (1, 1, 1, 2, 2, 2)


@pytest.mark.parametrize(
    ("predicted", "gold"), [(["O"], ["O"]), (["O"], ["B-PER"]), (["B-PER"], ["O"])]
)
def test_nothing_found_or_nothing_to_find_is_zero(predicted, gold):
    assert span_f1([predicted], [gold]).f1 == 0.0


@pytest.mark.parametrize("seed", range(20))
def test_span_f1_equals_the_official_one_pass_count_on_arbitrary_tags(seed):
    rng = random.Random(seed)
    tags = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "I-A-B"]
    for _ in range(100):
        gold = [rng.choices(tags, k=rng.randrange(1, 9)) for _ in range(rng.randrange(1, 4))]
        predicted = [[t if rng.random() < 0.6 else rng.choice(tags) for t in s] for s in gold]
        ours = span_f1(predicted, gold)
        assert ours[3:] == conlleval_counts(predicted, gold), (predicted, gold)


def test_the_one_pass_count_tells_right_from_wrong():
    assert conlleval_counts([["B-PER", "I-PER"]], [["B-PER", "O"]]) == (1, 1, 0)
    assert conlleval_counts([["B-PER", "O"]], [["B-PER", "O"]]) == (1, 1, 1)


@pytest.mark.parametrize("tag", ["E-PER", "PER", "b-PER", ""])
def test_an_unknown_tag_is_refused(tag):
    with pytest.raises(UserError, match="must be O, B-TYPE or I-TYPE"):
        chunks(["O", tag])


def test_predictions_must_match_the_gold_words():
    with pytest.raises(ValueError, match="2 predicted tags for a sentence of 1 words"):
        span_f1([["O", "O"]], [["O"]])
    with pytest.raises(ValueError, match="2 predicted sentences for 1"):
        span_f1([["O"], ["O"]], [["O"]])
    with pytest.raises(ValueError, match="2 predictions for 3"):
        accuracy(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="0 predictions for 0"):
        accuracy(np.zeros(0), np.zeros(0))


def test_accuracy_by_hand():
    assert accuracy(np.array([0, 1, 2]), np.array([0, 2, 2])) == pytest.approx(2 / 3)
