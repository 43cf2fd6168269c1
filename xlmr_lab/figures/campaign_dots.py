"""One outcome of a campaign's cells as dots over what a run takes or over a setting, with the lines
of the paper's figure where it has one of that setting.

A dot is a cell's mean over its languages and pretraining seeds, bars are 95 % intervals over the
latter. The rows are those of `cell_frames.Cells.points`.
"""

import math
from collections import defaultdict

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.cell_frames import COMPUTE, KNOWN, OUTCOMES
from xlmr_lab.errors import UserError
from xlmr_lab.figures import theme
from xlmr_lab.figures.campaign_words import said, unit, value_told
from xlmr_lab.figures.language_dots import bars
from xlmr_lab.figures.paper_figures import CHARTS, LOOKS
from xlmr_lab.figures.summaries import over_seeds
from xlmr_lab.paper import tables

SEVERAL = "several"
"""What is said of a cell that more than one claim has."""
PAPER_FIGURES = {
    "languages": 2,
    "sampling.alpha": 5,
    "vocabulary.size": 6,
    "batches.batch_sequences": 7,
}
"""The paper's figure of XNLI accuracy by a setting."""
NOTHING = "No cell is left that was measured so."
HEIGHT = 430
APART = 0.014
"""How far dots of one place stand apart, as a share of the axis."""


def dots(
    points: pl.DataFrame, *, axis: str = "tokens", seeds: bool = False, paper: bool = False
) -> go.Figure:
    """Draw the mean outcome of each cell over a column of the points: what a run takes, or a
    setting; with single seeds, and with the paper's accuracies on an axis of their own.

    Raises:
        UserError: the points have no such column.
    """
    if points.is_empty():
        return theme.empty(NOTHING, title="One outcome of all cells")
    if axis not in (known := axes(points)):
        raise UserError(f"axis must be one of {', '.join(known)}, got {axis!r}")
    outcome, rows = points["outcome"][0], _placed(points, axis)
    figure, claims = go.Figure(), _claims(points)
    for claim in claims:
        own = rows.filter(claim=claim)
        if seeds:
            _add_seeds(figure, points, own, _look(claim))
        _add_cells(figure, own, claim, _look(claim), axis)
    figure.update_xaxes(title=said(axis), **_axis(rows["x"]))
    figure.update_yaxes(title=f"{said(outcome)} ({unit(outcome)})")
    drawn = paper and axis in PAPER_FIGURES and _add_paper(figure, PAPER_FIGURES[axis])
    number = points["seed"].n_unique()
    subtitle = (
        f"{points['cell'].n_unique()} cells; mean over languages and {number} pretraining seeds, "
        "95\u00a0% intervals over the latter"
    )
    if drawn:
        subtitle += f"<br>{_paper_told(PAPER_FIGURES[axis])}"
    title = f"{said(outcome)[0].upper()}{said(outcome)[1:]}, by {said(axis)}"
    return theme.finish(
        figure, title=title, subtitle=subtitle, height=HEIGHT, legend="claim"
    ).update_layout(showlegend=True)


def axes(points: pl.DataFrame) -> list[str]:
    """Return the columns that dots can stand over: what a run takes where it is known, then
    settings."""
    took = [name for name in COMPUTE if points[name].null_count() < len(points)]
    others = {*COMPUTE, *KNOWN, *OUTCOMES.names()}
    return took + [name for name in points.columns if name not in others]


def _claims(points: pl.DataFrame) -> list[str]:
    """Return the claims in their order, with `SEVERAL` last where a cell is of more than one."""
    found = {_claim(own) for own in points["claims"].to_list()}
    return sorted(found, key=lambda claim: (claim == SEVERAL, len(claim), claim))


def _claim(own: list[str]) -> str:
    return own[0] if len(own) == 1 else SEVERAL


def _look(claim: str) -> tuple[str, str]:
    """Return the colour and symbol of a claim, the same whichever others are drawn."""
    if claim == SEVERAL:
        return theme.INK, "circle"
    place, size = int(claim.lstrip("F")) - 1, len(theme.PALETTE)
    return theme.PALETTE[place % size], theme.SYMBOLS[(place + place // size) % size]


def _placed(points: pl.DataFrame, axis: str) -> pl.DataFrame:
    """Return a row for each cell: mean and interval, `claim`, `at` (its value of the axis) and `x`,
    where it stands: beside others of the same value."""
    about = points.group_by("cell", maintain_order=True).agg(
        pl.col("names").first(),
        pl.col("claims").first(),
        at=pl.col(axis).first() if points[axis].dtype == pl.String else pl.col(axis).mean(),
    )
    rows = about.join(over_seeds(points, ["cell"], "value"), on="cell", maintain_order="left")
    rows = rows.drop_nulls("at").sort("at", "mean", maintain_order=True)
    claim = pl.Series("claim", [_claim(own) for own in rows["claims"].to_list()], pl.String)
    return rows.with_columns(claim, x=pl.Series(_side_by_side(rows["at"]), strict=False))


def _side_by_side(values: pl.Series) -> list[float] | list[str]:
    """Return where dots of these values stand: those of one value evenly around it. Words, and
    numbers of which some are not positive, stand where their category does."""
    if values.dtype == pl.String or min(values.to_list(), default=0) <= 0:
        return [value_told(value) for value in values]
    count: dict[float, int] = defaultdict(int)
    for value in values:
        count[value] += 1
    is_log = max(values) >= theme.LOG_FROM * min(values)
    span = math.log(max(values) / min(values)) if is_log else max(values) - min(values)
    step = APART * (span or (1.0 if is_log else max(values)))
    seen: dict[float, int] = defaultdict(int)
    placed = []
    for value in values:
        shift = step * (seen[value] - (count[value] - 1) / 2)
        seen[value] += 1
        placed.append(float(f"{value * math.exp(shift) if is_log else value + shift:.5g}"))
    return placed


def _axis(x: pl.Series) -> dict[str, object]:
    if x.dtype == pl.String:
        return {"type": "category", "categoryarray": x.unique(maintain_order=True).to_list()}
    known = x.to_list()
    if max(known) < theme.LOG_FROM * min(known):
        return {"type": "linear", "tickformat": ",~g", "zeroline": False}
    return theme.logarithmic(known, ",~s" if max(known) >= 1e5 else ",~g")


def _add_cells(
    figure: go.Figure, own: pl.DataFrame, claim: str, look: tuple[str, str], axis: str
) -> None:
    told = [
        [
            theme.lettered(" = ".join(dict.fromkeys((cell, *names)))),
            ", ".join(claims),
            value_told(at),
        ]
        for cell, names, claims, at in own.select("cell", "names", "claims", "at").iter_rows()
    ]
    figure.add_scatter(
        x=own["x"].to_list(),
        y=theme.rounded(own["mean"]),
        error_y=bars(own),
        name=claim,
        legendgroup=claim,
        mode="markers",
        marker={"color": look[0], "symbol": look[1], "size": 9},
        customdata=[[*words, number] for words, number in zip(told, own["num_seeds"], strict=True)],
        hovertemplate=f"%{{customdata[0]}} (%{{customdata[1]}})<br>{said(axis)} %{{customdata[2]}}"
        ": %{y:.4g} (%{customdata[3]} seeds)<extra></extra>",
    )


def _add_seeds(
    figure: go.Figure, points: pl.DataFrame, own: pl.DataFrame, look: tuple[str, str]
) -> None:
    single = points.group_by("cell", "seed", maintain_order=True).agg(pl.col("value").mean())
    rows = own.select("cell", "x", "claim").join(single, on="cell", maintain_order="left")
    figure.add_scatter(
        x=rows["x"].to_list(),
        y=theme.rounded(rows["value"]),
        name="single seeds",
        legendgroup=own["claim"][0],
        showlegend=False,
        mode="markers",
        marker={"color": look[0], "symbol": "circle-open", "size": 5, "opacity": 0.7},
        customdata=rows["seed"].to_list(),
        hovertemplate="seed %{customdata}: %{y:.4g}<extra></extra>",
    )


def _add_paper(figure: go.Figure, number: int) -> bool:
    """Draw the paper's accuracies on an axis at the right; tell whether there are any."""
    chart, lines = CHARTS[number], defaultdict[str, list[tuple[float, float]]](list)
    for row in tables.read("figures2_7"):
        name, _, value = str(row["x"]).partition("=")
        series = name if number == 7 else str(row["series"]).partition("(")[0]
        if row["figure"] == f"fig{number}" and value and series in chart.names:
            scale = 1000.0 if value.endswith("k") else 1.0
            place = scale * float(value.removesuffix("k"))
            lines[series].append((place, float(row["xnli_acc"] or math.nan)))
    for series, points in lines.items():
        color, symbol = LOOKS[series]
        figure.add_scatter(
            x=[x for x, _ in points],
            y=[y for _, y in points],
            name=chart.names[series],
            legendgroup="paper",
            legendgrouptitle={"text": f"the paper, Figure {number}"},
            mode="lines+markers",
            line={"color": color, "dash": "dash", "width": 1.2},
            marker={"color": color, "symbol": f"{symbol}-open", "size": 6},
            yaxis="y2",
            hovertemplate=f"the paper, {chart.names[series]}: %{{y}}\u00a0%<extra></extra>",
        )
    right = {"overlaying": "y", "side": "right", "showgrid": False, "tickmode": "auto"}
    figure.update_layout(yaxis2={**right, "title": "the paper: XNLI accuracy (%)"})
    figure.update_layout(legend={"x": 1.1})
    return bool(lines)


def _paper_told(number: int) -> str:
    models = CHARTS[number].models
    return f"Dashed: the paper's Figure {number} ({models}), of another measure: its own axis"
