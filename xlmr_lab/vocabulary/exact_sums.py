"""Scores of a unigram model that add up without rounding, so that its ties are ties everywhere.

SentencePiece adds the scores of a whole text in 32 bits, Hugging Face those of a word in 64. Where
two ways to cut a text have the same score (`...` and `.`, or `.` and `...`), rounding decides, and
not alike: with 250,000 ids 99 of 1,433,659 lines differed. Multiples of `STEP` up to 2^24 of them
add up exactly in 32 bits, some 7,000 pieces of text; then both take the way that they find first,
the same one.
"""

import dataclasses

from xlmr_lab.vocabulary import model_proto
from xlmr_lab.vocabulary.model_proto import Kind, ModelProto

STEP = 2.0**-8
"""What scores are multiples of (nats)."""


def are_exact(proto: ModelProto) -> bool:
    """Return whether the scores of all pieces are multiples of `STEP`, as ranks of BPE are."""
    return all((piece.score / STEP).is_integer() for piece in proto.pieces)


def with_exact_scores(model: bytes) -> bytes:
    """Return a serialised model with its scores rounded to multiples of `STEP`; one whose scores
    are such already is returned as it is."""
    proto = model_proto.read(model)
    if are_exact(proto):
        return model
    pieces = [
        dataclasses.replace(piece, score=round(piece.score / STEP) * STEP)
        if piece.kind == Kind.NORMAL
        else piece
        for piece in proto.pieces
    ]
    return model_proto.write(dataclasses.replace(proto, pieces=pieces))
