"""The corpus: how much text each language has, what cleaning removed and why.

Sizes span orders of magnitude, so they stand as dots on a logarithmic axis, where bars would have
no foot. Covers XLM-R Sec. 3 (data, Table 6).
"""

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.figures import theme
from xlmr_lab.tiers import NEAR

UNITS = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "bytes"))


def sizes(
    frame: pl.DataFrame, *, color: str = "tier", title: str = "Text by language"
) -> go.Figure:
    """Draw the size of each language's text, largest first."""
    frame = _ranked(frame, color)
    scale, unit = _unit(float(frame["size_bytes"].to_list()[len(frame) // 2]))
    figure = go.Figure()
    palette, symbols = theme.colors(frame[color], color), theme.symbols(frame[color], color)
    for value in theme.order(frame[color], color):
        part = frame.filter(pl.col(color) == value)
        figure.add_scatter(
            x=part["label"].to_list(),
            y=theme.rounded(part["size_bytes"] / scale),
            name=value,
            mode="markers",
            marker={"color": palette[value], "symbol": symbols[value], "size": 9},
            customdata=part.select("name", "script", "family").rows(),
            hovertemplate="%{customdata[0]} (%{customdata[1]}, %{customdata[2]}): "
            f"%{{y:,.4~g}} {unit}<extra></extra>",
        )
    figure.update_yaxes(title=unit, **theme.spread(frame["size_bytes"] / scale))
    figure.update_xaxes(**theme.categories(frame["label"]))
    ratio = frame["size_bytes"].to_list()[0] / max(1, frame["size_bytes"].to_list()[-1])
    subtitle = (
        f"{len(frame)} languages, {amount(float(frame['size_bytes'].sum()))} of text; "
        + _compared(ratio)
    )
    return theme.finish(figure, title=title, subtitle=subtitle, legend=theme.GROUPS[color])


def cleaning(frame: pl.DataFrame) -> go.Figure:
    """Draw the fate of the paragraphs of each language: kept, or rejected for which reason."""
    frame = frame.sort("size_bytes", "language", descending=[True, False])
    read = frame.group_by("language", "name", maintain_order=True).agg(
        read=pl.col("num_paragraphs").sum()
    )
    read = theme.labelled(read)
    frame = frame.join(read, on=["language", "name"], maintain_order="left")
    frame = frame.with_columns(share=pl.col("num_paragraphs") / pl.col("read"))
    totals = frame.group_by("fate").agg(pl.col("num_paragraphs").sum())
    totals = totals.filter(pl.col("num_paragraphs") > 0)
    totals = totals.sort("num_paragraphs", "fate", descending=[True, False])
    reasons = [fate for fate in totals["fate"] if fate != "kept"]
    figure = go.Figure()
    for fate, color in zip(["kept", *reasons], [theme.FAINT, *theme.PALETTE * 3], strict=False):
        part = frame.filter(pl.col("fate") == fate)
        figure.add_bar(
            x=part["label"].to_list(),
            y=theme.rounded(part["share"]),
            name=fate.replace("_", " "),
            marker={"color": color},
            customdata=part.select("name", "num_paragraphs").rows(),
            hovertemplate=f"%{{customdata[0]}}, {fate}: %{{y:.1%}} "
            "(%{customdata[1]:,} paragraphs)<extra></extra>",
        )
    kept = int(frame.filter(pl.col("fate") == "kept")["num_paragraphs"].sum())
    total = int(read["read"].sum())
    figure.update_layout(barmode="stack", bargap=0.15)
    figure.update_yaxes(title="share of paragraphs", tickformat=".0%", range=[0, 1])
    figure.update_xaxes(**theme.categories(read["label"]))
    subtitle = f"{total:,} paragraphs read, {kept:,} kept ({kept / max(1, total):.1%})"
    title = "What cleaning kept, and why it rejected the rest"
    return theme.finish(figure, title=title, subtitle=subtitle, legend="fate of a paragraph")


def amount(size_bytes: float) -> str:
    """Write a size with its unit.

    >>> amount(3 * 2**20)
    '3 MiB'
    """
    scale, unit = _unit(size_bytes)
    return f"{size_bytes / scale:,.3g} {unit}"


def _compared(ratio: float) -> str:
    """Say how many times the smallest the largest is.

    >>> _compared(9.47), _compared(1.04)
    ('the largest has 9.5 times the smallest', 'all of about one size')
    """
    if ratio < NEAR:
        return "all of about one size"
    return f"the largest has {theme.significant(ratio)} times the smallest"


def _ranked(frame: pl.DataFrame, color: str) -> pl.DataFrame:
    ranked = frame.sort("size_bytes", "language", descending=[True, False])
    return theme.folded(theme.labelled(ranked), color)


def _unit(size_bytes: float) -> tuple[int, str]:
    return next((pair for pair in UNITS if size_bytes >= pair[0]), UNITS[-1])
