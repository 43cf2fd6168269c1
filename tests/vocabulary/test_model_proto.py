"""A SentencePiece model taken apart and put together again is the same file.

Run with: pytest tests/vocabulary/test_model_proto.py
"""

import dataclasses
import io
import struct

import pytest
import sentencepiece

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import model_proto
from xlmr_lab.vocabulary.model_proto import Kind, ModelProto, Piece

LINES = ["the cat sat on the mat", "the dog sat on the log", "a cat and a dog"] * 20


def trained(**options) -> bytes:
    writer = io.BytesIO()
    settings = {"vocab_size": 30, "minloglevel": 2, "hard_vocab_limit": False, **options}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES), model_writer=writer, **settings
    )
    return writer.getvalue()


def test_the_bytes_of_a_small_message_by_hand():
    """Field 1 (bytes) of five: a text of one letter (1 + 1 + 1), then field 7, a number."""
    message = b"\x0a\x03\x0a\x01a" + b"\x38\x96\x01"
    assert list(model_proto.fields(message)) == [
        (1, b"\x0a\x01a", message[:5]),
        (7, 150, message[5:]),
    ]
    assert model_proto.read(message).pieces == [Piece("a", 0.0)]
    assert model_proto.read(message).rest == message[5:]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"model_type": "bpe"},
        {"model_type": "word"},
        {"byte_fallback": True, "vocab_size": 300},
        {"user_defined_symbols": ["<x>"], "control_symbols": ["<y>"]},
        {"normalization_rule_name": "identity"},
    ],
    ids=str,
)
def test_a_model_comes_back_byte_for_byte(options):
    model = trained(**options)
    proto = model_proto.read(model)
    assert model_proto.write(proto) == model
    assert proto.model_kind == options.get("model_type", "unigram")
    assert proto.byte_fallback == options.get("byte_fallback", False)
    assert bool(proto.charsmap) == (options.get("normalization_rule_name") != "identity")


def test_pieces_scores_and_kinds_are_those_that_sentencepiece_reads():
    model = trained(byte_fallback=True, vocab_size=300, user_defined_symbols=["<x>"])
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    pieces = model_proto.read(model).pieces
    assert len(pieces) == processor.vocab_size()
    for i, piece in enumerate(pieces):
        assert piece.text == processor.id_to_piece(i)
        assert piece.score == processor.get_score(i)
        assert (piece.kind == Kind.UNKNOWN) == processor.is_unknown(i)
        assert (piece.kind == Kind.CONTROL) == processor.is_control(i)
        assert (piece.kind == Kind.BYTE) == processor.is_byte(i)
    assert Piece("<x>", 0.0, Kind.USER_DEFINED) in pieces


def test_the_table_of_normalisation_is_the_one_in_the_file():
    model = trained()
    charsmap = model_proto.read(model).charsmap
    assert len(charsmap) > 100_000
    assert charsmap in model
    (blob_length,) = struct.unpack("<I", charsmap[:4])  # of its trie; replacements follow
    assert 0 < blob_length < len(charsmap)


def test_what_is_not_known_is_kept():
    unknown = b"\xc2\x0c\x03abc"  # field 200, bytes
    piece = Piece("a", -1.5, unknown=unknown)
    proto = ModelProto([piece, Piece("b", -2.0, Kind.UNUSED)], rest=unknown)
    back = model_proto.read(model_proto.write(proto))
    assert back == proto


def test_a_changed_model_is_what_sentencepiece_loads():
    proto = model_proto.read(trained())
    more = dataclasses.replace(proto, pieces=[*proto.pieces, Piece("\u2581the\u2581cat", -0.5)])
    processor = sentencepiece.SentencePieceProcessor(model_proto=model_proto.write(more))
    assert processor.vocab_size() == len(proto.pieces) + 1
    assert processor.id_to_piece(len(proto.pieces)) == "\u2581the\u2581cat"
    assert processor.get_score(len(proto.pieces)) == -0.5


def test_without_spaces_of_its_own_a_model_cuts_a_piece_as_it_stands():
    proto = model_proto.read(trained())
    plain = sentencepiece.SentencePieceProcessor(model_proto=model_proto.write(proto))
    kept = model_proto.write(model_proto.with_spaces_kept(proto))
    raw = sentencepiece.SentencePieceProcessor(model_proto=kept)
    assert plain.normalize("at") == "\u2581at"
    assert raw.normalize("at") == "at"
    assert raw.normalize(" at  ") == "\u2581at\u2581\u2581"
    assert "".join(raw.encode("\u2581at", out_type=str)) == "\u2581at"
    assert model_proto.read(kept).charsmap == proto.charsmap


@pytest.mark.parametrize(
    "content",
    [b"", b"not a model", b"\x0a\x05\x0a", b"\x0a\x03\x0a\x01\xff", b"\xff" * 30, b"\x38\x01"],
    ids=repr,
)
def test_other_bytes_are_refused(content):
    with pytest.raises(UserError, match="not a SentencePiece model"):
        model_proto.read(content)


def test_a_model_cut_short_is_refused():
    model = trained()
    for length in (1, 20, 200, len(model) - 1):
        with pytest.raises(UserError, match="not a SentencePiece model"):
            model_proto.read(model[:length])
