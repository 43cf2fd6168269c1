"""Preprocessing of real text in every language at hand: letters are kept, words are plausible.

Run with: pytest tests/vocabulary/test_real_preprocess.py
"""

import itertools
import lzma
import unicodedata
from pathlib import Path

import pytest

from xlmr_lab.vocabulary.moses import ROMANIAN
from xlmr_lab.vocabulary.preprocess import preprocess, without_accents
from xlmr_lab.vocabulary.tracing import trace

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "text" / "ntrex"
LANGUAGES = sorted(path.name.removesuffix(".txt.xz") for path in FOLDER.glob("*.txt.xz"))
CHARACTERS_PER_WORD = {"zh-Hans": (1.5, 2.2), "zh-Hant": (1.5, 2.2), "ja": (1.4, 2.2), "th": (3, 6)}

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no real text at {FOLDER.name}"),
]


def lines_of(language: str, every: int) -> list[str]:
    with lzma.open(FOLDER / f"{language}.txt.xz", "rt", encoding="utf-8") as file:
        return [line for line in file.read().split("\n") if line][::every]


@pytest.mark.parametrize("language", LANGUAGES)
def test_letters_are_kept_and_places_lead_back_to_them(language):
    lines = lines_of(language, 40)
    for line, tokens in zip(lines, preprocess(lines, language, "tokenized"), strict=True):
        rows = trace(line, language, "tokenized")
        assert "".join(row.character for row in rows) == tokens
        if language == "ro":
            line = line.translate(str.maketrans(ROMANIAN))
        letters = [row for row in rows if row.character.isalpha()]
        assert [line[row.start : row.end] for row in letters] == [row.character for row in letters]
        assert [row.character for row in letters] == [c for c in line if c.isalpha()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_places_in_lower_cased_text_are_of_the_same_letters(language):
    lines = lines_of(language, 40)
    for line, tokens in zip(
        lines, preprocess(lines, language, "tokenized_lowercased"), strict=True
    ):
        rows = trace(line, language, "tokenized_lowercased")
        assert "".join(row.character for row in rows) == tokens
        for row in rows:
            if row.character.isalpha():
                plain = without_accents(line[row.start : row.end])
                assert row.character in plain


@pytest.mark.parametrize("language", [key for key in LANGUAGES if key not in CHARACTERS_PER_WORD])
def test_no_mark_is_cut_from_its_letter(language):
    for line in lines_of(language, 20):
        rows = trace(line, language, "tokenized")
        for before, row in itertools.pairwise(rows):
            if before.character == " " and unicodedata.category(row.character).startswith("M"):
                assert not line[row.start - 1].isalpha()


@pytest.mark.parametrize("language", CHARACTERS_PER_WORD)
def test_words_of_scripts_without_spaces_are_of_a_plausible_length(language):
    tokens = " ".join(preprocess(lines_of(language, 1), language, "tokenized")).split()
    words = [token for token in tokens if token[0].isalpha() and not token[0].isascii()]
    least, most = CHARACTERS_PER_WORD[language]
    assert least < sum(map(len, words)) / len(words) < most
