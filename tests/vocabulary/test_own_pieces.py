"""What a new language's text would have alone: its pieces, or one line on why there are none.

Run with: pytest tests/vocabulary/test_own_pieces.py
"""

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import own_pieces
from xlmr_lab.vocabulary.spans import SPACE

LINES = ["ka lo mi nu", "ka lo te so", "mi nu ka lo"] * 5


def test_pieces_are_of_the_text_and_its_characters_all_have_one():
    found = {piece.text for piece in own_pieces.learned(LINES, "qab", size=8, coverage=1.0).pieces}
    assert set("".join(LINES).replace(" ", "")) <= found
    assert any(piece.strip(SPACE) in ("ka", "lo", "mi", "nu", "te", "so") for piece in found)


def test_text_that_nothing_can_be_learned_from_is_told_in_one_line(monkeypatch):
    monkeypatch.setattr(own_pieces, "LONGEST_LINE", 8)
    told = r"no pieces can be learned from the text of qab: .*, in lines of at most 8 bytes$"
    with pytest.raises(UserError, match=told):
        own_pieces.learned(LINES, "qab", size=8, coverage=1.0)
