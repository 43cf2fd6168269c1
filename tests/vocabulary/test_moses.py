"""Moses rules beside sacremoses' own: the same, but for combining marks and Romanian.

Run with: pytest tests/vocabulary/test_moses.py
"""

import numpy as np
import pytest
import sacremoses

from xlmr_lab.vocabulary import moses

POOL = [*"abcZÉñ .,,''\"\"()`:;%!?…’‘„“«»—-&<>|@#/12", "z.B.", "Mr.", "\u00a0", "я", "是", "ك", " "]
CODES = ("en", "de", "fr", "it", "cs", "fi", "ru", "ko", "hi", "qaa", "sw")
LINES = [
    "Mr. Smith's dog didn't bark, did it?",
    "At 3.50 (or 1,000) etc. you'd say ``no''...",
    "„Gut“, sagte er z.B. am 3. Mai: „Ja.“",
    "« L'été », dit-il ; l'eau à 20 %.",
    "Dr. v. d. Berg, art. 5, No. 7 and a.b.c. x",
    "I.e. U.S. e.g. this. and That. And 5. 6.",
]


@pytest.mark.parametrize("code", CODES)
def test_rules_and_splits_are_those_of_sacremoses(code):
    rng = np.random.default_rng(3)
    lines = LINES + ["".join(rng.choice(POOL, 30)) for _ in range(200)]
    normalizer = sacremoses.MosesPunctNormalizer(
        code, pre_replace_unicode_punct=True, perl_parity=True
    )
    tokenizer = sacremoses.MosesTokenizer(code)
    for line in lines:
        found = moses.normalize(line, moses.rules(code))
        assert found.strip() == normalizer.normalize(line)
        tokens = tokenizer.tokenize(found, escape=False, return_str=True)
        assert moses.splitter(code)(found) == tokens


def test_a_combining_mark_stays_with_its_letter_where_sacremoses_cuts_it():
    accented = "e\u0301t"
    burmese = "\u1019\u103c\u1014\u103a\u1019\u102c"  # with an asat
    for text in (accented, burmese):
        assert " " in sacremoses.MosesTokenizer("my").tokenize(text, return_str=True)
        assert moses.splitter("my")(f"{text},") == f"{text} ,"


def test_romanian_alone_loses_its_diacritics():
    text = "Ștefan Ţepeş în gară"
    assert moses.normalize(text, moses.rules("ro")) == "Stefan Tepes in gara"
    assert moses.normalize(text, moses.rules("tr")) == text


def test_a_rule_is_left_out_only_where_it_cannot_match():
    for rule in moses.rules("fr"):
        assert all(c in rule.pattern.pattern for c in rule.needs)
        without = "".join(chr(c) for c in range(0x20, 0x2100) if chr(c) not in rule.needs)
        assert not rule.needs or not rule.pattern.search(without)
