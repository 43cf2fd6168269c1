"""Question answering by language and measure: what is drawn where, of which study."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from xlmr_lab.figures import question_scores

Maker = Callable[..., pl.DataFrame]


def rows(metric: str, values: tuple[float, ...], **also: Any) -> list[dict[str, Any]]:
    """Return scores of contexts asked about in their own language: in qaa, qab and qac."""
    return [
        {"task": "qa", "metric": metric, "language": key, "value": value, **also}
        for key, value in zip(("qaa", "qab", "qac"), values, strict=True)
    ]


BOTH = [*rows("f1", (0.9, 0.4, 0.2)), *rows("exact_match", (0.8, 0.3, 0.1))]


def test_each_measure_has_a_panel_with_the_languages_and_the_mean_of_the_others(
    made_scores: Maker,
) -> None:
    crossed = {"task": "qa", "metric": "f1", "language": "qab", "question_language": "qaa"}
    figure = question_scores.by_language(made_scores(*BOTH, {**crossed, "value": 1.0}))
    f1, exact = figure.data
    assert list(f1.y) == [0.9, 0.4, 0.2, 0.3]
    assert list(exact.y) == [0.8, 0.3, 0.1, 0.2]
    assert (f1.xaxis, exact.xaxis) == ("x", "x2")
    ticks = figure.layout.xaxis2.ticktext
    assert ticks == ("Avelo", "Bimatu", "Celahi", "others")
    assert figure.layout.yaxis.title.text == "score, 0 to 1"
    assert figure.layout.yaxis.range == figure.layout.yaxis2.range


def test_intervals_are_over_pretraining_seeds(made_scores: Maker) -> None:
    """0.4, 0.5 and 0.6 in Bimatu, each the mean of two fine-tuning seeds that differ by 0.2."""
    scores = made_scores(
        *(
            row
            for seed, value in enumerate((0.4, 0.5, 0.6))
            for run, off in enumerate((-0.1, 0.1))
            for row in rows("f1", (0.9, value + off, 0.2), seed=seed, finetune_seed=run)
        )
    )
    trace = question_scores.by_language(scores).data[0]
    assert trace.y[1] == pytest.approx(0.5)
    assert trace.error_y.array[1] == pytest.approx(4.3027 * 0.1 / 3**0.5, rel=1e-3)


def test_studies_have_rows_and_arms_one_colour_and_one_place_in_the_legend(
    made_scores: Maker,
) -> None:
    scores = made_scores(
        *BOTH,
        *rows("f1", (0.5, 0.1, 0.1), study="other"),
        *rows("f1", (0.4, 0.1, 0.1), study="other", arm="no-pretraining"),
    )
    figure = question_scores.by_language(scores)
    names = [note.text for note in figure.layout.annotations[:4]]
    assert names == ["F1, s", "exact match, s", "F1, other", "exact match, other"]
    below = [trace for trace in figure.data if trace.xaxis == "x3"]
    assert [trace.y[0] for trace in below] == [0.5, 0.4]
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert shown == ["\u03b1 = 0.3", "no-pretraining"]
    colors = {trace.marker.color for trace in figure.data if trace.name == "\u03b1 = 0.3"}
    assert len(colors) == 1


def test_a_study_that_lacks_them_is_named_with_what_makes_them(made_scores: Maker) -> None:
    scores = made_scores({"study": "bare", "language": "qaa", "value": 0.5}, *BOTH)
    told = question_scores.by_language(scores).layout.title.text
    assert "bare has none: ./lab evaluate name=NEW evaluated=qa qa.protocols=zero-shot" in told
    assert "s has none" not in told
    none = question_scores.by_language(scores.filter(study="bare"))
    assert not none.data
    assert "evaluated=qa" in none.layout.annotations[0].text
    assert not question_scores.by_language(scores, protocol="translate-train").data


def test_intervals_that_are_cut_and_scores_that_are_refused_are_told(made_scores: Maker) -> None:
    high = [
        row
        for seed, value in enumerate((0.8, 0.9, 1.0))
        for row in rows("f1", (value, 0.4, 0.2), seed=seed)
    ]
    figure = question_scores.by_language(made_scores(*high))
    assert figure.data[0].error_y.array[0] == pytest.approx(0.1)
    assert "Intervals cut at 0 and 1" in figure.layout.title.text
    refused = made_scores(*high).with_columns(refused=pl.lit("lost gold"))
    told = question_scores.by_language(refused).layout.title.text
    assert "refuses 9 of 9 scores (lost gold)" in told
