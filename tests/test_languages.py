"""The hundred languages: rows, sets, scripts, and what a wrong key says."""

import re
import unicodedata

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.languages import FIFTEEN, LANGUAGES, RIGHT_TO_LEFT_SCRIPTS, SEVEN, is_right_to_left
from xlmr_lab.languages import get as get_language
from xlmr_lab.paper import tables

SAMPLES = {
    "Arab": "\u0627",  # ARABIC LETTER ALEF
    "Armn": "\u0561",  # ARMENIAN SMALL LETTER AYB
    "Beng": "\u0995",  # BENGALI LETTER KA
    "Cyrl": "\u0436",  # CYRILLIC SMALL LETTER ZHE
    "Deva": "\u0915",  # DEVANAGARI LETTER KA
    "Ethi": "\u1200",  # ETHIOPIC SYLLABLE HA
    "Geor": "\u10d0",  # GEORGIAN LETTER AN
    "Grek": "\u03b1",  # GREEK SMALL LETTER ALPHA
    "Gujr": "\u0a95",  # GUJARATI LETTER KA
    "Guru": "\u0a15",  # GURMUKHI LETTER KA
    "Hans": "\u6c49",  # CJK UNIFIED IDEOGRAPH-6C49
    "Hant": "\u6f22",  # CJK UNIFIED IDEOGRAPH-6F22
    "Hebr": "\u05d0",  # HEBREW LETTER ALEF
    "Jpan": "\u3042",  # HIRAGANA LETTER A
    "Khmr": "\u1780",  # KHMER LETTER KA
    "Knda": "\u0c95",  # KANNADA LETTER KA
    "Kore": "\uac00",  # HANGUL SYLLABLE GA
    "Laoo": "\u0e81",  # LAO LETTER KO
    "Latn": "\u0061",  # LATIN SMALL LETTER A
    "Mlym": "\u0d15",  # MALAYALAM LETTER KA
    "Mymr": "\u1000",  # MYANMAR LETTER KA
    "Orya": "\u0b15",  # ORIYA LETTER KA
    "Sinh": "\u0d9a",  # SINHALA LETTER ALPAPRAANA KAYANNA
    "Taml": "\u0b95",  # TAMIL LETTER KA
    "Telu": "\u0c15",  # TELUGU LETTER KA
    "Thai": "\u0e01",  # THAI CHARACTER KO KAI
}


def test_there_are_a_hundred_in_the_order_of_table_6() -> None:
    assert list(LANGUAGES) == [row["key"] for row in tables.read("cc100_languages")]
    assert len(LANGUAGES) == 100
    assert all(key == language.key for key, language in LANGUAGES.items())


@pytest.mark.parametrize(
    ("key", "name", "script", "family", "size_gib"),
    [
        ("en", "English", "Latn", "Indo-European", 300.8),
        ("sw", "Swahili", "Latn", "Niger-Congo", 1.6),
        ("sv", "Swedish", "Latn", "Indo-European", 77.8),  # printed with its columns swapped
        ("ur_rom", "Urdu Romanized", "Latn", "Indo-European", 0.5),
        ("yi", "Yiddish", "Hebr", "Indo-European", 0.3),
        ("zh-Hant", "Chinese (Traditional)", "Hant", "Sino-Tibetan", 16.6),
    ],
)
def test_rows_checked_by_hand(
    key: str, name: str, script: str, family: str, size_gib: float
) -> None:
    row = get_language(key)
    assert (row.name, row.script, row.family, row.size_gib) == (name, script, family, size_gib)


def test_the_corrected_sizes_make_the_two_and_a_half_terabytes_of_the_paper() -> None:
    assert sum(row.size_gib for row in LANGUAGES.values()) == pytest.approx(2460.0)


def test_the_sets_are_the_papers() -> None:
    assert SEVEN == ("en", "fr", "de", "ru", "zh-Hans", "sw", "ur")
    columns = list(tables.read("xnli_table1")[0])[6:21]
    assert [key.removesuffix("-Hans") for key in FIFTEEN] == columns
    assert {k for k, row in LANGUAGES.items() if row.in_seven} == {*SEVEN, "zh-Hant"}
    assert {k for k, row in LANGUAGES.items() if row.in_fifteen} == {*FIFTEEN, "zh-Hant"}


def test_figure_1_counts_88_codes() -> None:
    marked = {re.split("[-_]", k)[0] for k, row in LANGUAGES.items() if row.in_wikipedia_88}
    assert marked == {row["iso"] for row in tables.read("fig1_shared_88")}
    assert len(marked) == 88


def test_every_script_is_a_known_one_and_its_direction_is_unicodes() -> None:
    assert {row.script for row in LANGUAGES.values()} == set(SAMPLES)
    for script, sample in SAMPLES.items():
        expected = unicodedata.bidirectional(sample) in ("R", "AL")
        assert is_right_to_left(script) == expected, script


@pytest.mark.parametrize("script", sorted(RIGHT_TO_LEFT_SCRIPTS))
def test_script_codes_have_four_letters(script: str) -> None:
    assert re.fullmatch("[A-Z][a-z]{3}", script)


def test_romanised_languages_are_latin_and_of_their_languages_family() -> None:
    romanised = [row for key, row in LANGUAGES.items() if key.endswith("_rom")]
    assert len(romanised) == 5
    for row in romanised:
        assert row.script == "Latn"
        assert row.family == LANGUAGES[row.key.removesuffix("_rom")].family


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("zh", "zh-Hans or zh-Hant"),
        ("zh_CN", "zh-Hans or zh-Hant"),
        ("Swahili", "sw"),
        ("Swahilli", "sw"),
        ("EN", "en"),
        ("Burmese", "my or my_zaw"),
    ],
)
def test_a_wrong_key_names_what_was_meant(asked: str, meant: str) -> None:
    with pytest.raises(UserError, match=f"unknown language '{asked}'; did you mean {meant}\\?"):
        get_language(asked)


def test_a_key_like_no_other_says_where_keys_come_from() -> None:
    with pytest.raises(UserError, match="unknown language 'qaa'; the keys are those of XLM-R"):
        get_language("qaa")
