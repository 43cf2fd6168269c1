"""What models predict where tokens are hidden: guesses at a text, and how often they are right by
language, frequency and confidence.

Frames are those of `prediction_results`. Only tokens hidden by `<mask>` count. Beside each accuracy
stands that of no model at all: always saying the language's commonest piece.
"""

import html
import math
import statistics

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.figures import theme
from xlmr_lab.figures.summaries import over_seeds

TITLE = "What may stand there"
MAX_MASKS = 6
"""Masks of a text that are drawn, at most."""
COLUMNS = 3
LINE = 22
"""Height of a guess, in pixels."""
CONFIDENCES = 10
RAREST = -5
"""Frequencies of this power of ten and below are drawn as one."""
RANKS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)


def guesses(frame: pl.DataFrame) -> go.Figure:
    """Draw the likeliest pieces at each mask of a text with their probabilities: a bar for the mean
    of the models, a dot for each; what stood there is green.
    """
    masks = frame["mask"].unique(maintain_order=True).to_list()[:MAX_MASKS]
    if not masks:
        return theme.empty("Nothing is hidden", title=TITLE)
    columns = min(COLUMNS, len(masks))
    rows = -(-len(masks) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        horizontal_spacing=0.36 / columns,
        vertical_spacing=0.3 / rows,
        subplot_titles=[f"mask {mask + 1}" for mask in masks],
    )
    for place, mask in enumerate(masks):
        cell = {"row": place // columns + 1, "col": place % columns + 1}
        _add_guesses(figure, frame.filter(pl.col("mask") == mask), cell)
    figure.update_xaxes(tickformat=".0%", rangemode="tozero", nticks=4)
    figure.update_xaxes(title="probability", row=rows)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    most = max(frame.group_by("mask").agg(pl.col("piece").n_unique())["piece"].to_list())
    height = 150 + rows * (60 + LINE * most)
    return theme.finish(figure, title=TITLE, subtitle=_told(frame, len(masks)), height=height)


def _add_guesses(figure: go.Figure, part: pl.DataFrame, cell: dict[str, int]) -> None:
    means = part.group_by("piece", "stood", maintain_order=True).agg(pl.col("probability").mean())
    names = [html.escape(piece) for piece in means["piece"]]
    figure.add_bar(
        x=theme.rounded(means["probability"]),
        y=names,
        orientation="h",
        marker={"color": [theme.GREEN if stood else theme.SKY for stood in means["stood"]]},
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        showlegend=False,
        **cell,
    )
    figure.add_scatter(
        x=theme.rounded(part["probability"]),
        y=[html.escape(piece) for piece in part["piece"]],
        customdata=part["seed"].to_list(),
        mode="markers",
        marker={"color": theme.INK, "size": 5, "opacity": 0.6},
        hovertemplate="%{y}: %{x:.1%}, seed %{customdata}<extra></extra>",
        showlegend=False,
        **cell,
    )


def _told(frame: pl.DataFrame, drawn: int) -> str:
    """Say what is drawn, and how many masks are guessed right where that is known."""
    models = frame["seed"].n_unique()
    means = frame.group_by("mask", "piece", "stood", maintain_order=True).agg(
        pl.col("probability").mean()
    )
    first = means.group_by("mask", maintain_order=True).first()
    number = len(first)
    told = f"Bars: mean of {models} pretraining seeds; dots: each of them"
    if means["stood"].any():
        told += f". Green stood there: the first choice at {first['stood'].sum()} of {number} masks"
    return told + (f"; the first {drawn} masks" if drawn < number else "")


def by_language(frame: pl.DataFrame) -> go.Figure:
    """Draw the accuracy of each language: first choice, first five, and the commonest piece."""
    scored = frame.with_columns(
        first=(pl.col("rank") == 1).cast(pl.Float64),
        five=(pl.col("rank") <= 5).cast(pl.Float64),
        commonest=pl.col("commonest").cast(pl.Float64),
    )
    order = theme.labelled(
        frame.select("language", "name", "size_bytes")
        .unique()
        .sort("size_bytes", "language", descending=[True, False])
    )
    looks = {
        "five": ("right piece among the first five", theme.SKY, "square"),
        "first": ("first choice is right", theme.BLUE, "circle"),
        "commonest": ("always the commonest piece", theme.GREY, "line-ew-open"),
    }
    figure = go.Figure()
    for column, (name, color, symbol) in looks.items():
        means = over_seeds(scored, ["language"], column)
        part = order.join(means, on="language", maintain_order="left")
        size = 22 if column == "commonest" else 9
        figure.add_scatter(
            x=part["label"].to_list(),
            y=theme.rounded(part["mean"]),
            error_y=None if column == "commonest" else _errors(part),
            name=name,
            mode="markers",
            marker={"color": color, "symbol": symbol, "size": size, "line": {"width": 2}},
            hovertemplate=f"%{{x}}, {name}: %{{y:.1%}}<extra></extra>",
        )
    figure.update_xaxes(**theme.categories(order["label"]))
    figure.update_yaxes(title="accuracy", tickformat=".0%", rangemode="tozero")
    above = float((scored["first"] - scored["commonest"]).mean())  # type: ignore[arg-type]
    subtitle = (
        f"{_number(frame)}; bars: 95 % over seeds; first choice against commonest piece: "
        f"{theme.lettered(f'{100 * above:+.1f}')} points"
    )
    return theme.finish(figure, title="Hidden pieces found", subtitle=subtitle)


def by_frequency(frame: pl.DataFrame) -> go.Figure:
    """Draw the accuracy of the first choice by the frequency of a piece in its language's training
    text, one line a resource tier.
    """
    decade = pl.col("frequency").clip(lower_bound=10.0**RAREST).log10().floor().cast(pl.Int64)
    scored = frame.with_columns(decade=decade, first=(pl.col("rank") == 1).cast(pl.Float64))
    decades = sorted(scored["decade"].unique().to_list())
    names = [_decade(place) for place in decades]
    figure = go.Figure()
    for place, tier in enumerate(theme.order(frame["tier"], "tier")):
        means = over_seeds(scored.filter(pl.col("tier") == tier), ["decade"], "first")
        part = means.sort("decade")
        figure.add_scatter(
            x=[_decade(found) for found in part["decade"]],
            y=theme.rounded(part["mean"]),
            error_y=_errors(part),
            name=tier,
            mode="lines+markers",
            line={"color": theme.TIER_COLORS[tier], "dash": theme.DASHES[place], "width": 1.8},
            marker={"symbol": theme.SYMBOLS[place], "size": 8},
            hovertemplate=f"{tier}, %{{x}}: %{{y:.1%}}<extra></extra>",
        )
    figure.update_xaxes(
        title="frequency of the piece in its language",
        type="category",
        categoryarray=names,
        categoryorder="array",
    )
    figure.update_yaxes(title="first choice is right", tickformat=".0%", rangemode="tozero")
    subtitle = f"{_number(frame)}; bars: 95 % over seeds"
    return theme.finish(
        figure,
        title="Common and rare pieces",
        subtitle=subtitle,
        legend=theme.GROUPS["tier"],
    )


def by_rank(frame: pl.DataFrame) -> go.Figure:
    """Draw how often the right piece is among the first so many, one line a resource tier."""
    figure = go.Figure()
    for place, tier in enumerate(theme.order(frame["tier"], "tier")):
        ranks = frame.filter(pl.col("tier") == tier)["rank"]
        figure.add_scatter(
            x=list(RANKS),
            y=[round(float((ranks <= k).mean()), 4) for k in RANKS],  # type: ignore[arg-type]
            name=tier,
            mode="lines+markers",
            line={"color": theme.TIER_COLORS[tier], "dash": theme.DASHES[place], "width": 1.8},
            marker={"symbol": theme.SYMBOLS[place], "size": 6},
            hovertemplate=f"{tier}: %{{y:.1%}} among the first %{{x}}<extra></extra>",
        )
    figure.update_xaxes(title="first choices that count", type="log", tickvals=list(RANKS))
    figure.update_yaxes(title="right piece among them", tickformat=".0%", range=[0, 1.02])
    middle = statistics.median(frame["rank"].to_list())
    subtitle = f"{_number(frame)}; the median rank of what stood there is {middle:,.0f}"
    return theme.finish(
        figure,
        title="How far down the right piece is",
        subtitle=subtitle,
        legend=theme.GROUPS["tier"],
    )


def calibration(frame: pl.DataFrame) -> go.Figure:
    """Draw how often the first choice is right by how sure the model was of it; on the diagonal a
    model knows what it knows.
    """
    place = (pl.col("confidence") * CONFIDENCES).floor().clip(0, CONFIDENCES - 1)
    bins = (
        frame.with_columns(place=place)
        .group_by("place")
        .agg(
            pl.col("confidence").mean(),
            (pl.col("rank") == 1).cast(pl.Float64).mean().alias("right"),
            pl.len().alias("number"),
        )
        .sort("place")
    )
    most = max(bins["number"].to_list())
    end = min(1.0, 1.25 * max(*bins["confidence"].to_list(), *bins["right"].to_list()))
    figure = go.Figure()
    diagonal = {"color": theme.GREY, "dash": "dot"}
    figure.add_shape(type="line", x0=0, y0=0, x1=end, y1=end, line=diagonal)
    figure.add_scatter(
        x=theme.rounded(bins["confidence"]),
        y=theme.rounded(bins["right"]),
        customdata=bins["number"].to_list(),
        mode="lines+markers",
        line={"color": theme.BLUE, "width": 1.5},
        marker={"size": [6 + 20 * math.sqrt(number / most) for number in bins["number"]]},
        hovertemplate="sure by %{x:.0%}: %{y:.0%} right of %{customdata}<extra></extra>",
        showlegend=False,
    )
    figure.update_xaxes(title="probability of the first choice", tickformat=".0%", range=[0, end])
    figure.update_yaxes(title="first choice is right", tickformat=".0%", range=[0, 1.02 * end])
    sure = statistics.fmean(frame["confidence"].to_list())
    right = statistics.fmean((frame["rank"] == 1).to_list())
    subtitle = (
        f"{_number(frame)}; sure by {sure:.1%} on average, right at {right:.1%}; a larger dot "
        "stands for more tokens"
    )
    return theme.finish(figure, title="Does it know what it knows?", subtitle=subtitle, height=420)


def _decade(place: int) -> str:
    """Write a range of frequencies.

    >>> _decade(-2), _decade(RAREST)
    ('1 % to 10 %', 'under 0.01 %')
    """
    low, high = 100 * 10.0**place, 100 * 10.0 ** (place + 1)
    return f"under {high:g} %" if place == RAREST else f"{low:g} % to {high:g} %"


def _errors(part: pl.DataFrame) -> dict[str, object]:
    """Return the bars of an interval; of a single seed there is none."""
    known = part.with_columns(
        above=(pl.col("high") - pl.col("mean")).fill_null(0),
        below=(pl.col("mean") - pl.col("low")).fill_null(0),
    )
    return {
        "type": "data",
        "array": theme.rounded(known["above"]),
        "arrayminus": theme.rounded(known["below"]),
        "thickness": 1,
    }


def _number(frame: pl.DataFrame) -> str:
    seeds = frame["seed"].n_unique()
    return f"{len(frame) // seeds:,} hidden tokens of held-out text"
