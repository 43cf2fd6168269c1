"""Fertility and its companions on a hand-worked case.

Run with: pytest tests/vocabulary/test_diagnostics.py
"""

import io

import pytest
import sentencepiece

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.diagnostics import fertility
from xlmr_lab.vocabulary.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    writer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b a b"] * 10),
        model_writer=writer,
        vocab_size=8,
        minloglevel=2,
        hard_vocab_limit=False,
        max_sentencepiece_length=1,
    )
    return Tokenizer(writer.getvalue())


def test_a_row_is_worked_by_hand(tokenizer):
    # Pieces: space, a, space, b, space, unknown; the snowman takes three bytes.
    (row,) = fertility(tokenizer, {"qaa": ["a b \u2603"]})
    assert tokenizer.pieces("a b \u2603") == ["\u2581", "a", "\u2581", "b", "\u2581", "\u2603"]
    assert row == {
        "language": "qaa",
        "num_words": 3,
        "num_pieces": 6,
        "num_bytes": 7,
        "fertility": 2.0,
        "bytes_per_piece": 7 / 6,
        "unknown_rate": 1 / 6,
    }


def test_languages_keep_their_order(tokenizer):
    rows = fertility(tokenizer, {"qab": ["a"], "qaa": ["b a", "a"]})
    assert [row["language"] for row in rows] == ["qab", "qaa"]


def test_a_language_without_text_is_named(tokenizer):
    with pytest.raises(UserError, match="for qab"):
        fertility(tokenizer, {"qaa": ["a"], "qab": [" "]})
