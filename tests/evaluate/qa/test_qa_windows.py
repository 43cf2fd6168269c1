"""Contexts in windows: `pytest tests/evaluate/qa/test_qa_windows.py`."""

import itertools
import logging

import numpy as np
import pytest

from xlmr_lab.evaluate.formats.squad import Answer, Question
from xlmr_lab.evaluate.objectives import BEGIN, END, check_labels
from xlmr_lab.evaluate.qa_windows import (
    NEVER,
    Context,
    Cut,
    encode,
    least_tokens,
    starts,
    token_span,
)

CUT = Cut(max_tokens=12, stride=128, max_question_tokens=64)
CONTEXT = "aa bb ccdd ee ff gg hh"  # pieces: aa bb cc dd ee ff gg hh


def windows(text, *asked, context=CONTEXT, cut=CUT):
    """Encode questions, each given by its text and its answers' spans."""
    questions = [
        Question(str(i), str(i), asks, 0, tuple(answer(context, *span) for span in spans), "")
        for i, (asks, *spans) in enumerate(asked)
    ]
    contexts = [Context(context, *text.offsets(context))]
    return encode(text, questions, contexts, languages=("qaa", "qab"), cut=cut)


def answer(context, start, end, stands=True):
    return Answer(context[start:end], start, stands)


def rows(made):
    """Return ids, positions, labels and least tokens of each row."""
    examples = made.examples
    for number in range(len(examples)):
        ids = examples.tokens.values[slice(*examples.tokens.starts[number : number + 2])]
        own = slice(*examples.positions.starts[number : number + 2])
        values = (examples.positions.values[own], examples.labels[own], made.least_tokens[own])
        yield ids.tolist(), *(value.tolist() for value in values)


def test_rows_worked_by_hand(text):
    """Six pieces of context fit beside a question of two; the answer is ccdd, the third and the
    fourth piece."""
    made = windows(text, ("xxyy", (6, 10)))
    a, b, c, d, e, f, g, h = text.encode([CONTEXT])[0].tolist()
    x, y = text.encode(["xxyy"])[0].tolist()
    assert made.row_starts.tolist() == [0, 3]
    assert list(rows(made)) == [
        (
            [0, x, y, 2, 2, a, b, c, d, e, f, 2],
            [0, 5, 6, 7, 8, 9, 10],
            [0, 0, 0, BEGIN, END, 0, 0],
            [NEVER, 1, 1, 1, 1, 1, 4],
        ),
        (
            [0, x, y, 2, 2, d, e, f, g, h, 2],
            [0, 5, 6, 7, 8, 9],
            [BEGIN | END, 0, 0, 0, 0, 0],
            [NEVER, 4, 3, 1, 1, 1],
        ),
    ]
    assert (made.answer_tokens.tolist(), made.exact.tolist()) == ([2], [True])
    assert text.languages[:2] == [None, "qab"]
    assert made.examples.languages == ("qaa",)


def test_xlnet_labels_no_answer_at_the_end_of_the_row(xlnet_text):
    made = windows(xlnet_text, ("xx", (0, 2)))
    (ids, positions, labels, _), *_ = rows(made)
    assert positions[0] == len(ids) - 1
    assert ids[positions[1]] == xlnet_text.encode(["aa"])[0][0]
    assert labels[:2] == [0, BEGIN | END]
    assert made.examples.segments is not None


def test_a_window_learns_the_first_listed_answer_that_it_holds(text):
    made = windows(text, ("xxyy", (20, 22), (0, 2), (3, 5)), ("xxyy", (20, 22)))
    labels = [labels for _, _, labels, _ in rows(made)]
    assert labels[0] == [0, 3, 0, 0, 0, 0, 0]
    assert labels[1] == [0, 0, 0, 0, 0, 3]
    assert labels[2] == [3, 0, 0, 0, 0, 0, 0]
    assert labels[3] == labels[1]
    check_labels("span", made.examples, 2)


def test_what_becomes_of_answers_is_counted(text):
    inside, whole, exact = (7, 12), (0, 22), (6, 16)
    made = windows(text, ("xxyy", inside), ("xxyy", whole), ("xxyy", exact), cut=CUT)
    assert made.answer_tokens.tolist() == [3, 0, 4]
    assert made.exact.tolist() == [False, False, True]
    context = "aa \u200b bb"
    made = windows(text, ("xx", (3, 4)), ("xx", (5, 7)), context=context)
    assert made.answer_tokens.tolist() == [0, 1]
    misplaced = Question("", "", "xx", 0, (answer(context, 5, 7, stands=False),), "")
    contexts = [Context(context, *text.offsets(context))]
    made = encode(text, [misplaced], contexts, languages=("qaa", "qaa"), cut=CUT)
    assert made.answer_tokens.tolist() == [0]


def test_long_questions_are_cut_to_half_a_row_at_most_and_counted(text, caplog):
    with caplog.at_level(logging.INFO):
        made = windows(text, ("xx" * 9, (0, 2)), ("xx", (0, 2)))
    assert "1 of 2 questions are longer than 4 tokens and are cut" in caplog.text
    assert [ids[:6].count(text.encode(["xx"])[0][0]) for ids, *_ in rows(made)] == [4, 4, 4, 1, 1]
    made = windows(text, ("xx" * 9, (0, 2)), cut=Cut(12, 128, 1))
    assert made.row_starts.tolist() == [0, 3]


def test_a_context_without_a_token_has_one_empty_window(text):
    made = windows(text, ("xx", (0, 1)), context="\u200b")
    assert [labels for _, _, labels, _ in rows(made)] == [[3]]
    assert made.least_tokens.tolist() == [NEVER]


def test_windows_reach_the_end_leave_no_gap_and_overlap_by_half():
    for num_tokens, room, stride in itertools.product(range(30), range(2, 12), range(1, 14)):
        begins = starts(num_tokens, room, stride)
        ends = [min(begin + room, num_tokens) for begin in begins]
        assert begins[0] == 0
        assert ends[-1] == num_tokens
        assert ends[:-1] == [begin + room for begin in begins[:-1]]
        steps = np.diff(begins)
        assert (steps == min(stride, room // 2)).all()
        held = {
            (a, b)
            for begin, end in zip(begins, ends, strict=True)
            for a in range(begin, end)
            for b in range(a, end)
        }
        for a in range(num_tokens):
            longest = min(a + room - min(stride, room // 2) + 1, num_tokens)
            assert all((a, b) in held for b in range(a, longest))


def is_maximal(spans, current, position):
    """BERT's rule, as its code for SQuAD tells it (run_squad.py, `_check_is_max_context`)."""
    best_score, best = None, None
    for number, (start, length) in enumerate(spans):
        end = start + length - 1
        if position < start or position > end:
            continue
        score = min(position - start, end - position) + 0.01 * length
        if best_score is None or score > best_score:
            best_score, best = score, number
    return current == best


SHAPES = list(itertools.product(range(1, 40, 3), range(2, 16), (1, 2, 5, 9)))


def test_a_token_is_read_in_the_window_that_bert_reads_it_in():
    for num_tokens, room, stride in SHAPES:
        begins = starts(num_tokens, room, stride)
        spans = [(begin, min(room, num_tokens - begin)) for begin in begins]
        least = least_tokens(begins, num_tokens, room)
        for number, (begin, length) in enumerate(spans):
            for position in range(begin, begin + length):
                assert is_maximal(spans, number, position) == (least[number, position] == 1)


def test_each_span_that_a_window_holds_is_read_in_one():
    """And where it ends in the window that is best for its first token, in that."""
    for num_tokens, room, stride in SHAPES:
        begins = starts(num_tokens, room, stride)
        least = least_tokens(begins, num_tokens, room)
        for a in range(num_tokens):
            for b in range(a, min(a + room, num_tokens)):
                holding = [n for n, s in enumerate(begins) if s <= a and b < s + room]
                reading = [n for n in holding if b - a + 1 >= least[n, a]]
                assert len(reading) == bool(holding)
                best = [n for n in holding if least[n, a] == 1]
                assert not best or reading == best


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(0, 2, (0, 0)), (2, 3, None), (1, 5, (0, 1)), (5, 7, (3, 3)), (3, 9, (1, 3))],
)
def test_an_answer_is_the_tokens_that_have_some_of_it(start, end, expected):
    """The third token is a mark of a space, with an empty span."""
    spans = np.array([[0, 2], [3, 5], [5, 5], [5, 7]])
    assert token_span(spans, start, end) == expected
