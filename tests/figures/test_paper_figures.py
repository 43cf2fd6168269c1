"""The paper's figures of accuracy, as its facts have them."""

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.figures import paper_figures, theme
from xlmr_lab.paper import tables

NUMBERS = (2, 3, 4, 5, 6, 7)


def drawn(number):
    figure = paper_figures.accuracy(number)
    return {trace.name: (list(trace.x), list(trace.y)) for trace in figure.data}


def test_each_point_of_the_facts_is_drawn_once():
    for number in NUMBERS:
        wanted = [r["xnli_acc"] for r in tables.read("figures2_7") if r["figure"] == f"fig{number}"]
        assert sorted(y for _, values in drawn(number).values() for y in values) == sorted(wanted)


def test_figure_2_goes_through_numbers_of_languages():
    lines = drawn(2)
    assert lines["low (sw, ur)"] == ([7, 15, 30, 60, 100], [63, 65, 64, 61, 58])
    assert list(lines) == ["high (en, fr)", "low (sw, ur)", "all 7"]


def test_figure_4_tells_widths():
    assert drawn(4) == {
        "fixed: 768": ([7, 30, 100], [72.8, 71.8, 67.5]),
        "increased: 960, 1152": ([30, 100], [72.4, 69.7]),
    }


def test_figures_of_kinds_join_nothing_but_batches():
    assert drawn(3)["all 7"] == (["Wikipedia", "CommonCrawl"], [71.8, 76.2])
    assert drawn(7)["batch"] == (["2,048", "4,096", "8,192"], [64.7, 65.5, 67.0])
    modes = {trace.name: trace.mode for trace in paper_figures.accuracy(7).data}
    assert modes == {"batch": "lines+markers", "preprocessing": "markers"}
    assert {trace.mode for trace in paper_figures.accuracy(3).data} == {"markers"}


def test_figure_6_writes_vocabularies_as_the_paper_does():
    axis = paper_figures.accuracy(6).layout.xaxis
    assert list(axis.ticktext) == ["32k", "64k", "128k", "256k", "512k"]
    assert axis.type == "log"
    assert drawn(6)["constant body"][0] == [128_000, 256_000, 512_000]


def test_only_what_is_of_table_5_is_not_called_read_off():
    told = {n: "read off" in paper_figures.accuracy(n).layout.title.text for n in NUMBERS}
    assert told == {2: True, 3: False, 4: True, 5: True, 6: True, 7: True}


def test_series_differ_in_more_than_colour():
    for number in NUMBERS:
        symbols = [trace.marker.symbol for trace in paper_figures.accuracy(number).data]
        assert len(set(symbols)) == len(symbols) > 1
    assert paper_figures.LOOKS["low"][0] == theme.TIER_COLORS["low"]


def test_other_figures_are_refused():
    with pytest.raises(UserError, match="must be 2 to 7, those of accuracy on XNLI; got 8"):
        paper_figures.accuracy(8)
