"""All cells of a campaign as parallel coordinates: what varies, and what came out.

The table is that of `cell_frames.Cells`. It is drawn as plain lines, not as plotly's own parallel
coordinates: those tell no name of a line, need WebGL, and keep a range that is drawn with the mouse
to themselves, where nothing else can follow it. Here ranges are arguments, and what lies outside of
them is grey.
"""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl
from plotly.colors import sample_colorscale

from xlmr_lab.cell_frames import KNOWN, Brush, is_outcome, within
from xlmr_lab.figures import theme
from xlmr_lab.figures.campaign_words import said, unit, value_told

TITLE = "All cells: what varies, and what came out"
NOTHING = "No cell is left."
SCALE = ["#2a5fc0", "#7d5fae", "#b55d90", "#d56367", "#e2742e"]
"""Colours of the first outcome from its least to its most, for lines and the bar alike. The same in
every look: each lies between a white ground and a dark one, rises in lightness, and goes from blue
to orange, which common colour blindnesses leave apart."""
LABEL_LETTERS, MANY_TICKS, MANY_AXES = 12, 7, 11
"""Letters in a line of an axis's name; an axis of more values than this writes its ends alone; the
names of more axes than this are turned."""
HEIGHT, TURNED, LABEL_LINE = 440, 120, 15
"""Heights of the picture, of names that are turned, and of a line of others, in pixels."""


def parallel(table: pl.DataFrame, *, brush: Brush | None = None) -> go.Figure:
    """Draw a line for each cell over everything that varies and came out; in colour the cells that
    a brush wants, by the first outcome.

    A line has a gap where a cell was not measured; such a cell is in no range there. What a brush
    says of columns that are not drawn has no effect.
    """
    axes = [name for name in table.columns if name not in KNOWN]
    if table.is_empty() or not axes:
        return theme.empty(NOTHING, title=TITLE)
    wanted = {name: own for name, own in (brush or {}).items() if name in axes}
    heights = {name: _heights(table[name]) for name in axes}
    inside = within(table, wanted)
    by = next((name for name in axes if is_outcome(name)), "")
    figure = go.Figure()
    for place in sorted(range(len(table)), key=lambda place: inside[place]):
        row = table.row(place, named=True)
        shade = heights[by].get(row[by]) if by else None
        _add_line(figure, row, heights, theme.FAINT if not inside[place] else _color(shade))
    _add_axes(figure, heights, wanted)
    if by:
        _add_scale(figure, table[by])
    turned = len(axes) > MANY_AXES
    labels = [said(name) if turned else _broken(said(name)) for name in axes]
    figure.update_xaxes(tickvals=list(range(len(axes))), ticktext=labels, side="top")
    figure.update_xaxes(tickangle=-50 if turned else 0)
    figure.update_xaxes(range=[-0.5, len(axes) - 0.6], showgrid=False, zeroline=False)
    figure.update_xaxes(tickfont={"size": 11}, fixedrange=True)
    figure.update_yaxes(visible=False, range=[-0.05, 1.05], fixedrange=True)
    figure = theme.finish(figure, title=TITLE, subtitle=_told(inside, wanted, by), height=HEIGHT)
    lines = 1 + max(label.count("<br>") for label in labels)
    top = figure.layout.margin.t + (TURNED if turned else LABEL_LINE * lines)
    figure.update_xaxes(automargin=False, ticklabeloverflow="allow")
    return figure.update_layout(showlegend=False, margin={"t": top, "l": 20, "b": 16})


def levels(values: pl.Series) -> list[Any]:
    """Return the values of a setting in the order of its axis, from below: numbers from the least,
    words as they come.

    >>> levels(pl.Series([128, 64, None, 64])), levels(pl.Series(["no", "yes", "no"]))
    ([64, 128], ['no', 'yes'])
    """
    known = values.drop_nulls().unique(maintain_order=True)
    return known.to_list() if values.dtype == pl.String else known.sort().to_list()


def _heights(values: pl.Series) -> dict[Any, float]:
    """Return where each value stands on its axis, from 0 to 1: settings in even steps, outcomes in
    proportion."""
    known = levels(values)
    if len(known) < 2:
        return dict.fromkeys(known, 0.5)
    if not is_outcome(values.name):
        return {value: round(i / (len(known) - 1), 3) for i, value in enumerate(known)}
    return {value: round((value - known[0]) / (known[-1] - known[0]), 3) for value in known}


def _color(shade: float | None) -> str:
    return theme.INK if shade is None else str(sample_colorscale(SCALE, [shade])[0])


def _add_line(
    figure: go.Figure, row: dict[str, Any], heights: dict[str, dict[Any, float]], color: str
) -> None:
    is_in = color != theme.FAINT
    also = ", ".join(name for name in row["names"] if name != row["cell"])
    name = theme.lettered(row["cell"])
    told = f"{name} ({theme.lettered(also)})" if also else name
    figure.add_scatter(
        x0=0,
        dx=1,
        y=[places.get(row[axis]) for axis, places in heights.items()],
        name=name,
        mode="lines+markers",
        line={"color": color, "width": 1.8 if is_in else 1},
        marker={"color": color, "size": 5 if is_in else 3},
        text=[
            f"{said(axis)}: {value_told(row[axis])}" if row[axis] in places else ""
            for axis, places in heights.items()
        ],
        hovertemplate=f"{_broken(told, 60)}<br>%{{text}}<extra></extra>",
    )


def _add_axes(figure: go.Figure, heights: dict[str, dict[Any, float]], wanted: Brush) -> None:
    """Draw the axes, the values along them, and the ranges that are wanted."""
    texts: list[tuple[float, float, str]] = []
    for place, (name, own) in enumerate(heights.items()):
        figure.add_shape(type="line", x0=place, x1=place, y0=0, y1=1, line={"color": theme.GREY})
        values = list(own)
        if is_outcome(name) or len(values) > MANY_TICKS:
            values = list(dict.fromkeys((values[0], values[-1]))) if values else []
        texts += [(place, own[value], _short(value_told(value))) for value in values]
        if name in wanted:
            kept = [own[v] for v, is_in in zip(own, _of(name, own, wanted), strict=True) if is_in]
            low, high = (min(kept), max(kept)) if kept else (0.0, 0.0)
            figure.add_shape(
                type="rect",
                x0=place - 0.09,
                x1=place + 0.09,
                y0=low - 0.025,
                y1=high + 0.025,
                line={"color": theme.VERMILION, "width": 1.5},
                fillcolor="rgba(213, 94, 0, 0.15)",
            )
    figure.add_scatter(
        x=[x for x, _, _ in texts],
        y=[y for _, y, _ in texts],
        text=[f"{text}\u00a0\u00a0" for _, _, text in texts],
        mode="text",
        textposition="middle left",
        textfont={"size": 10.5},
        hoverinfo="skip",
    )


def _of(name: str, own: dict[Any, float], wanted: Brush) -> list[bool]:
    return within(pl.DataFrame({name: list(own)}), {name: wanted[name]})


def _add_scale(figure: go.Figure, values: pl.Series) -> None:
    """Draw what the colours stand for."""
    known = levels(values)
    if len(known) < 2:
        return
    ends = {"cmin": known[0], "cmax": known[-1]}
    title = {"text": unit(values.name), "side": "right"}
    bar = {"title": title, "thickness": 12, "outlinewidth": 0}
    scale = {"colorscale": SCALE, "showscale": True, "colorbar": bar}
    figure.add_scatter(
        x=[None],
        y=[None],
        mode="markers",
        marker={"color": [known[0]], **ends, **scale},
        hoverinfo="skip",
    )


def _told(inside: Sequence[bool], wanted: Brush, by: str) -> str:
    number = f"{sum(inside)} of {len(inside)}" if wanted else f"{len(inside)}"
    kept = f"{number} cells{' are within the ranges' if wanted else ''}"
    colored = f"coloured by the {said(by)}" if by else "none has an outcome yet"
    grey = ", grey outside" if wanted else ""
    return (
        f"{kept}. A line is a cell, {colored}{grey}<br>"
        "Outcomes are means over languages and seeds; at a gap the cell was not measured"
    )


def _broken(text: str, letters: int = LABEL_LETTERS) -> str:
    """Return text in lines of about so many letters."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= letters:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines)


def _short(text: str) -> str:
    return text if len(text) <= LABEL_LETTERS else f"{text[: LABEL_LETTERS - 1]}\u2026"
