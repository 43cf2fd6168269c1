"""A vocabulary of preprocessed text: encodes what preprocessing makes, spans lead to the original.

Run with: pytest tests/vocabulary/test_preprocessed.py
"""

import io
import json

import numpy as np
import pytest
import sentencepiece

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import extra
from xlmr_lab.vocabulary.preprocess import preprocess
from xlmr_lab.vocabulary.preprocessed import PreprocessedVocabulary
from xlmr_lab.vocabulary.tokenizer import Tokenizer
from xlmr_lab.vocabulary.wordpiece import WordPieceTokenizer

TEXTS = ["The cat sat, didn't it?", "A dog (not a cat) ran.", "Élan at 3.50!"]
KINDS = ("tokenized", "tokenized_lowercased")


@pytest.fixture(scope="module")
def inner() -> Tokenizer:
    writer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(preprocess(TEXTS, "en", "tokenized") * 20),
        model_writer=writer,
        model_type="bpe",
        vocab_size=60,
        minloglevel=2,
    )
    return Tokenizer(writer.getvalue())


@pytest.mark.parametrize("kind", KINDS)
def test_ids_and_pieces_are_those_of_the_preprocessed_text(inner, kind):
    vocabulary = PreprocessedVocabulary(inner, kind)
    prepared = preprocess(TEXTS, "en", kind)
    expected = inner.encode(prepared)
    for found, ids in zip(vocabulary.encode(TEXTS, "en"), expected, strict=True):
        np.testing.assert_array_equal(found, ids)
    assert vocabulary.pieces(TEXTS[0], "en") == inner.pieces(prepared[0])
    assert vocabulary.names(expected[0]) == inner.names(expected[0])
    assert (vocabulary.size, vocabulary.encode([], "en")) == (inner.size, [])


def test_ids_decode_to_the_preprocessed_text(inner):
    vocabulary = PreprocessedVocabulary(inner, "tokenized")
    (ids,) = vocabulary.encode([TEXTS[1]], "en")
    assert vocabulary.decode([0, *ids, 2]) == "A dog ( not a cat ) ran ."


@pytest.mark.parametrize("kind", KINDS)
def test_spans_are_of_the_original_text(inner, kind):
    vocabulary = PreprocessedVocabulary(inner, kind)
    for text in [*TEXTS, "", " ", "  The  cat…\n\nsat “there”. ", "snow\u2603man"]:
        ids, found = vocabulary.offsets(text, "en")
        np.testing.assert_array_equal(ids, vocabulary.encode([text], "en")[0])
        assert found.shape == (len(ids), 2)
        assert (np.diff(found[found[:, 0] < found[:, 1]], axis=0) >= 0).all()
        held = "".join(text[a:b] for a, b in dict.fromkeys(map(tuple, found.tolist())))
        assert held == "".join(text.split())


def test_a_span_holds_what_its_piece_says(inner):
    vocabulary = PreprocessedVocabulary(inner, "tokenized_lowercased")
    text = "A CAT, a Dog"
    ids, found = vocabulary.offsets(text, "en")
    for name, (start, end) in zip(vocabulary.names(ids), found.tolist(), strict=True):
        assert name in ("<unk>", f"\u2581{text[start:end].lower()}", text[start:end].lower())


def test_it_stands_before_wordpiece_as_well():
    content = {"pieces": ["the", "cat", "##s", ","], "lowercase": False}
    inner = WordPieceTokenizer(json.dumps(content).encode())
    vocabulary = PreprocessedVocabulary(inner, "tokenized_lowercased")
    ids, found = vocabulary.offsets("The CATS,", "en")
    assert vocabulary.names(ids) == ["the", "cat", "##s", ","]
    assert found.tolist() == [[0, 3], [4, 7], [7, 8], [8, 9]]


def test_the_language_must_be_said(inner):
    vocabulary = PreprocessedVocabulary(inner, "tokenized")
    for call in (
        lambda: vocabulary.encode(["a"]),
        lambda: vocabulary.pieces("a"),
        lambda: vocabulary.offsets("a"),
    ):
        with pytest.raises(UserError, match="preprocessing=tokenized needs the language"):
            call()


def test_the_fingerprint_names_subwords_preprocessing_and_versions(inner, monkeypatch):
    before = [PreprocessedVocabulary(inner, kind).fingerprint for kind in KINDS]
    assert len({inner.fingerprint, *before}) == 3
    assert before == [PreprocessedVocabulary(inner, kind).fingerprint for kind in KINDS]
    versions = extra.versions()
    monkeypatch.setattr(extra, "versions", lambda: {**versions, "rjieba": "0.0.1"})
    assert PreprocessedVocabulary(inner, "tokenized").fingerprint not in before
