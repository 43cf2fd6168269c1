"""The best spans over windows: `pytest tests/evaluate/qa/test_qa_spans.py`."""

import itertools

import numpy as np
import pytest

from xlmr_lab.evaluate import qa_spans
from xlmr_lab.evaluate.formats.squad import Question
from xlmr_lab.evaluate.qa_spans import Span, best_spans, highest
from xlmr_lab.evaluate.qa_windows import Context, Cut, encode


def windows(text, lengths, *, cut):
    """Encode one question on each of several contexts of some lengths (pieces)."""
    rng = np.random.default_rng(0)
    contexts = []
    for length in lengths:
        pieces = rng.choice(["aa", "bb ", "cc  ", " dd"], size=length)
        context = "".join(pieces) or "\u200b"
        contexts.append(Context(context, *text.offsets(context)))
    questions = [Question(str(i), "", "xx" * (1 + i % 3), i, (), "") for i in range(len(lengths))]
    return encode(text, questions, contexts, languages=("qaa", "qaa"), cut=cut)


def by_hand(made, logits, number, longest, num_best):
    """Return what `best_spans` should, by looking at each span of each window in turn."""
    found = []
    positions = made.examples.positions
    for row in np.flatnonzero(made.row_questions == number):
        start, end = positions.starts[row], positions.starts[row + 1]
        for first in range(start + 1, end):
            for last in range(first, min(first + longest, end)):
                if made.maximal[first]:
                    tokens = made.row_starts[row] + np.array([first, last]) - start - 1
                    found.append((logits[first, 0] + logits[last, 1], *tokens))
    found.sort(key=lambda span: -span[0])
    context = made.contexts[number]
    spans = [(context.spans[a, 0], context.spans[b, 1], score) for score, a, b in found[:num_best]]
    return [Span(context.text[a:b].rstrip(), a, score) for a, b, score in spans]


@pytest.mark.parametrize("cells", [1, 300, 1 << 22])
@pytest.mark.parametrize("coarse", [False, True])
def test_the_search_finds_what_looking_at_each_span_finds(text, monkeypatch, cells, coarse):
    """Coarse logits tie often: the first of equals is taken."""
    monkeypatch.setattr(qa_spans, "CELLS_AT_ONCE", cells)
    rng = np.random.default_rng(1)
    made = windows(text, [*range(12), 0, 40, 0], cut=Cut(14, 3, 64))
    for longest, num_best in itertools.product((1, 2, 5, 30), (1, 4, 1000)):
        logits = rng.normal(size=(len(made.maximal), 2)).astype(np.float32)
        if coarse:
            logits = logits.round()
        found = best_spans(made, logits, max_answer_tokens=longest, num_best=num_best)
        assert len(found) == 15
        for number, spans in enumerate(found):
            assert spans == by_hand(made, logits, number, longest, num_best)
            assert bool(spans) == (len(made.contexts[number].ids) > 0)


def test_a_span_worked_by_hand(text):
    """Its begin is read in the first window, though the second scores it higher, its end there
    too."""
    context = "aa bb ccdd ee ff gg hh"
    contexts = [Context(context, *text.offsets(context))]
    question = Question("", "", "xxyy", 0, (), "")
    made = encode(text, [question], contexts, languages=("qaa", "qaa"), cut=Cut(12, 128, 64))
    logits = np.zeros((13, 2), dtype=np.float32)
    logits[0] = 99, 99  # no answer is never predicted
    logits[4, 0] = 2  # dd in the first window
    logits[8, 0] = 9  # and in the second
    logits[6, 1] = 1  # ff in the first
    logits[9, 1] = 5  # ee in the second, where all before it is read in the first
    assert best_spans(made, logits, max_answer_tokens=30)[0] == [Span("dd ee ff", 8, 3.0)]
    assert best_spans(made, logits, max_answer_tokens=2)[0] == [Span("dd", 8, 2.0)]


def test_an_answer_is_the_text_as_it_stands(text):
    context = "Aa,  b\u00a0C"
    contexts = [Context(context, *text.offsets(context))]
    question = Question("", "", "xx", 0, (), "")
    made = encode(text, [question], contexts, languages=("qaa", "qaa"), cut=Cut(24, 128, 64))
    logits = np.zeros((len(made.maximal), 2), dtype=np.float32)
    logits[1, 0] = logits[-1, 1] = 1
    assert best_spans(made, logits, max_answer_tokens=9)[0][0].text == context


def test_a_mark_of_a_space_at_the_end_adds_nothing(text):
    """Such a piece has an empty span where the word behind it begins."""
    contexts = [Context("aa bb", np.array([7, 8, 9]), np.array([[0, 2], [3, 3], [3, 5]]))]
    question = Question("", "", "xx", 0, (), "")
    made = encode(text, [question], contexts, languages=("qaa", "qaa"), cut=Cut(12, 128, 64))
    logits = np.array([[0, 0], [1, 0], [0, 1], [0, 0]], dtype=np.float32)
    assert best_spans(made, logits, max_answer_tokens=9)[0][0].text == "aa"


def test_highest_keeps_the_order_of_equals_and_leaves_out_what_is_infinite():
    values = np.array([0, -np.inf, 2, 0, 2, 0], dtype=np.float32)
    assert highest(values, 1).tolist() == [2]
    assert highest(values, 3).tolist() == [2, 4, 0]
    assert highest(values, 9).tolist() == [2, 4, 0, 3, 5]
    for number in (1, 2):
        assert highest(values[:0], number).tolist() == []
        assert highest(values[1:2], number).tolist() == []
