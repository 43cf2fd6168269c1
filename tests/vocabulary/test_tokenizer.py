"""Encoding in the published id layout.

Run with: pytest tests/vocabulary/test_tokenizer.py
"""

import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import sentencepiece

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import model_proto
from xlmr_lab.vocabulary.special_tokens import FIRST_PIECE_ID, UNK_ID, mask_id
from xlmr_lab.vocabulary.tokenizer import MODEL_NAME, PUBLISHED_MODEL_NAME, Tokenizer

NUM_PIECES = 20
LINES = ["the cat sat on the mat", "the dog sat on the log", "a cat and a dog"] * 20


def serialised(**options) -> bytes:
    writer = io.BytesIO()
    settings = {"vocab_size": NUM_PIECES, "minloglevel": 2, **options}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES), model_writer=writer, **settings
    )
    return writer.getvalue()


@pytest.fixture(scope="module")
def model() -> bytes:
    return serialised()


@pytest.fixture(scope="module")
def tokenizer(model):
    return Tokenizer(model)


def test_piece_i_has_id_i_plus_one_and_unknown_has_three(model, tokenizer):
    raw = sentencepiece.SentencePieceProcessor(model_proto=model)
    text = "the cat \u2603 sat"  # SNOWMAN has no piece
    expected = [UNK_ID if i == raw.unk_id() else i + 1 for i in raw.encode(text)]
    (found,) = tokenizer.encode([text])
    assert found.tolist() == expected
    assert UNK_ID in expected
    assert found.dtype == np.int32


def test_size_counts_pad_and_mask(model, tokenizer):
    assert tokenizer.size == NUM_PIECES + 2
    assert tokenizer.names([0, 1, 2, 3, mask_id(tokenizer.size)]) == [
        "<s>",
        "<pad>",
        "</s>",
        "<unk>",
        "<mask>",
    ]


def test_names_are_the_pieces_of_the_text(tokenizer):
    text = "the cat sat on the log"
    assert tokenizer.names(tokenizer.encode([text])[0]) == tokenizer.pieces(text)


def test_text_comes_back_without_its_specials(tokenizer):
    (ids,) = tokenizer.encode(["the dog sat"])
    framed = [0, *ids.tolist(), 2, 1, mask_id(tokenizer.size)]
    assert tokenizer.decode(framed) == "the dog sat"


def test_text_that_spells_a_special_stays_text(tokenizer):
    (ids,) = tokenizer.encode(["<s> a </s> <pad> <mask>"])
    assert all(i == UNK_ID or i >= FIRST_PIECE_ID for i in ids)
    assert ids.max() < mask_id(tokenizer.size)


def test_a_list_is_encoded_as_its_texts_one_by_one(tokenizer):
    together = tokenizer.encode([*LINES[:3], ""])
    for text, ids in zip([*LINES[:3], ""], together, strict=True):
        np.testing.assert_array_equal(ids, tokenizer.encode([text])[0])
    assert len(together[-1]) == 0
    assert tokenizer.encode([]) == []


def test_line_ends_count_as_spaces(tokenizer):
    split, joined = tokenizer.encode(["the cat\nthe dog\n", "the cat the dog"])
    np.testing.assert_array_equal(split, joined)


def test_a_model_loads_from_a_file_a_folder_or_beside_a_released_checkpoint(model, tmp_path):
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / MODEL_NAME).write_bytes(model)
    (tmp_path / "released").mkdir()
    (tmp_path / "released" / PUBLISHED_MODEL_NAME).write_bytes(model)
    paths = ["ours", f"ours/{MODEL_NAME}", "released"]
    assert len({Tokenizer.load(tmp_path / path).fingerprint for path in paths}) == 1


def test_another_model_has_another_fingerprint(tokenizer):
    assert Tokenizer(serialised(vocab_size=NUM_PIECES - 1)).fingerprint != tokenizer.fingerprint


def test_a_missing_or_broken_model_is_named(tmp_path):
    with pytest.raises(UserError, match=f"no vocabulary at .*{MODEL_NAME}"):
        Tokenizer.load(tmp_path)
    (tmp_path / MODEL_NAME).write_bytes(b"")
    with pytest.raises(UserError, match=f"{MODEL_NAME}: not a .* model but an empty file; train"):
        Tokenizer.load(tmp_path)


def test_a_model_that_is_cut_short_is_damaged(model, tmp_path):
    pieces, trainer = (
        sum(len(raw) for field, _, raw in model_proto.fields(model) if field <= last)
        for last in (model_proto.PIECES, model_proto.TRAINER_SPEC)
    )
    first_piece = len(next(model_proto.fields(model))[2])
    for length in (3, 100, len(model) // 2, len(model) - 1, first_piece, pieces, trainer):
        (tmp_path / MODEL_NAME).write_bytes(model[:length])
        with pytest.raises(UserError, match="not a SentencePiece model but a damaged one"):
            Tokenizer.load(tmp_path)


@pytest.mark.parametrize(
    ("content", "seems"),
    [
        (b"hello\nworld\n", "a text file"),
        (b"t h 12\nth e</w> 9\n", "the merges of fastBPE"),
        (b"#version: 0.2\nt h\nth e</w>\n", "the merges of a BPE model"),
        (b"the 12\nca@@ 9\n", "a list of words and their counts"),
        ("<unk>\t0\n\u2581the\t-3.51\n".encode(), "the list of pieces that SentencePiece"),
        (b"[PAD]\n[UNK]\nthe\n", "a vocab.txt of BERT"),
        (b"the 12\ncat\n", "a text file"),
        (pickle.dumps(["the"], protocol=2), "a pickle"),
        (pickle.dumps(["the"]), "a pickle"),
        (b"\x1f\x8b\x08\0", "a gzip file"),
        (b"GGUF\x03\0\0\0", "a GGUF file"),
        (b"nn\n" + "\u0561".encode() * 40_000, "a text file"),  # cut inside a letter
        (
            b'{"version": "1.0", "added_tokens": [], "model": {}}',
            "a tokenizer.json of Hugging Face",
        ),
        (b'{"pieces": []}', "a JSON file"),
        (b"\xba\x16\x4f\x2f\x0c\0\0\0", "a fastText model"),
        (b"mmap lm http://kheafield.com/code format version 5\n\0", "a KenLM model"),
        (b"\\data\\\nngram 1=3\n", "a language model in ARPA form"),
        (b"PK\x03\x04\x14\0", "a zip archive or a PyTorch checkpoint"),
        ((30).to_bytes(8, "little") + b'{"a":{"dtype":"F32"}}', "a safetensors file"),
    ],
)
def test_a_file_of_another_tool_is_named_for_what_it_seems(content, seems, tmp_path):
    path = tmp_path / "other.model"
    path.write_bytes(content)
    allowed = "give a SentencePiece model, such as sentencepiece.bpe.model, or a wordpiece.json$"
    told = f"other.model: not a SentencePiece model but {seems}.*; {allowed}"
    with pytest.raises(UserError, match=told):
        Tokenizer.load(path)


@pytest.mark.parametrize(
    ("content", "seems"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "the pointer that Git LFS"),
        (b"<!DOCTYPE html>\n<html>", "a web page"),
    ],
)
def test_what_a_copy_left_behind_is_to_be_copied_again(content, seems, tmp_path):
    path = tmp_path / "other.model"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"not a .* but {seems}.*; train one or copy it again$"):
        Tokenizer.load(path)


def test_of_a_file_that_nothing_is_known_of_nothing_is_said(tmp_path):
    (tmp_path / "x.model").write_bytes(bytes(range(128, 256)))
    with pytest.raises(UserError, match="not a SentencePiece model; train one"):
        Tokenizer.load(tmp_path / "x.model")


@pytest.mark.parametrize(
    ("specials", "found"),
    [
        ({"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}, r"\(2, -1, 1\) like T5"),
        ({"pad_id": 0, "unk_id": 1, "bos_id": 2, "eos_id": 3}, r"\(1, 2, 3\)"),
    ],
)
def test_a_model_with_its_specials_elsewhere_is_refused(specials, found):
    with pytest.raises(UserError, match=rf"at {found}, XLM-R needs \(0, 1, 2\); train it with"):
        Tokenizer(serialised(**specials))


@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
def test_bytes_of_what_has_no_piece_are_ordinary_ids_and_come_back(model_type):
    raw = serialised(vocab_size=276, byte_fallback=True, model_type=model_type)
    tokenizer = Tokenizer(raw)
    (ids,) = tokenizer.encode(["cat \u2603"])
    first_byte = FIRST_PIECE_ID  # the bytes stand before all other pieces
    assert ids[-3:].tolist() == [first_byte + byte for byte in "\u2603".encode()]
    assert tokenizer.names(ids[-3:]) == ["<0xE2>", "<0x98>", "<0x83>"]
    assert tokenizer.decode(ids) == "cat \u2603"
    assert tokenizer.decode(ids[:-1]) == "cat \ufffd\ufffd"
    spelled = tokenizer.encode(["<0xE2>"])[0]
    assert tokenizer.decode(spelled) == "<0xE2>"


def test_unknown_text_decodes_to_a_mark(tokenizer):
    (ids,) = tokenizer.encode(["the \u2603"])
    assert tokenizer.decode(ids) == "the  \u2047 "


def test_a_null_character_is_text(tokenizer):
    (ids,) = tokenizer.encode(["the\0cat"])
    before, after = (tokenizer.encode([word])[0].tolist() for word in ("the", "cat"))
    assert ids.tolist() == [*before, UNK_ID, *after[1:]]


def test_text_that_spells_the_mark_of_a_space_has_a_space(tokenizer):
    spelled, spaced = tokenizer.encode(["the\u2581cat", "the cat"])
    np.testing.assert_array_equal(spelled, spaced)


@pytest.mark.parametrize("method", ["encode", "pieces", "offsets"])
def test_a_lone_surrogate_is_refused(tokenizer, method):
    texts = ["a cat", "a \ud83d cat"]
    number, given = (1, texts) if method == "encode" else (0, texts[1])
    with pytest.raises(UserError, match=rf"text {number} has .* surrogate U\+D83D at character 2 "):
        getattr(tokenizer, method)(given)


@pytest.mark.parametrize("given", [None, 3])
def test_what_is_no_text_is_refused(tokenizer, given):
    with pytest.raises(UserError, match=r"text 1 is no string but .*; give a list of strings"):
        tokenizer.encode(["a cat", given])


def test_ids_may_be_written_to_and_belong_to_one_text(tokenizer):
    first, second = tokenizer.encode(["the cat", "the dog"])
    kept = second.copy()
    first[:] = 0
    np.testing.assert_array_equal(second, kept)


def test_a_tokenizer_goes_to_another_process_whole(tokenizer):
    again = pickle.loads(pickle.dumps(tokenizer))
    assert (again.size, again.fingerprint) == (tokenizer.size, tokenizer.fingerprint)
    np.testing.assert_array_equal(again.encode(LINES)[0], tokenizer.encode(LINES)[0])


GOLDEN = {
    "Hello world!": [35378, 8999, 38],
    "\u4f60\u597d\uff0c\u4e16\u754c": [6, 124084, 4, 3221],
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e": [
        *(68700, 97883, 29405),
    ],
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645": [
        *(665, 193478, 258, 1705, 77796),
    ],
    "Bonjour le monde": [84602, 95, 11146],
}
"""What the released model makes of texts, published with it."""


@pytest.mark.skipif(
    "XLMR_LAB_RELEASED_MODEL" not in os.environ,
    reason="XLMR_LAB_RELEASED_MODEL names no folder or file with the released model",
)
def test_the_released_model_gives_the_published_ids():
    tokenizer = Tokenizer.load(Path(os.environ["XLMR_LAB_RELEASED_MODEL"]))
    assert tokenizer.size == 250_002
    assert tokenizer.names([250_001]) == ["<mask>"]
    for text, ids in zip(GOLDEN, tokenizer.encode(list(GOLDEN)), strict=True):
        assert ids.tolist() == GOLDEN[text]


@pytest.mark.slow
def test_ids_are_those_that_hugging_face_gives_the_same_model(model, tokenizer):
    conversion = pytest.importorskip("transformers.convert_slow_tokenizer")
    raw = sentencepiece.SentencePieceProcessor(model_proto=model)
    pieces = [(raw.id_to_piece(i), raw.get_score(i)) for i in range(raw.vocab_size())]
    theirs = conversion.XLMRobertaConverter.convert_from_spm(vocab=pieces)["vocab"]
    assert [name for name, _ in theirs] == tokenizer.names(range(tokenizer.size))
