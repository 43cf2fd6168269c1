"""Pictures of retrieval and of pseudo-perplexity draw the means of what they are given, and say
what chance would find.
"""

import itertools
from typing import Any

import polars as pl
import pytest

from xlmr_lab.figures import alignment, theme

KNOWN = pl.DataFrame(
    {
        "language": ["qaa", "qab", "qac"],
        "name": ["Avelo", "\u05e2\u05d1\u05e8\u05d9\u05ea", "\u4e2d\u6587"],
        "script": ["Latn", "Hebr", "Latn"],
        "family": ["one", "two", "one"],
        "tier": ["high", "mid", "low"],
        "size_bytes": [4000, 3000, 2000],
    }
)
BASE = {
    ("pretrained", 0): 0.3,
    ("pretrained", 1): 0.5,
    ("untrained", 0): 0.4,
    ("untrained", 1): 0.1,
}


def retrieved(*, seeds: int = 2) -> pl.DataFrame:
    """Return accuracies that are 0.02 higher where means are taken out, 0.2 higher within family
    one, and 0.1 to either side in two seeds."""
    rows = []
    for (encoder, layer), base in BASE.items():
        for seed, centred in itertools.product(range(seeds), (False, True)):
            for one, other in itertools.permutations(KNOWN["language"], 2):
                kin = 0.2 if {one, other} == {"qaa", "qac"} else 0.0
                shift = 0.1 * (seed - 0.5) if seeds > 1 else 0.0
                value = base + 0.02 * centred + kin + shift * (encoder == "pretrained")
                rows.append((encoder, seed, layer, centred, one, other, value, 50))
    columns = ("encoder", "seed", "layer", "centred", "language", "other", "accuracy")
    frame = pl.DataFrame(rows, schema=(*columns, "num_sentences"), orient="row")
    return frame.join(KNOWN, on="language", maintain_order="left")


def lines(figure: Any, name: str) -> list[Any]:
    return [trace for trace in figure.data if trace.name == name]


def test_a_line_is_the_mean_of_directions_and_seeds() -> None:
    """Two of six directions are 0.2 higher: 0.0667 on average."""
    figure = alignment.by_layer(retrieved())
    plain, centred = lines(figure, "pretrained")
    assert list(plain.x) == [0, 1]
    assert list(plain.y) == pytest.approx([0.3667, 0.5667], abs=1e-4)
    assert list(centred.y) == pytest.approx([0.3867, 0.5867], abs=1e-4)
    assert list(lines(figure, "untrained")[0].y) == pytest.approx([0.4667, 0.1667], abs=1e-4)
    assert figure.layout.xaxis.ticktext == ("embeddings", "1")


def test_chance_is_one_of_the_sentences_and_is_drawn() -> None:
    figure = alignment.by_layer(retrieved())
    heights = {(shape.y0, shape.y1) for shape in figure.layout.shapes}
    assert heights == {(0.02, 0.02)}
    assert len(figure.layout.shapes) == 2
    assert "2.00%, by chance" in figure.layout.title.text
    assert "6 directions" in figure.layout.title.text


def test_each_seed_is_a_dot_and_an_interval_ends_where_shares_do() -> None:
    """Seeds 0.1 apart: Student's t with one degree of freedom gives 12.7 times 0.05, which is
    beyond 0 and 1."""
    figure = alignment.by_layer(retrieved())
    dots = next(t for t in figure.data if t.name is None and t.legendgroup == "pretrained")
    found = {(x, seed): y for x, y, seed in zip(dots.x, dots.y, dots.customdata, strict=True)}
    assert found[1, 0] == pytest.approx(0.5167, abs=1e-4)
    assert found[1, 1] == pytest.approx(0.6167, abs=1e-4)
    line = lines(figure, "pretrained")[0]
    assert line.y[1] - line.error_y.arrayminus[1] == pytest.approx(0, abs=1e-4)
    assert line.y[1] + line.error_y.array[1] == pytest.approx(1, abs=1e-4)
    assert "cut at 0 and 1" in figure.layout.title.text


def test_one_seed_has_no_interval() -> None:
    figure = alignment.by_layer(retrieved(seeds=1))
    assert all(trace.name for trace in figure.data)
    assert "no intervals" in figure.layout.title.text


def test_the_table_pairs_both_networks() -> None:
    frame = alignment.summary(retrieved()).frame
    assert frame["layer"].to_list() == ["embeddings", "1"] * 2
    plain = frame.row(1, named=True)
    assert plain["vectors"] == "vectors as they are"
    assert plain["difference"].startswith("+0.40")
    assert frame["difference"][0].startswith("\u22120.10")


def test_the_matrix_has_relatives_side_by_side_and_no_diagonal() -> None:
    figure = alignment.matrix(retrieved(), layer=1)
    found, gain = figure.data
    names = ["Avelo", "\u4e2d\u6587", "\u05e2\u05d1\u05e8\u05d9\u05ea"]
    assert list(found.x) == list(found.y) == names
    assert [list(row) for row in found.z] == [
        [None, 0.72, 0.52],
        [0.72, None, 0.52],
        [0.52, 0.52, None],
    ]
    assert gain.z[0][1] == pytest.approx(0.4)
    assert list(gain.text[0][:2]) == ["", "+40"]
    borders = {shape.x0 for shape in figure.layout.shapes if shape.x0 == shape.x1}
    assert borders == {1.5}


def test_what_pretraining_takes_away_has_the_other_colour() -> None:
    figure = alignment.matrix(retrieved(), layer=0)
    gain = figure.data[1]
    assert gain.z[0][1] == pytest.approx(-0.1)
    assert gain.text[0][1] == "\u221210"
    assert gain.zmin == -gain.zmax
    assert gain.colorscale[0][1] == theme.VERMILION


def test_many_languages_have_no_numbers_in_their_cells() -> None:
    one = retrieved(seeds=1).filter(pl.col("layer") == 1, "centred", language="qaa", other="qab")
    keys = [f"q{chr(97 + i)}" for i in range(20)]
    rows = [
        one.with_columns(language=pl.lit(a), other=pl.lit(b), name=pl.lit(a))
        for a, b in itertools.permutations(keys, 2)
    ]
    figure = alignment.matrix(pl.concat(rows), layer=1)
    assert figure.data[0].texttemplate is None
    assert len(figure.data[0].z) == 20


def test_foreseen_draws_pieces_and_bytes_with_what_frequencies_give() -> None:
    rows = [
        (key, seed, 100.0 + 20 * seed, 2.0, 150.0, 2.5, 12, 90, 400, 1)
        for key in KNOWN["language"]
        for seed in (0, 1)
    ]
    columns = ("language", "seed", "perplexity", "bits_per_byte", "unigram_perplexity")
    more = ("unigram_bits_per_byte", "num_sentences", "num_tokens", "num_bytes", "num_unknown")
    frame = pl.DataFrame(rows, schema=(*columns, *more), orient="row")
    figure = alignment.foreseen(frame.join(KNOWN, on="language", maintain_order="left"))
    pieces, in_bytes = lines(figure, "pretrained")
    assert list(pieces.y) == [110.0] * 3
    assert list(in_bytes.y) == [2.0] * 3
    assert [list(t.y) for t in lines(figure, "frequency of pieces alone")] == [
        [150.0] * 3,
        [2.5] * 3,
    ]
    assert "3 pieces are unknown" in figure.layout.title.text
    assert "first 12 sentences" in figure.layout.title.text
