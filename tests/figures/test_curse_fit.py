"""The fitted surface in pictures and tables: a known one is met, and its readings are by hand."""

import math

import polars as pl
import pytest
from made_curse import CAPACITY, INTERACTION, LANGUAGES, made

from xlmr_lab.figures import curse_fit, curse_tables
from xlmr_lab.intervals import Interval


def test_cells_are_means_over_languages_of_the_seeds_that_all_have() -> None:
    frame = made().filter((pl.col("arm") != "languages=7 width=64") | (pl.col("seed") != 2))
    cells = curse_fit.cells_of(frame)
    assert [(cell.num_languages, cell.capacity) for cell in cells][:3] == [
        (7, 24 * 64**2),
        (7, 24 * 128**2),
        (14, 24 * 64**2),
    ]
    assert cells[0].losses == pytest.approx((2.15, 2.16))
    assert all(len(cell.losses) == 2 for cell in cells)


def test_the_surface_is_found_again() -> None:
    surface = curse_fit.surface_of(made())
    found = [surface.coefficient(name).mean for name in ("languages", "capacity", "interaction")]
    assert found == pytest.approx([LANGUAGES + 0.001, CAPACITY, INTERACTION])


def test_lines_go_through_cells_that_are_on_the_surface() -> None:
    figure = curse_fit.fitted(made())
    fits = [t for t in figure.data if t.mode == "lines" and t.name == "64" and t.xaxis == "x"]
    dots = [t for t in figure.data if t.mode == "markers" and t.name == "64" and t.xaxis == "x"]
    (fit,), (dot,) = fits, dots
    slope = (fit.y[-1] - fit.y[0]) / math.log2(fit.x[-1] / fit.x[0])
    assert slope == pytest.approx(LANGUAGES + 0.001, rel=1e-3)
    assert slope == pytest.approx((dot.y[-1] - dot.y[0]) / 3, rel=1e-3)
    assert [a.text for a in figure.layout.annotations] == ["high", "mid", "low"]


def test_panels_have_axes_of_one_length_that_hold_everything() -> None:
    figure = curse_fit.fitted(made())
    ranges = [figure.layout[name].range for name in ("yaxis", "yaxis2", "yaxis3")]
    lengths = [high - low for low, high in ranges]
    assert lengths == pytest.approx([lengths[0]] * 3, abs=1e-3)
    for trace in figure.data:
        low, high = figure.layout[trace.yaxis.replace("y", "yaxis")].range
        assert low < min(trace.y)
        assert max(trace.y) < high


def test_capacity_that_makes_up_for_languages_is_on_a_line_of_equal_loss() -> None:
    figure = curse_fit.equal_loss(made())
    contour, *lines, dots = figure.data
    assert len(lines) == 4
    mean = lines[-1]
    surface = curse_fit.surface_of(made())
    level = surface.coefficient("level").mean
    count, needed = mean.x[15], mean.y[15]
    assert surface.predicted(count, needed).mean == pytest.approx(level, abs=2e-3)
    assert contour.z[0][0] == pytest.approx(
        surface.predicted(contour.x[0], contour.y[0]).mean, 1e-3
    )
    assert dots.text[0] == "<b>2.160</b>"


def test_a_tier_can_be_chosen() -> None:
    figure = curse_fit.equal_loss(made(), where={"tier": ["high"]})
    assert figure.data[-1].text[0] == "<b>2.010</b>"


def test_where_wider_is_worse_no_capacity_is_told() -> None:
    turned = made().with_columns(bits_per_byte=-pl.col("bits_per_byte"))
    title = curse_fit.equal_loss(turned).layout.title.text
    assert "in 3 of 3 seeds no capacity makes up for more languages" in title
    assert len(curse_fit.equal_loss(turned).data) == 2
    row = curse_tables.capacities(turned).frame.row(3, named=True)
    assert (row["14 languages need"], row["exponent"]) == (curse_tables.NONE, None)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ([], "No numbers of languages were compared here"),
        ([(7, 64), (14, 64), (28, 64)], "3 cells (3 numbers of languages, 1 capacities) fix"),
    ],
)
def test_without_enough_cells_pictures_and_tables_say_so(cells, why) -> None:
    frame = made(cells)
    for figure in (curse_fit.fitted(frame), curse_fit.equal_loss(frame)):
        assert not figure.data
        assert why in figure.layout.annotations[0].text.replace("<br>", " ")
    for table in (curse_tables.costs(frame), curse_tables.capacities(frame)):
        assert why in table.frame.item()


def test_four_cells_say_that_they_say_nothing_of_the_fit() -> None:
    frame = made([(7, 64), (56, 64), (7, 128), (56, 128)])
    assert "fits exactly" in curse_fit.fitted(frame).layout.title.text
    assert curse_tables.capacities(frame).frame["off by"][0] == curse_tables.EXACT


def test_costs_by_hand() -> None:
    """At width 128, four times the parameters: 0.101 - 2 * 0.02."""
    rows = curse_tables.costs(made()).frame.rows_by_key("languages", named=True, unique=True)
    assert list(rows) == ["high", "mid", "low", "all"]
    assert rows["low"]["at width 64"].startswith("+0.1010 [")
    assert rows["low"]["at width 128"].startswith("+0.0610 [")
    assert rows["all"]["twice the parameters add"].startswith("−0.020")
    assert rows["all"]["lessened"] == "yes"


def test_capacities_by_hand() -> None:
    """Twice the languages cost 0.101, and twice the parameters bring 0.22 there: 2^0.46."""
    row = curse_tables.capacities(made()).frame.row(3, named=True)
    assert row["twice the parameters, 7 languages"].startswith("−0.200")
    assert row["14 languages need"].startswith("×1.4 [1.4,")
    assert row["56 languages need"].startswith("×2.2 [")
    assert row["exponent"].startswith("0.505 [")
    assert float(row["off by"]) < 1e-9


@pytest.mark.parametrize(
    ("times", "told"),
    [
        (Interval(1.42, 1.2, 1.7, 3), "×1.4 [1.2,\xa01.7]"),
        (Interval(2.6, math.nan, math.nan, 1), "×2.6 (beyond)"),
        (Interval(math.nan, math.nan, math.nan, 0), None),
    ],
)
def test_times_are_told(times, told) -> None:
    assert curse_tables.times_told(times, 2.0) == told
