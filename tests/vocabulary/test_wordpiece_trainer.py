"""WordPiece training: BERT's words, every letter in its places, the same pieces in any process.

Run with: pytest tests/vocabulary/test_wordpiece_trainer.py
"""

import json
import os
from collections.abc import Iterable

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import wordpiece_trainer as trainer
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.special_tokens import UNK_ID
from xlmr_lab.vocabulary.wordpiece import WordPieceTokenizer

LINES = ["low low lower lowest", "new newer newest", "wide wider widest"] * 20


def content(lines: Iterable[str], size: int, letters: str) -> bytes:
    config = VocabularyConfig(model="wordpiece", size=size)
    return trainer.train(lines, trainer.options(config, letters))


def test_letters_inside_words_are_those_that_join():
    # Punctuation and Chinese stand apart; COMBINING ACUTE ACCENT and KA of Devanagari join.
    assert trainer.inside("ab.-\u4e2d\u0301\u0915") == {"a", "b", "\u0301", "\u0915"}


def test_pieces_are_letters_then_letters_inside_then_merges():
    # Of the merges "##es" + "##t" and so on, the most frequent pair comes first: l + ##o.
    made = json.loads(content(LINES, 38, "delnorstwi"))
    pieces = made["pieces"]
    assert pieces[:10] == sorted("delnorstwi")
    assert pieces[10:20] == [f"##{c}" for c in sorted("delnorstwi")]
    assert len(pieces) == 38 - 5
    assert "low" in pieces
    assert "##est" in pieces
    assert {key: value for key, value in made.items() if key != "pieces"} == {
        "lowercase": False,
        "max_word_characters": 100,
        "continuing_prefix": "##",
    }


def test_the_file_encodes_its_text_without_a_hole():
    tokenizer = WordPieceTokenizer(content(LINES, 38, "delnorstwi"))
    assert tokenizer.size == 38
    assert all(UNK_ID not in ids for ids in tokenizer.encode(LINES))
    assert tokenizer.pieces("low lowest")[0] == "low"


def test_case_and_accents_stay():
    lines = ["\u00c9t\u00e9 a", "t"] * 5  # E WITH ACUTE, capital and small
    tokenizer = WordPieceTokenizer(content(lines, 11, "\u00c9t\u00e9a"))
    assert tokenizer.names(range(4, 8)) == ["a", "t", "\u00c9", "\u00e9"]


def test_letters_that_are_not_given_get_no_piece():
    made = json.loads(content(LINES, 30, "delorstwi"))
    assert not any("n" in piece for piece in made["pieces"])


def test_the_least_size_has_a_piece_for_each_place_of_a_letter():
    options = trainer.options(VocabularyConfig(model="wordpiece"), "ab.")
    assert options["continuing_letters"] == "ab"
    assert trainer.least_size(options) == 5 + 3 + 2
    options = {**options, "vocab_size": 5}
    pieces = json.loads(trainer.train(["ab."] * 3, options))["pieces"]
    assert pieces == [".", "a", "b", "##a", "##b"]


def test_a_size_that_the_text_does_not_support_names_the_largest():
    with pytest.raises(
        UserError, match=r"9000 is more than .* set vocabulary\.size=(\d+) or less"
    ) as refused:
        content(LINES, 9000, "delnorstwi")
    largest = int(str(refused.value).split("vocabulary.size=")[1].split()[0])
    assert len(json.loads(content(LINES, largest, "delnorstwi"))["pieces"]) == largest - 5


def test_an_error_of_the_source_comes_out_as_it_is():
    def broken():
        yield from LINES
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        content(broken(), 38, "delnorstwi")


@pytest.mark.parametrize("before", [None, "true"])
def test_the_setting_of_threads_is_put_back(monkeypatch, before):
    (name,) = trainer.ONE_THREAD
    if before is None:
        monkeypatch.delenv(name, raising=False)
    else:
        monkeypatch.setenv(name, before)
    content(LINES, 38, "delnorstwi")
    assert os.environ.get(name) == before
