"""Why characters of a language that a vocabulary was extended by are still unknown.

A number of pieces is never the cause: an extension adds every character that it may, or is refused.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Literal

from xlmr_lab.vocabulary import model_proto, own_pieces
from xlmr_lab.vocabulary.model_proto import Kind

Cause = Literal["guard", "coverage", "unseen"]
"""Text of the old languages has the character; it is beyond the coverage; the text that pieces were
learned from lacks it."""


def without_piece(model: bytes, lines: Sequence[str]) -> dict[str, int]:
    """Return how often each character occurs, as the model normalises the lines, that is no piece
    of it.
    """
    proto = model_proto.read(model)
    pieces = {piece.text for piece in proto.pieces if piece.kind == Kind.NORMAL} | {" "}
    found = Counter("".join(own_pieces.normalized(model, lines)))
    return {character: n for character, n in found.items() if character not in pieces}


def causes(
    model: bytes, lines: Sequence[str], *, seen: Collection[str], guarded: Collection[str]
) -> dict[Cause, int]:
    """Return how many unknown characters of the lines there are, by what causes it.

    `seen` are the characters without piece of the text that pieces were learned from, `guarded`
    those that were left out for text of the old languages.
    """
    counts: dict[Cause, int] = {"guard": 0, "coverage": 0, "unseen": 0}
    for character, number in without_piece(model, lines).items():
        cause: Cause = "coverage" if character in seen else "unseen"
        counts["guard" if character in guarded else cause] += number
    return counts
