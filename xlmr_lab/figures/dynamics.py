"""Training over time, the arms side by side: what each language's held-out loss does, how resource
tiers part, whether the loss flattens, how the optimisation went.

Frames are those of `training_results`; `x` is tokens seen, all languages together. A band is the
range of the pretraining seeds, a line their mean. Held-out losses describe a run and stop none: the
paper's went on to better models after its validation perplexity was flat (XLM-R Sec. 5.1).
"""

from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.figures import theme
from xlmr_lab.figures.bands import add_arms, add_band, arms, told

MAX_PANELS = 12
"""Panels of languages at most; of more, some are drawn, from the largest to the smallest."""
COLUMNS = 3
PANEL_HEIGHT = 170
NATS = "nats per masked token"
PANELS = {"high": "high resource", "low": "low resource", "equal": "all languages"}
"""What a panel of a resource tier is called."""
OPTIMISED = {
    "loss": "training loss (nats)",
    "learning_rate": "learning rate",
    "gradient_norm": "gradient norm",
}


def languages(frame: pl.DataFrame) -> go.Figure:
    """Draw the held-out loss of each language over the tokens seen, one panel a language, one line
    an arm.
    """
    known = frame.select("language", "name", "tier", "size_bytes").unique()
    ranked = known.sort("size_bytes", "language", descending=[True, False])
    order = _some(ranked["language"].to_list())
    tier = dict(known.select("language", "tier").iter_rows())
    parted = len(set(tier.values())) > 1
    rows = -(-len(order) // COLUMNS)
    figure = make_subplots(
        rows=rows,
        cols=COLUMNS,
        shared_xaxes=True,
        shared_yaxes="all",
        horizontal_spacing=0.03,
        vertical_spacing=0.2 / rows,
        subplot_titles=[f"{key} ({tier[key]})" if parted else key for key in order],
    )
    for place, key in enumerate(order):
        cell = {"row": place // COLUMNS + 1, "col": place % COLUMNS + 1}
        add_arms(figure, frame.filter(language=key), "loss", cell, legend=place == 0)
        if place >= len(order) - COLUMNS:  # the lowest of its column
            figure.update_xaxes(title="tokens seen", showticklabels=True, **cell)
    _axes(figure, y="nats")
    subtitle = (
        "Nats per masked token over tokens of all languages together; largest language first"
        f"{', with its tier' * parted}<br>{told(frame)}"
    )
    height = 130 + PANEL_HEIGHT * rows
    theme.finish(figure, title="Held-out loss of each language", subtitle=subtitle, height=height)
    return figure.update_layout(margin={"t": theme.TOOLBAR + 124})


def tiers(frame: pl.DataFrame) -> go.Figure:
    """Draw the held-out loss of each resource tier over the tokens seen, one panel an arm, so that
    one sees tiers part.
    """
    drawn = arms(frame)
    figure = make_subplots(
        rows=1,
        cols=len(drawn),
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[theme.lettered(arm) for arm in drawn],
    )
    means = _by_tier(frame)
    order = theme.order(frame["tier"], "tier")
    for column, arm in enumerate(drawn, 1):
        for place, tier in enumerate(order):
            look = {"color": theme.TIER_COLORS[tier], "dash": theme.DASHES[place]}
            part = means.filter(arm=arm, tier=tier)
            cell = {"row": 1, "col": column}
            add_band(figure, part, "loss", cell, name=tier, legend=column == 1, **look)
    figure.update_xaxes(title="tokens seen")
    _axes(figure, y=NATS)
    subtitle = f"Mean over the languages of a tier{_apart(means)}<br>{told(frame)}"
    theme.finish(
        figure,
        title="How resource tiers part",
        subtitle=subtitle,
        height=420,
        legend=theme.GROUPS["tier"],
    )
    return figure.update_layout(margin={"t": theme.TOOLBAR + 124})


def gap(frame: pl.DataFrame) -> go.Figure:
    """Draw by how much the loss of low-resource languages exceeds that of high-resource ones, over
    the tokens seen, one line an arm; the same languages and held-out text for every arm.
    """
    means = _by_tier(frame)
    high, low = (means.filter(tier=tier).drop("tier") for tier in ("high", "low"))
    title = "Low-resource languages behind high-resource ones"
    if high.is_empty() or low.is_empty():
        return theme.empty(
            "Languages have about as much text each: no tiers", title=title, height=160
        )
    apart = low.join(high, on=["arm", "alpha", "seed", "tokens"], suffix="_high").with_columns(
        gap=pl.col("loss") - pl.col("loss_high")
    )
    figure = go.Figure()
    add_arms(figure, apart, "gap", {}, legend=True)
    figure.add_hline(y=0, line={"color": theme.GREY, "dash": "dot"})
    figure.update_xaxes(title="tokens seen", rangemode="tozero", tickformat="~s")
    figure.update_yaxes(title=f"low minus high,<br>{NATS}")
    subtitle = (
        "Above 0 the low-resource languages are predicted worse; levels differ for the text's sake "
        f"too:<br>compare arms and directions. {told(frame)}"
    )
    return theme.finish(figure, title=title, subtitle=subtitle)


def flattening(frame: pl.DataFrame) -> go.Figure:
    """Draw what a doubling of the tokens brings, in nats, between measurements of the held-out
    loss; one line an arm, mean over languages.
    """
    means = frame.filter(pl.col("tokens") > 0).group_by("arm", "alpha", "seed", "tokens")
    ordered = means.agg(pl.col("loss").mean()).sort("arm", "seed", "tokens")
    before = {name: pl.col(name).shift(1).over("arm", "seed") for name in ("tokens", "loss")}
    doublings = (pl.col("tokens") / before["tokens"]).log(2)
    slopes = ordered.with_columns(
        gain=(before["loss"] - pl.col("loss")) / doublings,
        tokens=(pl.col("tokens") + before["tokens"]) / 2,
    ).drop_nulls()
    title = "Does the held-out loss flatten?"
    if slopes.is_empty():
        return theme.empty("It takes two measurements: lower pretrain.heldout_steps", title=title)
    figure = go.Figure()
    add_arms(figure, slopes, "gain", {}, legend=True)
    figure.add_hline(y=0, line={"color": theme.GREY, "dash": "dot"})
    figure.update_xaxes(title="tokens seen", rangemode="tozero", tickformat="~s")
    figure.update_yaxes(title="nats less per doubling<br>of the tokens")
    late = slopes.filter(pl.col("tokens") == pl.col("tokens").max())
    gains = dict(late.group_by("arm").agg(pl.col("gain").mean()).iter_rows())
    ends = ", ".join(f"{gains[arm]:.2f} at {theme.lettered(arm)}" for arm in arms(late))
    subtitle = f"0 is flat; last, per doubling: {ends}<br>{told(frame)}"
    return theme.finish(figure, title=title, subtitle=subtitle)


def by_passes(frame: pl.DataFrame) -> go.Figure:
    """Draw the held-out loss of the largest and the smallest languages over the passes over their
    own text, one line a language and arm, mean over seeds.
    """
    known = frame.select("language", "tier", "size_bytes").unique()
    groups = [tier for tier in ("high", "low") if tier in known["tier"]] or ["equal"]
    figure = make_subplots(
        rows=1,
        cols=len(groups),
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[PANELS[tier] for tier in groups],
    )
    curves = frame.filter(pl.col("passes") > 0).group_by("arm", "alpha", "tier", "language", "step")
    means = curves.agg(pl.col("passes").mean(), pl.col("loss").mean()).sort("step")
    for i, arm in enumerate(arms(frame)):
        for column, tier in enumerate(groups, 1):
            part = means.filter(arm=arm, tier=tier)
            x, y, names = _joined(part.sort("language", "step"))
            figure.add_scatter(
                x=x,
                y=y,
                customdata=names,
                name=theme.lettered(arm),
                legendgroup=arm,
                showlegend=column == 1,
                mode="lines+markers",
                marker={"size": 5, "symbol": theme.SYMBOLS[i % 8]},
                line={"color": theme.PALETTE[i % 8], "dash": theme.DASHES[i % 8], "width": 1.5},
                hovertemplate="%{customdata}: %{y:.3f} after %{x:.3~g} passes<extra></extra>",
                row=1,
                col=column,
            )
    figure.update_xaxes(title="passes over its text", **theme.logarithmic(means["passes"]))
    figure.update_yaxes(title=NATS, col=1)
    subtitle = (
        "One line a language and arm; where lines of all arms fall together, passes decide; "
        "<br>where one bends upwards, its text is learned by heart"
    )
    title = "Loss by passes over a language's own text"
    theme.finish(figure, title=title, subtitle=subtitle, height=440)
    return figure.update_layout(margin={"t": theme.TOOLBAR + 124})


def optimisation(steps: pl.DataFrame) -> go.Figure:
    """Draw training loss, learning rate and gradient norm of every arm over the tokens seen."""
    figure = make_subplots(
        rows=1, cols=3, horizontal_spacing=0.08, subplot_titles=list(OPTIMISED.values())
    )
    for column, value in enumerate(OPTIMISED, 1):
        add_arms(figure, steps, value, {"row": 1, "col": column}, legend=column == 1)
    figure.update_xaxes(title="tokens seen", rangemode="tozero", tickformat="~s", nticks=5)
    figure.update_yaxes(rangemode="tozero", exponentformat="power", col=2)
    figure.update_yaxes(rangemode="tozero", col=3)
    subtitle = f"Training losses of arms are of other mixtures of languages. {told(steps)}"
    theme.finish(figure, title="Optimisation, arm by arm", subtitle=subtitle, height=380)
    return figure.update_layout(margin={"t": theme.TOOLBAR + 112})


def _axes(figure: go.Figure, *, y: str) -> None:
    figure.update_xaxes(rangemode="tozero", tickformat="~s", nticks=5)
    figure.update_yaxes(title=y, col=1)


def _some(keys: Sequence[str]) -> list[str]:
    """Return as many keys as there are panels, evenly spaced, the first and the last among them.

    >>> len(_some([str(i) for i in range(100)])), _some(["a", "b"])
    (12, ['a', 'b'])
    """
    if len(keys) <= MAX_PANELS:
        return list(keys)
    return [keys[round(i * (len(keys) - 1) / (MAX_PANELS - 1))] for i in range(MAX_PANELS)]


def _by_tier(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the mean loss over the languages of each tier, for every run and measurement."""
    return frame.group_by("arm", "alpha", "seed", "tier", "tokens").agg(pl.col("loss").mean())


def _apart(frame: pl.DataFrame) -> str:
    """Say how far low is above high in the last measurement of each arm."""
    last = frame.filter(pl.col("tokens") == pl.col("tokens").max())
    means = last.group_by("arm", "tier").agg(pl.col("loss").mean())
    found = {(arm, tier): loss for arm, tier, loss in means.iter_rows()}
    told = [
        f"{found[arm, 'low'] - found[arm, 'high']:.2f} at {theme.lettered(arm)}"
        for arm in arms(frame)
        if (arm, "low") in found and (arm, "high") in found
    ]
    return f"; low is above high in the end by {', '.join(told)}" if told else ""


def _joined(
    frame: pl.DataFrame,
) -> tuple[list[float | None], list[float | None], list[str | None]]:
    """Return the lines of several languages as one, with a gap between them."""
    x: list[float | None] = []
    y: list[float | None] = []
    names: list[str | None] = []
    for (language,), part in frame.group_by("language", maintain_order=True):
        x += [*theme.rounded(part["passes"]), None]
        y += [*theme.rounded(part["loss"]), None]
        names += [str(language)] * len(part) + [None]
    return x, y, names
