"""What the runs of a campaign were predicted to take, and took.

A prediction is of a few steps of each kind of run, measured before; runs without one (made before
anything was measured, or elsewhere) stand apart, so that the two bars of a kind are of the same
runs. Seconds are those of runs, of which several may have gone at a time.
"""

from typing import Any

import plotly.graph_objects as go
import polars as pl

from xlmr_lab import durations
from xlmr_lab.figures import theme

TITLE = "What the runs took"
NOTHING = "No run has told what it took."
UNITS = {"hours": 3600.0, "minutes": 60.0, "seconds": 1.0}
PARTS = {
    "predicted": (theme.SKY, "predicted"),
    "seconds": (theme.BLUE, "taken"),
    "apart": (theme.FAINT, "taken, not predicted"),
}
"""Colour and name of what a bar shows."""


def by_kind(costs: pl.DataFrame) -> go.Figure:
    """Draw for each kind of run what all of them were predicted to take beside what they took."""
    known = costs.filter(pl.col("seconds").is_not_null())
    if known.is_empty():
        return theme.empty(NOTHING, title=TITLE, height=150)
    sums = _sums(known)
    taken = sums["seconds"] + sums["apart"]
    largest = max(*sums["predicted"].to_list(), *taken.to_list())
    unit = next((name for name, size in UNITS.items() if largest >= 2 * size), "seconds")
    figure = go.Figure()
    for name, (color, said) in PARTS.items():
        row = "predicted" if name == "predicted" else "taken"
        if not sum(sums[name]):
            continue
        figure.add_bar(
            x=theme.rounded(sums[name] / UNITS[unit]),
            y=[sums["kind"].to_list(), [row] * len(sums)],
            orientation="h",
            name=said,
            marker={"color": color, "pattern": {"shape": "/" if name == "apart" else ""}},
            customdata=[durations.told(seconds) for seconds in sums[name]],
            hovertemplate=f"%{{y}}, {said}: %{{customdata}}<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0.25, showlegend=True)
    figure.update_layout(legend={"traceorder": "normal"})
    figure.update_xaxes(title=f"{unit}, all runs of a kind together", rangemode="tozero")
    figure.update_yaxes(autorange="reversed")
    subtitle = "<br>".join(_told(row) for row in sums.to_dicts())
    height = 150 + 80 * len(sums)
    return theme.finish(figure, title=TITLE, subtitle=subtitle, height=height)


def _sums(known: pl.DataFrame) -> pl.DataFrame:
    """Return seconds by kind: predicted and taken by the same runs, and taken by those apart."""
    foreseen = pl.col("predicted_seconds").is_not_null()
    return known.group_by("kind", maintain_order=True).agg(
        predicted=pl.col("predicted_seconds").sum(),
        seconds=pl.col("seconds").filter(foreseen).sum(),
        apart=pl.col("seconds").filter(~foreseen).sum(),
        num_runs=foreseen.sum(),
        num_apart=(~foreseen).sum(),
    )


def _told(row: dict[str, Any]) -> str:
    parts = []
    if row["num_runs"]:
        ratio = theme.significant(row["seconds"] / row["predicted"]) if row["predicted"] else ""
        parts.append(
            f"{_runs(row['num_runs'])} predicted to take {durations.told(row['predicted'])} took "
            f"{durations.told(row['seconds'])}" + (f" ({ratio} of it)" if ratio else "")
        )
    if row["num_apart"]:
        parts.append(
            f"{_runs(row['num_apart'])} without a prediction took {durations.told(row['apart'])}"
        )
    return "<br>".join(f"{row['kind']}: {part}" for part in parts)


def _runs(number: int) -> str:
    return f"{number:,} run{'s' * (number != 1)}"
