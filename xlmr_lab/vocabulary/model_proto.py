"""Read and write what SentencePiece keeps in a model file: the pieces, and all else as it stands.

The file is one protocol buffer (`sentencepiece_model.proto`). The few wire types that it has are
read here, because the generated classes that come with `sentencepiece` and with `transformers`
describe the same message twice and cannot both be loaded by one process. A model that is read and
written again has the same bytes; specifications of training and of normalisation, and fields that
this module does not know, are kept as they are.
"""

import dataclasses
import enum
import struct
from collections.abc import Iterator, Sequence
from typing import Literal

from xlmr_lab.vocabulary import foreign

PIECES, TRAINER_SPEC, NORMALIZER_SPEC = 1, 2, 3
"""Fields of the model."""

_PIECE_TEXT, _PIECE_SCORE, _PIECE_KIND = 1, 2, 3
_MODEL_TYPE, _BYTE_FALLBACK = 3, 35
_CHARSMAP, _ADD_DUMMY_PREFIX, _REMOVE_EXTRA_WHITESPACES = 2, 3, 4
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

ModelKind = Literal["unigram", "bpe", "word", "char"]
_MODEL_KINDS: dict[int, ModelKind] = {1: "unigram", 2: "bpe", 3: "word", 4: "char"}


class Kind(enum.IntEnum):
    """What a piece is."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """A piece; its place in the model is its id there."""

    text: str
    """What it stands for; U+2581 marks a space."""
    score: float
    """Log-probability in nats (unigram), or minus the rank of its merge (BPE); 32 bits."""
    kind: Kind = Kind.NORMAL
    """Whether text can become it."""
    unknown: bytes = b""
    """Fields that this module does not know, as they stand in the file."""


@dataclasses.dataclass(frozen=True, slots=True)
class ModelProto:
    """A SentencePiece model, taken apart."""

    pieces: Sequence[Piece]
    """In the order of their ids."""
    rest: bytes
    """All other fields as they stand in the file."""

    @property
    def model_kind(self) -> ModelKind:
        """How text is cut into the pieces."""
        value = _last(_message(self.rest, TRAINER_SPEC), _MODEL_TYPE)
        return _MODEL_KINDS[value if isinstance(value, int) else 1]

    @property
    def byte_fallback(self) -> bool:
        """Whether what has no piece is cut into its UTF-8 bytes."""
        return bool(_last(_message(self.rest, TRAINER_SPEC), _BYTE_FALLBACK))

    @property
    def charsmap(self) -> bytes:
        """The compiled table of normalisation; empty where nothing is replaced."""
        value = _last(_message(self.rest, NORMALIZER_SPEC), _CHARSMAP)
        return value if isinstance(value, bytes) else b""


def read(model: bytes) -> ModelProto:
    """Take a serialised model apart.

    Raises:
        UserError: the bytes are no SentencePiece model.
    """
    pieces, rest = [], bytearray()
    try:
        for field, value, raw in fields(model):
            if field == PIECES and isinstance(value, bytes):
                pieces.append(_piece(value))
            else:
                rest += raw
        proto = ModelProto(pieces, bytes(rest))
        known = proto.model_kind  # reading it looks into the trainer's specification
    except (ValueError, KeyError, IndexError, struct.error):
        pieces, known = [], None
    if not pieces or known is None:
        raise foreign.refusal(foreign.SENTENCEPIECE, model)
    return proto


def is_whole(model: bytes) -> bool:
    """Return whether a serialised model has both specifications, which stand behind its pieces: one
    that was cut off between two pieces is a valid message too, and loads as a smaller model.
    """
    try:
        return {TRAINER_SPEC, NORMALIZER_SPEC} <= {field for field, _, _ in fields(model)}
    except (ValueError, IndexError):
        return False


def write(proto: ModelProto) -> bytes:
    """Put a model together again."""
    return b"".join(_field(PIECES, _piece_bytes(piece)) for piece in proto.pieces) + proto.rest


def with_spaces_kept(proto: ModelProto) -> ModelProto:
    """Return the model that adds no space to a text and removes none, so that a piece can be cut as
    it stands in the middle of a text.
    """
    off = bytes([_ADD_DUMMY_PREFIX << 3, 0, _REMOVE_EXTRA_WHITESPACES << 3, 0])
    # Of a message that stands in a file twice the fields are merged, and the last of each counts.
    return dataclasses.replace(proto, rest=proto.rest + _field(NORMALIZER_SPEC, off))


def fields(message: bytes) -> Iterator[tuple[int, int | bytes, bytes]]:
    """Yield number, value and raw bytes of each field; fixed-width values come as bytes.

    Raises:
        ValueError: the bytes are no message.
    """
    place = 0
    while place < len(message):
        start = place
        tag, place = _varint(message, place)
        value: int | bytes
        if tag & 7 == _VARINT:
            value, place = _varint(message, place)
        else:
            if tag & 7 == _BYTES:
                length, place = _varint(message, place)
            else:
                length = {_FIXED64: 8, _FIXED32: 4}.get(tag & 7, -1)
            value = message[place : place + length]
            if length < 0 or len(value) < length:
                raise ValueError(f"no field of a message at byte {start}")
            place += length
        yield tag >> 3, value, message[start:place]


def _piece(message: bytes) -> Piece:
    text, score, kind, unknown = "", 0.0, Kind.NORMAL, b""
    for field, value, raw in fields(message):
        if field == _PIECE_TEXT and isinstance(value, bytes):
            text = value.decode("utf-8")
        elif field == _PIECE_SCORE and isinstance(value, bytes):
            (score,) = struct.unpack("<f", value)
        elif field == _PIECE_KIND and isinstance(value, int):
            kind = Kind(value)
        else:
            unknown += raw
    return Piece(text, score, kind, unknown)


def _piece_bytes(piece: Piece) -> bytes:
    kind = b"" if piece.kind == Kind.NORMAL else bytes([_PIECE_KIND << 3, piece.kind])
    score = bytes([_PIECE_SCORE << 3 | _FIXED32]) + struct.pack("<f", piece.score)
    return _field(_PIECE_TEXT, piece.text.encode("utf-8")) + score + kind + piece.unknown


def _field(number: int, value: bytes) -> bytes:
    return bytes([number << 3 | _BYTES]) + _varint_bytes(len(value)) + value


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """Return the number that begins at `place`, and the place behind it."""
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
        if shift > 63:
            raise ValueError(f"a number longer than 64 bits before byte {place}")


def _varint_bytes(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _message(message: bytes, number: int) -> bytes:
    """Return the message in a field, joined where it stands there several times."""
    found = [value for field, value, _ in fields(message) if field == number]
    return b"".join(value for value in found if isinstance(value, bytes))


def _last(message: bytes, number: int) -> int | bytes | None:
    """Return the value of a field; of several the last counts, as protocol buffers have it."""
    return next((v for f, v, _ in reversed(list(fields(message))) if f == number), None)
