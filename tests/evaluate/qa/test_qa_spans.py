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
    rows = np.flatnonzero(made.row_questions == number).tolist()
    positions, spans = made.examples.positions, {}
    for row in rows:
        base, first = int(positions.starts[row]) + 1, int(made.row_starts[row])
        end = first + int(positions.lengths[row]) - 1
        for a in range(first, end):
            for b in range(a, min(a + longest, end)):
                context = min(a - first, end - 1 - a) + 0.01 * (end - first)
                score = logits[base + a - first, 0] + logits[base + b - first, 1]
                if context > spans.get((a, b), (-1, 0, 0))[0]:
                    spans[a, b] = context, row, score
    ordered = sorted(spans, key=lambda span: (-spans[span][2], spans[span][1], span))[:num_best]
    text, places = made.contexts[number].text, made.contexts[number].spans
    return [
        Span(text[places[a, 0] : places[b, 1]].rstrip(), places[a, 0], spans[a, b][2])
        for a, b in ordered
    ]


@pytest.mark.parametrize("cells", [1, 300, 1 << 22])
@pytest.mark.parametrize("coarse", [False, True])
def test_the_search_finds_what_looking_at_each_span_finds(text, monkeypatch, cells, coarse):
    """Coarse logits tie often: the first of equals is taken."""
    monkeypatch.setattr(qa_spans, "CELLS_AT_ONCE", cells)
    rng = np.random.default_rng(1)
    made = windows(text, [*range(12), 0, 40, 0], cut=Cut(14, 3, 64))
    for longest, num_best in itertools.product((1, 2, 5, 30), (1, 4, 1000)):
        logits = rng.normal(size=(len(made.least_tokens), 2)).astype(np.float32)
        if coarse:
            logits = logits.round()
        found = best_spans(made, logits, max_answer_tokens=longest, num_best=num_best)
        assert len(found) == 15
        for number, spans in enumerate(found):
            assert spans == by_hand(made, logits, number, longest, num_best)
            assert bool(spans) == (len(made.contexts[number].ids) > 0)


def test_a_span_worked_by_hand(text):
    """A span of at most three tokens from dd on is read in the first window, though the second
    scores it higher; a longer one only the second window holds."""
    context = "aa bb ccdd ee ff gg hh"
    contexts = [Context(context, *text.offsets(context))]
    question = Question("", "", "xxyy", 0, (), "")
    made = encode(text, [question], contexts, languages=("qaa", "qaa"), cut=Cut(12, 128, 64))
    logits = np.zeros((13, 2), dtype=np.float32)
    logits[0] = 99, 99  # no answer is never predicted
    logits[4, 0] = 2  # dd in the first window
    logits[8, 0] = 9  # and in the second
    logits[6, 1] = 1  # ff in the first
    logits[9, 1] = 5  # ee in the second
    assert best_spans(made, logits, max_answer_tokens=30)[0] == [Span("dd ee ff gg", 8, 9.0)]
    assert best_spans(made, logits, max_answer_tokens=3)[0] == [Span("dd ee ff", 8, 3.0)]
    assert best_spans(made, logits, max_answer_tokens=2)[0] == [Span("dd", 8, 2.0)]


def test_an_answer_is_the_text_as_it_stands(text):
    context = "Aa,  b\u00a0C"
    contexts = [Context(context, *text.offsets(context))]
    question = Question("", "", "xx", 0, (), "")
    made = encode(text, [question], contexts, languages=("qaa", "qaa"), cut=Cut(24, 128, 64))
    logits = np.zeros((len(made.least_tokens), 2), dtype=np.float32)
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
