"""Where pieces stand in a text, for tokenizers that say only what their pieces are.

XLM's tokenizer, for one, exchanges marks, drops accents and what does not print, lower-cases, and
puts words apart, but says of none of it where it was. Text and pieces are each reduced to a run of
comparable characters (compatibility forms taken apart, case folded, no white space and controls;
accents only where pieces have any), and the runs are laid side by side. Where they differ, the
shortest stretches after which they agree again are taken for each other, as a whole: each piece of
such a stretch has the span of all of it, so a span always holds what its piece says. The agreement
is looked for over `REACH` characters, and the rest is one stretch if there is none.
Spans are as in `vocabulary.spans`.

Shapes: N pieces.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xlmr_lab.vocabulary.spans import with_dropped

AGREEING = 3
"""So many equal characters in a row end a stretch that differs; one, where one character stands
for another, and fewer where both runs end."""

REACH = 200
"""So many characters of both runs together may be passed over to where they agree again."""

EXCHANGED = str.maketrans(
    # Quotation marks, those of Chinese and Japanese too; dashes; full stop and comma of Chinese;
    # RATIO; brackets of Chinese. What has a compatibility form is not needed here.
    "\u201c\u201d\u201e\u00ab\u00bb\u300a\u300b\u300c\u300d\u2018\u2019\u201a\u0060\u00b4"
    "\u2013\u2014\u2501\u3002\u3001\u2236\u3008\u3009\u3010\u3011",
    '"' * 9 + "'" * 5 + "---.,:<>[]",
)
"""Marks that tokenizers exchange, as Moses does; others are found as well, only less surely."""


class Match(NamedTuple):
    """A stretch of the text's run that is the same, or stands for the same, as one of the
    pieces'."""

    start: int
    end: int
    piece_start: int
    piece_end: int


def align(text: str, pieces: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the spans [N, 2] of pieces in the characters of a text; pieces come without marks of
    where words begin or end.

    >>> align("Caf\\u00e9\\u2026 no", ["ca", "fe", "...", "no"]).tolist()
    [[0, 2], [2, 4], [4, 5], [6, 8]]
    """
    accents = any(unicodedata.category(c) == "Mn" for piece in pieces for c in piece)
    run, places = _run(text, accents)
    said, owners = _run(pieces, accents)
    starts = np.full(len(pieces), len(text), dtype=np.int64)
    ends = np.zeros(len(pieces), dtype=np.int64)
    for match in matches(run, said):
        for number in range(match.piece_start, match.piece_end):
            first, last = _covering(match, number, len(run))
            if first < last:
                owner = owners[number]
                starts[owner] = min(starts[owner], places[first])
                ends[owner] = max(ends[owner], places[last - 1] + 1)
    return with_dropped(text, _spans(starts, ends, len(text)))


def matches(run: str, said: str) -> Iterator[Match]:
    """Cut two runs of characters into stretches that belong together, in order.

    Characters that are equal come one by one; a stretch of one run that has no counterpart in the
    other comes with an empty one.

    >>> [tuple(m) for m in matches('a".b', 'a."b')]
    [(0, 1, 0, 1), (1, 3, 1, 3), (3, 4, 3, 4)]
    """
    place = piece = 0
    while place < len(run) or piece < len(said):
        if run[place : place + 1] == said[piece : piece + 1]:
            end, piece_end = place + 1, piece + 1
        else:
            end, piece_end = _agreement(run, said, place, piece)
        yield Match(place, end, piece, piece_end)
        place, piece = end, piece_end


def _agreement(run: str, said: str, place: int, piece: int) -> tuple[int, int]:
    """Return where two runs that differ here agree again: the nearest place, and of equally near
    ones the most alike in length, then the one that passes over more of the text."""
    for total in range(1, REACH + 1):
        for skipped in sorted(range(total + 1), key=lambda n: (abs(2 * n - total), -n)):
            end, piece_end = place + skipped, piece + total - skipped
            if end > len(run) or piece_end > len(said):
                continue
            needed = 1 if total == 2 * skipped == 2 else AGREEING
            if run[end : end + needed] == said[piece_end : piece_end + needed]:
                return end, piece_end
    return len(run), len(said)


def _covering(match: Match, number: int, length: int) -> tuple[int, int]:
    """Return the stretch of the text's run that character `number` of the pieces' stands for: of
    what the text does not have, what stands before it."""
    if match.start < match.end:
        return match.start, match.end
    before = max(0, match.start - 1)
    return before, min(before + 1, length)


def _run(parts: Iterable[str], accents: bool) -> tuple[str, list[int]]:
    """Return the comparable characters of all parts in a row, and of each the number of its part;
    the parts of a text are its characters."""
    made: list[str] = []
    owners: list[int] = []
    for number, part in enumerate(parts):
        for character in part:
            found = _comparable(character, accents)
            made += found
            owners += [number] * len(found)
    return "".join(made), owners


def _comparable(character: str, accents: bool) -> str:
    """Return what a character is compared by: nothing for white space and controls.

    >>> _comparable("\\u00c9", accents=False), _comparable("\\ufb01", accents=True)
    ('e', 'fi')
    """
    if not _counts(character, accents):
        return ""
    exchanged = character.translate(EXCHANGED)
    parts = unicodedata.normalize("NFKD", exchanged).casefold()
    return "".join(c for c in parts if _counts(c, accents)) or character


def _counts(character: str, accents: bool) -> bool:
    category = unicodedata.category(character)
    return not (
        character.isspace() or category.startswith("C") or (category == "Mn" and not accents)
    )


def _spans(
    starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], length: int
) -> npt.NDArray[np.int64]:
    """Return spans [N, 2] of starts and ends; a piece without a place has an empty one where the
    next piece begins."""
    spans = np.stack([starts, ends], axis=1)
    following = length
    for number in range(len(spans) - 1, -1, -1):
        if starts[number] >= ends[number]:
            spans[number] = following
        following = int(spans[number, 0])
    return spans
