"""Kinds of cells of the matrix of contexts and questions, by hand: what is averaged and paired."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.figures import question_kinds

Maker = Callable[..., Any]
AGAINST = "against the context's own"
LEARNED, SAME = "that\u00a0learned\u00a0in", "the\u00a0same"
CELLS = {
    ("qaa", ""): 0.9,
    ("qaa", "qab"): 0.5,
    ("qaa", "qac"): 0.3,
    ("qab", ""): 0.4,
    ("qab", "qaa"): 0.7,
    ("qab", "qac"): 0.1,
    ("qac", ""): 0.2,
    ("qac", "qaa"): 0.3,
    ("qac", "qab"): 0.3,
}
"""Scores by the languages of context and question; learned in qaa."""


def rows(cells: dict[tuple[str, str], float] = CELLS, **also: Any) -> list[dict[str, Any]]:
    return [
        {"task": "qa", "metric": "f1", "language": context, "question_language": question}
        | {"value": value, **also}
        for (context, question), value in cells.items()
    ]


def test_cells_are_averaged_by_kind_and_paired_with_their_contexts_own_questions(
    made_scores: Maker,
) -> None:
    """Questions in qaa on qab and qac: (0.7 + 0.3) / 2, less (0.4 + 0.2) / 2."""
    frame = question_kinds.told(made_scores(*rows())).frame
    found = [
        (context, question, cells, score[:4], against and against[:5])
        for context, question, cells, score, against in frame.select(
            "context in", "question in", "cells", "mean score", AGAINST
        ).rows()
    ]
    assert found == [
        (LEARNED, SAME, 1, "0.90", None),
        (LEARNED, "another", 2, "0.40", "\u22120.50"),
        ("another", SAME, 2, "0.30", None),
        ("another", LEARNED, 2, "0.50", "+0.20"),
        ("another", "another", 2, "0.20", "\u22120.10"),
    ]


@pytest.mark.parametrize(
    ("gained", "says"),
    [
        ((0.10, 0.11, 0.12), "higher"),
        ((-0.10, -0.11, -0.12), "lower"),
        ((-0.1, 0.0, 0.1), "not told apart"),
        ((0.1,), "no interval: one seed"),
    ],
)
def test_what_a_kind_says_follows_from_its_interval(
    gained: tuple[float, ...], says: str, made_scores: Maker
) -> None:
    """Contexts differ from seed to seed, and drop out."""
    scores = made_scores(
        *(
            row
            for seed, one in enumerate(gained)
            for hard in [0.1 * seed]
            for row in rows({("qab", ""): 0.4 - hard, ("qab", "qaa"): 0.4 - hard + one}, seed=seed)
        )
    )
    found = question_kinds.told(scores).frame["it is"].to_list()
    assert found == [None, says.replace(" ", "\u00a0")]


def test_a_context_that_was_not_asked_about_in_its_language_is_paired_with_nothing(
    made_scores: Maker,
) -> None:
    cells = {("qaa", ""): 0.9, ("qab", ""): 0.4, ("qab", "qaa"): 0.5, ("qac", "qaa"): 0.9}
    frame = question_kinds.told(made_scores(*rows(cells))).frame
    row = frame.filter(frame["question in"] == LEARNED).row(0, named=True)
    assert row["cells"] == 2
    assert row["mean score"].startswith("0.70")
    assert row[AGAINST].startswith("+0.10")


def test_arms_and_studies_have_rows_of_their_own(made_scores: Maker) -> None:
    halved = {place: value / 2 for place, value in CELLS.items()}
    scores = made_scores(
        *rows(arm="no-pretraining"), *rows(), *rows(halved, study="other"), *rows(metric="span_f1")
    )
    frame = question_kinds.told(scores).frame
    assert frame.select("study", "arm").unique(maintain_order=True).rows() == [
        ("s", "\u03b1\u00a0=\u00a00.3"),
        ("s", "no-pretraining"),
        ("other", "\u03b1\u00a0=\u00a00.3"),
    ]
    assert frame.filter(study="other")["mean score"][0].startswith("0.45")


def test_what_is_not_there_is_said_with_what_makes_it(made_scores: Maker) -> None:
    none = question_kinds.told(made_scores({"language": "qaa", "value": 0.5}))
    assert "./lab evaluate name=NEW evaluated=qa qa.protocols=zero-shot" in none.frame.item()
    with pytest.raises(UserError, match=r"selection must be one of last, got 'best'"):
        question_kinds.told(made_scores(*rows()), selection="best")
    refused = made_scores(*rows()).with_columns(refused=pl.lit("lost gold"))
    assert question_kinds.told(refused).caption.endswith("refuses 9 of 9 scores (lost gold).")


def test_a_study_without_them_is_named_below_those_of_another(made_scores: Maker) -> None:
    scores = made_scores({"study": "bare", "language": "qaa", "value": 0.5}, *rows())
    caption = question_kinds.told(scores).caption
    assert "bare has none: ./lab evaluate name=NEW evaluated=qa" in caption
    assert "s has none" not in caption
