"""The matrix of languages of contexts and questions: places, means, intervals, and its pairs."""

import polars as pl
import pytest

from xlmr_lab.figures import crossed_questions

QA = {"task": "qa", "metric": "f1"}


def rows(values, **more):
    """Return rows of one seed from values by context and question."""
    return [
        {**QA, "language": a, "question_language": "" if a == b else b, "value": value, **more}
        for (a, b), value in values.items()
    ]


FULL = {("qaa", "qaa"): 0.9, ("qaa", "qab"): 0.5, ("qab", "qaa"): 0.3, ("qab", "qab"): 0.6}


def test_contexts_are_rows_questions_are_columns_and_cells_are_means_over_seeds(
    made_scores,
) -> None:
    higher = {place: value + 0.02 for place, value in FULL.items()}
    scores = made_scores(*rows(FULL), *rows(higher, seed=1))
    (drawn,) = crossed_questions.matrix(scores).data
    assert [list(row) for row in drawn.z] == [[0.91, 0.51], [0.31, 0.61]]
    assert [list(cell[:2]) for cell in drawn.customdata[0]] == [
        ["Avelo", "Avelo"],
        ["Avelo", "Bimatu"],
    ]
    # Student's t with one degree of freedom: 12.706 times the standard error 0.01.
    assert drawn.customdata[1][0][2].replace("\u00a0", " ") == "0.31 [0.18, 0.44]"
    assert "customdata[2]" in drawn.hovertemplate


def test_fine_tuning_seeds_are_averaged_before_the_interval(made_scores) -> None:
    again = {place: value - 0.2 for place, value in FULL.items()}
    scores = made_scores(*rows(FULL), *rows(again, finetune_seed=1))
    (drawn,) = crossed_questions.matrix(scores).data
    assert drawn.z[0][0] == pytest.approx(0.8)
    assert drawn.customdata[0][0][2].replace("\u00a0", " ") == "0.80 (no interval)"


def test_each_arm_has_a_matrix_on_one_scale_and_its_diagonal_framed(made_scores) -> None:
    figure = crossed_questions.matrix(
        made_scores(*rows(FULL), *rows(FULL, arm="no-pretraining", seed=0))
    )
    assert [trace.coloraxis for trace in figure.data] == ["coloraxis"] * 2
    assert [note.text for note in figure.layout.annotations] == [
        "\u03b1 = 0.3",
        "no-pretraining",
    ]
    frames = [(shape.xref, (shape.x0 + shape.x1) / 2) for shape in figure.layout.shapes]
    assert frames == [("x", 0), ("x", 1), ("x2", 0), ("x2", 1)]
    assert all(shape.x0 == shape.y0 for shape in figure.layout.shapes)


def test_what_crossing_costs_is_paired_by_context(made_scores) -> None:
    """qaa: 0.5 - 0.9, qab: 0.3 - 0.6; a context that was not asked about in its own language has no
    pair."""
    scores = made_scores(*rows({**FULL, ("qac", "qaa"): 0.1}))
    found = crossed_questions.crossing(crossed_questions.of_both(scores))
    assert found.select("language", "question").rows() == [("qaa", "qab"), ("qab", "qaa")]
    assert found["difference"].to_list() == pytest.approx([-0.4, -0.3])
    assert "\u22120.35" in crossed_questions.matrix(scores).layout.title.text


def test_a_cell_that_was_not_asked_is_empty_and_not_zero(made_scores) -> None:
    (drawn,) = crossed_questions.matrix(made_scores(*rows({**FULL, ("qac", "qac"): 0.2}))).data
    assert list(drawn.z[2]) == [None, None, 0.2]
    assert drawn.z[0][2] is None


def test_questions_in_a_language_without_contexts_stand_last(made_scores) -> None:
    scores = made_scores(*rows({**FULL, ("qaa", "qaz"): 0.4}))
    figure = crossed_questions.matrix(scores)
    assert list(figure.layout.xaxis.ticktext) == ["Avelo", "Bimatu", "qaz"]
    assert list(figure.layout.yaxis.ticktext) == ["Avelo", "Bimatu"]


def test_other_measures_are_asked_for_by_name(made_scores) -> None:
    exact = [{**row, "metric": "exact_match", "value": 0.1} for row in rows(FULL)]
    scores = made_scores(*rows(FULL), *exact)
    assert crossed_questions.matrix(scores).data[0].z[0][0] == 0.9
    assert crossed_questions.matrix(scores, metric="exact_match").data[0].z[0][0] == 0.1


def test_a_study_without_such_questions_says_what_makes_them(made_scores) -> None:
    own = {place: value for place, value in FULL.items() if place[0] == place[1]}
    for scores, told in (
        (made_scores(*rows(own)), "qa.crossed=true"),
        (made_scores(*rows(own)).filter(pl.lit(False)), "evaluated=qa"),
    ):
        (note,) = crossed_questions.matrix(scores).layout.annotations
        assert "./lab evaluate name=NEW" in note.text
        assert told in note.text


def test_refused_scores_are_told(made_scores) -> None:
    scores = made_scores(*rows(FULL)).with_columns(refused=pl.lit("lost gold"))
    title = crossed_questions.matrix(scores).layout.title.text
    assert "The evaluation doctor refuses 4 of 4 scores (lost gold)" in title
