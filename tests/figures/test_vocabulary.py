"""Figures of a vocabulary draw the values of their frames, in the order and colours asked for."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import plotly.graph_objects as go
import polars as pl
import pytest

from xlmr_lab import results, vocabulary_results
from xlmr_lab.errors import UserError
from xlmr_lab.figures import capacity, letters, pieces, vocabulary
from xlmr_lab.figures.vocabulary import MEASURES
from xlmr_lab.model import parameters
from xlmr_lab.model.parameters import Shape
from xlmr_lab.vocabulary_results import MeasuredVocabulary


@pytest.fixture(scope="module")
def made(study_folder: Path) -> MeasuredVocabulary:
    return vocabulary_results.open_vocabulary(results.open_study(study_folder))


def points(figure: go.Figure) -> dict[str, float]:
    return {x: y for trace in figure.data for x, y in zip(trace.x, trace.y, strict=True)}


def title(figure: go.Figure) -> str:
    return str(figure.layout.title.text)


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_is_drawn_for_every_language(made: MeasuredVocabulary, measure: str) -> None:
    frame = made.languages()
    drawn = points(vocabulary.by_language(frame, measure))
    expected = dict(frame.select("name", MEASURES[measure].column).rows())
    assert drawn == pytest.approx(expected, rel=1e-4)


def test_languages_stand_in_the_order_asked_for(made: MeasuredVocabulary) -> None:
    frame = made.languages()

    def order(name: vocabulary.Order) -> list[str]:
        figure = vocabulary.by_language(frame, "fertility", order=name)
        return list(figure.layout.xaxis.categoryarray)

    assert order("size") == frame["name"].to_list()
    by_value = frame.sort("fertility", descending=True)
    assert order("value") == by_value["name"].to_list()
    scripts = dict(frame.select("name", "script").rows())
    assert [scripts[name] for name in order("script")] == sorted(scripts.values())


def test_another_vocabulary_stands_beside_it_in_rings(made: MeasuredVocabulary) -> None:
    frame = made.languages()
    other = frame.head(5).with_columns(fertility=pl.col("fertility") + 1)
    figure = vocabulary.by_language(frame, "fertility", other=other)
    (rings,) = (trace for trace in figure.data if trace.name == "the other vocabulary")
    assert list(rings.y) == pytest.approx(other["fertility"].to_list(), rel=1e-4)
    assert set(points(figure).keys()) >= set(rings.x)


def test_a_measure_that_nobody_has_says_so(made: MeasuredVocabulary) -> None:
    frame = made.languages().with_columns(premium=pl.lit(None, pl.Float64))
    figure = vocabulary.by_language(frame, "premium")
    assert not figure.data
    assert "No parallel text" in figure.layout.annotations[0].text


def test_unknown_measures_and_orders_are_refused_by_name(made: MeasuredVocabulary) -> None:
    with pytest.raises(UserError, match=r"measure must be one of fertility, .* got 'length'"):
        vocabulary.by_language(made.languages(), "length")
    with pytest.raises(UserError, match=r"order must be one of size, .* got 'name'"):
        vocabulary.by_language(made.languages(), order="name")  # type: ignore[arg-type]


def test_lost_letters_are_drawn_by_fate_and_those_in_bytes_are_not_counted(
    made: MeasuredVocabulary,
) -> None:
    figure = letters.lost(made.letters())
    number = {trace.name: len(trace.x) for trace in figure.data}
    assert number == {"becomes &lt;unk>": 9, "spelled in bytes": 3}
    assert "9 lost letters above the line, one in 100,000, and 0 below it" in title(figure)
    rare = made.letters().with_columns(frequency=pl.lit(2e-6))
    assert "0 lost letters above the line, one in 100,000, and 9 below" in title(letters.lost(rare))
    new = letters.lost(made.letters().with_columns(fate=pl.lit("unseen")))
    assert "and 0 below it; 12 of them only in held-out text" in title(new)
    assert "held-out" not in title(figure)
    assert "Every letter" in letters.lost(made.letters().head(0)).layout.annotations[0].text


def test_letters_are_written_where_there_is_room() -> None:
    frame = pl.DataFrame(
        [("qaa", "a", 1e-3), ("qaa", "b", 9.9e-4), ("qaa", "\u0301", 1e-5), ("qab", "c", 9.9e-4)],
        schema=("language", "letter", "frequency"),
        orient="row",
    )
    assert letters._written(frame) == ["a", "", "\u25cc\u0301", "c"]


def test_the_table_of_letters_names_each(made: MeasuredVocabulary) -> None:
    shown = letters.table(made.letters())._repr_html_()
    assert "tamil" not in shown
    assert "devanagari letter llla" in shown
    assert "U+0934" in shown


def test_scripts_stack_to_their_shares(made: MeasuredVocabulary) -> None:
    figure = pieces.scripts(made.scripts())
    totals: dict[str, float] = {}
    for trace in figure.data:
        for x, y in zip(trace.x, trace.y, strict=True):
            totals[x] = totals.get(x, 0) + y
    assert totals["Latn"] == pytest.approx(1095 / 1795, abs=1e-5)
    assert totals["digits, signs"] == pytest.approx(50 / 1795, abs=1e-5)
    assert sum(totals.values()) == pytest.approx(1, abs=1e-5)


def test_owned_and_shared_pieces_stack_to_those_used(made: MeasuredVocabulary) -> None:
    own, shared = pieces.owned(made.languages()).data
    frame = made.languages()
    assert list(own.y) == frame["pieces_own"].to_list()
    both = [a + b for a, b in zip(own.y, shared.y, strict=True)]
    assert both == frame["pieces_used"].to_list()


@pytest.mark.parametrize("weight", pieces.OVERLAPS)
@pytest.mark.parametrize("order", ["script", "family"])
def test_overlap_is_symmetric_with_relatives_side_by_side(
    made: MeasuredVocabulary, weight: str, order: str
) -> None:
    frame = made.overlap()
    figure = pieces.overlap(frame, weight, order=order)
    (cells,) = figure.data
    labels = dict(frame.select("name", "language").unique().rows())
    found = {(a, b): value for a, b, value in frame.select("language", "other", weight).rows()}
    for i, row in enumerate(cells.z):
        assert row[i] is None
        for j, value in enumerate(row):
            assert value == cells.z[j][i]
            if i != j:
                pair = labels[cells.y[i]], labels[cells.x[j]]
                assert value == pytest.approx(found[pair], rel=1e-2)
    groups = dict(frame.select("name", order).unique().rows())
    ordered = [groups[name] for name in cells.y]
    assert ordered == sorted(ordered)
    changes = sum(a != b for a, b in itertools.pairwise(ordered))
    assert len(figure.layout.shapes) == 2 * changes


def test_overlap_refuses_other_weights_and_needs_two_languages(made: MeasuredVocabulary) -> None:
    with pytest.raises(UserError, match="weight must be one of of_use, of_pieces, got 'all'"):
        pieces.overlap(made.overlap(), "all")
    with pytest.raises(UserError, match="order must be script or family, got 'size'"):
        pieces.overlap(made.overlap(), order="size")
    assert not pieces.overlap(made.overlap().head(0)).data


def test_the_parts_of_a_model_add_up_to_all_its_parameters(made: MeasuredVocabulary) -> None:
    found = made.parameters()
    figure = pieces.spent(made.languages(), found, made.num_used())
    parts = {trace.name: trace.x[0] for trace in figure.data}
    assert sum(parts.values()) == found.total
    assert parts["pieces of one language"] == 64 * made.languages()["pieces_own"].sum()
    assert parts["layers"] == found.layers
    assert parts["ids in no measured text"] == 64 * (made.size - made.num_used())
    assert parts["output biases of all ids"] == made.size


def test_the_papers_trade_off_has_its_widths_totals_and_accuracies() -> None:
    figure = capacity.trade_off()
    lines = {(trace.name, trace.yaxis): list(trace.y) for trace in figure.data}
    assert lines["fixed total", "y"] == [1088, 960, 832, 576, 384]
    assert lines["constant body", "y"] == [768] * 5
    assert lines["fixed total", "y3"] == [61.9, 62.5, 63.6, 64.7, 63.3]
    assert lines["constant body", "y3"] == [63.6, 66.6, 67.7]
    assert lines["constant body", "y2"][-1] == pytest.approx(478.2e6, rel=1e-3)
    goal = parameters.paper_budget()
    off = max(abs(total / goal - 1) for total in lines["fixed total", "y2"])
    assert f"Widths are multiples of 64: up to {off:.0%} off the goal" in title(figure)


def test_another_models_trade_off_bears_no_accuracies_of_the_paper(
    made: MeasuredVocabulary,
) -> None:
    budget = made.budget()
    figure = capacity.trade_off(**budget)
    assert {trace.yaxis for trace in figure.data} == {"y", "y2"}
    own = budget["vocab_sizes"].index(made.size)
    assert figure.data[0].y[own] == 64
    assert figure.data[1].y[own] == budget["total"]
    (point,) = parameters.trade_off(
        [made.size], budget["total"], body_width=64, shape=budget["shape"]
    )[1:]
    assert point.vocabulary_share == made.parameters().vocabulary_share


def test_the_table_gives_the_settings_of_each_width() -> None:
    table = capacity.table(200_000, vocab_sizes=[500], body_width=64, shape=Shape(num_layers=2))
    assert (
        table.frame["settings"].to_list()
        == ["`model.hidden_size=64 model.num_heads=1 model.ffn_size=256`"] * 2
    )
    with pytest.raises(UserError, match="leaves no room"):
        capacity.table(200_000, vocab_sizes=[50_000], body_width=64, shape=Shape(num_layers=2))


def test_the_budget_of_a_study_starts_from_its_own_model(made: MeasuredVocabulary) -> None:
    budget = made.budget()
    point = parameters.width(made.size, budget["total"], budget["shape"])
    assert point == pytest.approx(64)


FIGURES: dict[str, Callable[[MeasuredVocabulary], go.Figure]] = {
    "by_language": lambda m: vocabulary.by_language(m.languages(), other=m.languages()),
    "letters": lambda m: letters.lost(m.letters()),
    "scripts": lambda m: pieces.scripts(m.scripts()),
    "owned": lambda m: pieces.owned(m.languages()),
    "overlap": lambda m: pieces.overlap(m.overlap()),
    "spent": lambda m: pieces.spent(m.languages(), m.parameters(), m.num_used()),
    "trade_off": lambda m: capacity.trade_off(),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_small_titled_and_holds_plain_lists(
    name: str, made: MeasuredVocabulary
) -> None:
    saved = json.dumps(json.loads(FIGURES[name](made).to_json()))
    assert len(saved) < 60_000
    assert "bdata" not in saved
    assert title(FIGURES[name](made))
