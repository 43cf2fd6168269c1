"""Passes over a run, the paper's passes, and what was drawn: figures against their frames."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from xlmr_lab import results, sampling_results
from xlmr_lab.errors import UserError
from xlmr_lab.figures import repetition, sampling
from xlmr_lab.results import Study

FALLING = {"schedule": "annealed", "alpha": 1.0, "later_alphas": (0.0,), "changes": (0.5,)}
CAPPED = {"schedule": "capped", "alpha": 0.0}


@pytest.fixture(scope="module")
def study(study_folder: Path) -> Study:
    return results.open_study(study_folder)


@pytest.fixture(scope="module")
def two() -> pl.DataFrame:
    """Return two languages of 900 and 100 bytes."""
    sizes = results.paper_sizes().filter(pl.col("language").is_in(["en", "fr"]))
    return sizes.with_columns(size_bytes=pl.Series([900, 100]))


def lines(figure, row: str) -> dict[str, list[tuple[float, float]]]:
    """Return the drawn points of each language on one axis."""
    found: dict[str, list[tuple[float, float]]] = {}
    for trace in figure.data:
        if trace.yaxis == row and trace.customdata is not None:
            for key, x, y in zip(trace.customdata, trace.x, trace.y, strict=True):
                if key:
                    found.setdefault(key, []).append((x, y))
    return found


def test_an_annealed_run_is_worked_by_hand(two: pl.DataFrame) -> None:
    """Half of 1,000 bytes by size is half a pass of each; half shared alike adds 250 to each."""
    frame = sampling.shares(two, **FALLING)
    assert frame.select("share", "probability", "passes").rows() == [
        pytest.approx((0.9, 0.45 + 0.25, 0.5 + 250 / 900)),
        pytest.approx((0.1, 0.05 + 0.25, 0.5 + 250 / 100)),
    ]


def test_a_capped_run_is_worked_by_hand(two: pl.DataFrame) -> None:
    """Of 1,000 bytes the small language may have 200, two passes; the other gets what is left."""
    frame = sampling.shares(two, **CAPPED, max_passes=2.0)
    assert frame.select("probability", "passes").rows() == [
        pytest.approx((0.8, 800 / 900)),
        pytest.approx((0.2, 2.0)),
    ]


def test_a_language_that_joins_is_drawn_from_there_on(two: pl.DataFrame) -> None:
    settings = {"schedule": "annealed", "alpha": 0.0, "starts": ("fr:0.5",)}
    figure = repetition.over_run(two, **settings)
    drawn = lines(figure, "y2")
    assert min(x for x, _ in drawn["fr"]) > 0.5
    assert drawn["fr"][-1] == (1.0, pytest.approx(250 / 100))
    assert drawn["en"][-1] == (1.0, pytest.approx(750 / 900, rel=1e-3))
    half = [y for x, y in drawn["en"] if x == 0.5]
    assert half == [pytest.approx(500 / 900, rel=1e-3)]
    notes = [note.text for note in figure.layout.annotations]
    assert "+ fr" in notes


def test_the_exponent_is_drawn_in_steps(two: pl.DataFrame) -> None:
    figure = repetition.over_run(two, **FALLING)
    steps = figure.data[0]
    assert steps.line.shape == "hv"
    assert list(zip(steps.x, steps.y, strict=True)) == [(0, 1.0), (0.5, 0.0), (1, 0.0)]
    assert {trace.yaxis for trace in repetition.over_run(two, **CAPPED, max_passes=2.0).data} == {
        "y"
    }


def test_lines_end_at_the_passes_of_the_distribution(study: Study) -> None:
    sizes = study.training_sizes()
    settings = FALLING | {"basis": "blocks", "budget": 2.5}
    drawn = lines(repetition.over_run(sizes, **settings), "y2")
    ends = {key: line[-1][1] for key, line in drawn.items()}
    passes = dict(sampling.shares(sizes, **settings).select("language", "passes").iter_rows())
    assert ends == pytest.approx(passes, rel=1e-3)


def test_passes_never_fall_along_a_line() -> None:
    figure = repetition.over_run(results.paper_sizes(), budget=9.5, **FALLING)
    for line in lines(figure, "y2").values():
        assert line == sorted(line)
    assert len(lines(figure, "y2")) == 100
    assert len(json.dumps(json.loads(figure.to_json()))) < 120_000


def test_passes_are_counted_in_blocks_whatever_the_basis(study: Study) -> None:
    """The basis decides the probabilities alone."""
    sizes = study.training_sizes()
    frame = sampling.shares(sizes, basis="words", alpha=1.0, budget=1.0)
    draws = frame["probability"] * sizes["num_blocks"].sum()
    assert frame["passes"].to_list() == pytest.approx((draws / frame["num_blocks"]).to_list())


def test_what_is_passed_too_often_is_shaded(two: pl.DataFrame) -> None:
    def shades(**settings: float) -> list[float]:
        figure = sampling.distribution(two, **settings)
        return [shape.y0 for shape in figure.layout.shapes if shape.type == "rect"]

    assert shades(alpha=0.0, budget=3.0) == []  # 15 passes
    assert shades(alpha=0.0, budget=4.0) == [16]  # 20
    assert "1 of 2 languages" in sampling.distribution(two, alpha=0.0, budget=4.0).layout.title.text
    capped = sampling.distribution(two, schedule="capped", alpha=0.0, max_passes=16.0, budget=8.0)
    assert not [shape for shape in capped.layout.shapes if shape.type == "rect"]


def test_titles_say_the_schedule(two: pl.DataFrame) -> None:
    titles = [
        sampling.distribution(two, **settings).layout.title.text.split("</b>")[0]
        for settings in ({"alpha": 0.3}, FALLING, CAPPED | {"max_passes": 2.0})
    ]
    assert titles == [
        "<b>Language sampling at α = 0.3",
        "<b>Language sampling, α = 1 → 0",
        "<b>Language sampling, at most 2 passes",
    ]


def test_settings_that_do_not_fit_are_refused_as_in_a_run(two: pl.DataFrame) -> None:
    with pytest.raises(UserError, match=r"goes 3 times through all text, more than .*max_passes=2"):
        sampling.shares(two, **CAPPED, max_passes=2.0, budget=3.0)
    with pytest.raises(UserError, match="starts names sw"):
        repetition.over_run(two, schedule="annealed", starts=("sw:0.5",))


def test_the_papers_passes_are_those_worked_out_beside_it() -> None:
    """In words, a position taken for a word: about 4, 160, 1,600 and 2,600 passes."""
    table = repetition.paper_passes(
        results.paper_sizes(), ["en", "sw", "su", "as"], bytes_per_piece=4.0
    )
    passes = dict(table.frame.select("language", "passes by words").iter_rows())
    assert passes == pytest.approx({"en": 4, "sw": 160, "su": 1600, "as": 2600}, rel=0.03)
    by_bytes = dict(table.frame.select("language", "passes by bytes").iter_rows())
    assert by_bytes["en"] == pytest.approx(2.28, rel=0.01)
    assert list(by_bytes.values()) == sorted(by_bytes.values())


def test_the_papers_budget_is_its_positions_over_its_text() -> None:
    sizes = results.paper_sizes()
    positions = 8192 * 512 * 1.5e6
    assert repetition.paper_budget(sizes) * sizes["num_words"].sum() == pytest.approx(positions)
    pieces = repetition.paper_budget(sizes, bytes_per_piece=4.0) * sizes["size_bytes"].sum() / 4
    assert pieces == pytest.approx(positions)


def test_realised_shares_stand_beside_expected_ones(study: Study) -> None:
    frame = sampling_results.realised(study)
    figure = repetition.realised(frame)
    expected, drawn, off = figure.data[3:6]
    part = frame.filter(arm="alpha=0.3").sort("size_bytes", "seed", descending=[True, False])
    means = part.group_by("language", maintain_order=True).agg(pl.col("share").mean())
    assert drawn.name == "α = 0.3"
    assert list(drawn.y) == pytest.approx(means["share"].to_list(), rel=1e-4)
    assert list(expected.y) == pytest.approx(
        part.unique("language", maintain_order=True)["expected_share"].to_list(), rel=1e-4
    )
    gaps = (part["share"] - part["expected_share"]) / part["error"]
    assert sorted(off.y) == pytest.approx(sorted(gaps.to_list()), rel=1e-3)
    assert f" of {len(frame)} beyond 2" in figure.layout.title.text


def test_what_chance_makes_of_dots_far_off_is_told_by_how_many_there_are() -> None:
    """1 - 0.9545^5 = 0.208; many dots of a long run are not too many to count."""
    assert repetition.beyond_told(0, 5) == "0 of 5 beyond 2"
    assert repetition.beyond_told(1, 5) == "1 of 5 beyond 2, as many or more by chance: 21 %"
    assert repetition.beyond_told(3000, 20_000).endswith("by chance: 0 %")


def test_every_basis_of_a_corpus_is_drawn(study: Study) -> None:
    figure = sampling.by_basis(study.training_sizes(), alpha=0.3)
    assert [trace.name for trace in figure.data] == [
        "blocks",
        "pieces",
        "bytes",
        "sentences",
        "words",
    ]
    q = sampling.shares(study.training_sizes(), alpha=0.3, basis="pieces")["probability"]
    assert list(figure.data[1].y) == pytest.approx(q.to_list(), rel=1e-4)
    paper = sampling.by_basis(results.paper_sizes(), alpha=0.3)
    assert [trace.name for trace in paper.data] == ["bytes", "words"]
    assert "furthest apart: zh-Hans, 1.7 % by bytes, 0.69 % by words" in paper.layout.title.text


def test_what_no_run_has_drawn_is_said_in_place_of_the_figure(study: Study) -> None:
    figure = repetition.realised(sampling_results.realised(study).clear(), otherwise="a command")
    assert not figure.data
    assert [note.text for note in figure.layout.annotations] == ["a command"]


def test_a_schedule_is_shown_under_every_basis(study: Study) -> None:
    figure = sampling.by_basis(study.training_sizes(), budget=2.0, **CAPPED, max_passes=4.0)
    q = sampling.shares(
        study.training_sizes(), basis="bytes", budget=2.0, **CAPPED, max_passes=4.0
    )["probability"]
    assert list(figure.data[2].y) == pytest.approx(q.to_list(), rel=1e-4)
    assert "at most 4 passes" in figure.layout.title.text


@pytest.mark.parametrize("count", [12, 15, 16])
@pytest.mark.parametrize("settings", [{"alpha": 0.3}, {"alpha": 1.0}, FALLING])
def test_names_at_the_ends_of_lines_can_be_read(
    make_study: Callable[..., None], tmp_path: Path, count: int, settings: dict[str, object]
) -> None:
    """No two are closer than a line of text, none is outside the axis, each is tied to its line."""
    make_study(tmp_path / "many", num_languages=count, with_text=False)
    figure = repetition.over_run(results.open_study(tmp_path / "many").training_sizes(), **settings)
    names = [note for note in figure.layout.annotations if note.yref == "y2"]
    low, high = figure.layout.yaxis2.range
    pixels = [repetition.PIXELS * (note.y - low) / (high - low) for note in names]
    assert len(names) == count
    assert min(b - a for a, b in itertools.pairwise(sorted(pixels))) >= 14.9
    assert 0 < min(pixels) < max(pixels) < repetition.PIXELS
    (ties,) = (trace for trace in figure.data if trace.hoverinfo == "skip")
    ends = {key: line[-1][1] for key, line in lines(figure, "y2").items()}
    assert list(ties.y[::3]) == pytest.approx([ends[note.text] for note in names], rel=1e-3)
    assert list(ties.y[1::3]) == pytest.approx([10**note.y for note in names])
