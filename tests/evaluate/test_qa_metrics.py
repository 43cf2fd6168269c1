"""Exact match and F1 of answers, by hand and against the official scripts' own values.

Run with: pytest tests/evaluate/test_qa_metrics.py

The golden values come from tests/benchmarks/golden_metrics.py.
"""

import hashlib
import json
import logging
import lzma
import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import qa_metrics
from xlmr_lab.evaluate.qa_metrics import answer_tokens, exact_match, f1, normalization_name, score

GOLDEN = Path(__file__).parent / "golden"
DATA = Path(__file__).parents[3] / "shared" / "data" / "qa"
CASES = SimpleNamespace(**runpy.run_path(str(GOLDEN / "answer_cases.py")))
OFFICIAL = {name: json.loads((GOLDEN / f"{name}.json").read_text()) for name in ("squad", "mlqa")}
REAL = {name: json.loads((GOLDEN / f"{name}_real.json").read_text()) for name in ("squad", "mlqa")}

SCORED = [
    (name, language)
    for name, found in OFFICIAL.items()
    for language in CASES.LANGUAGES
    if language in found
]
REAL_SCORED = [
    (name, file) for name, found in REAL.items() for file in found if file.endswith(".xz")
]

# CJK "Sichuan" and "province", ideographic full stop and comma; Arabic "al-kitab" and "kitab".
SICHUAN, PROVINCE, FULL_STOP, COMMA = "\u56db\u5ddd", "\u7701", "\u3002", "\u3001"
KITAB = "\u0643\u062a\u0627\u0628"
AL = "\u0627\u0644"


@pytest.mark.parametrize(
    ("prediction", "gold", "matches", "overlap"),
    [
        ("Denver Broncos", "Denver Broncos", 1, 1),
        ("the Denver Broncos!", "Denver  broncos", 1, 1),  # articles, marks, case, white space
        ("Denver", "Denver Broncos", 0, 2 / 3),  # precision 1, recall 1/2
        ("Carolina Panthers", "Denver Broncos", 0, 0),
        ("to to be", "to be be", 0, 2 / 3),  # counted as often as both have it: to, be
        ("", "Denver", 0, 0),
        ("the", "a", 1, 0),  # no token is left: equal, but no token is shared
        ("well-known", "wellknown", 1, 1),  # marks are deleted, not turned into spaces
        ("1,000", "1000", 1, 1),
        ("theatre", "atre", 0, 0),  # an article is a whole word
    ],
)
def test_squad_by_hand(prediction, gold, matches, overlap):
    assert exact_match(prediction, [gold], "en", "squad") == matches
    assert f1(prediction, [gold], "en", "squad") == pytest.approx(overlap)


def test_the_gold_answer_that_fits_best_counts():
    golds = ["Santa Clara, California", "Levi's Stadium", "Levi's Stadium in Santa Clara"]
    assert exact_match("Levis Stadium", golds, "en", "squad") == 1
    assert f1("the Stadium", golds, "en", "squad") == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("language", "text", "tokens"),
    [
        ("en", "The a-an of\u2014A end", "aan ofa end"),  # EM DASH is punctuation
        ("es", "\u00bfUna de las dos?", "de dos"),  # INVERTED QUESTION MARK
        ("es", "the lo los", "the lo"),
        ("de", "Die Zahl des einen Hauses", "zahl hauses"),
        ("vi", "c\u1ee7a nh\u1eefng chi\u1ebfc l\u00e0 c\u00e1i xe", "xe"),
        ("vi", "cu\u0309a xe", "cu\u0309a xe"),  # U and COMBINING HOOK ABOVE is not the article
        (
            "hi",
            "\u090f\u0915 \u0930\u093e\u091c\u093e\u0964",
            "\u090f\u0915 \u0930\u093e\u091c\u093e",
        ),
        ("ar", AL + KITAB, KITAB),
        ("ar", KITAB[:2] + AL + KITAB[2:], f"{KITAB[:2]} {KITAB[2:]}"),  # inside a word as well
        ("zh", SICHUAN + COMMA + PROVINCE + FULL_STOP, "\u56db \u5ddd \u7701"),
        ("zh", f"NBA{SICHUAN}2008 at", "nba \u56db \u5ddd 2008 at"),  # Latin words stay whole
        ("zh", "\u3042\u3044\u9fa6", "\u3042\u3044\u9fa6"),  # kana, and a character past the range
        ("zh", "the", "the"),  # no articles in Chinese, not even English ones
    ],
)
def test_mlqa_by_hand(language, text, tokens):
    assert answer_tokens(text, language, "mlqa") == tokens.split()


def test_chinese_f1_is_over_characters_only_with_mlqas_rule():
    assert f1(SICHUAN + PROVINCE, [SICHUAN], "zh", "mlqa") == pytest.approx(4 / 5)
    assert f1(SICHUAN + PROVINCE, [SICHUAN], "zh", "squad") == 0
    for key in ("zh-Hans", "zh-Hant"):  # the lab's keys of the language that MLQA calls zh
        assert f1(SICHUAN + PROVINCE, [SICHUAN], key, "mlqa") == pytest.approx(4 / 5)


def test_english_articles_are_taken_from_arabic_answers_only_by_squads_rule():
    assert answer_tokens("a KITAB", "ar", "squad") == ["kitab"]
    assert answer_tokens("a KITAB", "ar", "mlqa") == ["a", "kitab"]


def test_symbols_of_ascii_are_deleted_and_others_are_not():
    assert answer_tokens("$5 + \u20ac5", "en", "mlqa") == ["5", "\u20ac5"]  # EURO SIGN


@pytest.mark.parametrize("language", ["sw", "th", "el", "qaa", "hi_rom"])
def test_a_language_that_mlqa_does_not_know_is_split_at_white_space_and_flagged(language):
    assert normalization_name(language, "mlqa") == "white space (not official)"
    assert answer_tokens("The Mji, \u0e40\u0e21\u0e37\u0e2d\u0e07\u0e5a", language, "mlqa") == [
        "the",
        "mji",
        "\u0e40\u0e21\u0e37\u0e2d\u0e07",
    ]  # Thai letters; KHOMUT is punctuation
    assert normalization_name(language, "squad") == "squad"


def test_official_rules_carry_their_names():
    for language in (*qa_metrics.MLQA_LANGUAGES, "zh-Hans", "zh-Hant"):
        assert normalization_name(language, "mlqa") == "mlqa"
    assert qa_metrics.CONVENTIONS["xquad"] == qa_metrics.CONVENTIONS["tydiqa-goldp"] == "squad"
    assert qa_metrics.CONVENTIONS["mlqa"] == "mlqa"


@pytest.mark.parametrize(("normalization", "language"), SCORED)
def test_every_answer_has_the_official_scripts_scores(normalization, language):
    pairs, official = CASES.cases(language), OFFICIAL[normalization][language]
    assert len(pairs) >= 2000
    assert CASES.checksum(pairs) == official["cases"], "other cases than the golden values are of"
    for i, (prediction, golds) in enumerate(pairs):
        arguments = (prediction, golds, language, normalization)
        assert exact_match(*arguments) == int(official["exact_match"][i]), arguments
        assert f1(*arguments) == official["f1"][i], arguments


@pytest.mark.parametrize(("normalization", "language"), SCORED)
def test_every_set_of_questions_has_the_official_scripts_means(normalization, language):
    parts = CASES.sets(CASES.cases(language))
    assert sum(len(golds) for _, golds in parts) >= 2000
    for part, (match, overlap) in zip(
        parts, OFFICIAL[normalization][language]["sets"], strict=True
    ):
        found = score(*part, language=language, normalization=normalization)
        # The script multiplies by 100 before it divides: the last bit may differ, no digit does.
        assert math.isclose(100 * found["exact_match"], match, rel_tol=4e-16)
        assert math.isclose(100 * found["f1"], overlap, rel_tol=4e-16)


def test_the_cases_are_hard_enough_to_tell_the_rules_apart():
    """Each rule is worth a score in some case: the golden values of no two rules are the same."""
    for language in CASES.LANGUAGES:
        pairs, official = CASES.cases(language)[:300], OFFICIAL["mlqa"][language]["f1"][:300]
        assert 0.25 < sum(0 < value < 1 for value in official) / len(pairs)
        same = {"hi", "sw"} if language == "hi" else {language}  # neither has articles
        for other in {*CASES.LANGUAGES, "sw"} - same:
            found = [f1(prediction, golds, other, "mlqa") for prediction, golds in pairs]
            assert found != official, (language, other)
        assert [f1(p, golds, language, "squad") for p, golds in pairs] != official


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="no real question answering data beside the project")
@pytest.mark.parametrize(("normalization", "name"), REAL_SCORED)
def test_spans_of_real_text_have_the_official_scripts_means(normalization, name):
    official, content = REAL[normalization][name], lzma.decompress((DATA / name).read_bytes())
    if hashlib.sha256(content).hexdigest() != official["content"]:
        pytest.skip(f"{name} is another file than the golden values are of")
    pairs = CASES.real_cases(json.loads(content)["data"])
    predictions = {str(i): prediction for i, (prediction, _) in enumerate(pairs)}
    references = {str(i): golds for i, (_, golds) in enumerate(pairs)}
    language = official["language"]
    found = score(predictions, references, language=language, normalization=normalization)
    assert math.isclose(100 * found["exact_match"], official["exact_match"], rel_tol=4e-16)
    assert math.isclose(100 * found["f1"], official["f1"], rel_tol=4e-16)


def test_a_question_without_prediction_counts_as_wrong_and_is_told(caplog):
    with caplog.at_level(logging.WARNING):
        found = score({"a": "x"}, {"a": ["x"], "b": ["y"]}, language="en", normalization="squad")
    assert found == {"f1": 0.5, "exact_match": 0.5}
    assert "1 of 2 questions have no prediction" in caplog.text
    assert next(iter(found)) == "f1"  # the one that selects


@pytest.mark.parametrize(
    ("predictions", "references", "message"),
    [
        ({}, {}, "no questions to score"),
        ({"b": "x", "c": "x"}, {"a": ["x"]}, "2 of 2 predictions have an id .* first is 'b'"),
        ({"a": "x"}, {"a": ["x"], "b": []}, "question 'b' has no gold answer"),
        ({"a": "x"}, {"a": "x"}, "must be a list of at least one text, got 'x'"),
    ],
)
def test_a_set_that_cannot_be_scored_is_refused(predictions, references, message):
    with pytest.raises(UserError, match=message):
        score(predictions, references, language="en", normalization="mlqa")


def test_an_unknown_normalization_and_a_lack_of_answers_are_refused():
    with pytest.raises(UserError, match="normalization must be squad or mlqa, got 'MLQA'"):
        f1("x", ["x"], "en", "MLQA")
    with pytest.raises(UserError, match=r"at least one text, got \[\]"):
        exact_match("x", [], "en", "mlqa")
