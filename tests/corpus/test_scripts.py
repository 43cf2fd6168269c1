"""Characters and their scripts, by Unicode's own table."""

import unicodedata

from xlmr_lab.corpus.scripts import letter_scripts


def test_letters_and_marks_have_the_script_of_their_block_and_the_rest_none() -> None:
    named = {
        "LATIN SMALL LETTER A": "Latn",
        "CYRILLIC SMALL LETTER DE": "Cyrl",
        "DEVANAGARI VOWEL SIGN I": "Deva",
        "THAI CHARACTER MAI EK": "Thai",
        "HIRAGANA LETTER A": "Hira",
        "CJK UNIFIED IDEOGRAPH-4E00": "Hani",
        "HANGUL SYLLABLE GA": "Hang",
        "COMBINING ACUTE ACCENT": "Zinh",
        "ARABIC FATHA": "Zinh",
        "MODIFIER LETTER TURNED COMMA": "Zyyy",
        "PHOENICIAN LETTER ALF": "Zzzz",
    }
    characters = {unicodedata.lookup(name): script for name, script in named.items()}
    assert letter_scripts(characters) == characters
    assert letter_scripts("7 .\u2581\u0964<>_\ufe0f\u20e3") == {}


def test_a_character_counts_once_in_the_order_of_its_first_place() -> None:
    assert list(letter_scripts("baba")) == ["b", "a"]
