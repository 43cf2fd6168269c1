"""Encoding in the published id layout.

Run with: pytest tests/vocabulary/test_tokenizer.py
"""

import io

import numpy as np
import pytest
import sentencepiece

from xlmr_lab.errors import UserError
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
    (tmp_path / MODEL_NAME).write_bytes(b"not a model")
    with pytest.raises(UserError, match=f"{MODEL_NAME}: not a SentencePiece model"):
        Tokenizer.load(tmp_path)
    (tmp_path / MODEL_NAME).write_bytes(b"")
    with pytest.raises(UserError, match=MODEL_NAME):
        Tokenizer.load(tmp_path)


def test_a_model_with_its_specials_elsewhere_is_refused():
    with pytest.raises(UserError, match=r"at \(1, 2, 3\), XLM-R needs \(0, 1, 2\)"):
        Tokenizer(serialised(pad_id=0, unk_id=1, bos_id=2, eos_id=3))


@pytest.mark.slow
def test_ids_are_those_that_hugging_face_gives_the_same_model(model, tokenizer):
    conversion = pytest.importorskip("transformers.convert_slow_tokenizer")
    raw = sentencepiece.SentencePieceProcessor(model_proto=model)
    pieces = [(raw.id_to_piece(i), raw.get_score(i)) for i in range(raw.vocab_size())]
    theirs = conversion.XLMRobertaConverter.convert_from_spm(vocab=pieces)["vocab"]
    assert [name for name, _ in theirs] == tokenizer.names(range(tokenizer.size))
