"""Accuracy, and span F1 as conlleval, the official scorer of CoNLL, computes it.

What counts as a chunk follows conlleval's rules, not IOB2's: a chunk ends before B, before O and
where the type changes, and an I that continues nothing begins a chunk. So a tagger's inconsistent
output is read as the official script reads it, and so are IOB1 and IOBES. Of IOBES the script has
no rule for S, nor for B after E: neighbours of one type are then one chunk, so such tags are better
turned into IOB2 before they are scored. The sentence is the boundary of every chunk. Left out: the
brackets that conlleval also knows, tags without a type, and a type named 0, which it takes for
none.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from xlmr_lab.errors import UserError

Chunk = tuple[int, int, str]
Sentences = Sequence[Sequence[str]]

_PREFIXES = ("B", "I", "O", "E", "S")
_ENDS = frozenset({"BB", "BO", "IB", "IO", "EE", "EI", "EO"})
_STARTS = frozenset({"BB", "IB", "OB", "OI", "EE", "EI", "OE"})


class SpanScores(NamedTuple):
    """Span precision, recall and F1 in [0, 1], with the counts they come from."""

    precision: float
    recall: float
    f1: float
    num_gold: int
    num_predicted: int
    num_correct: int


def accuracy(predicted: ArrayLike, gold: ArrayLike) -> float:
    """Return the share of predictions that equal the gold label.

    >>> accuracy(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2]))
    0.75
    """
    ours, theirs = np.asarray(predicted), np.asarray(gold)
    if len(ours) != len(theirs) or not len(theirs):
        raise UserError(f"{len(ours):,} predictions for {len(theirs):,} gold labels")
    return float(np.mean(ours == theirs))


def span_f1(predicted: Sentences, gold: Sentences) -> SpanScores:
    """Score the chunks of predicted tags against those of gold tags, sentence by sentence.

    As in conlleval, a measure whose denominator is 0 is 0.

    >>> span_f1([["B-PER", "O", "B-LOC"]], [["B-PER", "I-PER", "B-LOC"]])[:3]
    (0.5, 0.5, 0.5)
    """
    return _scores(*(counts.total() for counts in _counts(predicted, gold)))


def span_f1_by_type(predicted: Sentences, gold: Sentences) -> dict[str, SpanScores]:
    """Score each type of chunk on its own, by name in alphabetical order.

    >>> span_f1_by_type([["B-PER", "B-LOC"]], [["B-PER", "B-ORG"]])["PER"].f1
    1.0
    """
    found = _counts(predicted, gold)
    names = sorted(set(found[0]) | set(found[1]))
    return {name: _scores(*(counts[name] for counts in found)) for name in names}


def tag_accuracy(predicted: Sentences, gold: Sentences) -> float:
    """Return the share of words whose tag is right, O included.

    >>> tag_accuracy([["B-PER", "O"], ["O"]], [["B-PER", "B-LOC"], ["O"]])
    0.6666666666666666
    """
    num_correct, num_words = _tag_counts(predicted, gold)
    return num_correct / num_words


def conlleval_report(predicted: Sentences, gold: Sentences) -> str:
    """Return what conlleval prints about these tags, per cent with two digits, to the letter."""
    num_correct, num_words = _tag_counts(predicted, gold)
    total = span_f1(predicted, gold)
    lines = [
        f"processed {num_words} tokens with {total.num_gold} phrases; "
        f"found: {total.num_predicted} phrases; correct: {total.num_correct}.",
        f"accuracy: {100 * num_correct / num_words:6.2f}%; {_percents(total)}",
    ]
    for name, scores in span_f1_by_type(predicted, gold).items():
        lines.append(f"{name:>17}: {_percents(scores)}  {scores.num_predicted}")
    return "\n".join(lines) + "\n"


def chunks(tags: Sequence[str]) -> list[Chunk]:
    """Return the (start, end, type) of each chunk of one sentence's tags, end excluded.

    >>> chunks(["I-PER", "I-PER", "B-PER", "I-LOC", "O"])
    [(0, 2, 'PER'), (2, 3, 'PER'), (3, 4, 'LOC')]
    """
    found: list[Chunk] = []
    start, previous, previous_kind = 0, "O", ""
    for position, tag in enumerate(tags):
        prefix, kind = _parts(tag)
        changes = previous_kind != kind  # conlleval's endOfChunk and startOfChunk:
        if previous != "O" and (changes or previous + prefix in _ENDS):
            found.append((start, position, previous_kind))
        if prefix != "O" and (changes or previous + prefix in _STARTS):
            start = position
        previous, previous_kind = prefix, kind
    if previous != "O":
        found.append((start, len(tags), previous_kind))
    return found


def _parts(tag: str) -> tuple[str, str]:
    """Return a tag's prefix and type, cut at its first hyphen."""
    prefix, _, kind = tag.partition("-")
    if prefix not in _PREFIXES or (tag != "O" and (prefix == "O" or not kind)):
        raise UserError(
            f"tag {tag!r} must be O, B-TYPE or I-TYPE, or in IOBES E-TYPE or S-TYPE; other schemes "
            "have to be turned into IOB2 first"
        )
    return prefix, kind


def _counts(predicted: Sentences, gold: Sentences) -> tuple[Counter[str], ...]:
    """Count the gold, the predicted and the correct chunks of each type."""
    num_gold: Counter[str] = Counter()
    num_predicted: Counter[str] = Counter()
    num_correct: Counter[str] = Counter()
    for ours, theirs in _paired(predicted, gold):
        found, expected = set(chunks(ours)), set(chunks(theirs))
        num_gold.update(kind for *_, kind in expected)
        num_predicted.update(kind for *_, kind in found)
        num_correct.update(kind for *_, kind in found & expected)
    return num_gold, num_predicted, num_correct


def _tag_counts(predicted: Sentences, gold: Sentences) -> tuple[int, int]:
    """Count the words whose tag is right, and all words."""
    num_correct = num_words = 0
    for ours, theirs in _paired(predicted, gold):
        num_correct += sum(a == b for a, b in zip(ours, theirs, strict=True))
        num_words += len(theirs)
    if not num_words:
        raise UserError("no words to score: every sentence is empty")
    return num_correct, num_words


def _scores(num_gold: int, num_predicted: int, num_correct: int) -> SpanScores:
    precision = num_correct / num_predicted if num_predicted else 0.0
    recall = num_correct / num_gold if num_gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if num_correct else 0.0
    return SpanScores(precision, recall, f1, num_gold, num_predicted, num_correct)


def _percents(scores: SpanScores) -> str:
    """Print precision, recall and F1, computed per cent as conlleval does: halves round alike."""
    precision = 100 * scores.num_correct / scores.num_predicted if scores.num_predicted else 0.0
    recall = 100 * scores.num_correct / scores.num_gold if scores.num_gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if scores.num_correct else 0.0
    return f"precision: {precision:6.2f}%; recall: {recall:6.2f}%; FB1: {f1:6.2f}"


def _paired(predicted: Sentences, gold: Sentences) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """Yield both sides of each sentence, or refuse what cannot be compared."""
    if len(predicted) != len(gold):
        raise UserError(f"{len(predicted):,} predicted sentences for {len(gold):,} gold ones")
    if not gold:
        raise UserError("no sentences to score: predictions and gold tags are empty")
    for number, (ours, theirs) in enumerate(zip(predicted, gold, strict=True), 1):
        if len(ours) != len(theirs):
            raise UserError(
                f"{len(ours)} predicted tags for a sentence of {len(theirs)} words, sentence "
                f"{number:,} of {len(gold):,}"
            )
        yield ours, theirs
