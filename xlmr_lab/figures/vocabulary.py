"""How a vocabulary serves each language: how finely it cuts, what it loses, what its pieces cost.

The frame is that of `MeasuredVocabulary.languages`, one row for each language; `by_language` draws
any measure of `MEASURES`, beside another vocabulary's if there is one. Covers the paper's claim
that one SentencePiece model serves all scripts (XLM-R Sec. 5.1).
"""

import dataclasses
from typing import Literal

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.errors import UserError
from xlmr_lab.figures import theme

FREQUENT = 1e-5
"""A lost letter more frequent than this in its language is one too many."""

Order = Literal["size", "value", "script", "family"]
ORDERS: dict[Order, str] = {
    "size": "most text first",
    "value": "by value",
    "script": "by script",
    "family": "by family",
}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """One number for each language: where it stands in the frame, and how to read it."""

    column: str
    """Its column."""
    axis: str
    """Title of its axis, with the unit."""
    reading: str
    """A line on what it tells."""
    is_share: bool = False
    """Whether it is written in per cent."""
    even: float | None = None
    """A value worth a line across."""


MEASURES = {
    "fertility": Measure(
        column="fertility",
        axis="pieces per word",
        reading="Words end at white space: a script without spaces has long ones",
    ),
    "bytes per piece": Measure(
        column="bytes_per_piece",
        axis="bytes of UTF-8 per piece",
        reading="A letter takes one byte in Latin, two in Cyrillic and Arabic, three in most "
        "others: compare within a script",
    ),
    "unknown rate": Measure(
        column="unknown_rate",
        axis="share of pieces that are <unk>",
        reading="Text that the model cannot see",
        is_share=True,
    ),
    "letters lost": Measure(
        column="share_lost",
        axis="share of letters lost",
        reading="Letters of the text that become <unk> or leave nothing behind",
        is_share=True,
    ),
    "most frequent letter lost": Measure(
        column="largest_lost",
        axis="frequency of the letter",
        reading="The line is one in 100,000 letters of the language",
        is_share=True,
        even=FREQUENT,
    ),
    "pieces used": Measure(
        column="pieces_used",
        axis="pieces",
        reading="Different pieces that occur in the language's text; more text shows more of them",
    ),
    "pieces of its own": Measure(
        column="pieces_own",
        axis="pieces",
        reading="Pieces that occur in the text of no other language",
    ),
    "use of its own pieces": Measure(
        column="own_use",
        axis="share of tokens",
        reading="How much of the language is written in pieces that no other language uses",
        is_share=True,
    ),
    "premium": Measure(
        column="premium",
        axis="pieces by pieces of the original",
        reading="Pieces of the same sentences, translated: 2 fills a window twice as fast",
        even=1.0,
    ),
    "parameters used": Measure(
        column="parameters_used",
        axis="parameters",
        reading="Rows of the embedding that the language uses, times their width",
    ),
}
"""What is measured of each language, as a reader calls it."""


def fertility(frame: pl.DataFrame, *, color: str = "script") -> go.Figure:
    """Draw how finely the vocabulary cuts each language: pieces per white-space word, and bytes per
    piece.
    """
    frame = _ranked(frame, "size", "fertility", color)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    palette, symbols = theme.colors(frame[color], color), theme.symbols(frame[color], color)
    for value in theme.order(frame[color], color):
        part = frame.filter(pl.col(color) == value)
        for row, column in enumerate(("fertility", "bytes_per_piece"), 1):
            figure.add_scatter(
                x=part["label"].to_list(),
                y=theme.rounded(part[column]),
                name=value,
                legendgroup=value,
                showlegend=row == 1,
                mode="markers",
                marker={"color": palette[value], "symbol": symbols[value], "size": 9},
                customdata=part.select("name", "unknown_rate").rows(),
                hovertemplate="%{customdata[0]}: %{y:.3~g}, "
                "unknown %{customdata[1]:.2%}<extra></extra>",
                row=row,
                col=1,
            )
    figure.update_yaxes(
        title="pieces<br>per word", **theme.spread(frame["fertility"]), row=1, col=1
    )
    figure.update_yaxes(title="bytes<br>per piece", rangemode="tozero", row=2, col=1)
    figure.update_xaxes(**theme.categories(frame["label"]))
    unknown = frame.sort("unknown_rate", descending=True).row(0, named=True)
    told = f"Most unknown pieces: {unknown['name']}, {unknown['unknown_rate']:.2%}"
    subtitle = (
        f"{MEASURES['fertility'].reading}. "
        f"{told if unknown['unknown_rate'] else 'No piece is unknown'}"
    )
    title = "Vocabulary fertility by language"
    return theme.finish(
        figure, title=title, subtitle=subtitle, height=480, legend=theme.GROUPS[color]
    )


def by_language(
    frame: pl.DataFrame,
    measure: str = "fertility",
    *,
    color: str = "script",
    order: Order = "size",
    other: pl.DataFrame | None = None,
) -> go.Figure:
    """Draw one measure of `MEASURES` for each language, and in rings that of another vocabulary.

    Raises:
        UserError: no such measure or order.
    """
    _check("measure", measure, MEASURES)
    _check("order", order, ORDERS)
    kind, title = MEASURES[measure], f"Vocabulary: {measure}"
    frame = frame.filter(pl.col(kind.column).is_not_null())
    if frame.is_empty():
        return theme.empty(_nothing(measure), title=title, height=150)
    frame = _ranked(frame, order, kind.column, color)
    figure = go.Figure()
    if other is not None:
        _add_other(figure, frame, other, kind)
    palette, symbols = theme.colors(frame[color], color), theme.symbols(frame[color], color)
    for value in theme.order(frame[color], color):
        part = frame.filter(pl.col(color) == value)
        figure.add_scatter(
            x=part["label"].to_list(),
            y=theme.rounded(part[kind.column]),
            name=value,
            mode="markers",
            marker={"color": palette[value], "symbol": symbols[value], "size": 9},
            customdata=part.select("name", "script", "family").rows(),
            hovertemplate="%{customdata[0]} (%{customdata[1]}, %{customdata[2]}): "
            f"%{{y:{'.3~%' if kind.is_share else ',.4~g'}}}<extra></extra>",
        )
    if kind.even is not None:
        figure.add_hline(y=kind.even, line={"dash": "dot", "color": theme.GREY})
    figure.update_xaxes(**theme.categories(frame["label"]))
    figure.update_yaxes(title=kind.axis, **_axis(frame, kind, other))
    subtitle = f"{kind.reading}.<br>{_ends(frame, kind)}"
    return theme.finish(figure, title=title, subtitle=subtitle, legend=theme.GROUPS[color])


def _add_other(figure: go.Figure, frame: pl.DataFrame, other: pl.DataFrame, kind: Measure) -> None:
    """Draw the other vocabulary's values as rings, with lines to this one's."""
    both = frame.select("language", "label", "name", kind.column).join(
        other.select("language", pl.col(kind.column).alias("other")), on="language"
    )
    both = both.filter(pl.col("other").is_not_null())
    lines: list[tuple[str | None, float | None]] = []
    for label, value, ring in both.select("label", kind.column, "other").iter_rows():
        lines += [(label, value), (label, ring), (None, None)]
    figure.add_scatter(
        x=[x for x, _ in lines],
        y=[y for _, y in lines],
        mode="lines",
        line={"color": theme.FAINT},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_scatter(
        x=both["label"].to_list(),
        y=theme.rounded(both["other"]),
        name="the other vocabulary",
        mode="markers",
        marker={"symbol": "circle-open", "size": 9, "color": theme.GREY, "line": {"width": 1.5}},
        customdata=both["name"].to_list(),
        hovertemplate="%{customdata}, the other vocabulary: "
        f"%{{y:{'.3~%' if kind.is_share else ',.4~g'}}}<extra></extra>",
    )


def _axis(frame: pl.DataFrame, kind: Measure, other: pl.DataFrame | None) -> dict[str, object]:
    if kind.is_share:
        top = max(frame[kind.column].to_list())
        floor = {"range": [0, 0.01]} if top == 0 and other is None else {"rangemode": "tozero"}
        return {"tickformat": ".4~%", **floor}
    values = frame[kind.column].to_list()
    if other is not None:
        values += other[kind.column].drop_nulls().to_list()
    return theme.spread(values)


def _ends(frame: pl.DataFrame, kind: Measure) -> str:
    """Say which language has most and least."""
    ranked = frame.sort(kind.column, "language", descending=[True, False])
    ends = []
    for row in (ranked.row(0, named=True), ranked.row(-1, named=True)):
        value = row[kind.column]
        told = f"{100 * value:.3g} %" if kind.is_share else theme.significant(value)
        ends.append(f"{row['name']} {told}")
    return f"Most: {ends[0]}; least: {ends[1]}"


def _ranked(frame: pl.DataFrame, order: str, column: str, color: str) -> pl.DataFrame:
    """Sort the languages for the axis, and fold the rarer groups of the colour."""
    known = ["size_bytes", "language"]
    keys = {"size": known, "value": [column, *known], "script": ["script", "family", *known]}
    keys["family"] = ["family", "script", *known]
    ascending = ("script", "family", "language")
    down = [key not in ascending for key in keys[order]]
    return theme.folded(theme.labelled(frame.sort(keys[order], descending=down)), color)


def _nothing(measure: str) -> str:
    if measure == "premium":
        return "No parallel text: give the study NLI in several languages, or name a folder of it."
    return "Nothing was measured."


def _check(name: str, value: str, allowed: dict[str, Measure] | dict[Order, str]) -> None:
    if value not in allowed:
        raise UserError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
