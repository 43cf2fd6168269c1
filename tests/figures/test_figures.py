"""What is drawn is what was measured: figures are compared with their frames, never by their
titles.
"""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import polars as pl
import pytest

from xlmr_lab import results, sampling_results
from xlmr_lab.errors import UserError
from xlmr_lab.figures import (
    ablation,
    corpus,
    findings,
    paper_figures,
    repetition,
    sampling,
    training,
    transfer,
    vocabulary,
)
from xlmr_lab.results import Study

NOTE = "a larger setting is tried elsewhere"


@pytest.fixture(scope="module")
def study(study_folder: Path) -> Study:
    return results.open_study(study_folder)


def points(figure: go.Figure, axis: str = "y", rows: str = "y") -> dict[str, float]:
    """Return the drawn values by x label of all traces on one axis."""
    traces = [trace for trace in figure.data if (trace.yaxis or "y") == rows]
    return {x: y for trace in traces for x, y in zip(trace.x, getattr(trace, axis), strict=True)}


def title(figure: go.Figure) -> str:
    return str(figure.layout.title.text)


@pytest.mark.slow
def test_sizes_are_drawn_in_the_unit_of_the_axis(study: Study) -> None:
    drawn = points(corpus.sizes(study.sizes()))
    expected = dict(study.sizes().select("name", pl.col("size_bytes") / 1024).rows())
    assert drawn == pytest.approx(expected, rel=1e-4)


def test_shares_of_paragraphs_add_up_to_one_for_each_language(study: Study) -> None:
    figure = corpus.cleaning(study.cleaning())
    totals: dict[str, float] = {}
    for trace in figure.data:
        for x, y in zip(trace.x, trace.y, strict=True):
            totals[x] = totals.get(x, 0) + y
    assert len(totals) == 12
    assert all(total == pytest.approx(1, abs=1e-3) for total in totals.values())
    assert figure.data[0].name == "kept"


def test_fertility_draws_pieces_per_word_above_bytes_per_piece(study: Study) -> None:
    figure = vocabulary.fertility(study.fertility())
    frame = study.fertility()
    upper = dict(frame.select("name", "fertility").rows())
    lower = dict(frame.select("name", "bytes_per_piece").rows())
    assert points(figure) == pytest.approx(upper, rel=1e-4)
    assert points(figure, rows="y2") == pytest.approx(lower, rel=1e-4)


def test_sampling_shares_by_hand() -> None:
    """Shares 0.9 and 0.1; at alpha 0 each is sampled alike, so the small one is passed 5 times."""
    sizes = results.paper_sizes().filter(pl.col("language").is_in(["en", "fr"]))
    sizes = sizes.with_columns(size_bytes=pl.Series([900, 100]))
    frame = sampling.shares(sizes, alpha=0.0)
    assert frame.select("share", "probability", "passes").rows() == [
        pytest.approx((0.9, 0.5, 0.5 / 0.9)),
        pytest.approx((0.1, 0.5, 5.0)),
    ]
    assert sampling.shares(sizes, alpha=1.0, budget=3)["passes"].to_list() == pytest.approx([3, 3])


def test_sampling_draws_the_probabilities_and_the_passes(study: Study) -> None:
    frame = sampling.shares(study.sizes(), alpha=0.3)
    figure = sampling.distribution(study.sizes(), alpha=0.3)
    by_name = {row["name"]: row for row in frame.iter_rows(named=True)}
    dots = {x: y for t in figure.data if t.yaxis == "y" for x, y in zip(t.x, t.y, strict=True)}
    assert dots == pytest.approx({k: r["probability"] for k, r in by_name.items()}, rel=1e-4)
    passed = points(figure, rows="y2")
    assert passed == pytest.approx({k: r["passes"] for k, r in by_name.items()}, rel=1e-4)


def test_an_unknown_basis_is_refused_by_name() -> None:
    with pytest.raises(UserError, match=r"basis must be one of bytes, words .* got 'sentences'"):
        sampling.shares(results.paper_sizes(), alpha=0.3, basis="sentences")


def test_words_put_chinese_beside_telugu() -> None:
    """XLM-R Table 6 as printed: 259 and 249 million "tokens", though Chinese has ten times the
    text.
    """
    frame = sampling.shares(results.paper_sizes(), alpha=1.0, basis="words")
    share = dict(frame.select("language", "share").rows())
    assert share["zh-Hans"] / share["te"] == pytest.approx(259 / 249)


def test_heldout_curves_are_means_over_seeds(study: Study) -> None:
    figure = training.heldout(study.heldout(), alpha=0.3)
    frame = study.heldout().filter((pl.col("alpha") == 0.3) & (pl.col("language") == "qaa"))
    expected = frame.group_by("step").agg(pl.col("loss").mean()).sort("step")
    assert list(figure.data[0].x) == expected["step"].to_list()
    assert list(figure.data[0].y) == pytest.approx(expected["loss"].to_list(), rel=1e-4)
    assert len(figure.data) == 12


def test_an_alpha_that_was_not_trained_names_those_that_were(study: Study) -> None:
    with pytest.raises(UserError, match=r"no run has alpha = 0.5; there are 0.01, 0.3, 1"):
        training.heldout(study.heldout(), alpha=0.5)
    with pytest.raises(UserError, match="no run has alpha"):
        training.optimisation(study.steps(), alpha=0.5)


def test_long_records_are_thinned_and_keep_their_end() -> None:
    steps = pl.DataFrame({"step": range(10_001)})
    thin = training.thinned(steps)
    assert len(thin) <= training.MAX_POINTS
    assert thin["step"].to_list()[-1] == 10_000
    assert training.thinned(thin).equals(thin)


def test_passes_are_drawn_by_alpha(study: Study) -> None:
    frame = study.passes().filter((pl.col("alpha") == 1.0) & (pl.col("language") == "qac"))
    trace = training.passes(study.passes()).data[2]
    assert (trace.name, trace.x[2]) == ("α = 1", "Celahi")
    assert trace.y[2] == pytest.approx(frame["passes"].mean(), rel=1e-4)


def test_a_line_bears_its_language_where_there_are_few(
    study: Study, make_study: Callable[..., None], tmp_path: Path
) -> None:
    notes = training.heldout(study.heldout(), alpha=0.3).layout.annotations
    assert {note.text for note in notes} == set(study.heldout()["language"])
    heights = sorted(note.y for note in notes)
    assert min(b - a for a, b in itertools.pairwise(heights)) > 0.1
    make_study(tmp_path / "many", num_languages=30, with_text=False)
    many = results.open_study(tmp_path / "many").heldout()
    assert not training.heldout(many, alpha=0.3).layout.annotations


def test_the_ratio_of_sizes_is_said_unless_it_is_about_one(study: Study) -> None:
    assert "the largest has 1,300 times the smallest" in title(corpus.sizes(study.sizes()))
    alike = study.sizes().with_columns(size_bytes=pl.lit(1000, pl.Int64))
    assert "all of about one size" in title(corpus.sizes(alike))


def test_realised_shares_of_an_arm_add_up_to_one(study: Study) -> None:
    figure = training.draws(study.draws(), study.sizes())
    assert [sum(trace.y) for trace in figure.data] == pytest.approx([1, 1, 1, 1], abs=1e-3)


def test_each_run_has_a_line_of_its_speed(study: Study) -> None:
    assert len(training.telemetry(study.telemetry()).data) == study.runs().height


def test_alpha_lines_are_means_over_a_groups_languages(study: Study) -> None:
    frame = study.heldout()
    figure = ablation.heldout_by_alpha(frame)
    low = next(trace for trace in figure.data if trace.legendgroup == "low")
    last = frame.filter((pl.col("step") == 400) & (pl.col("tier") == "low"))
    expected = last.group_by("alpha").agg(pl.col("loss").mean()).sort("alpha")
    assert list(low.customdata) == expected["alpha"].to_list()
    assert list(low.y) == pytest.approx(expected["loss"].to_list(), rel=1e-4)
    assert low.error_y.array[0] > 0


def test_the_reference_alpha_is_the_zero_of_changes(study: Study) -> None:
    figure = ablation.heldout_by_alpha(study.heldout(), reference=0.3, seeds=True)
    assert all(trace.y[1] == 0 for trace in figure.data[::2])
    assert all(len(trace.y) == 9 for trace in figure.data[1::2])


def test_filters_leave_the_colours_of_groups_alone(study: Study) -> None:
    everything = ablation.heldout_by_alpha(study.heldout(), group="script")
    some = ablation.heldout_by_alpha(study.heldout(), group="script", where={"script": ["Arab"]})
    color = {trace.legendgroup: trace.marker.color for trace in everything.data}
    assert [trace.legendgroup for trace in some.data] == ["Arab"]
    assert some.data[0].marker.color == color["Arab"]


def test_filters_that_nothing_passes_say_so(study: Study) -> None:
    figure = ablation.heldout_by_alpha(study.heldout(), where={"tier": ["low"], "script": ["Latn"]})
    assert len(figure.data) == 1
    figure = ablation.heldout_by_alpha(study.heldout(), where={"script": ["Zzzz"]})
    assert not figure.data


def test_one_alpha_is_nothing_to_compare(study: Study) -> None:
    figure = ablation.heldout_by_alpha(study.heldout().filter(alpha=0.3), reference=0.3)
    assert not figure.data
    assert "one α, 0.3" in figure.layout.annotations[0].text


def test_the_papers_figure_falls_for_low_resource_languages() -> None:
    low = next(trace for trace in paper_figures.accuracy(5).data if "low" in trace.name)
    assert list(low.x) == [0.01, 0.3, 0.7, 1.0]
    assert list(low.y) == [58, 57, 52, 49]


def test_each_finding_is_drawn_with_its_verdict(study: Study) -> None:
    figure = findings.forest(study.findings())
    drawn = {trace.name: list(trace.x) for trace in figure.data}
    assert drawn == {"supported": [0.17, 0.27], "contradicted": [], "inconclusive": [0.09]}


def test_findings_stand_beside_the_papers_numbers(study: Study) -> None:
    shown = findings.table(study.findings()).frame
    assert shown.to_series(2)[2] == "+0.09 [\u22120.02, +0.20]".replace(" ", "\u00a0")
    assert shown["verdict"][2] == f"inconclusive, leans for; {NOTE}"
    assert shown["verdict"][0] == "supported"
    assert "low 58 / 57 / 52 / 49" in shown["in the paper"][0].replace("\u00a0", " ")
    assert shown["in the paper"][1] == "as above"
    assert "XLM-R 80.89" in shown["in the paper"][2]
    assert findings.in_paper("F99") == findings.in_paper("F30") == ""


FIGURES: dict[str, Callable[[Study], go.Figure]] = {
    "sizes": lambda s: corpus.sizes(s.sizes()),
    "cleaning": lambda s: corpus.cleaning(s.cleaning()),
    "fertility": lambda s: vocabulary.fertility(s.fertility()),
    "sampling": lambda s: sampling.distribution(s.sizes(), alpha=0.3, log=True),
    "paper": lambda s: sampling.distribution(results.paper_sizes(), alpha=0.3, color="script"),
    "over_run": lambda s: repetition.over_run(s.training_sizes(), basis="blocks", alpha=0.3),
    "realised": lambda s: repetition.realised(sampling_results.realised(s)),
    "by_basis": lambda s: sampling.by_basis(s.training_sizes(), alpha=0.3),
    "heldout": lambda s: training.heldout(s.heldout(), alpha=0.3),
    "optimisation": lambda s: training.optimisation(s.steps(), alpha=0.3),
    "draws": lambda s: training.draws(s.draws(), s.sizes()),
    "passes": lambda s: training.passes(s.passes()),
    "telemetry": lambda s: training.telemetry(s.telemetry()),
    "scores": lambda s: transfer.by_language(s.scores(), task="nli"),
    "gains": lambda s: transfer.gains(s.scores(), task="nli"),
    "ablation": lambda s: ablation.heldout_by_alpha(s.heldout(), seeds=True),
    "findings": lambda s: findings.forest(s.findings()),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_small_titled_and_says_the_units_of_its_axes(name: str, study: Study) -> None:
    figure = FIGURES[name](study)
    saved: dict[str, Any] = json.loads(figure.to_json())
    assert len(json.dumps(saved)) < 60_000
    assert "bdata" not in json.dumps(saved)
    assert figure.layout.title.text
    axes = [*figure.select_yaxes(), *figure.select_xaxes()]
    assert any(axis.title.text for axis in axes)
