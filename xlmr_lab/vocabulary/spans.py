"""Where the pieces of a text stand in it: [start, end) in the characters of the original text.

Normalisation changes lengths: a ligature becomes three letters, a letter with its accent one, a run
of spaces a single mark, and SentencePiece puts a space in front. Spans are of the text as it was
given. Pieces that share an original character (the parts of a ligature, the bytes of a letter) all
have its whole span, so that text[start:end] always holds what the piece says. The space before a
word is not part of its span, and a piece that is nothing but spaces has an empty one, where the
word behind it begins: an answer or an entity that is put together from spans begins with its first
letter and ends with its last. Spans come in order of their starts, and of their ends; characters
that normalisation drops belong to what stands before them.

Shapes: N pieces.
"""

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

SPACE = "\u2581"
"""LOWER ONE EIGHTH BLOCK, SentencePiece's mark of a space."""


def in_normal_text(
    pieces: Sequence[str], byte_values: Sequence[int | None]
) -> npt.NDArray[np.int64]:
    """Return the spans [N, 2] of pieces in the characters of the normalised text, which they make
    up; a byte has the span of the character that it is part of.

    >>> in_normal_text(["ab", "<0xC3>", "<0xA9>", "c"], [None, 0xC3, 0xA9, None]).tolist()
    [[0, 2], [2, 3], [2, 3], [3, 4]]
    """
    found, place = [], 0
    for piece, value in zip(pieces, byte_values, strict=True):
        if value is None:
            start, place = place, place + len(piece)
        elif value & 0xC0 == 0x80:  # continues the character before
            start = place - 1
        else:
            start, place = place, place + 1
        found.append((start, place))
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def in_original_text(
    covered: npt.NDArray[np.int64],
    normal: str,
    origins: npt.NDArray[np.int64],
    *,
    first_added: bool,
    last_added: bool,
) -> npt.NDArray[np.int64]:
    """Trace spans in the normalised text [N, 2] back to the original.

    `origins` says for each character of the normalised text, and for its end, where in the original
    it comes from; `first_added` and `last_added`, whether its first and last character are a space
    that stands in no text.
    """
    spaces = _spaces(normal, origins, first_added, last_added)
    ends = np.append(origins, origins[-1])[np.searchsorted(origins, origins, side="right")]
    found = np.empty_like(covered)
    for number, (start, end) in enumerate(covered.tolist()):
        while start < end and spaces[start]:
            start += 1
        while start < end and spaces[end - 1]:
            end -= 1
        found[number] = origins[start], ends[end - 1] if start < end else origins[start]
    return found


def _spaces(
    normal: str, origins: npt.NDArray[np.int64], first_added: bool, last_added: bool
) -> list[bool]:
    """Say of each character of the normalised text whether it is a space of its own: an added one,
    or all that comes from its place in the original.
    """
    found = [c == SPACE and own for c, own in zip(normal, _alone(origins).tolist(), strict=True)]
    if normal and first_added:  # it shares its place with the character behind it
        found[0] = True
        if normal[1:2] == SPACE:
            found[1] = bool(_alone(origins[1:])[0])
    if normal and last_added:
        found[-1] = True
    return found


def _alone(origins: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Say of each character of the normalised text whether it is all that its place became."""
    differs = np.diff(origins) > 0
    return differs & np.append(True, differs[:-1])


def with_dropped(text: str, found: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Lengthen spans [N, 2] over what no span covers and is no white space, such as an accent that
    was dropped: it belongs to the piece before.

    >>> with_dropped("e\\u0301 a", np.array([[0, 1], [3, 4]])).tolist()
    [[0, 2], [3, 4]]
    """
    longer = found.copy()
    limits = [*found[1:, 0].tolist(), len(text)]
    for number, end in enumerate(found[:, 1].tolist()):
        limit = limits[number]
        dropped = itertools.takewhile(lambda c: not c.isspace(), text[end:limit])
        longer[number, 1] = end + sum(1 for _ in dropped)
    return longer
