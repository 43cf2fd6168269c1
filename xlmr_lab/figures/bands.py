"""Lines over tokens with bands: the mean of an arm's pretraining seeds, and their range."""

from typing import Any

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.figures import theme
from xlmr_lab.figures.training import thinned

Cell = dict[str, int]
"""Row and column of a panel; empty where there is only one."""
MAX_POINTS = 40
"""Points of a line; bands of many lines would fill a notebook."""


def arms(frame: pl.DataFrame) -> list[str]:
    """Return the arms in the order of their exponents."""
    found = frame.select("arm", "alpha").unique().sort("alpha", "arm")
    return found["arm"].to_list()


def told(frame: pl.DataFrame) -> str:
    """Say what a band is."""
    seeds = frame["seed"].n_unique()
    return f"Bands: range of {seeds} pretraining seeds" if seeds > 1 else "One pretraining seed"


def add_arms(
    figure: go.Figure, frame: pl.DataFrame, value: str, cell: Cell, *, legend: bool
) -> None:
    """Draw each arm in its colour and dash."""
    for i, arm in enumerate(arms(frame)):
        look = {"color": theme.PALETTE[i % 8], "dash": theme.DASHES[i % 8]}
        part, name = frame.filter(pl.col("arm") == arm), theme.lettered(arm)
        add_band(figure, part, value, cell, name=name, legend=legend, **look)


def add_band(
    figure: go.Figure,
    part: pl.DataFrame,
    value: str,
    cell: Cell,
    *,
    name: str,
    legend: bool,
    color: str,
    dash: str,
) -> None:
    """Draw the mean over seeds as a line over `tokens`, and the range of the seeds around it."""
    column = pl.col(value)
    spread = part.group_by("tokens").agg(mean=column.mean(), low=column.min(), high=column.max())
    line = thinned(spread.sort("tokens"), MAX_POINTS)
    if (line["high"] > line["low"]).any():
        figure.add_scatter(**_area(line, color), legendgroup=name, **cell)
    figure.add_scatter(
        x=line["tokens"].to_list(),
        y=_short(line["mean"]),
        name=name,
        mode="lines",
        line={"color": color, "dash": dash, "width": 1.8},
        legendgroup=name,
        showlegend=legend,
        hovertemplate=f"{name}: %{{y:.4~g}} at %{{x:.3~s}} tokens<extra></extra>",
        **cell,
    )


def _area(line: pl.DataFrame, color: str) -> dict[str, Any]:
    """Return the area between the lowest and the highest seed."""
    x = line["tokens"].to_list()
    return {
        "x": x + x[::-1],
        "y": _short(line["high"]) + _short(line["low"])[::-1],
        "mode": "lines",
        "line": {"width": 0},
        "fill": "toself",
        "fillcolor": faint(color),
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _short(series: pl.Series) -> list[float]:
    return series.cast(pl.Float64).round_sig_figs(4).to_list()


def faint(color: str) -> str:
    """Return a colour that lets others through.

    >>> faint("#0072B2")
    'rgba(0, 114, 178, 0.18)'
    """
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.18)"
