"""Long contexts in windows: each row is a question and a piece of its context (BERT's code for
SQuAD).

The question stands first, then the window, as in the released models' pairs. Windows begin every
`stride` tokens until one reaches the end of the context. Labelled positions are the token of the
whole row, which stands for "no answer in this window", and then the window's tokens. A window
learns the first listed answer that it holds whole, and else "no answer". Windows overlap, and a
span is read in one of them: of those that hold it whole, the one that gives its first token the
most context on its poorer side. Where BERT reads a span, that is BERT's choice; BERT loses those
that do not end in the window that is best for their first token. Left out: windows that end between
sentences, sampling of windows without an answer.

Shapes: R rows, L labelled positions of all rows, N tokens of a context, W windows of it.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xlmr_lab.evaluate.examples import Examples
from xlmr_lab.evaluate.formats.squad import Answer, Question
from xlmr_lab.evaluate.objectives import BEGIN, END
from xlmr_lab.evaluate.text import Layout, Row, TextEncoder

logger = logging.getLogger(__name__)

NEVER = np.iinfo(np.int64).max
"""More tokens than a span can have."""

LENGTH_BONUS = 0.01
"""What a token of a longer window counts more in BERT's rule of maximal context (a token's worth
for each token of the window)."""


class Context(NamedTuple):
    """A context as an encoder sees it."""

    text: str
    ids: npt.NDArray[np.int32]
    """[N]."""
    spans: npt.NDArray[np.int64]
    """[N, 2], the [start, end) of each token in the characters of the text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Windows:
    """The rows of a set of questions, question after question."""

    examples: Examples
    contexts: Sequence[Context]
    """Of each question."""
    row_questions: npt.NDArray[np.int64]
    """[R], the question of each row, in order; each has at least one row."""
    row_starts: npt.NDArray[np.int64]
    """[R], the first context token of each row."""
    least_tokens: npt.NDArray[np.int64]
    """[L], the fewest tokens of a span that begins here and is read in this row: 1 where a token
    has its maximal context; `NEVER` for the token of the whole row."""
    answer_tokens: npt.NDArray[np.int64]
    """Of each question, tokens of the first listed answer that a window holds; 0 where none does.
    """
    exact: npt.NDArray[np.bool_]
    """Of each question, whether that answer begins and ends where tokens do."""
    question_tokens: npt.NDArray[np.int64]
    """Of each question, its tokens before it was cut."""
    longest_question: int
    """Tokens that questions are cut to."""


class Cut(NamedTuple):
    """How sequences are cut to length."""

    max_tokens: int
    """Longest row, specials included."""
    stride: int
    """Tokens from the start of a window to that of the next."""
    max_question_tokens: int
    """Longest question; the rest is cut."""


def encode(
    text: TextEncoder,
    questions: Sequence[Question],
    contexts: Sequence[Context],
    *,
    languages: tuple[str, str],
    cut: Cut,
) -> Windows:
    """Encode questions about `contexts[question.context]`; `languages` are those of the contexts
    and of the questions.
    """
    asked = text.encode([question.text for question in questions], languages[1])
    longest = min(cut.max_question_tokens, (cut.max_tokens - text.layout.num_specials_pair) // 2)
    if num_cut := sum(len(ids) > longest for ids in asked):
        logger.info(
            "%s of %s questions are longer than %s tokens and are cut",
            f"{num_cut:,}",
            f"{len(questions):,}",
            f"{longest:,}",
        )
    of_questions = [contexts[question.context] for question in questions]
    parts = [
        _rows(text.layout, ids[:longest], context, question.answers, cut)
        for question, ids, context in zip(questions, asked, of_questions, strict=True)
    ]
    rows = [row for part in parts for row in part.rows]
    return Windows(
        examples=Examples.of(
            [row.laid_out for row in rows],
            [row.positions for row in rows],
            np.concatenate([row.labels for row in rows]),
            language=languages[0],
            layout=text.layout,
        ),
        contexts=of_questions,
        row_questions=np.repeat(np.arange(len(parts)), [len(part.rows) for part in parts]),
        row_starts=np.array([row.start for row in rows]),
        least_tokens=np.concatenate([row.least_tokens for row in rows]),
        answer_tokens=np.array([part.answer_tokens for part in parts]),
        exact=np.array([part.exact for part in parts]),
        question_tokens=np.array([len(ids) for ids in asked]),
        longest_question=longest,
    )


def starts(num_tokens: int, room: int, stride: int) -> list[int]:
    """Return where the windows of a context begin, each of at most `room` tokens.

    They overlap by half at least, so that whatever is shorter than that is whole in one of them.

    >>> starts(10, 4, 128), starts(10, 8, 1), starts(3, 4, 2)
    ([0, 2, 4, 6], [0, 1, 2], [0])
    """
    step = max(1, min(stride, room // 2))
    return list(range(0, max(num_tokens - room + step - 1, 0) + 1, step))


def least_tokens(begins: Sequence[int], num_tokens: int, room: int) -> npt.NDArray[np.int64]:
    """Return for each window and token [W, N] the fewest tokens of a span that begins there and is
    read in that window; for tokens outside a window it means nothing.

    Windows are tried in the order of the context that they give the first token on its poorer side
    (of equals the longer, then the earlier); a window reads what those before it do not hold whole.

    >>> least_tokens([0, 2], 6, 4).tolist()
    [[1, 1, 1, 4, 3, 2], [5, 4, 3, 1, 1, 1]]
    """
    places = np.arange(num_tokens)
    first = np.array(begins)[:, None]
    end = np.minimum(first + room, num_tokens)
    poorer = np.minimum(places - first, end - 1 - places)
    context = np.where(poorer >= 0, poorer + LENGTH_BONUS * (end - first), -np.inf)
    order = np.argsort(-context, axis=0, kind="stable")
    held = np.where(poorer >= 0, end - places, 0)  # tokens from here to the window's end
    tried = np.maximum.accumulate(np.take_along_axis(held, order, axis=0), axis=0)
    least = np.ones_like(held)
    np.put_along_axis(least, order[1:], tried[:-1] + 1, axis=0)
    return least


def token_span(spans: npt.NDArray[np.int64], start: int, end: int) -> tuple[int, int] | None:
    """Return the first and the last token that have some of the characters [start, end); None where
    no token has.

    >>> token_span(np.array([[0, 2], [3, 5], [5, 7]]), 4, 6)
    (1, 2)
    """
    touching = np.flatnonzero((spans[:, 0] < end) & (spans[:, 1] > start))
    return (int(touching[0]), int(touching[-1])) if len(touching) else None


class _Row(NamedTuple):
    """A window with its question; arrays are of its labelled positions."""

    laid_out: Row
    start: int
    positions: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    least_tokens: npt.NDArray[np.int64]


class _Rows(NamedTuple):
    """All rows of one question."""

    rows: list[_Row]
    answer_tokens: int
    exact: bool


def _rows(
    layout: Layout,
    question: npt.NDArray[np.int32],
    context: Context,
    answers: Sequence[Answer],
    cut: Cut,
) -> _Rows:
    room = cut.max_tokens - layout.num_specials_pair - len(question)
    begins = starts(len(context.ids), room, cut.stride)
    least = least_tokens(begins, len(context.ids), room)
    spans = _token_spans(context, answers)
    rows: list[_Row] = []
    held: tuple[int, int, bool] | None = None
    for number, start in enumerate(begins):
        end = min(start + room, len(context.ids))
        laid_out = layout.pair(question, context.ids[start:end])
        inside = [span for span in spans if start <= span[0] and span[1] < end]
        labels = np.zeros(1 + end - start, dtype=np.int64)
        first, last = (place - start + 1 for place in inside[0][:2]) if inside else (0, 0)
        labels[first] |= BEGIN
        labels[last] |= END
        places = np.arange(laid_out.start_second, laid_out.start_second + end - start)
        positions = np.concatenate([[laid_out.label_at], places])
        here = np.concatenate([[NEVER], least[number, start:end]])
        rows.append(_Row(laid_out, start, positions, labels, here))
        held = held or (inside[0] if inside else None)
    if held is None:
        return _Rows(rows, 0, False)
    return _Rows(rows, held[1] - held[0] + 1, held[2])


def _token_spans(context: Context, answers: Sequence[Answer]) -> list[tuple[int, int, bool]]:
    """Return the first and last token of each answer that stands, and whether they are just it."""
    found = []
    for answer in answers:
        end = answer.start + len(answer.text)
        span = token_span(context.spans, answer.start, end) if answer.stands else None
        if span:
            limits = context.spans[span[0], 0], context.spans[span[1], 1]
            found.append((*span, limits == (answer.start, end)))
    return found
