"""Models of one language beside one of all: budgets, losses, and ways of learning NLI."""

import polars as pl
import pytest

from xlmr_lab import campaign_results, monolingual_results
from xlmr_lab.figures import alone_together
from xlmr_lab.student_t import student_t_quantile

LANGUAGES = {"qaa": ("high", 4000), "qab": ("low", 1000)}
LEVELS = {
    "monolingual": {"qaa": 0.60, "qab": 0.50},
    "zero-shot": {"qaa": 0.58, "qab": 0.40},
    "each": {"qaa": 0.58, "qab": 0.52},
    "all": {"qaa": 0.61, "qab": 0.55},
}


@pytest.fixture
def scores():
    """Two seeds of two fine-tuning runs; seed 1 of `all` is 0.02 above that, and of all ways the
    second run is 0.01 above the first."""
    return pl.DataFrame(
        [
            {"arm": "alone" if way == "monolingual" else "together with others", "seed": seed}
            | {"finetune_seed": run, "task": "nli", "protocol": way, "selection": "joint-dev"}
            | {"split": "test", "metric": "accuracy", "language": key, "name": key}
            | {"tier": LANGUAGES[key][0], "size_bytes": LANGUAGES[key][1]}
            | {"value": value + 0.01 * run + 0.02 * (way == "all") * seed}
            for way, values in LEVELS.items()
            for key, value in values.items()
            for seed in (0, 1)
            for run in (0, 1)
        ]
    )


@pytest.fixture
def budgets():
    rows = [
        {"arm": "together with others", "language": "", "name": "", "num_languages": 2}
        | {"ids": 1400, "parameters": 200, "text_bytes": 5000, "share": None},
        {"arm": "alone", "language": "qaa", "name": "qaa", "num_languages": 1}
        | {"ids": 373, "parameters": 130, "text_bytes": 4000, "share": 0.602},
    ]
    same = {"body": 100, "steps": 1500, "tokens": 3_000_000}
    return pl.DataFrame([row | same for row in rows], schema=monolingual_results.BUDGETS)


def test_what_is_equal_and_what_not_is_said(budgets):
    table = alone_together.budgets(budgets)
    assert table.caption.startswith(
        "Held equal: steps, tokens read, other weights. Not equal: ids, weights."
    )
    assert table.frame["model"].to_list() == ["all 2 languages", "qaa alone"]
    assert table.frame["its text"].to_list() == ["5 kB", "4 kB"]
    assert table.frame["share, %"].to_list() == [None, pytest.approx(60.2)]
    longer = budgets.with_columns(steps=pl.Series([1500, 3000]))
    assert "Not equal: steps, ids, weights." in alone_together.budgets(longer).caption


def test_each_way_has_its_levels_and_their_mean(scores):
    figure = alone_together.by_language(scores)
    levels = {trace.name.partition(":")[0]: list(trace.y) for trace in figure.data}
    assert list(levels) == ["monolingual", "zero-shot", "each", "all"]
    assert levels["zero-shot"] == pytest.approx([0.585, 0.405, 0.495])
    assert levels["all"] == pytest.approx([0.625, 0.565, 0.595])
    assert "2 pretraining seeds with 2 fine-tuning seeds" in figure.layout.title.text


def test_differences_are_paired_and_in_points(scores):
    figure = alone_together.gains(scores)
    ours = {trace.name: trace for trace in figure.data if trace.xaxis == "x"}
    assert list(ours["monolingual against zero-shot"].y) == pytest.approx([2, 10, 6])
    assert list(ours["monolingual against each"].y) == pytest.approx([2, -2, 0], abs=1e-9)
    assert list(ours["all against monolingual"].y) == pytest.approx([2, 6, 4])
    half = student_t_quantile(0.975, 1) * 1.0  # seeds 1 and 3: standard error 1
    bar = ours["all against monolingual"].error_y.array[0]
    assert bar == pytest.approx(half, rel=1e-4)
    assert ours["monolingual against zero-shot"].error_y.array[0] == pytest.approx(0, abs=1e-9)


def test_the_papers_differences_stand_beside(scores):
    papers = {t.name: list(t.y) for t in alone_together.gains(scores).data if t.xaxis == "x2"}
    against_zero = papers["monolingual against zero-shot"]
    assert against_zero[0] == pytest.approx(86.7 - 85.7)  # en, text of CC
    assert against_zero[-1] == pytest.approx(77.5 - 76.2)
    assert papers["all against monolingual"][-1] == pytest.approx(80.0 - 77.5)
    assert papers["monolingual against each"] == []


def test_a_seed_or_way_that_is_missing_is_left_out(scores):
    part = scores.filter(~((pl.col("protocol") == "all") & (pl.col("seed") == 1)))
    ours = {t.name: t for t in alone_together.gains(part).data if t.xaxis == "x"}
    assert list(ours["all against monolingual"].y) == pytest.approx([1, 5, 3])
    assert ours["all against monolingual"].error_y.array[0] is None
    without = scores.filter(pl.col("protocol") != "each")
    ours = {t.name: t for t in alone_together.gains(without).data if t.xaxis == "x"}
    assert "monolingual against each" not in ours
    assert len(alone_together.by_language(without).data) == 3


def test_nothing_is_said(scores, budgets):
    for figure in (
        alone_together.by_language(scores.clear()),
        alone_together.gains(scores.clear()),
    ):
        assert not figure.data
        assert "F12" in figure.layout.annotations[0].text
    together = budgets.filter(arm="together with others")
    assert "one language alone" in alone_together.budgets(together).frame.item()


def test_a_campaign_is_drawn(tested_folder):
    tested = campaign_results.open_campaign(tested_folder)
    scores = monolingual_results.nli(tested)
    ours = {t.name: t for t in alone_together.gains(scores).data if t.xaxis == "x"}
    assert 2 < ours["monolingual against zero-shot"].y[-1] < 4  # made 3 points better
