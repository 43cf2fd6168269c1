"""Accuracy, and span F1 as conlleval, the official scorer of CoNLL, computes it.

What counts as a chunk follows conlleval's rules, not IOB2's: a chunk ends before B, before O and
where the type changes, and an I that continues nothing begins a chunk. So a tagger's inconsistent
output is read as the official script reads it. The sentence is the boundary of every chunk. Left
out: the IOBES tags and brackets that conlleval also knows.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from xlmr_lab.errors import UserError

Chunk = tuple[int, int, str]


class SpanScores(NamedTuple):
    """Span precision, recall and F1 in [0, 1], with the counts they come from."""

    precision: float
    recall: float
    f1: float
    num_gold: int
    num_predicted: int
    num_correct: int


def accuracy(predicted: np.ndarray, gold: np.ndarray) -> float:
    """Return the share of predictions that equal the gold label.

    >>> accuracy(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2]))
    0.75
    """
    if len(predicted) != len(gold) or not len(gold):
        raise ValueError(f"{len(predicted)} predictions for {len(gold)} gold labels")
    return float(np.mean(np.asarray(predicted) == np.asarray(gold)))


def span_f1(predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> SpanScores:
    """Score the chunks of predicted tags against those of gold tags, sentence by sentence.

    As in conlleval, a measure whose denominator is 0 is 0.

    >>> span_f1([["B-PER", "O", "B-LOC"]], [["B-PER", "I-PER", "B-LOC"]])[:3]
    (0.5, 0.5, 0.5)
    """
    if len(predicted) != len(gold):
        raise ValueError(f"{len(predicted)} predicted sentences for {len(gold)} gold ones")
    num_gold = num_predicted = num_correct = 0
    for ours, theirs in zip(predicted, gold, strict=True):
        if len(ours) != len(theirs):
            raise ValueError(f"{len(ours)} predicted tags for a sentence of {len(theirs)} words")
        found, expected = set(chunks(ours)), set(chunks(theirs))
        num_predicted += len(found)
        num_gold += len(expected)
        num_correct += len(found & expected)
    precision = num_correct / num_predicted if num_predicted else 0.0
    recall = num_correct / num_gold if num_gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if num_correct else 0.0
    return SpanScores(precision, recall, f1, num_gold, num_predicted, num_correct)


def chunks(tags: Sequence[str]) -> list[Chunk]:
    """Return the (start, end, type) of each chunk of one sentence's tags, end excluded.

    >>> chunks(["I-PER", "I-PER", "B-PER", "I-LOC", "O"])
    [(0, 2, 'PER'), (2, 3, 'PER'), (3, 4, 'LOC')]
    """
    found: list[Chunk] = []
    start, previous, previous_kind = 0, "O", ""
    for position, tag in enumerate(tags):
        prefix, _, kind = tag.partition("-")
        if prefix not in ("B", "I", "O"):
            raise UserError(f"tag {tag!r} must be O, B-TYPE or I-TYPE")
        if previous != "O" and _ends(prefix, previous_kind, kind):
            found.append((start, position, previous_kind))
        if prefix != "O" and _starts(previous, prefix, previous_kind, kind):
            start = position
        previous, previous_kind = prefix, kind
    if previous != "O":
        found.append((start, len(tags), previous_kind))
    return found


def _ends(prefix: str, previous_kind: str, kind: str) -> bool:
    """Tell whether an open chunk ends before this tag (conlleval's endOfChunk for B, I, O)."""
    return prefix in ("B", "O") or previous_kind != kind


def _starts(previous: str, prefix: str, previous_kind: str, kind: str) -> bool:
    """Tell whether a tag other than O begins a chunk (conlleval's startOfChunk for B, I, O)."""
    return prefix == "B" or previous == "O" or previous_kind != kind
