"""From logits to answers: the best spans of each question over its windows (BERT Sec. 4.2).

A span of at most `max_answer_tokens` tokens is read in one window (qa_windows.py), where its score
is the begin logit of its first token plus the end logit of its last. So each span has one score,
and the search is exact over all of them: of equals the one in the earlier window, that begins and
ends first. An answer is the context's own characters, from the first token's to the last one's.
Left out: "no answer"; joining spans of equal text.

Shapes: R rows, L labelled positions of all rows, P those of some questions, A tokens of an answer.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xlmr_lab.evaluate.qa_windows import Windows

CELLS_AT_ONCE = 1 << 22
"""Spans that are scored at once; each takes a few bytes."""


class Span(NamedTuple):
    """A span of a context that may answer a question."""

    text: str
    start: int
    """Its first character in the context."""
    score: float
    """Begin logit plus end logit."""


def best_spans(
    windows: Windows, logits: npt.NDArray[np.float32], *, max_answer_tokens: int, num_best: int = 1
) -> list[list[Span]]:
    """Return the `num_best` best spans of each question, the best first, from logits [L, 2].

    There are fewer where a context has fewer, and none where it has no token.
    """
    assert logits.shape == (len(windows.least_tokens), 2), "begin and end of each labelled position"
    limits = _limits(windows)
    found: list[list[Span]] = []
    for first, last in _chunks(limits, max(1, CELLS_AT_ONCE // max_answer_tokens)):
        start = int(limits[first])
        scores = _scores(windows, logits, (start, int(limits[last])), max_answer_tokens)
        for number in range(first, last):
            own = scores[limits[number] - start : limits[number + 1] - start].ravel()
            places = highest(own, num_best)
            begins, lengths = np.divmod(places, max_answer_tokens)
            begins += limits[number]
            tokens = _tokens(windows, begins)
            spans = zip(tokens, tokens + lengths, own[places], strict=True)
            found.append([_span(windows, number, *span) for span in spans])
    return found


def highest(values: npt.NDArray[np.float32], number: int) -> npt.NDArray[np.int64]:
    """Return the places of the highest finite values, at most `number`, the highest first and of
    equals the first.

    >>> highest(np.array([1, 3, -np.inf, 3, 2], dtype=np.float32), 3).tolist()
    [1, 3, 4]
    """
    if number == 1 and len(values):
        place = values.argmax()
        return np.array([place])[values[[place]] > -np.inf]
    least = -np.inf
    if number < len(values):
        least = np.partition(values, -number)[-number]
    places = np.flatnonzero((values >= least) & (values > -np.inf))
    return places[np.argsort(-values[places], kind="stable")][:number]


def _limits(windows: Windows) -> npt.NDArray[np.int64]:
    """Return where the labelled positions of each question begin, and the end of all."""
    rows = np.searchsorted(windows.row_questions, np.arange(len(windows.contexts) + 1))
    return windows.examples.positions.starts[rows]


def _chunks(limits: npt.NDArray[np.int64], positions: int) -> Iterator[tuple[int, int]]:
    """Yield runs of questions with at most so many labelled positions, one question at least."""
    first = 0
    while first < len(limits) - 1:
        last = int(np.searchsorted(limits, limits[first] + positions, side="right")) - 1
        last = max(last, first + 1)
        yield first, last
        first = last


def _scores(
    windows: Windows, logits: npt.NDArray[np.float32], run: tuple[int, int], longest: int
) -> npt.NDArray[np.float32]:
    """Return the score of each span [P, A] that begins at one of a run of labelled positions, by
    its length less one; minus infinity where there is no such span.
    """
    starts, places = windows.examples.positions.starts, np.arange(*run)
    ends = starts[np.searchsorted(starts, places, side="right")]  # of each one's row
    padded = np.concatenate([logits[slice(*run), 1], np.full(longest - 1, -np.inf, np.float32)])
    scores = logits[slice(*run), :1] + np.lib.stride_tricks.sliding_window_view(padded, longest)
    lengths = np.arange(1, longest + 1)
    unread = (lengths < windows.least_tokens[slice(*run), None]) | (
        places[:, None] + lengths > ends[:, None]
    )
    scores[unread] = -np.inf
    return scores


def _tokens(windows: Windows, places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return which context token stands at each of some labelled positions."""
    starts = windows.examples.positions.starts
    rows = np.searchsorted(starts, places, side="right") - 1
    return windows.row_starts[rows] + places - starts[rows] - 1


def _span(windows: Windows, number: int, first: int, last: int, score: float) -> Span:
    context = windows.contexts[number]
    start, end = int(context.spans[first, 0]), int(context.spans[last, 1])
    return Span(context.text[start:end].rstrip(), start, float(score))
