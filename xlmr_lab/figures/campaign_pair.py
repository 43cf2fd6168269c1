"""Two cells of a campaign compared: what differs in their settings and, paired by seed and
language, in what came out.

Bars are 95 % intervals over pretraining seeds of the difference, so that what a seed does to both
cells drops out; open dots are single seeds.
"""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.cell_frames import OVERALL, PIECES
from xlmr_lab.figures import theme
from xlmr_lab.figures.campaign_words import BITS, SHARE, said, unit, value_told
from xlmr_lab.figures.language_dots import bars
from xlmr_lab.figures.summaries import over_seeds

POINTS = 100.0
"""Points of a score of 1."""
NOTHING = "Nothing was measured in both cells."
PANELS = {BITS: "losses, bits per byte (below 0: the second is better)", SHARE: "scores, points"}
LINE = 34
"""Height of a row, in pixels."""
MOST_SETTINGS = 5
"""Settings that are told of a pair."""


def pair(
    differences: pl.DataFrame, changed: Mapping[str, tuple[Any, Any]], *, first: str, second: str
) -> go.Figure:
    """Draw by how much each outcome of the second cell is above that of the first
    (`Cells.differences`), and tell the settings in which they differ (`Cells.changed`)."""
    title = theme.lettered(f"{second} less {first}")
    if differences.is_empty():
        return theme.empty(f"{NOTHING}<br>{settings_told(changed)}", title=title, height=220)
    rows = _rows(differences)
    units = [name for name in PANELS if name in rows["unit"]]
    parts = {name: rows.filter(unit=name) for name in units}
    figure = make_subplots(
        rows=len(units),
        cols=1,
        row_heights=[len(part["label"].unique()) for part in parts.values()],
        vertical_spacing=0.2,
        subplot_titles=[PANELS[name] for name in units],
    )
    figure.update_annotations(font_size=13)
    for panel, (name, part) in enumerate(parts.items(), 1):
        _add_panel(figure, part, panel, POINTS if name == SHARE else 1.0)
    seeds = differences["seed"].n_unique()
    subtitle = (
        f"{settings_told(changed)}<br>Paired by seed and language; 95\u00a0% intervals over "
        f"{seeds} pretraining seeds, open dots are single seeds"
    )
    height = 170 + 60 * len(units) + LINE * rows["label"].n_unique()
    figure = theme.finish(figure, title=title, subtitle=subtitle, height=height)
    return figure.update_layout(showlegend=False)


def settings_told(changed: Mapping[str, tuple[Any, Any]]) -> str:
    """Say in which settings two cells differ.

    >>> settings_told({"sampling.alpha": (0.3, 1.0)}), settings_told({})
    ('α: 0.3 → 1', 'No setting of pretraining differs')
    """
    told = [f"{said(k)}: {value_told(a)} → {value_told(b)}" for k, (a, b) in changed.items()]
    if not told:
        return "No setting of pretraining differs"
    more = f" and {len(told) - MOST_SETTINGS} more" if len(told) > MOST_SETTINGS else ""
    return "; ".join(told[:MOST_SETTINGS]) + more


def _rows(differences: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the picture: the loss of pieces by tier, other outcomes as they are."""
    is_tiered = (pl.col("outcome") == PIECES) & pl.col("tier").is_not_null()
    of_tier = pl.when(is_tiered).then(pl.format("{} {}", "outcome", "tier"))
    rows = differences.with_columns(
        column=of_tier.otherwise(pl.format(f"{{}} {OVERALL}", "outcome"))
    )
    label = pl.Series("label", [said(column) for column in rows["column"]], pl.String)
    units = pl.Series("unit", [unit(column) for column in rows["column"]], pl.String)
    return rows.with_columns(label, units)


def _add_panel(figure: go.Figure, part: pl.DataFrame, panel: int, scale: float) -> None:
    scaled = part.with_columns(pl.col("difference") * scale)
    means = over_seeds(scaled, ["label"], "difference")
    single = scaled.group_by("label", "seed", maintain_order=True).agg(pl.col("difference").mean())
    figure.add_scatter(
        x=theme.rounded(single["difference"]),
        y=single["label"].to_list(),
        mode="markers",
        marker={"color": theme.GREY, "symbol": "circle-open", "size": 6},
        customdata=single["seed"].to_list(),
        hovertemplate="seed %{customdata}: %{x:+.3g}<extra></extra>",
        row=panel,
        col=1,
    )
    figure.add_scatter(
        x=theme.rounded(means["mean"]),
        y=means["label"].to_list(),
        error_x=bars(means),
        mode="markers",
        marker={"color": theme.BLUE, "size": 9},
        customdata=means["num_seeds"].to_list(),
        hovertemplate="%{y}: %{x:+.3g} (%{customdata} seeds)<extra></extra>",
        row=panel,
        col=1,
    )
    figure.add_vline(x=0, line={"color": theme.GREY}, row=panel, col=1)
    order = means["label"].to_list()
    figure.update_yaxes(categoryarray=order, categoryorder="array", row=panel, col=1)
    figure.update_yaxes(range=[len(order) - 0.5, -0.5], row=panel, col=1)
    figure.update_xaxes(tickformat="+~g", zeroline=False, row=panel, col=1)
