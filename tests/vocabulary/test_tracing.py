"""Where preprocessed text comes from: hand-worked places, and the same text as preprocessing makes.

Run with: pytest tests/vocabulary/test_tracing.py
"""

import numpy as np
import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.preprocess import PART_CHARACTERS, preprocess
from xlmr_lab.vocabulary.tracing import Traced, cover, trace

LANGUAGES = ("en", "de", "fr", "cs", "ro", "fi", "ko", "my", "qaa", "zh-Hant", "ja", "th")
POOL = [*"aZé ß.,,''\"\"()[]`:;%…’‘„“«»—-&<>|@# \n\t12", "İ", "Σ", "ς", "\u00a0", "\u0301"]
POOL += ["\u200d", "\x00", "。", "１", "、", "漢", "か", "\u3099", "각"]
POOL += ["\u0e01", "\u0e49", "\u1019", "\u103a"]


def pairs(text: str, language: str, kind: str = "tokenized") -> list[tuple[str, str]]:
    """Return the characters that are no space, each with the original text of its span."""
    rows = trace(text, language, kind)
    return [(c, text[start:end]) for c, start, end in rows if c != " "]


def test_places_are_worked_by_hand():
    assert trace("a , b", "en", "tokenized") == [
        Traced("a", 0, 1),
        Traced(" ", 1, 1),
        Traced(",", 2, 3),
        Traced(" ", 3, 3),
        Traced("b", 4, 5),
    ]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "It’s…", [("I", "I"), ("t", "t"), ("'", "’"), ("s", "s"), *[(".", "…")] * 3]),
        ("en", 'x".', [("x", "x"), (".", '".'), ('"', '".')]),  # trade places
        ("fr", "«\u00a0x\u00a0»", [('"', "«"), ("x", "x"), ('"', "»")]),
        ("de", "1\u00a0000", [("1", "1"), (",", "\u00a0"), *[("0", "0")] * 3]),
        ("ro", "ță", [("t", "ț"), ("a", "ă")]),
        ("zh-Hans", "我们，", [("我", "我"), ("们", "们"), ("，", "，")]),
    ],
)
def test_changed_marks_have_the_place_of_what_they_replace(language, text, expected):
    assert pairs(text, language) == expected


def test_lower_case_and_dropped_accents_keep_their_letters():
    found = pairs("İΣ e\u0301É", "qaa", "tokenized_lowercased")
    assert found == [("i", "İ"), ("ς", "Σ"), ("e", "e\u0301"), ("e", "É")]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["tokenized", "tokenized_lowercased"])
def test_the_text_is_what_preprocessing_makes_and_places_are_in_order(language, kind):
    rng = np.random.default_rng(11)
    texts = ["".join(rng.choice(POOL, rng.integers(0, 30))) for _ in range(150)]
    texts += ["x DOTMULTI y...", "DOTDOTMULTI", "", " \n ", "a" * (PART_CHARACTERS + 3) + " b"]
    for text, tokens in zip(texts, preprocess(texts, language, kind), strict=True):
        rows = trace(text, language, kind)
        assert "".join(row.character for row in rows) == tokens
        seen = [row for row in rows if row.character != " "]
        for before, row in zip([Traced(" ", 0, 0), *seen], seen, strict=False):
            assert before.start <= row.start < row.end <= len(text)
            assert before.end <= row.end


@pytest.mark.parametrize("language", [key for key in LANGUAGES if key != "ro"])
def test_letters_stand_where_they_stood(language):
    rng = np.random.default_rng(13)
    for _ in range(100):
        text = "".join(rng.choice(POOL, 30))
        rows = [row for row in trace(text, language, "tokenized") if row.character.isalpha()]
        assert [text[row.start : row.end] for row in rows] == [row.character for row in rows]
        assert [row.character for row in rows] == [c for c in text if c.isalpha()]


def test_cover_leaves_spaces_at_the_ends_out():
    rows = trace("ab  cd.", "en", "tokenized")  # "ab cd ."
    assert cover(rows, 0, 5) == (0, 6)
    assert cover(rows, 2, 5) == (4, 6)
    assert cover(rows, 3, 3) == (4, 4)
    assert cover(rows, 7, 7) == (7, 7)
    assert cover([], 0, 0) == (0, 0)


def test_raw_text_is_its_own():
    assert trace("a\n", "", "none") == [Traced("a", 0, 1), Traced("\n", 1, 2)]


def test_a_lone_surrogate_is_named():
    with pytest.raises(UserError, match=r"lone surrogate U\+D800"):
        trace("\ud800", "en", "tokenized")
