"""What is exported says inside where it comes from, and holds the numbers that are shown."""

import json
import re
import struct
import sys
import zlib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest
from made_cells import small

from xlmr_lab.errors import UserError
from xlmr_lab.figures import campaign, export, html_tables, images, tables, theme
from xlmr_lab.figures.export import Drawing, Origin

ORIGIN = Origin(run="runs/tiny", call='losses(frame, by="<a> & b")\n# and more')


def figure() -> go.Figure:
    bars = {"array": [0.1, 0.2], "arrayminus": [0.3, None]}
    drawn = go.Figure(go.Scatter(x=["a", "b"], y=[1.0, 2.0], error_y=bars, name="<i>one</i>"))
    drawn.add_bar(x=[5], y=["c"], orientation="h", error_x={"array": [1]})
    drawn.add_heatmap(z=[[1, None]], x=["p", "q"], y=["r"])
    drawn.update_xaxes(title="steps")
    drawn.update_yaxes(title="loss,<br>nats")
    return theme.finish(drawn, title="Loss by α", subtitle="means over seeds", height=200)


def write(tmp_path: Path, *formats: str) -> list[Path]:
    drawing = Drawing(figure=figure(), stem=tmp_path / "a.b", origin=ORIGIN)
    return export.write_figures([drawing], formats)


def test_data_has_a_line_for_each_point_with_the_ends_of_its_bar(tmp_path: Path) -> None:
    (path,) = write(tmp_path, "csv", "tex")
    assert path.name == "a.b.csv"
    text = path.read_text("utf-8")
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert comments[0] == "# run: runs/tiny"
    assert comments[1] == '# call: losses(frame, by="<a> & b") # and more'
    assert comments[3:] == [
        "# title: Loss by α",
        "# shown: means over seeds",
        "# x: steps",
        "# y: loss, nats",
    ]
    frame = pl.read_csv(path, comment_prefix="#", infer_schema=False)
    rows = frame.select("trace", "x", "y", "z", "low", "high").rows()
    assert rows == [
        ("one", "a", "1.0", None, "0.7", "1.1"),
        ("one", "b", "2.0", None, "2.0", "2.2"),
        ("bar", "5", "c", None, "4.0", "6.0"),
        ("heatmap", "p", "r", "1", None, None),
        ("heatmap", "q", "r", None, None, None),
    ]


def rows_of(figure: go.Figure, tmp_path: Path) -> list[tuple[str | None, ...]]:
    drawing = Drawing(figure=figure, stem=tmp_path / "f", origin=ORIGIN)
    (path,) = export.write_figures([drawing], ["csv"])
    frame = pl.read_csv(path, comment_prefix="#", infer_schema=False)
    return frame.select("trace", "x", "y", "z", "low", "high").rows()


def test_a_box_by_its_measures_has_a_line_for_each(tmp_path: Path) -> None:
    drawn, measures = go.Figure(), (1, 2, 3, 5, 9)
    parts = zip(("lowerfence", "q1", "median", "q3", "upperfence"), measures, strict=True)
    drawn.add_box(x=["a", "b"], **{part: [value, 10 * value] for part, value in parts})
    rows = rows_of(theme.finish(drawn, title="Lengths", subtitle="", height=200), tmp_path)
    assert [row[:3] for row in rows[4:6]] == [("box", "a", "3"), ("box", "b", "30")]
    assert [float(row[2] or 0) for row in rows if row[1] == "a"] == list(measures)


def test_arrays_that_plotly_packs_in_a_notebook_are_read_back(tmp_path: Path) -> None:
    bars = {"array": np.array([0.5, 0.25])}
    drawn = go.Figure(go.Scatter(x=np.arange(2), y=np.array([1.5, np.nan]), error_y=bars))
    drawn.add_heatmap(z=np.array([[1.0, 2.0], [3.0, np.nan]]), x=["p", "q"], y=["r", "s"])
    node = json.loads(drawn.to_json())
    assert set(node["data"][0]["y"]) == {"dtype", "bdata"}
    assert rows_of(export.read_figure(node), tmp_path) == [
        ("scatter", "0", "1.5", None, "1.0", "2.0"),
        ("scatter", "1", None, None, None, None),
        ("heatmap", "p", "r", "1.0", None, None),
        ("heatmap", "q", "r", "2.0", None, None),
        ("heatmap", "p", "s", "3.0", None, None),
        ("heatmap", "q", "s", None, None, None),
    ]


def test_coordinates_in_even_steps_are_written_out(tmp_path: Path) -> None:
    drawn = go.Figure(go.Scatter(x0=1_000_000, dx=1, y=[4, 5]))
    drawn.add_bar(dy=0.1, x=[7, 8, 9, 6], orientation="h")
    drawn.add_heatmap(z=[[1, 2]], x0=10, dx=5, y=["r"])
    drawn.add_box(x0=3, y=[1])
    drawn.add_scatter(y=[6])
    assert [row[:3] for row in rows_of(drawn, tmp_path)] == [
        ("scatter", "1000000", "4"),
        ("scatter", "1000001", "5"),
        ("bar", "7", "0.0"),
        ("bar", "8", "0.1"),
        ("bar", "9", "0.2"),
        ("bar", "6", "0.3"),
        ("heatmap", "10", "r"),
        ("heatmap", "15", "r"),
        ("box", None, "1"),
        ("scatter", None, "6"),
    ]


def test_the_lines_of_a_campaigns_cells_have_the_places_of_their_axes(tmp_path: Path) -> None:
    rows = rows_of(campaign.parallel(small().table()), tmp_path)
    assert [row[1] for row in rows if row[0] == "base"] == ["0", "1", "2", "3", "4"]


def test_a_page_needs_nothing_and_says_where_it_comes_from(tmp_path: Path) -> None:
    (path,) = write(tmp_path, "html")
    text = path.read_text("utf-8")
    assert '<meta name="run" content="runs/tiny">' in text
    assert "by=&quot;&lt;a&gt; &amp; b&quot;" in text
    assert "plotly.js v" in text
    assert re.findall(r'<(?:script|link)[^>]+(?:src|href)="', text) == []


def chunks(image: bytes) -> dict[str, str]:
    """Return the texts of a PNG, after checking each chunk's sum."""
    place, found = 8, {}
    while place < len(image):
        (size,) = struct.unpack(">I", image[place : place + 4])
        content = image[place + 4 : place + 8 + size]
        assert struct.unpack(">I", image[place + 8 + size : place + 12 + size])[0] == zlib.crc32(
            content
        )
        if content[:4] == b"iTXt":
            name, rest = content[4:].split(b"\0", 1)
            found[name.decode()] = rest[4:].decode()
        place += 12 + size
    return found


def test_a_png_holds_its_origin_in_chunks_that_readers_know() -> None:
    header = b"IHDR" + bytes(13)
    first = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    end = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    image = b"\x89PNG\r\n\x1a\n" + first + end
    tagged = images.tagged_png(image, {"run": "α", "call": "f(1)"})
    assert chunks(tagged) == {"run": "α", "call": "f(1)"}
    assert tagged.startswith(image[:33])
    assert tagged.endswith(end)


@pytest.mark.ui
def test_images_are_drawn_and_hold_their_origin(tmp_path: Path) -> None:
    pytest.importorskip("kaleido")
    try:
        vector, image = write(tmp_path, "png", "svg")
    except UserError as error:
        pytest.skip(str(error))
    root = ElementTree.parse(vector).getroot()
    (told,) = root.iter("{http://www.w3.org/2000/svg}metadata")
    assert (told.text or "").startswith("run: runs/tiny\ncall: losses(frame")
    assert "Loss by α" in "".join(root.itertext())
    assert chunks(image.read_bytes())["call"] == ORIGIN.call


def test_without_kaleido_one_line_says_what_to_install_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kaleido", None)
    with pytest.raises(UserError, match=r"kaleido is not installed.*xlmr-lab\[export\].*html and"):
        write(tmp_path, "csv", "svg")
    assert list(tmp_path.iterdir()) == []


def test_without_a_browser_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoBrowser:
        def __init__(self, **_: object) -> None:
            raise RuntimeError("Kaleido requires Google Chrome.\nMore lines")

    class Library:
        Kaleido = NoBrowser

    monkeypatch.setitem(sys.modules, "kaleido", Library)
    with pytest.raises(UserError, match=r"no browser to draw with \(Kaleido requires Google Chr"):
        write(tmp_path, "png")


def test_formats_are_named_and_another_is_refused() -> None:
    assert export.chosen("svg,tex") == ("svg", "tex")
    for wrong in ("pdf", "", "svg,pdf"):
        with pytest.raises(UserError, match="export is one or more of html, svg, png, csv, tex"):
            export.chosen(wrong)


def test_a_long_title_is_cut_between_words() -> None:
    name = export.named("word " * 40)
    assert len(name) <= export.LONGEST_NAME
    assert set(name.split("-")) == {"word"}


def shown_table() -> str:
    frame = pl.DataFrame({"name_x": ["a & b", None], "share": [0.5, 1234.5]})
    return tables.show(frame, "Shares, in %")._repr_html_()


def test_a_table_is_read_back_as_it_is_shown(tmp_path: Path) -> None:
    (table,) = html_tables.tables(f"<p>text</p>{shown_table()}")
    assert table.caption == "Shares, in %"
    assert table.rows == [["name x", "share"], ["a & b", "0.5"], ["\u2013", "1,234"]]
    paths = export.write_table(table, tmp_path / "t", ORIGIN, export.FORMATS)
    assert [path.name for path in paths] == ["t.csv", "t.tex"]
    frame = pl.read_csv(paths[0], comment_prefix="#")
    assert frame.rows() == [("a & b", "0.5"), ("\u2013", "1,234")]


def test_latex_has_booktabs_and_escapes(tmp_path: Path) -> None:
    (table,) = html_tables.tables(shown_table())
    export.write_table(table, tmp_path / "t", ORIGIN, ["tex"])
    lines = (tmp_path / "t.tex").read_text("utf-8").splitlines()
    assert lines[0] == "% run: runs/tiny"
    body = lines[lines.index(r"\begin{table}") :]
    assert body == [
        r"\begin{table}",
        r"\centering\small",
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"name x & share \\",
        r"\midrule",
        r"a \& b & 0.5 \\",
        r"-- & 1,234 \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\caption{Shares, in \%}",
        r"\end{table}",
    ]


def test_a_cell_over_columns_stands_in_the_first() -> None:
    (table,) = html_tables.tables(
        "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><th colspan='2'>ours</th>"
        "</tr><tr><td>1</td><td>2</td></tr></tbody></table><table></table>"
    )
    assert table.rows == [["a", "b"], ["ours", ""], ["1", "2"]]
    assert table.num_header == 1
