"""Colours mean the same everywhere and can be told apart."""

import plotly.graph_objects as go
import polars as pl
import pytest

from xlmr_lab.figures import theme


def test_a_group_keeps_its_colour_whatever_the_order_of_the_languages() -> None:
    scripts = ["Thai", "Latn", "Arab", "Cyrl"]
    assert theme.colors(scripts, "script") == theme.colors(reversed(scripts), "script")


@pytest.mark.parametrize("column", ["script", "family"])
def test_twelve_groups_differ_in_colour_or_symbol(column: str) -> None:
    values = [f"group {i:02d}" for i in range(12)]
    colors, symbols = theme.colors(values, column), theme.symbols(values, column)
    assert len({(colors[v], symbols[v]) for v in values}) == 12


def test_tiers_come_from_high_to_low_with_fixed_colours() -> None:
    assert theme.order(["low", "high", None], "tier") == ["high", "low"]
    assert theme.colors(["low"], "tier") == theme.TIER_COLORS


def test_the_commonest_script_of_the_papers_languages_comes_first() -> None:
    assert theme.order(["Cyrl", "Zzzz", "Latn"], "script") == ["Latn", "Cyrl", "Zzzz"]


def test_rare_groups_are_folded_into_one_that_comes_last() -> None:
    frame = pl.DataFrame({"script": ["a", "a", *(f"b{i:02d}" for i in range(20))]})
    folded = theme.folded(frame, "script")
    assert folded["script"].n_unique() == len(theme.PALETTE)
    assert theme.order(folded["script"], "script")[-1] == theme.OTHER
    assert theme.folded(frame.head(5), "script").equals(frame.head(5))


def test_axes_write_names_where_they_fit_and_keys_elsewhere() -> None:
    few = pl.DataFrame({"language": ["en", "sw"], "name": ["English", None]})
    assert theme.labelled(few)["label"].to_list() == ["English", "sw"]
    long = few.with_columns(name=pl.lit("qaa, sized as English"))
    assert theme.labelled(long)["label"].to_list() == ["en", "sw"]


def test_the_title_says_what_was_measured_below_it() -> None:
    figure = theme.empty("nothing", title="T")
    assert figure.layout.title.text == "<b>T</b>"
    assert figure.layout.annotations[0].text == "nothing"


@pytest.mark.parametrize("subtitle", ["", "one line", "one<br>two<br>three"])
def test_the_toolbar_has_room_above_the_title_and_the_title_above_the_plot(subtitle: str) -> None:
    """Plotly's toolbar is 22 pixels high, 2 below the top edge; a title's first line is about 17
    pixels above its anchor, and each further one is 21 high.
    """
    figure = theme.finish(go.Figure(), title="T", subtitle=subtitle, height=300)
    anchor, top = figure.layout.template.layout.title.pad.t, figure.layout.margin.t
    assert anchor - 17 >= 2 + 22
    lines = len(subtitle.split("<br>")) if subtitle else 0
    assert top - anchor >= 21 * lines + 12
    assert figure.layout.height - top == 300 - 56 - 21 * lines  # the plot is as high as without


def test_many_languages_are_labelled_sparsely_and_few_all() -> None:
    many = theme.categories(pl.Series([f"q{i:02d}" for i in range(100)]))
    assert many["tickvals"] == [f"q{i:02d}" for i in range(0, 100, 5)]
    assert theme.categories(pl.Series(["en", "sw"]))["tickvals"] == ["en", "sw"]
