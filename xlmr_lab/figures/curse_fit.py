"""The losses of F1 and F2 as a fitted surface of languages and capacity, with the measured cells on
it (see `capacity_surface`).

A surface is fitted to the mean of each tier, and to that of all languages; only seeds that every
cell has count. Lines of equal loss say how much capacity more languages need. Each says how far the
cells are off the surface: where that is much more than seeds explain, the surface is too simple for
them, and what is read off it is rough (`curse_tables`). Beyond the measured cells nothing is drawn.
"""

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab import capacity_surface, intervals
from xlmr_lab.capacity_surface import Cell, Surface
from xlmr_lab.figures import theme
from xlmr_lab.figures.curse import LOSS, NOTHING, counts_axis, width_looks
from xlmr_lab.figures.language_dots import bars
from xlmr_lab.figures.summaries import Where, filtered, last_step, over_seeds

HEIGHT = 400
STEPS = 30
"""Places of a line or an edge of a surface."""
LEVEL_FONT = {"size": 11, "color": theme.INK}
"""How the levels of a surface are written on it."""
MARGIN = 1.15
"""How far around the measured cells a surface is drawn."""
NO_FIT = "No surface can be fitted: {}."


def fitted(frame: pl.DataFrame) -> go.Figure:
    """Draw the fitted loss over the number of languages, a line for each width and a panel for each
    tier, and the measured cells with their intervals."""
    title = "Languages and width: fitted surface"
    if why := lacking(frame):
        return theme.empty(why, title=title, height=150)
    tiers = theme.order(frame["tier"], "tier")
    figure = make_subplots(rows=1, cols=len(tiers), subplot_titles=tiers, horizontal_spacing=0.08)
    for column, tier in enumerate(tiers, 1):
        own = frame.filter(tier=tier)
        _add_panel(figure, own, width_looks(frame), column)
    figure.update_xaxes(title="languages", **counts_axis(frame["num_languages"]))
    _same_spans(figure)
    figure.update_yaxes(title="bits per byte", col=1, row=1)
    surface = surface_of(frame)
    subtitle = (
        f"Lines: least squares through {surface.num_cells} cells, a surface for each tier; dots: "
        f"measured<br>bars 95\u00a0% intervals over {len(surface.seeds)} seeds; {_told(surface)}"
    )
    return theme.finish(figure, title=title, subtitle=subtitle, height=HEIGHT, legend="width")


def equal_loss(frame: pl.DataFrame, *, where: Where | None = None) -> go.Figure:
    """Draw lines of equal fitted loss over languages and parameters, the measured cells, and the
    capacity that is as good as the fewest parameters with the fewest languages, of each seed.
    """
    title = "What capacity do more languages need?"
    chosen = filtered(frame, where)
    if why := lacking(chosen):
        return theme.empty(why, title=title, height=150)
    surface, cells = surface_of(chosen), cells_of(chosen)
    counts, sizes = [c.num_languages for c in cells], [c.capacity for c in cells]
    x, y = _edge(counts), _edge(sizes)
    figure = go.Figure()
    figure.add_contour(
        x=_short(x),
        y=_short(y),
        z=[[_rounded(surface.predicted(n, p).mean) for n in x] for p in y],
        colorscale=[[0, "#d9ecf7"], [1, "#f5d9c8"]],
        contours={"coloring": "heatmap", "showlabels": True, "labelfont": LEVEL_FONT},
        line={"width": 1, "color": theme.GREY},
        showscale=False,
        hovertemplate="%{x:.0f} languages, %{y:,.0f} parameters: %{z:.4f}<extra></extra>",
    )
    _add_needed(figure, surface, x)
    _add_cells(figure, cells)
    figure.update_xaxes(
        title="languages in the model",
        range=[math.log10(x[0]), math.log10(x[-1])],
        **counts_axis(pl.Series(counts)),
    )
    figure.update_yaxes(
        title="parameters of the layers (width)",
        range=[math.log10(y[0]), math.log10(y[-1])],
        **_sizes_axis(chosen),
    )
    tiers = theme.order(chosen["tier"], "tier")
    subtitle = (
        f"Bits per byte, {chosen['language'].n_unique()} languages ({', '.join(tiers)}); dots: "
        f"measured cells, {len(surface.seeds)} seeds<br>{_told(surface)}{_unmet(surface)}"
    )
    return theme.finish(figure, title=title, subtitle=subtitle, height=HEIGHT + 60).update_layout(
        legend={"orientation": "h", "y": -0.2}
    )


def lacking(frame: pl.DataFrame) -> str:
    """Say why a frame has no surface, in lines; empty where it has one."""
    if frame.is_empty():
        return NOTHING
    why = capacity_surface.lacking(cells_of(frame))
    return "<br>".join(textwrap.wrap(NO_FIT.format(why), 90)) if why else ""


def surface_of(frame: pl.DataFrame) -> Surface:
    """Fit the surface of the mean of a frame's languages.

    Raises:
        UserError: there is none (see `lacking`).
    """
    return capacity_surface.fit(cells_of(frame))


def cells_of(frame: pl.DataFrame) -> list[Cell]:
    """Return the means over a frame's languages at the end of training, of the seeds that every
    cell has."""
    keys = ("num_languages", "capacity")
    means = last_step(frame).group_by(*keys, "seed").agg(pl.mean(LOSS)).sort(*keys, "seed")
    parts = means.partition_by(*keys, maintain_order=True)
    common = set.intersection(*(set(part["seed"]) for part in parts)) if parts else set()
    return [
        Cell(
            num_languages=part["num_languages"][0],
            capacity=part["capacity"][0],
            losses=tuple(part.filter(pl.col("seed").is_in(common))[LOSS]),
        )
        for part in parts
    ]


def _told(surface: Surface) -> str:
    """Say how well a surface fits."""
    if not math.isfinite(surface.residual_std):
        return "as many cells as coefficients: it fits exactly, and says nothing of how well"
    told = f"cells are off by {surface.residual_std:.2g} bits per byte"
    if not math.isfinite(surface.noise_std):
        return told
    return f"{told}, by seeds alone {surface.noise_std:.2g}"


def _add_panel(
    figure: go.Figure, own: pl.DataFrame, looks: dict[int, tuple[str, str, str]], column: int
) -> None:
    surface = surface_of(own)
    x = _edge([cell.num_languages for cell in cells_of(own)])
    measured = over_seeds(last_step(own), ["num_languages", "width", "capacity"], LOSS)
    for width, (color, symbol, dash) in looks.items():
        rows = measured.filter(width=width)
        capacity = rows["capacity"][0]
        shared: dict[str, Any] = {"legendgroup": str(width), "row": 1, "col": column}
        figure.add_scatter(
            x=_short(x),
            y=_short([surface.predicted(n, capacity).mean for n in x]),
            mode="lines",
            line={"color": color, "dash": dash, "width": 1.6},
            name=str(width),
            showlegend=False,
            hovertemplate=f"fitted, width {width}, %{{x:.0f}} languages: %{{y:.4f}}<extra></extra>",
            **shared,
        )
        figure.add_scatter(
            x=rows["num_languages"].to_list(),
            y=theme.rounded(rows["mean"]),
            error_y=bars(rows),
            mode="markers",
            marker={"color": color, "symbol": symbol, "size": 9},
            name=str(width),
            showlegend=column == 1,
            hovertemplate=f"width {width}, %{{x}} languages: %{{y:.4f}}<extra></extra>",
            **shared,
        )


def _same_spans(figure: go.Figure) -> None:
    """Give the panels axes of one length, so that slopes compare; levels differ."""
    ends: dict[str, list[float]] = {}
    for trace in figure.data:
        found = ends.setdefault(trace.yaxis, [])
        error = trace.error_y
        above, below = (error.array or [], error.arrayminus or []) if error else ([], [])
        found += [*trace.y, *(y + (e or 0) for y, e in zip(trace.y, above, strict=False))]
        found += [y - (e or 0) for y, e in zip(trace.y, below, strict=False)]
    half = 0.54 * max(max(values) - min(values) for values in ends.values())
    for name, values in ends.items():
        middle = (max(values) + min(values)) / 2
        axis = name.replace("y", "yaxis")
        figure.layout[axis].range = [round(middle - half, 4), round(middle + half, 4)]


def _add_needed(figure: go.Figure, surface: Surface, x: list[float]) -> None:
    """Draw where the loss is that of N0 and P0, for each seed that has it and for the mean."""
    by_seed = list(zip(*(surface.needed_by_seed(count) for count in x), strict=True))
    known = [values for values in by_seed if any(map(math.isfinite, values))]
    single = {"width": 1, "dash": "dot"}
    for number, values in enumerate(known):
        _add_curve(figure, surface, x, values, name="single seeds", line=single, first=not number)
    mean = [surface.needed(count).mean for count in x]
    name = f"as good as {surface.num_languages} languages at the narrowest"
    if any(map(math.isfinite, mean)):
        _add_curve(figure, surface, x, mean, name=name, line={"width": 3}, first=True)


def _unmet(surface: Surface) -> str:
    """Say in how many seeds no capacity makes up for twice the languages."""
    needed = surface.needed_by_seed(2 * surface.num_languages)
    number = sum(not math.isfinite(value) for value in needed)
    if not number:
        return ""
    return f"<br>in {number} of {len(needed)} seeds no capacity makes up for more languages"


def _add_curve(
    figure: go.Figure,
    surface: Surface,
    x: Sequence[float],
    times: Sequence[float],
    *,
    name: str,
    line: dict[str, Any],
    first: bool,
) -> None:
    figure.add_scatter(
        x=_short(x),
        y=[_rounded(value * surface.capacity) for value in times],
        mode="lines",
        line={"color": theme.BLUE} | line,
        name=name,
        legendgroup=name,
        showlegend=first,
        hovertemplate="%{x:.0f} languages: %{y:,.0f} parameters<extra></extra>",
    )


def _add_cells(figure: go.Figure, cells: list[Cell]) -> None:
    means = [intervals.mean_interval(cell.losses).mean for cell in cells]
    figure.add_scatter(
        x=[cell.num_languages for cell in cells],
        y=[cell.capacity for cell in cells],
        mode="markers+text",
        marker={"color": theme.INK, "size": 8},
        text=[f"<b>{mean:.3f}</b>" for mean in means],
        textposition="top center",
        name="measured",
        showlegend=False,
        hovertemplate="%{x} languages, %{y:,} parameters: %{text}<extra></extra>",
    )


def _sizes_axis(frame: pl.DataFrame) -> dict[str, object]:
    sizes = frame.select("capacity", "width").unique().sort("capacity").rows()
    return {
        "type": "log",
        "tickvals": [capacity for capacity, _ in sizes],
        "ticktext": [f"{theme.significant(capacity)} ({width})" for capacity, width in sizes],
    }


def _edge(values: list[int]) -> list[float]:
    """Return places from a little below the least to a little above the most, evenly in ratio."""
    return list(np.geomspace(min(values) / MARGIN, max(values) * MARGIN, STEPS))


def _short(values: Sequence[float]) -> list[float]:
    return theme.rounded(pl.Series(values, dtype=pl.Float64))


def _rounded(value: float) -> float | None:
    return float(f"{value:.5g}") if math.isfinite(value) else None
