"""Training over time: each arm a line with its seeds' band, and what a picture says is in it."""

import re
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import polars as pl
import pytest

from xlmr_lab import results, training_results
from xlmr_lab.figures import dynamics


@pytest.fixture(scope="module")
def frame(study_folder: Path) -> pl.DataFrame:
    return training_results.heldout(results.open_study(study_folder))


def lines(figure: go.Figure, name: str) -> list[Any]:
    return [trace for trace in figure.data if trace.name == name]


def bands(figure: go.Figure) -> list[Any]:
    return [trace for trace in figure.data if trace.fill == "toself"]


def curve(gains: dict[int, float], **columns: Any) -> pl.DataFrame:
    """Return the held-out losses of one run by step, at 100 tokens a step."""
    rows = [{"step": s, "tokens": 100 * s, "loss": loss} | columns for s, loss in gains.items()]
    return pl.DataFrame(rows)


def test_every_language_has_a_panel_with_a_line_and_a_band_for_each_arm(
    frame: pl.DataFrame,
) -> None:
    figure = dynamics.languages(frame)
    assert len(lines(figure, "α = 0.3")) == len(bands(figure)) / 3 == 12
    assert sum(bool(trace.showlegend) for trace in figure.data) == 3
    first = lines(figure, "α = 0.3")[0]
    largest = frame.filter(language="qaa", arm="alpha=0.3", step=400)["loss"]
    assert first.y[-1] == pytest.approx(largest.mean(), abs=1e-3)
    assert "range of 3 pretraining seeds" in figure.layout.title.text


def test_of_many_languages_some_are_drawn_from_the_largest_to_the_smallest(
    frame: pl.DataFrame,
) -> None:
    more = frame.with_columns(
        language=pl.col("language") + "x", size_bytes=pl.col("size_bytes") + 1
    )
    figure = dynamics.languages(pl.concat([frame, more]))
    titles = [note.text for note in figure.layout.annotations]
    assert len(titles) == dynamics.MAX_PANELS
    assert titles[0] == "qaax (high)"
    assert titles[-1] == "qal (low)"


def test_tiers_part_by_what_the_line_below_the_title_says(frame: pl.DataFrame) -> None:
    figure = dynamics.tiers(frame)
    low, high = (lines(figure, tier) for tier in ("low", "high"))
    ends = [one.y[-1] - other.y[-1] for one, other in zip(low, high, strict=True)]
    assert ends == sorted(ends)
    told = re.findall(r"([-\d.]+) at α", figure.layout.title.text)
    assert [float(number) for number in told] == pytest.approx(ends, abs=0.01)


def test_the_gap_is_paired_within_a_seed(frame: pl.DataFrame) -> None:
    figure = dynamics.gap(frame)
    last = frame.filter(pl.col("step") == 400, arm="alpha=1")
    gaps = []
    for seed in (1, 2, 3):
        means = [last.filter(seed=seed, tier=tier)["loss"].mean() for tier in ("low", "high")]
        gaps.append(means[0] - means[1])
    assert lines(figure, "α = 1")[0].y[-1] == pytest.approx(sum(gaps) / 3, abs=1e-3)
    band = bands(figure)[2]
    assert max(band.y) >= max(gaps) - 1e-3


def test_without_tiers_there_is_no_gap(frame: pl.DataFrame) -> None:
    figure = dynamics.gap(frame.with_columns(tier=pl.lit("equal")))
    assert "no tiers" in figure.layout.annotations[0].text


def test_a_loss_that_falls_by_the_same_for_every_doubling_does_not_flatten() -> None:
    run = {"arm": "alpha=0.3", "alpha": 0.3, "seed": 1, "language": "qaa"}
    steady = curve({0: 7.0, 100: 5.0, 200: 4.5, 400: 4.0}, **run)
    figure = dynamics.flattening(steady)
    (line,) = lines(figure, "α = 0.3")
    assert list(line.y) == pytest.approx([0.5, 0.5])
    assert list(line.x) == [15_000, 30_000]
    assert "0.50 at α = 0.3" in figure.layout.title.text
    flat = dynamics.flattening(curve({100: 5.0, 200: 5.0}, **run))
    assert list(lines(flat, "α = 0.3")[0].y) == [0.0]


def test_one_measurement_says_nothing_of_flattening() -> None:
    run = {"arm": "alpha=0.3", "alpha": 0.3, "seed": 1, "language": "qaa"}
    figure = dynamics.flattening(curve({100: 5.0}, **run))
    assert "pretrain.heldout_steps" in figure.layout.annotations[0].text


def test_loss_stands_over_the_passes_of_its_own_language(frame: pl.DataFrame) -> None:
    figure = dynamics.by_passes(frame)
    assert len(figure.data) == 6
    part = frame.filter(language="qaa", arm="alpha=0.3", step=400)
    trace = next(t for t in figure.data if t.name == "α = 0.3" and "qaa" in t.customdata)
    end = max(i for i, key in enumerate(trace.customdata) if key == "qaa")
    assert trace.x[end] == pytest.approx(part["passes"].mean(), rel=1e-3)
    assert trace.y[end] == pytest.approx(part["loss"].mean(), rel=1e-3)
    assert None in trace.y


def test_optimisation_of_every_arm_over_tokens(study_folder: Path) -> None:
    steps = training_results.steps(results.open_study(study_folder))
    figure = dynamics.optimisation(steps)
    assert len(lines(figure, "α = 1")) == 3
    assert figure.data[-1].x[-1] == steps["tokens"].max()


def test_one_seed_has_no_band(frame: pl.DataFrame) -> None:
    figure = dynamics.tiers(frame.filter(seed=1))
    assert not bands(figure)
    assert "One pretraining seed" in figure.layout.title.text


def test_the_lowest_panel_of_each_column_has_its_axis_and_no_tier_where_there_is_one(
    frame: pl.DataFrame,
) -> None:
    four = frame.filter(pl.col("language").is_in(["qaa", "qab", "qac", "qad"]))
    figure = dynamics.languages(four.with_columns(tier=pl.lit("equal")))
    assert [note.text for note in figure.layout.annotations] == ["qaa", "qab", "qac", "qad"]
    axes = [figure.layout[name] for name in ("xaxis", "xaxis2", "xaxis3", "xaxis4")]
    assert [axis.title.text for axis in axes] == [None, *["tokens seen"] * 3]
    assert all(axis.showticklabels for axis in axes[1:])
    assert dynamics.by_passes(four.with_columns(tier=pl.lit("equal"))).data
