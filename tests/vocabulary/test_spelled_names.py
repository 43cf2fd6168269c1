"""Text that spells the name of an id is cut, or loses a letter that has no piece anyway.

Run with: pytest tests/vocabulary/test_spelled_names.py
"""

import pytest
import tokenizers

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.spelled_names import cuts, stand_ins

LETTERS = set("<>/spadunkm0123456789ABCDEFx")


def cut(text: str, names: list[str], pieces: set[str], *, needs_one_known: bool = True) -> list:
    """Return the parts of a text; Python's own expressions have no such look-behind."""
    pattern = tokenizers.Regex(cuts(names, pieces, needs_one_known=needs_one_known))
    splitter = tokenizers.pre_tokenizers.Split(pattern, "merged_with_next")
    return [part for part, _ in splitter.pre_tokenize_str(text)]


def test_a_name_is_cut_before_its_last_letter():
    names = ["<s>", "</s>", "<mask>"]
    assert cut("a<s>b </s><mask>s>", names, LETTERS) == ["a<s", ">b </s", "><mask", ">s>"]


def test_bytes_are_cut_alike():
    names = [f"<0x{value:02X}>" for value in range(256)]
    assert cut("<0x0A><0xFF>", names, LETTERS) == ["<0x0A", "><0xFF", ">"]
    assert len(cuts(names, LETTERS, needs_one_known=False)) < 500


def test_no_piece_reaches_over_the_cut():
    assert cut("<s>", ["<s>"], LETTERS | {"s>"}) == ["<", "s>"]
    assert cut("<s>", ["<s>"], LETTERS | {"ks>", "s>>>"}) == ["<", "s>"]
    # a piece that cannot stand there in a text that spells the name is no hindrance
    assert cut("<s>", ["<s>"], LETTERS | {"ks>k", "ads>"}) == ["<s", ">"]


def test_a_name_that_pieces_cover_is_refused():
    with pytest.raises(UserError, match="overlap every part of '<s>'"):
        cuts(["<s>"], LETTERS | {"<s", "s>"}, needs_one_known=True)


def test_two_letters_without_a_piece_stay_together():
    """They are one `<unk>` in SentencePiece, or their bytes."""
    assert cut("<mask>", ["<mask>"], {"a"}) == ["<ma", "sk>"]
    assert cut("<mask>", ["<mask>"], {"a"}, needs_one_known=False) == ["<mask", ">"]


def test_one_letter_without_a_piece_makes_a_name_harmless():
    assert stand_ins(["<s>", "</s>", "<pad>"], set("s>/pad")) == {"<": "\ue000"}
    assert stand_ins(["<s>", "<pad>"], set("<>sad")) == {"p": "\ue000"}
    assert stand_ins(["<s>"], {*"ab", "\ue000"}) == {"<": "\ue001"}
    assert stand_ins(["<s>", "<pad>"], LETTERS) == {}
