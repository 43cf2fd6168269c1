"""A masked block reads as it stood and as the model sees it; counts stand beside expectations."""

import html
import re

import polars as pl
import pytest

from xlmr_lab.figures import masking

CELLS = pl.DataFrame(
    [
        ("<s>", "<s>", "special"),
        ("\u2581a", "<mask>", "masked"),
        ("b<", "b<", "seen"),
        ("\u2581c", "\u2581z", "random"),
        ("\u2581d", "\u2581d", "kept"),
        ("</s>", "</s>", "special"),
    ],
    schema=("piece", "seen", "fate"),
    orient="row",
)


def lines(shown: str) -> list[str]:
    """Return what both lines of text read, without markup."""
    found = re.findall(r"pre-wrap'>(.*?)</div>", shown, re.DOTALL)
    return [html.unescape(re.sub("<[^>]*>", "", line)) for line in found]


def test_a_block_reads_as_it_stands_and_as_the_model_sees_it() -> None:
    shown = masking.shown(CELLS)._repr_html_()
    assert lines(shown) == ["<s> ab< c d</s>", "<s> <mask>b< z d</s>"]
    assert "6 tokens, 3 to predict" in shown
    assert "title='random, stood there: \u2581c'" in shown


def test_each_fate_has_a_colour_that_the_legend_names() -> None:
    shown = masking.shown(CELLS)._repr_html_()
    for fate, told in masking.TOLD.items():
        assert html.escape(told) in shown
        assert shown.count(masking.TINTS[fate]) == 3
    assert masking.TINTS.keys() - masking.TOLD.keys() == {"special"}


def test_right_to_left_text_runs_so_and_names_do_not() -> None:
    hebrew = CELLS.with_columns(
        piece=pl.col("piece").str.replace_all("[a-d]", "\u05d0"),
        seen=pl.col("seen").str.replace_all("^(.?)[a-dz]", "${1}\u05d0"),
    )
    shown = masking.shown(hebrew)._repr_html_()
    assert shown.count("<div dir='rtl'") == 2
    assert re.search(r"<bdi dir='ltr' [^>]*>&lt;mask&gt;</bdi>", shown)
    assert len(re.findall(r"<bdi dir='ltr' [^>]*>&lt;s&gt;</bdi>", shown)) == 2
    assert re.search(r"<span title='kept[^>]*>\u05d0</span>", shown)


def test_counts_of_a_block_stand_beside_their_expectation() -> None:
    bars, expected = masking.counts(CELLS).data
    assert list(bars.y) == [1, 1, 1]
    assert list(expected.y) == pytest.approx([2.4, 0.3, 0.3])


def test_counts_at_their_expectation_are_off_by_nothing() -> None:
    rows = [
        {"language": key, "fate": fate, "tokens": number}
        for key in ("qaa", "qab")
        for fate, number in {"seen": 900, "masked": 80, "random": 10, "kept": 10}.items()
    ]
    figure = masking.outcomes(pl.DataFrame(rows))
    for trace in figure.data:
        assert list(trace.y) == pytest.approx([0, 0], abs=1e-9)
    assert "200 chosen tokens: 80.0% masked, 10.0% random" in figure.layout.title.text


def test_independent_draws_spread_about_the_fixed_count() -> None:
    figure = masking.per_block(512, 0.15)
    (bars,) = figure.data
    assert sum(bars.y) == pytest.approx(1, abs=1e-3)
    assert bars.x[list(bars.y).index(max(bars.y))] in (76, 77)
    assert figure.layout.annotations[0].text == "here always 77"
