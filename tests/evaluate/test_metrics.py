"""Accuracy and span F1: `pytest tests/evaluate/test_metrics.py`.

conlleval's own values come from tests/benchmarks/golden_metrics.py.
"""

import hashlib
import json
import random
import runpy
from pathlib import Path

import numpy as np
import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.metrics import (
    accuracy,
    chunks,
    conlleval_report,
    span_f1,
    span_f1_by_type,
    tag_accuracy,
)

GOLDEN = Path(__file__).parent / "golden"
CASES = runpy.run_path(str(GOLDEN / "tag_cases.py"))["cases"]()
CHECKSUM = runpy.run_path(str(GOLDEN / "answer_cases.py"))["checksum"]
OFFICIAL = json.loads((GOLDEN / "conlleval.json").read_text())


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
    "S-PER O B-LOC E-LOC": [(0, 1, "PER"), (2, 4, "LOC")],  # IOBES
    "B-PER E-PER S-LOC": [(0, 2, "PER"), (2, 3, "LOC")],
    "S-PER S-PER": [(0, 2, "PER")],  # conlleval has no rule for S: neighbours are one
    "B-PER E-PER B-PER E-PER": [(0, 4, "PER")],  # nor for B after E
    "E-PER E-PER I-PER": [(0, 1, "PER"), (1, 2, "PER"), (2, 3, "PER")],
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


def test_each_type_is_scored_on_its_own():
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["B-ORG", "O"]]
    predicted = [["B-PER", "I-PER", "O", "B-ORG"], ["O", "B-ORG"]]
    assert span_f1_by_type(predicted, gold) == {
        "LOC": (0, 0, 0, 1, 0, 0),
        "ORG": (0, 0, 0, 1, 2, 0),
        "PER": (1, 1, 1, 1, 1, 1),
    }


def test_tag_accuracy_counts_words_of_all_sentences_alike():
    assert tag_accuracy([["O", "O", "B-A"], ["O"]], [["O", "B-A", "B-A"], ["O"]]) == 0.75
    assert tag_accuracy([["I-A"]], [["B-A"]]) == 0  # another prefix is another tag


def test_the_report_by_hand():
    gold = [["B-PER", "I-PER", "O"], ["B-LOC"]]
    predicted = [["B-PER", "I-PER", "O"], ["B-PER"]]
    assert conlleval_report(predicted, gold) == (
        "processed 4 tokens with 2 phrases; found: 2 phrases; correct: 1.\n"
        "accuracy:  75.00%; precision:  50.00%; recall:  50.00%; FB1:  50.00\n"
        "              LOC: precision:   0.00%; recall:   0.00%; FB1:   0.00  0\n"
        "              PER: precision:  50.00%; recall: 100.00%; FB1:  66.67  2\n"
    )


def test_halves_are_rounded_as_conlleval_rounds_them():
    """What the script prints for 23 of 160, and for 1 chunk to find among 63 that are found."""
    few = conlleval_report([["B-A"] * 23 + ["O"] * 137], [["B-A"] * 160])
    assert "accuracy:  14.38%; precision: 100.00%; recall:  14.38%; FB1:  25.14" in few
    many = conlleval_report([["B-A"] * 63], [["B-A"] + ["O"] * 62])
    assert "accuracy:   1.59%; precision:   1.59%; recall: 100.00%; FB1:   3.13" in many


def test_the_cases_are_those_of_the_golden_values():
    assert len(CASES) >= 2000
    assert CHECKSUM(CASES) == OFFICIAL["cases"]


def test_span_f1_and_tag_accuracy_are_conllevals_to_the_last_digit():
    for (predicted, gold), official in zip(CASES, OFFICIAL["summaries"], strict=True):
        ours = span_f1(predicted, gold)
        percents = (100 * tag_accuracy(predicted, gold), *(100 * value for value in ours[:3]))
        printed = [float(f"{value:.2f}") for value in percents]
        counts = [sum(map(len, gold)), *ours[3:]]
        assert [*counts, *printed] == official, (predicted, gold)


def test_the_report_is_what_conlleval_prints_to_the_letter():
    for (predicted, gold), official in zip(CASES, OFFICIAL["outputs"], strict=True):
        printed = conlleval_report(predicted, gold)
        found = hashlib.sha256(printed.encode("utf-8")).hexdigest()[:16]
        assert found == official, (predicted, gold, printed)


@pytest.mark.parametrize("tag", ["L-PER", "PER", "b-PER", "", "B", "B-", "O-PER", "[-PER"])
def test_an_unknown_tag_is_refused(tag):
    with pytest.raises(UserError, match="must be O, B-TYPE or I-TYPE"):
        chunks(["O", tag])


@pytest.mark.parametrize("score", [span_f1, span_f1_by_type, tag_accuracy, conlleval_report])
def test_predictions_must_match_the_gold_words(score):
    with pytest.raises(
        UserError, match=r"2 predicted tags for a sentence of 1 words, sentence 2 of"
    ):
        score([["O"], ["O", "O"]], [["O"], ["O"]])
    with pytest.raises(UserError, match="2 predicted sentences for 1"):
        score([["O"], ["O"]], [["O"]])
    with pytest.raises(UserError, match="no sentences to score"):
        score([], [])


def test_sentences_without_a_word_have_no_tag_accuracy():
    with pytest.raises(UserError, match="no words to score"):
        tag_accuracy([[]], [[]])


def test_predictions_must_match_the_gold_labels():
    with pytest.raises(UserError, match="2 predictions for 3"):
        accuracy(np.zeros(2), np.zeros(3))
    with pytest.raises(UserError, match="0 predictions for 0"):
        accuracy(np.zeros(0), np.zeros(0))


def test_accuracy_by_hand():
    assert accuracy(np.array([0, 1, 2]), np.array([0, 2, 2])) == pytest.approx(2 / 3)
