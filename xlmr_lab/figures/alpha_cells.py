"""F3: held-out loss by the exponent of language sampling, by resource tier, beside arms whose
exponent changes (XLM-R Figure 5).

Arms of one exponent stand at its place and are joined; arms of a schedule have places of their own
to the right, by name. "High and low" is the mean of both tiers, the average that the claim is
about: the languages between count for none of its contrasts. Losses are in bits per byte, so that
languages and tiers can be averaged.
"""

from typing import Any

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.figures import theme
from xlmr_lab.figures.language_dots import bars
from xlmr_lab.figures.summaries import change, last_step, over_seeds

HEIGHT = 430
LOSS, CONSTANT = "bits_per_byte", "constant"
BOTH = "high and low"
GAP = 0.22
"""Distance of places beyond the last exponent, in units of alpha."""
SHIFT = 0.017
"""How far series stand beside each other, in units of alpha."""
NOTHING = "No exponents of language sampling were compared here (F3)."
ALONE = "No run has α = {:g}, so there is no change from it."


def by_alpha(frame: pl.DataFrame, *, reference: float | None = None) -> go.Figure:
    """Draw the held-out loss at the end of training by arm, a line for each resource tier and one
    for high and low together; with a `reference`, the change from that constant alpha, paired by
    seed and language.
    """
    title = _title(reference)
    if frame.is_empty():
        return theme.empty(NOTHING, title=title, height=150)
    rows = last_step(frame)
    if reference is not None:
        if rows.filter(alpha=reference, schedule=CONSTANT).is_empty():
            return theme.empty(ALONE.format(reference), title=title, height=150)
        rows = _changes(rows, reference)
    found = _places(rows)
    rows = rows.join(found, on="arm", maintain_order="left")
    series = {tier: rows.filter(tier=tier) for tier in theme.order(rows["tier"], "tier")}
    if {"high", "low"} <= set(series):
        series[BOTH] = rows.filter(pl.col("tier").is_in(["high", "low"]))
    figure = go.Figure()
    for number, (name, part) in enumerate(series.items()):
        shift = (number - (len(series) - 1) / 2) * SHIFT
        _add(figure, part, name, shift)
    if reference is not None:
        figure.add_hline(y=0, line={"color": theme.GREY, "dash": "dot"})
    return _finish(figure, rows, found, title)


def _changes(rows: pl.DataFrame, reference: float) -> pl.DataFrame:
    """Return how far each arm's losses are above those of the reference."""
    rows = rows.with_columns(constant=pl.when(pl.col("schedule") == CONSTANT).then(pl.col("alpha")))
    return change(rows, column="constant", reference=reference, value=LOSS)


def _places(rows: pl.DataFrame) -> pl.DataFrame:
    """Return where each arm stands, and what is written there."""
    arms = rows.select("arm", "alpha", "schedule").unique(maintain_order=True)
    plain = arms.filter(pl.col("schedule") == CONSTANT).sort("alpha")
    others = arms.filter(pl.col("schedule") != CONSTANT)
    last = max(plain["alpha"].to_list(), default=0.0)
    alphas = plain["alpha"].to_list()
    return pl.DataFrame(
        {
            "arm": [*plain["arm"], *others["arm"]],
            "place": [*alphas, *(last + GAP * (i + 1) for i in range(len(others)))],
            "label": [*(f"{a:g}" for a in alphas), *(theme.lettered(a) for a in others["arm"])],
            "joined": [True] * len(plain) + [False] * len(others),
        },
        schema={
            "arm": pl.String,
            "place": pl.Float64,
            "label": pl.String,
            "joined": pl.Boolean,
        },
    )


def _add(figure: go.Figure, part: pl.DataFrame, name: str, shift: float) -> None:
    means = over_seeds(part, ["place", "label", "joined"], LOSS).sort("place")
    shown, color = f"{name} ({part['language'].n_unique()})", _color(name)
    for joined in (True, False):
        rows = means.filter(joined=joined)
        figure.add_scatter(
            x=theme.rounded(rows["place"] + shift),
            y=theme.rounded(rows["mean"]),
            error_y=bars(rows),
            name=shown,
            legendgroup=name,
            showlegend=joined,
            mode="lines+markers" if joined else "markers",
            marker={"color": color, "symbol": _symbol(name, joined=joined), "size": 9},
            line={"color": color, "width": 1.8, "dash": "dot" if name == BOTH else "solid"},
            customdata=rows["label"].to_list(),
            hovertemplate=f"{name}, α %{{customdata}}: %{{y:.4f}}<extra></extra>",
        )


def _color(name: str) -> str:
    return theme.GREY if name == BOTH else theme.TIER_COLORS[name]


def _symbol(name: str, *, joined: bool) -> str:
    symbol = "x" if name == BOTH else theme.symbols([name], "tier")[name]
    return symbol if joined else f"{symbol}-open"


def _title(reference: float | None) -> str:
    if reference is None:
        return "Held-out loss by α"
    return f"Change in held-out loss from α = {reference:g}"


def _finish(figure: go.Figure, rows: pl.DataFrame, found: pl.DataFrame, title: str) -> go.Figure:
    axis: dict[str, Any] = {
        "tickvals": found["place"].to_list(),
        "ticktext": found["label"].to_list(),
    }
    figure.update_xaxes(title="α", zeroline=False, **axis)
    figure.update_yaxes(title="bits per byte", zeroline=False)
    seeds, step = rows["seed"].n_unique(), max(rows["step"].to_list())
    subtitle = (
        f"{seeds} pretraining seeds at step {step:,}; lower is better; open: α changes in the run"
        "<br>dots are means over a tier's languages, bars 95\u00a0% intervals over seeds"
    )
    legend = "tier (languages)"
    return theme.finish(figure, title=title, subtitle=subtitle, height=HEIGHT, legend=legend)
