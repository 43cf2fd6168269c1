"""The characters' test: a paragraph for each reason, and orthography that looks odd but is fine."""

import polars as pl
import pytest

from xlmr_lab.corpus.filters import (
    character_measures,
    character_reason,
    code_share,
    damaged_share,
    letter_share,
)

TEXTS = [
    "The baker's daughter sold seven loaves before noon.",
    "L\u2019\u00e9t\u00e9 est l\u00e0\u2026 \u00ab\u00a0Voil\u00e0\u00a0\u00bb, dit-il.",
    "Kde je m\u016fj st\u00e1\u017e? Bl\u00ed\u017e, \u0159ekla paní.",
    "\u041a\u043e\u0448\u043a\u0430 \u0441\u043f\u0438\u0442.",
    "2019\u5e743\u67085\u65e5\uff0c\u4ed6\u4e70\u4e863\u672c\u4e66\u548c2\u652f\u7b14\u3002",
    "\u0e41\u0e21\u0e27\u0e19\u0e2d\u0e19\u0e2d\u0e22\u0e39\u0e48\u0e1a\u0e19\u0e42\u0e15\u0e4a\u0e30",
    "\u092c\u093f\u0932\u094d\u0932\u0940 \u0938\u094b\u0924\u0940 \u0939\u0948",
]


def reason(paragraph: str, text: str | None = None) -> str | None:
    frame = pl.DataFrame({"raw": [paragraph], "text": [paragraph if text is None else text]})
    measured = frame.select(character_measures(pl.col("raw"), pl.col("text")))
    return measured.select(character_reason()).item()


@pytest.mark.parametrize("text", TEXTS)
def test_text_passes(text: str) -> None:
    assert reason(text) is None


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
@pytest.mark.parametrize("text", TEXTS[1:])
def test_text_in_the_wrong_encoding_does_not_pass(text: str, encoding: str) -> None:
    assert reason(text.encode("utf-8").decode(encoding, errors="replace")) == "not_text"


@pytest.mark.parametrize(
    ("paragraph", "expected"),
    [
        ("", "empty"),
        ("12:30 \u2014 14:00 | 45,00 \u20ac", "not_text"),
        ("- - - * * * - - -", "not_text"),
        ("What a \ufffdice morning it w\ufffds", "not_text"),  # REPLACEMENT CHARACTER
        ("a3f9c0d27b8e4415aa90b6d1e2f3c4d5", "not_text"),
        ("\ue001\ue002 Home", "not_text"),  # private use: an icon font
        ("Home", "too_short"),
        ("\u4e0d\u662f\u554a", "too_short"),  # three characters, nine bytes
    ],
)
def test_reasons(paragraph: str, expected: str) -> None:
    assert reason(paragraph) == expected


def test_a_paragraph_of_nothing_but_control_characters_is_no_text() -> None:
    assert reason("\x01\x02", text="") == "not_text"


def test_shares_by_hand() -> None:
    frame = pl.DataFrame({"text": ["ab\ufffdd", "\u00c3\u00a9t\u00c3\u00a9", "a1 b2 cd", "12"]})
    shares = frame.select(
        damaged=damaged_share(pl.col("text")),
        letters=letter_share(pl.col("text")),
        codes=code_share(pl.col("text")),
    )
    assert shares["damaged"].to_list() == pytest.approx([1 / 4, 4 / 5, 0, 0])
    assert shares["letters"].to_list() == pytest.approx([3 / 4, 3 / 5, 4 / 6, 0])
    assert shares["codes"].to_list() == pytest.approx([0, 0, 2 / 8, 0])


def test_a_paragraph_longer_than_any_is_no_paragraph() -> None:
    assert reason("word " * 200_000) is None
    assert reason("word " * 200_001) == "too_long"


@pytest.mark.parametrize(
    "text", ["[[Category:Guur]] of it", "see {{Infobox}} of it", "City <ref>x</ref> of it"]
)
def test_what_is_left_of_wikitext_is_markup(text: str) -> None:
    assert reason(text) == "markup"


def test_single_brackets_are_text() -> None:
    assert reason("He [the baker] sold {seven} loaves | or 'eight' | before noon <noon>") is None
