"""Unknown characters of a new language by what causes it, counted by hand.

Run with: pytest tests/vocabulary/test_unknown.py
"""

import io

import pytest
import sentencepiece

from xlmr_lab.vocabulary import unknown


@pytest.fixture(scope="module")
def model() -> bytes:
    """A vocabulary that knows a to e."""
    writer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d e ab cd de abc"] * 20),
        model_writer=writer,
        vocab_size=15,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return writer.getvalue()


def test_characters_without_a_piece_are_counted(model):
    assert unknown.without_piece(model, ["ab xy x", "", "cay z"]) == {"x": 2, "y": 2, "z": 1}


def test_full_width_letters_are_those_that_they_are_normalised_to(model):
    assert unknown.without_piece(model, ["\uff41 \uff58"]) == {"x": 1}


def test_each_unknown_character_has_one_cause(model):
    found = unknown.causes(model, ["abx xyzz", "w"], seen={"y"}, guarded=["x", "w"])
    assert found == {"guard": 3, "coverage": 1, "unseen": 2}
    assert unknown.causes(model, ["abcde"], seen={"y"}, guarded=[]) == dict.fromkeys(found, 0)
