"""Maps and trees put languages where the frames say, colour them by family, and leave text its own
direction.
"""

from typing import Any

import polars as pl
import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.figures import language_map, language_trees, theme

HEBREW, CHINESE = "\u05e2\u05d1\u05e8\u05d9\u05ea", "\u4e2d\u6587"
KNOWN = pl.DataFrame(
    {
        "language": ["qaa", "qab", "qac", "qad"],
        "name": ["Avelo", HEBREW, CHINESE, "Dorune"],
        "script": ["Latn", "Hebr", "Hans", "Latn"],
        "family": ["one", "two", "two", "one"],
        "tier": ["high", "mid", "low", "low"],
        "size_bytes": [4000, 3000, 2000, 1000],
    }
)
TREE = pl.DataFrame(
    [("#1", "qab", "qac", 0.2), ("#2", "qaa", "#1", 0.6), ("#3", "qad", "#2", 1.1)],
    schema=("part", "first", "second", "distance"),
    orient="row",
)


def of(figure: Any, name: str) -> list[Any]:
    return [trace for trace in figure.data if trace.name == name]


def standing() -> pl.DataFrame:
    frames = [
        KNOWN.with_columns(
            x=pl.Series([1.0, -1.0, 2.0, 0.0]) * scale,
            y=pl.Series([0.0, 1.0, 2.0, 3.0]),
            share_x=pl.lit(0.6),
            share_y=pl.lit(0.3),
            encoder=pl.lit(encoder),
            seed=pl.lit(7),
            layer=pl.lit(2),
        )
        for encoder, scale in (("pretrained", 1), ("untrained", 10))
    ]
    return pl.concat(frames)


def test_a_language_stands_where_it_is_in_the_colour_of_its_family() -> None:
    figure = language_map.languages(standing())
    pretrained, untrained = of(figure, "two")
    assert list(pretrained.x) == [-1, 2]
    assert list(untrained.x) == [-10, 20]
    assert list(pretrained.text) == [HEBREW, CHINESE]
    assert pretrained.marker.color == theme.colors(["one", "two"], "family")["two"]
    assert pretrained.marker.symbol != of(figure, "one")[0].marker.symbol
    assert "first axis (60% of the variance)" in figure.layout.xaxis.title.text
    assert "layer 2, pretraining seed 7" in figure.layout.title.text


def test_a_unit_is_as_long_upwards_as_sideways() -> None:
    figure = language_map.languages(standing())
    assert (figure.layout.yaxis.scaleanchor, figure.layout.yaxis2.scaleanchor) == ("x", "x2")


def placed() -> pl.DataFrame:
    frames = [
        KNOWN.with_columns(
            sentence=pl.lit(number, pl.Int64),
            text=pl.col("name") + " <b>." + "x" * 100 * number,
            x=pl.lit(float(number)) + (0.0 if centred else 5.0),
            y=pl.lit(1.0),
            middle_x=pl.lit(5.5),
            middle_y=pl.lit(1.0),
            share_x=pl.lit(0.6),
            share_y=pl.lit(0.3),
            centred=pl.lit(centred),
            seed=pl.lit(0),
            layer=pl.lit(1),
        )
        for centred in (False, True)
        for number in range(2)
    ]
    return pl.concat(frames)


def test_a_sentence_stands_in_both_maps_and_tells_what_it_says() -> None:
    figure = language_map.sentences(placed())
    plain, centred = of(figure, "two")
    assert list(plain.x) == [5, 5, 6, 6]
    assert list(centred.x) == [0, 0, 1, 1]
    said = f"\u2068{HEBREW}\u2069<br>1: \u2068{HEBREW} &lt;b&gt;.\u2069"
    assert plain.hovertext[0] == said
    assert plain.hovertext[2].endswith("x\u2026\u2069")
    assert "first 2 sentences" in figure.layout.title.text


def test_colours_are_by_what_is_asked_for() -> None:
    by_tier = language_map.languages(standing(), color="tier")
    tiers = set(KNOWN["tier"])
    assert {trace.name for trace in by_tier.data} == tiers
    assert by_tier.layout.legend.title.text == "resource tier"
    assert {t.name for t in language_map.sentences(placed(), color="tier").data} >= tiers
    with pytest.raises(UserError, match="color must be one of family, script, tier, got 'size'"):
        language_map.languages(standing(), color="size")


def test_the_middle_of_a_language_is_marked_in_the_first_map() -> None:
    figure = language_map.sentences(placed())
    (middles,) = [trace for trace in figure.data if trace.name is None]
    assert list(middles.x) == [5.5] * 4
    assert middles.xaxis == "x"
    assert len(set(middles.marker.color)) == 2


def kinship(**columns: Any) -> pl.DataFrame:
    rows = [
        {"measure": measure, "encoder": encoder, "seed": seed, "layer": layer}
        | {"within": 0.5 + gain, "between": 0.2, "difference": 0.3 + gain, "by_chance": 0.25}
        | {"num_within": 2, "num_between": 4}
        | columns
        for measure in ("means", "translations")
        for encoder, gain in (("pretrained", 0.2), ("untrained", 0.0))
        for seed in (0, 1)
        for layer in (0, 1)
    ]
    return pl.DataFrame(rows)


def test_kinship_is_drawn_by_measure_and_network() -> None:
    figure = language_map.kinship(kinship())
    for name, value in (("pretrained", 0.5), ("untrained", 0.3)):
        traces = of(figure, name)
        assert len(traces) == 2
        for trace in traces:
            assert list(trace.y) == pytest.approx([value] * 2)
    assert {shape.y0 for shape in figure.layout.shapes} == {0}
    assert "2 pairs of languages within families, 4 between" in figure.layout.title.text


def test_kinship_in_numbers_is_of_one_layer() -> None:
    frame = language_map.kinship_told(kinship(), layer=1).frame
    first = frame.row(0, named=True)
    assert (first["cosine of"], first["network"]) == ("means of languages", "pretrained")
    assert first["within families"].startswith("0.7")
    assert first["difference"].startswith("+0.5")
    assert first["dealt out as near"] == 0.25
    assert len(frame) == 4


def test_without_relatives_all_pairs_are_drawn_and_the_page_says_so() -> None:
    alone = kinship(difference=None, within=None, by_chance=None)
    figure = language_map.kinship(alone)
    assert list(of(figure, "pretrained")[0].y) == pytest.approx([0.2] * 2)
    assert "No two languages here are of one family" in figure.layout.title.text
    assert "no relatives" in language_map.kinship_told(alone, layer=1).frame["families"][0]


def test_families_that_are_a_branch_are_counted() -> None:
    """qab and qac are joined first; qaa and qad only with all others between them."""
    assert language_trees.kept(TREE, KNOWN) == 1
    same = KNOWN.with_columns(family=pl.lit("unknown"))
    assert language_trees.kept(TREE, same) == 0
    assert "1 of 2" in language_trees.trees(TREE, KNOWN).layout.title.text
    one = KNOWN.with_columns(family=pl.lit("one"))
    assert "or all are" in language_trees.trees(TREE, one).layout.title.text


def test_a_tree_joins_at_its_distances() -> None:
    figure = language_trees.trees(TREE, KNOWN)
    known, found = [trace for trace in figure.data if trace.mode == "lines"]
    assert [x for x in found.x if x] == [0.2, 0.2, 0.6, 0.6, 0.2, 1.1, 1.1, 0.6]
    assert set(known.x) == {0, 1, 2, None}
    assert len(found.x) == len(found.y) == 5 * 3


def test_both_trees_have_every_language_once_and_leaves_of_a_branch_are_neighbours() -> None:
    figure = language_trees.trees(TREE, KNOWN)
    left, right = figure.layout.yaxis, figure.layout.yaxis2
    for axis in (left, right):
        assert sorted(axis.tickvals) == [0, 1, 2, 3]
        assert sorted(axis.ticktext) == sorted(KNOWN["name"])
    at = dict(zip(right.ticktext, right.tickvals, strict=True))
    assert abs(at[HEBREW] - at[CHINESE]) == 1
    leaves = {
        name: y
        for trace in of(figure, "two")[1:]
        for name, y in zip(trace.customdata, trace.y, strict=True)
    }
    assert leaves[f"\u2068{HEBREW}\u2069"] == at[HEBREW]


def test_one_language_makes_no_tree() -> None:
    figure = language_trees.trees(TREE.head(0), KNOWN.head(1))
    assert not figure.data
