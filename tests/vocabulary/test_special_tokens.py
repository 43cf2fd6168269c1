"""The id layout of the released models.

Run with: pytest tests/vocabulary/test_special_tokens.py
"""

from xlmr_lab.vocabulary import special_tokens as ids


def test_ids_are_those_of_the_released_models():
    assert (ids.BOS_ID, ids.PAD_ID, ids.EOS_ID, ids.UNK_ID) == (0, 1, 2, 3)
    assert ids.mask_id(250_000 + ids.NUM_ADDED_IDS) == 250_001


def test_the_first_ordinary_piece_follows_the_specials_of_sentencepiece():
    assert ids.SENTENCEPIECE_EOS + 1 + ids.FIRST_PIECE_OFFSET == ids.FIRST_PIECE_ID
    assert max(ids.SPECIAL_TOKENS) + 1 == ids.FIRST_PIECE_ID
