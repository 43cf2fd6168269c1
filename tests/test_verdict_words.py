"""The measure that decided is told with the threshold that it met."""

from typing import Any

import pytest

from xlmr_lab import verdict_words
from xlmr_lab.corpus.agreement import AgreementConfig, Known
from xlmr_lab.corpus.judge import CleanConfig, Judge
from xlmr_lab.corpus.models import MeasureConfig

ROW: dict[str, Any] = {
    **{"after": None, "identified": True, "expected": "qaa", "voted": "qaa", "label": "qaa"},
    **{"score": 0.97, "damaged_share": 0.0, "letter_share": 0.9, "code_share": 0.0},
    **{"num_bytes": 1234, "mixed_score": 0.1, "perplexity": None, "bucket_after": "all"},
    **{"lid_label": "qaa", "lid_score": 0.9, "lab_label": "qab", "lab_score": 0.8},
}


def judge(*, two: bool = True, **settings: Any) -> Judge:
    both = frozenset(("qaa", "qab"))
    return Judge(
        config=CleanConfig(**settings),
        known=Known(both, both),
        two_identifiers=two,
        min_scores={"qab": 0.75},
        languages=(),
        measuring=MeasureConfig(),
        seed=0,
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "qaa 0.97, least 0.5"),
        ({"identified": False}, "its document: qaa 0.97, least 0.5"),
        ({"perplexity": 1234.4, "bucket_after": "tail"}, "least 0.5; perplexity 1,234, tail"),
        ({"label": None, "score": None}, "too short to identify"),
        ({"score": 0.2}, "in doubt, but its document is in qaa"),
        ({"after": "not_text", "damaged_share": 0.0123}, "1.23% of its characters damaged, most"),
        ({"after": "not_text", "letter_share": 0.25}, "25.0% letters, least 50%"),
        ({"after": "not_text", "code_share": 0.2}, "20.0% digits glued to letters, most 8%"),
        ({"after": "too_short", "num_bytes": 7}, "7 bytes, least 10"),
        ({"after": "low_confidence", "score": 0.3}, "qaa 0.30, least 0.5"),
        ({"after": "low_confidence", "label": "qab", "score": 0.3}, "qab 0.30, least 0.75"),
        ({"after": "low_confidence", "label": "", "score": 0.0}, "no language 0.00, least 0.5"),
        ({"after": "disagreement"}, "qaa 0.90 against qab 0.80"),
        ({"after": "mixed", "mixed_score": 0.95}, "halves in two languages, 0.95, most 0.9"),
        ({"after": "wrong_language", "label": "qab"}, "qab 0.97, expected qaa"),
        ({"after": "other_language"}, "in qaa, which was not asked for"),
        ({"after": "duplicate"}, "a copy of an earlier one"),
    ],
)
def test_the_words_by_hand(changes: dict[str, Any], told: str) -> None:
    assert told in verdict_words.decided(ROW | changes, judge())


def test_a_score_that_was_set_wins_over_a_calibrated_one() -> None:
    assert verdict_words.least_score("qab", judge()) == 0.75
    own = AgreementConfig(min_scores=("qab:0.6",))
    assert verdict_words.least_score("qab", judge(agreement=own)) == 0.6
    assert verdict_words.least_score("qab", judge(two=False)) == 0.5


def test_where_no_copy_is_kept_that_is_said() -> None:
    assert verdict_words.decided(ROW | {"after": "duplicate"}, judge(keep="none")) == (
        "there are copies of it"
    )
