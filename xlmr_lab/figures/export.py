"""Figures and tables as files to pass on, with where they come from inside: the run, the call that
draws them, the code.

A figure becomes a page of its own (HTML, opens without a network), an image (SVG, PNG: images.py),
and its data (CSV); a table becomes LaTeX and CSV. The origin stands where each kind of file has
room for it: in the page's head, in the image's text, in comments before the rows, which
`polars.read_csv(..., comment_prefix="#")` leaves out. Files are whole or absent. Figures are
written in the light look.
"""

import base64
import csv
import dataclasses
import functools
import html
import io
import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import plotly.graph_objects as go

from xlmr_lab import provenance, storage
from xlmr_lab.errors import UserError
from xlmr_lab.figures.html_tables import HtmlTable
from xlmr_lab.figures.images import Kind, images, tagged_png, tagged_svg

FORMATS = ("html", "svg", "png", "csv", "tex")
OF_FIGURE, OF_TABLE = ("html", "svg", "png", "csv"), ("csv", "tex")
"""Formats of a figure and of a table."""
COLUMNS = ("trace", "axes", "x", "y", "z", "low", "high", "text")
"""Columns of a figure's data: a line for each point; low and high are the ends of its error bar."""
BOX = {
    "lowerfence": "lower whisker",
    "q1": "lower quartile",
    "median": "median",
    "q3": "upper quartile",
    "upperfence": "upper whisker",
}
"""Parts of a box whose measures a figure gives, and what the data calls them."""
LONGEST_NAME = 60
TAGS, BREAK = re.compile(r"<[^>]*>"), re.compile(r"<br\s*/?>")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where a figure or table comes from."""

    run: str
    """The run as its user names it, which is its path; empty where there is none."""
    call: str
    """What draws it, as Python."""

    def about(self) -> dict[str, str]:
        """Return run, call and code, by name."""
        return {"run": self.run or "none", "call": self.call, "made by": _code()}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """A figure that is to be written: as `stem` with the ending of each format."""

    figure: go.Figure
    stem: Path
    origin: Origin


def chosen(text: str) -> tuple[str, ...]:
    """Return formats that are written with commas between.

    Raises:
        UserError: there is none, or no such format.

    >>> chosen("svg,csv")
    ('svg', 'csv')
    """
    named = tuple(filter(None, text.split(",")))
    for name in named or ("",):
        if name not in FORMATS:
            raise UserError(f"export is one or more of {', '.join(FORMATS)}, got {name!r}")
    return named


def named(title: str) -> str:
    """Return a title as the name of files.

    >>> named("<b>Loss by α</b><br>nats")
    'loss-by-alpha'
    """
    first = TAGS.sub("", re.split(BREAK, title)[0]).replace("\u03b1", "alpha")
    words = re.findall(r"[a-z0-9.]+", html.unescape(first).lower())
    while len(words) > 1 and len("-".join(words)) > LONGEST_NAME:
        words.pop()
    return "-".join(words).strip("-.") or "untitled"


def read_figure(node: Mapping[str, Any]) -> go.Figure:
    """Return a figure as a notebook keeps it, with lists for arrays that plotly packed."""
    return go.Figure(_unpacked({"data": node["data"], "layout": node.get("layout", {})}))


def write_figures(drawings: Sequence[Drawing], formats: Iterable[str]) -> list[Path]:
    """Write each figure in each format that a figure has; return the files.

    Raises:
        UserError: an image is asked for, and kaleido or a browser is missing; nothing is written.
    """
    wanted = [name for name in OF_FIGURE if name in formats]
    jobs = [(each, kind) for each in drawings for kind in get_args(Kind) if kind in wanted]
    drawn = images([(each.figure, kind) for each, kind in jobs])
    tag: dict[str, Callable[[bytes, dict[str, str]], bytes]] = {
        "svg": tagged_svg,
        "png": tagged_png,
    }
    written = []
    for (each, kind), image in zip(jobs, drawn, strict=True):
        path = each.stem.with_name(f"{each.stem.name}.{kind}")
        storage.write_bytes(path, tag[kind](image, each.origin.about()))
        written.append(path)
    texts = {"html": _page, "csv": _data}
    for each, name in itertools.product(drawings, [n for n in wanted if n in texts]):
        path = each.stem.with_name(f"{each.stem.name}.{name}")
        storage.write_text(path, texts[name](each.figure, each.origin.about()))
        written.append(path)
    return written


def write_table(table: HtmlTable, stem: Path, origin: Origin, formats: Iterable[str]) -> list[Path]:
    """Write a table in each format that a table has; return the files."""
    written = []
    for name in [n for n in OF_TABLE if n in formats]:
        path = stem.with_name(f"{stem.name}.{name}")
        about = origin.about() | ({"title": table.caption} if table.caption else {})
        text, mark = (table.csv(), "#") if name == "csv" else (table.latex(), "%")
        storage.write_text(path, _comments(about, mark) + text)
        written.append(path)
    return written


@functools.cache
def _code() -> str:
    made = provenance.collect()
    return f"xlmr_lab {made['package_version']}, commit {made['git_commit'] or 'unknown'}"


def _page(figure: go.Figure, about: dict[str, str]) -> str:
    """Return a page that holds a figure and plotly.js."""
    text = figure.to_html(include_plotlyjs=True, config={"displaylogo": False})
    said = "".join(
        f'<meta name="{name}" content="{html.escape(value)}">' for name, value in about.items()
    )
    title = html.escape(" ".join(_words(figure.layout.title.text)))
    return text.replace("<head>", f"<head><title>{title}</title>{said}", 1)


def _data(figure: go.Figure, about: dict[str, str]) -> str:
    """Return what a figure shows, point by point, below what it and its axes are called."""
    titles = {
        str(name).replace("axis", ""): " ".join(_words(axis["title"]["text"]))
        for name, axis in figure.layout.to_plotly_json().items()
        if re.fullmatch(r"[xy]axis\d*", str(name)) and axis.get("title", {}).get("text")
    }
    title, *lines = re.split(BREAK, str(figure.layout.title.text or ""))
    said = {"title": title, "shown": " ".join(lines)}
    head = about | {name: " ".join(_words(text)) for name, text in said.items()} | titles
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(COLUMNS)
    for trace in figure.data:
        table.writerows(_points(trace))
    return _comments(head, "#") + written.getvalue()


def _unpacked(part: Any) -> Any:
    """Return a part of a figure with lists for typed arrays, and None where one has no number."""
    if isinstance(part, list):
        return [_unpacked(each) for each in part]
    if not isinstance(part, dict):
        return part
    if "bdata" not in part:
        return {name: _unpacked(own) for name, own in part.items()}
    kind = np.dtype(part["dtype"].removesuffix("c")).newbyteorder("<")  # u1c: u1 that is clamped
    packed = np.frombuffer(base64.b64decode(part["bdata"]), dtype=kind)
    values = packed.astype(object)
    values[np.isnan(packed)] = None
    shape = [int(length) for length in re.findall(r"\d+", str(part.get("shape", "")))]
    return values.reshape(shape or [-1]).tolist()


def _points(trace: Any) -> Iterable[list[Any]]:
    """Yield the points of a trace, those of a matrix one by one, as `COLUMNS` has them."""
    name = " ".join(_words(trace["name"] or trace["type"]))
    axes = f"{_value(trace, 'xaxis') or 'x'} {_value(trace, 'yaxis') or 'y'}"
    x, y, z, text = (_listed(_value(trace, part)) for part in ("x", "y", "z", "text"))
    if not y and _value(trace, "median") is not None:
        for part, told in BOX.items():
            for i, end in enumerate(_listed(trace[part])):
                yield [name, axes, _at(x, i), end, "", "", "", told]
        return
    width, height = (len(z[0]), len(z)) if z else (len(y), len(x))
    x, y = x or _stepped(trace, "x", width), y or _stepped(trace, "y", height)
    if z:
        for i, row in enumerate(z):
            for j, value in enumerate(row):
                yield [name, axes, _at(x, j, j), _at(y, i, i), value, "", "", ""]
        return
    across = _value(_value(trace, "error_x") or {}, "array") is not None
    middle, ends = (x, trace["error_x"]) if across else (y, _value(trace, "error_y") or {})
    above = _listed(_value(ends, "array"))
    below = _listed(_value(ends, "arrayminus")) or above
    for i in range(max(len(x), len(y))):
        at, up, down = _at(middle, i), _at(above, i), _at(below, i)
        known = isinstance(at, int | float) and up not in ("", None)
        ends_at = [_short(at - (down or 0)), _short(at + up)] if known else ["", ""]
        yield [name, axes, _at(x, i), _at(y, i), "", *ends_at, " ".join(_words(_at(text, i)))]


def _stepped(trace: Any, axis: str, number: int) -> list[Any]:
    """Return so many coordinates of a trace that tells only their first and their step; none where
    it tells neither, of dates, and of a box, all of which stands at the first.
    """
    first, step = _value(trace, f"{axis}0"), _value(trace, f"d{axis}")
    if first is step is None or isinstance(first, str) or trace["type"] in ("box", "violin"):
        return []
    start, by = first or 0, 1 if step is None else step
    return [round(start + place * by, 12) for place in range(number)]


def _value(part: Any, name: str) -> Any:
    """Return a setting of a trace, None where its kind has none such."""
    return part[name] if name in part else None


def _listed(values: Any) -> list[Any]:
    return [] if values is None or isinstance(values, str) else [_plain(v) for v in values]


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


def _short(value: float) -> float:
    """Return a sum without what binary fractions add to it."""
    return float(f"{value:.6g}")


def _at(values: Sequence[Any], place: int, default: Any = "") -> Any:
    return values[place] if place < len(values) else default


def _words(text: Any) -> list[str]:
    return html.unescape(TAGS.sub(" ", str(text or ""))).split()


def _comments(about: dict[str, str], mark: str) -> str:
    lines = [f"{mark} {name}: {' '.join(value.split())}" for name, value in about.items()]
    return "".join(f"{line}\n" for line in lines)
