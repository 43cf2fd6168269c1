"""Pictures of a campaign's cells: lines, dots and differences are those of the frames."""

import polars as pl
import pytest
from made_cells import small
from plotly.colors import sample_colorscale

from xlmr_lab.errors import UserError
from xlmr_lab.figures import campaign, theme
from xlmr_lab.figures.campaign_dots import dots
from xlmr_lab.figures.campaign_pair import pair


def lines(brush: campaign.Brush | None = None) -> dict[str, object]:
    figure = campaign.parallel(small().table(), brush=brush)
    return {trace.name: trace for trace in figure.data if trace.mode == "lines+markers"}


def test_a_line_is_a_cell_and_stands_where_its_values_do() -> None:
    found = lines()
    assert set(found) == {"base", "wide", "many"}
    # languages 2 of 2, 3; width 64 of 64, 128; pieces high 1.05 of 0.85 to 1.25; low; no range
    assert list(found["base"].y) == pytest.approx([0, 0, 0.5, 0.2, 0.5])
    assert list(found["many"].y[:4]) == pytest.approx([1, 0, 1, 1])
    assert found["many"].y[4] is None
    assert found["many"].text[3:] == ("loss of pieces, low: 2.45", "")
    assert "languages=2" in found["base"].hovertemplate


def test_what_lies_outside_of_a_range_is_grey_and_below() -> None:
    found = lines({"pieces low": (None, 2.1)})
    assert {name for name, trace in found.items() if trace.line.color == theme.FAINT} == {"many"}
    assert next(iter(found)) == "many"
    figure = campaign.parallel(small().table(), brush={"pieces low": (None, 2.1)})
    assert "2 of 3 cells are within" in figure.layout.title.text
    boxes = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert [round(box.x0) for box in boxes] == [3]


def test_a_line_has_the_colour_that_the_bar_has_at_its_outcome() -> None:
    figure = campaign.parallel(small().table())
    (bar,) = (trace.marker for trace in figure.data if trace.marker.showscale)
    least, most, scale = bar.cmin, bar.cmax, [list(stop) for stop in bar.colorscale]
    assert (least, most) == pytest.approx((0.85, 1.25))
    for name, outcome in {"base": 1.05, "wide": 0.85, "many": 1.25}.items():
        (color,) = sample_colorscale(scale, [(outcome - least) / (most - least)])
        assert lines()[name].line.color == color


def test_a_range_of_what_is_not_drawn_has_no_effect() -> None:
    figure = campaign.parallel(small().table(), brush={"depth": (1, 2)})
    assert figure == campaign.parallel(small().table())


def test_without_cells_it_says_so() -> None:
    figure = campaign.parallel(small().only(claims=["F9"]).table())
    assert figure.layout.annotations[0].text == campaign.NOTHING


def cells_of(figure: object) -> dict[str, float]:
    return {
        words[0].partition(" = ")[0]: y
        for trace in figure.data
        if trace.customdata is not None and trace.error_y.array is not None
        for words, y in zip(trace.customdata, trace.y, strict=True)
    }


def test_a_dot_is_the_mean_of_a_cell() -> None:
    figure = dots(small().points())
    assert cells_of(figure) == pytest.approx({"base": 1.55, "wide": 1.4, "many": 1.85})
    assert {trace.name for trace in figure.data} == {"F1", "F2", "several"}
    places = [x for trace in figure.data for x in trace.x]
    assert len(set(places)) == 3  # side by side at 10 tokens
    assert sum(places) / 3 == pytest.approx(10)


def test_single_seeds_stand_with_their_cell() -> None:
    figure = dots(small().points(), seeds=True)
    single = [trace for trace in figure.data if trace.name == "single seeds"]
    assert sum(len(trace.y) for trace in single) == 6


def test_cells_without_seconds_are_not_drawn_over_them() -> None:
    assert set(cells_of(dots(small().points(), axis="seconds"))) == {"base", "many"}


def test_the_paper_stands_on_an_axis_of_its_own_where_it_has_the_figure() -> None:
    figure = dots(small().points(), axis="languages", paper=True)
    paper = [trace for trace in figure.data if trace.yaxis == "y2"]
    assert {trace.name for trace in paper} == {"high (en, fr)", "low (sw, ur)", "all 7"}
    first = next(trace for trace in paper if trace.name == "all 7")
    assert (first.x[0], first.y[0]) == (7, 71.8)
    assert "XNLI" in figure.layout.yaxis2.title.text
    without = dots(small().points(), axis="model.hidden_size", paper=True)
    assert not [trace for trace in without.data if trace.yaxis == "y2"]


def test_an_axis_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match=r"axis must be one of tokens, .*, got 'depth'"):
        dots(small().points(), axis="depth")


def test_a_pair_has_differences_and_settings() -> None:
    cells = small()
    two = ("base", "wide")
    figure = pair(cells.differences(*two), cells.changed(*two), first="base", second="wide")
    means = [trace for trace in figure.data if trace.error_x.array is not None]
    losses, scores = means
    assert list(losses.y) == ["loss of pieces, high", "loss of pieces, low"]
    assert list(losses.x) == pytest.approx([-0.2, -0.1])
    assert list(scores.x) == pytest.approx([0.0])
    assert "width: 64 → 128" in figure.layout.title.text
    assert "wide less base" in figure.layout.title.text


def test_a_pair_without_a_common_outcome_says_so() -> None:
    none = small().differences("base", "wide").clear()
    figure = pair(none, {}, first="base", second="wide")
    assert "Nothing was measured in both" in figure.layout.annotations[0].text


def test_levels_of_words_keep_their_order() -> None:
    assert campaign.levels(pl.Series("a", ["no", "yes", "no"])) == ["no", "yes"]
