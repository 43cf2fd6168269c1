"""The paper's claims as a campaign tested them, in one picture: a row for each contrast.

Rows stand below the claim that they are of. Losses and scores have no unit in common, so each has a
panel of its own, and a row has its dot in one of them. Everything to the right of 0 is as the claim
says. An interval that is much wider than what was found is cut off at the edge of its panel, with
an arrow. Places are pixels, since rows take as many lines as their text needs.
"""

import math
import textwrap
from typing import NamedTuple

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab import intervals
from xlmr_lab.figures import theme
from xlmr_lab.figures.findings import SYMBOLS
from xlmr_lab.figures.theme import lettered

UNITS = ("bits per byte", "points")
"""Of held-out losses and of scores, as conclusions have them; a panel for each."""
TITLE = "Every contrast, by claim"
NOTHING = "No claim was tested."
LABEL_LETTERS, CLAIM_LETTERS = 44, 84
"""A longer label is broken into lines."""
LINE, ROOM, CLAIM_LINE, CLAIM_ROOM = 13, 7, 16, 8
"""Height of a line of a row and of a claim, and what they take beside their lines, in pixels."""
LABELS = 262
"""Width that is left to the labels, in pixels."""
AXIS = 46
"""Height that an axis takes, in pixels."""
MARKS = {"supported": "\u25cf", "contradicted": "\u2715", "inconclusive": "\u25cb"}
"""What stands for the symbols of verdicts (a dot, a cross, a ring) where they are counted."""
REACH = 3.0
"""Intervals are drawn up to so many times the largest effect."""
BOUNDS = ("low", "high")


class Heading(NamedTuple):
    """What stands above the rows of a claim; places are pixels from the top."""

    text: str
    top: float
    rows: float
    """Where its rows begin."""
    end: float


class Places(NamedTuple):
    """Where rows and claims stand, in pixels from the top."""

    rows: pl.DataFrame
    """The conclusions with their `place` and `label`."""
    headings: list[Heading]
    height: float


def overview(conclusions: pl.DataFrame) -> go.Figure:
    """Draw the effect of each contrast with its 95 % interval over seeds, coloured by verdict,
    below the claim that it is of; what is no part of a claim is said to stand beside it.
    """
    if conclusions.is_empty():
        return theme.empty(NOTHING, title=TITLE, height=150)
    rows, headings, height = _places(conclusions)
    units = [unit for unit in UNITS if unit in rows["unit"]]
    figure = make_subplots(rows=1, cols=len(units), shared_yaxes=True, horizontal_spacing=0.03)
    for panel, unit in enumerate(units, 1):
        part, edge = rows.filter(pl.col("unit") == unit), _edge(rows, unit)
        for verdict in theme.VERDICT_COLORS:
            own = part.filter(pl.col("verdict") == verdict, pl.col("effect").is_not_null())
            _add(figure, own, panel, verdict, edge)
        _add_unknown(figure, part.filter(pl.col("effect").is_null()), panel)
        _axis(figure, panel, unit, edge, len(units))
    for heading in headings:
        _add_heading(figure, heading, len(units))
    figure.update_yaxes(
        range=[height, 0],
        tickvals=rows["place"].to_list(),
        ticktext=rows["label"].to_list(),
        tickfont={"size": 11},
        showgrid=False,
        automargin=False,
    )
    return _finished(figure, conclusions, height)


def _places(conclusions: pl.DataFrame) -> Places:
    top, places, labels, headings = 0.0, list[float](), list[str](), list[Heading]()
    for (claim,), own in conclusions.group_by("claim", maintain_order=True):
        told = f"{claim}, {own['claim_verdict'][0]}. {lettered(own['title'][0])}"
        lines = textwrap.wrap(told, CLAIM_LETTERS)
        text = "<b>" + "<br>".join(lines).replace(".", ".</b>", 1)
        start, top = top, top + CLAIM_LINE * len(lines) + CLAIM_ROOM
        first = top
        for says, aside in own.select("says", "aside").iter_rows():
            label = lettered(f"{'beside it: ' * aside}{says}")
            lines = textwrap.wrap(label, LABEL_LETTERS, break_on_hyphens=False)
            height = LINE * len(lines) + ROOM
            places.append(top + height / 2)
            labels.append("<i>" * aside + "<br>".join(lines) + "</i>" * aside)
            top += height
        headings.append(Heading(text=text, top=start, rows=first, end=top))
        top += ROOM
    rows = conclusions.with_columns(place=pl.Series(places), label=pl.Series(labels))
    return Places(rows=rows, headings=headings, height=top)


def _edge(rows: pl.DataFrame, unit: str) -> float:
    """Return how far from 0 the panel of a unit reaches: all effects, and intervals that are not
    much wider."""
    own = rows.filter(pl.col("unit") == unit)
    largest = max((abs(x) for x in own["effect"].drop_nulls()), default=0.0) or 1.0
    bounds = [abs(x) for name in BOUNDS for x in own[name].drop_nulls()]
    return 1.06 * max(largest, min(REACH * largest, max(bounds, default=0.0)))


def _add(figure: go.Figure, rows: pl.DataFrame, panel: int, verdict: str, edge: float) -> None:
    color, symbol = theme.VERDICT_COLORS[verdict], SYMBOLS[verdict]
    cut = rows.with_columns(pl.col(BOUNDS).clip(-edge, edge))
    told = [intervals.told(*row) for row in rows.select("effect", *BOUNDS).iter_rows()]
    shown = cut.select("contrast", "unit", "num_seeds").with_columns(told=pl.Series(told))
    figure.add_scatter(
        x=theme.rounded(rows["effect"]),
        y=rows["place"].to_list(),
        error_x={
            "type": "data",
            "symmetric": False,
            "array": theme.rounded(cut["high"] - cut["effect"]),
            "arrayminus": theme.rounded(cut["effect"] - cut["low"]),
            "thickness": 1.5,
            "width": 3,
        },
        name=verdict,
        mode="markers",
        marker={"color": color, "symbol": symbol, "size": 9},
        customdata=shown.rows(),
        hovertemplate="%{customdata[0]}: %{customdata[3]} %{customdata[1]}, "
        f"{verdict} (%{{customdata[2]}} seeds)<extra></extra>",
        row=1,
        col=panel,
    )
    _add_arrows(figure, rows, panel, color, edge)


def _add_arrows(figure: go.Figure, rows: pl.DataFrame, panel: int, color: str, edge: float) -> None:
    """Mark where an interval goes on beyond the edge of its panel."""
    ends = [
        (side * edge, place, arrow)
        for name, side, arrow in (("low", -1, "triangle-left"), ("high", 1, "triangle-right"))
        for place, bound in rows.select("place", name).drop_nulls().iter_rows()
        if side * bound > edge
    ]
    x, y, arrows = zip(*ends, strict=True) if ends else ((), (), ())
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"color": color, "symbol": arrows, "size": 8},
        hoverinfo="skip",
        row=1,
        col=panel,
    )


def _add_unknown(figure: go.Figure, rows: pl.DataFrame, panel: int) -> None:
    figure.add_scatter(
        x=[0.0] * len(rows),
        y=rows["place"].to_list(),
        mode="text",
        text=["not known"] * len(rows),
        textposition="middle right",
        textfont={"size": 11.5},
        customdata=rows.select("contrast", "note").rows(),
        hovertemplate="%{customdata[0]}: %{customdata[1]}<extra></extra>",
        row=1,
        col=panel,
    )


def _axis(figure: go.Figure, panel: int, unit: str, edge: float, number: int) -> None:
    """Put the axis of one of so many panels above it and, with the same numbers, below."""
    ticks = _ticks(edge)
    settings: dict[str, object] = {"range": [-edge, edge], "tickvals": ticks, "ticks": "outside"}
    settings["ticktext"] = [lettered(f"{tick:+g}") if tick else "0" for tick in ticks]
    settings |= {"tickangle": 0, "zeroline": False}
    title = {"text": unit, "standoff": 6}
    figure.update_xaxes(side="top", title=title, **settings, row=1, col=panel)
    own, rows = f"x{panel}".removesuffix("1"), f"y{panel}".removesuffix("1")
    below = {"overlaying": own, "anchor": rows, "side": "bottom", "showgrid": False}
    figure.update_layout({f"xaxis{panel + number}": settings | below | {"matches": own}})
    figure.add_scatter(x=[None], y=[None], xaxis=f"x{panel + number}", yaxis=rows)


def _ticks(edge: float) -> list[float]:
    """Return where an axis that reaches so far to both sides has its numbers.

    >>> _ticks(5.3), _ticks(0.19)
    ([-5.0, 0.0, 5.0], [-0.1, 0.0, 0.1])
    """
    place = math.floor(math.log10(edge))
    last = max(x for x in (10.0**place, 2 * 10.0**place, 5 * 10.0**place) if x <= edge)
    return [float(f"{last * part:.4g}") for part in (-1, 0, 1)]


def _add_heading(figure: go.Figure, heading: Heading, panels: int) -> None:
    """Write a claim above its rows, and draw the line of 0 beside these."""
    figure.add_hline(y=heading.top, line={"color": theme.GRID, "width": 1})
    figure.add_annotation(
        text=heading.text,
        x=0,
        xref="paper",
        xshift=14 - LABELS,
        xanchor="left",
        y=heading.top,
        yref="y",
        yshift=-2,
        yanchor="top",
        align="left",
        showarrow=False,
    )
    line = {"color": theme.GREY, "width": 1.5}
    for panel in ("", "2")[:panels]:
        ends = {"x0": 0, "x1": 0, "y0": heading.rows, "y1": heading.end}
        figure.add_shape(
            type="line", **ends, xref=f"x{panel}", yref=f"y{panel}", line=line, layer="below"
        )


def _finished(figure: go.Figure, conclusions: pl.DataFrame, height: float) -> go.Figure:
    counts = [
        f"<span style='color:{theme.WRITTEN[color]}'><b>{MARKS[name]}</b></span> "
        f"{conclusions['verdict'].to_list().count(name)} {name}"
        for name, color in theme.VERDICT_COLORS.items()
    ]
    subtitle = (
        "Mean effects, to the right of 0 as the claim says, with 95\u00a0% intervals over seeds "
        f"({_seeds(conclusions)});<br>an arrow where one goes on. Margins are added. Losses are in "
        f"bits per byte, scores in points.<br>{', '.join(counts)}"
    )
    theme.finish(figure, title=TITLE, subtitle=subtitle)
    top = figure.layout.margin.t + AXIS
    margin = {"t": top, "b": AXIS, "l": LABELS, "r": 14}
    return figure.update_layout(height=top + height + AXIS, margin=margin, showlegend=False)


def _seeds(conclusions: pl.DataFrame) -> str:
    """Return how many seeds there are: a number, or from which to which.

    >>> _seeds(pl.DataFrame({"num_seeds": [3, 2, 3]}))
    '2 to 3'
    """
    numbers = sorted(conclusions["num_seeds"].unique().to_list())
    return " to ".join(str(number) for number in dict.fromkeys((numbers[0], numbers[-1])))
