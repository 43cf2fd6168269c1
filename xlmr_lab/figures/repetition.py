"""How often text is repeated: passes over a run by language, those of the paper, and what was drawn
beside what was to be expected.

Projections come from `figures.sampling.project`; what was drawn comes from a study's runs. Draws
are independent, so a realised share lies about its expectation by a known sampling error.
"""

import itertools
import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Unpack

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab import intervals
from xlmr_lab.figures import line_names, tables, theme
from xlmr_lab.figures.sampling import (
    STEPS,
    Projection,
    Settings,
    add_limits,
    length_told,
    project,
    repeated,
    shares,
    told,
)
from xlmr_lab.figures.summaries import over_seeds
from xlmr_lab.sampling import meter
from xlmr_lab.sampling.schedules import Length

FEW_POINTS, MANY_POINTS = 12, 24
"""Points of a line between two changes, where languages are many or few."""
LEAST = 0.05
"""Lines are drawn from this share of the least passes at the end: they begin at none, which a
logarithmic axis has no place for.
"""
EMPTY_LINE = 90
"""Characters of a line inside an empty picture."""
PIXELS = 260
"""Height of the panel that lines are drawn in."""


def over_run(
    sizes: pl.DataFrame,
    *,
    basis: str = "bytes",
    budget: float = 1.0,
    color: str = "tier",
    only: Sequence[str] = (),
    title: str = "Passes over a run",
    **settings: Unpack[Settings],
) -> go.Figure:
    """Draw the exponent, in steps, and the passes made over each language's text, by part of a run.

    A schedule without exponent has the passes alone. `only`: languages to draw; empty: all.
    """
    found = project(sizes, basis=basis, budget=budget, **settings)
    every = found.passes()
    drawn = sizes.filter(pl.col("language").is_in(list(only))) if only else sizes
    ends = {key: every[key] for key in drawn["language"]}
    few = len(ends) <= theme.MAX_NAMES
    low, high = math.log10(LEAST * min(ends.values())), math.log10(2 * max(ends.values()))
    rows = 1 if found.config.schedule == "capped" else 2
    figure = _panels(found, rows)
    colors = _add_groups(figure, found, theme.folded(drawn, color).select("language", color), rows)
    if few:
        line_names.add(figure, ends, colors, row=rows, span=(low, high), pixels=PIXELS)
    add_limits(figure, ends.values(), row=rows)
    figure.update_xaxes(range=[0, line_names.ROOM if few else 1], tickformat=".0%")
    figure.update_xaxes(title="part of the run", row=rows, col=1)
    axis = theme.logarithmic([10**low, *ends.values()]) | {"range": [low, high]}
    figure.update_yaxes(title="passes", **axis, row=rows, col=1)
    return theme.finish(
        figure,
        title=title + told(found.config),
        subtitle=f"One line a language, {length_told(budget)};<br>{repeated(every.values())}",
        height=300 + 120 * rows,
        legend=theme.GROUPS[color],
    )


def _panels(found: Projection, rows: int) -> go.Figure:
    """Return the panels of a figure: the exponent where there is one, and room for passes below."""
    heights = [1.0] if rows == 1 else [0.24, 0.76]
    figure = make_subplots(
        rows=rows, cols=1, shared_xaxes=True, vertical_spacing=0.06, row_heights=heights
    )
    if rows == 2:
        _add_exponent(figure, found)
    return figure


def _add_exponent(figure: go.Figure, found: Projection) -> None:
    """Draw the exponent of each phase as steps, and the phases in which languages join."""
    config = found.config
    turns = [0.0, *config.changes, 1.0]
    alphas = [config.alpha, *config.later_alphas]
    figure.add_scatter(
        x=turns,
        y=[*alphas, alphas[-1]],
        mode="lines",
        line={"shape": "hv", "color": theme.INK, "width": 2},
        showlegend=False,
        hovertemplate="from %{x:.0%}: α = %{y}<extra></extra>",
        row=1,
        col=1,
    )
    for start in sorted(set(config.joins().values())):
        names = [key for key, fraction in config.joins().items() if fraction == start]
        figure.add_vline(x=start, line={"dash": "dot", "color": theme.GREY})
        figure.add_annotation(
            x=start,
            y=1,
            yref="y domain",
            text="+ " + (", ".join(names) if len(names) < 4 else f"{len(names)} languages"),
            showarrow=False,
            xanchor="left" if start < 0.7 else "right",
            yanchor="top",
        )
    figure.update_yaxes(title="α", range=[0, 1.05], tickvals=[0, 0.5, 1], row=1, col=1)


def _add_groups(
    figure: go.Figure, found: Projection, groups: pl.DataFrame, row: int
) -> dict[str, str]:
    """Draw the passes of each group of languages in a colour of its own; return the languages'.

    Groups differ by dashes too where languages are few; where many lie side by side, a group is
    told by its place.
    """
    column = groups.columns[1]
    palette, order = theme.colors(groups[column], column), theme.order(groups[column], column)
    few = len(groups) <= theme.MAX_NAMES
    for value, dash in zip(order, theme.DASHES * 2, strict=False):
        keys = groups.filter(pl.col(column) == value)["language"].to_list()
        line = {"width": 1.6, "dash": dash} if few else {"width": 0.8}
        look = {"line": {"color": palette[value], **line}, "name": value}
        _add_lines(figure, found, keys, look, row)
    return {key: palette[value] for key, value in groups.iter_rows()}


def _add_lines(
    figure: go.Figure, found: Projection, keys: Sequence[str], look: Mapping[str, object], row: int
) -> None:
    """Draw the passes over the text of some languages as one trace, with a gap between lines."""
    x: list[float | None] = []
    y: list[float | None] = []
    names: list[str | None] = []
    steps = _steps(found)
    counted = [found.passes(Length(step, found.length.step_blocks)) for step in steps]
    for key in keys:
        line = [(s / STEPS, made[key]) for s, made in zip(steps, counted, strict=True) if made[key]]
        x += [*(part for part, _ in line), None]
        y += [*(float(f"{value:.4g}") for _, value in line), None]
        names += [key] * len(line) + [None]
    figure.add_scatter(
        **look,
        x=x,
        y=y,
        customdata=names,
        mode="lines",
        hovertemplate="%{customdata}: %{y:.3~g} passes at %{x:.0%}<extra></extra>",
        row=row,
        col=1,
    )


def _steps(found: Projection) -> list[int]:
    """Return the steps that are drawn: of each phase its first and as many as a curve needs."""
    number = FEW_POINTS if len(found.sizes) > theme.MAX_NAMES else MANY_POINTS
    edges = [phase.first_step for phase in found.phases] + [STEPS]
    steps = {1, STEPS}
    for first, last in itertools.pairwise(edges):
        steps |= {round(first + (last - first) * (i / number) ** 2) for i in range(number + 1)}
    return sorted(steps | {max(1, edge - 1) for edge in edges})


def realised(frame: pl.DataFrame, *, otherwise: str = "No run has drawn anything.") -> go.Figure:
    """Draw what the runs of a study drew of each language beside what was to be expected.

    `frame` is that of `sampling_results.realised`; `otherwise` is said where it is empty. Above:
    shares, mean over seeds. Below: how far each run's share is from its expectation, in standard
    deviations of the sampling.
    """
    title = "What was drawn and what was to be expected"
    if frame.is_empty():
        return theme.empty("<br>".join(textwrap.wrap(otherwise, EMPTY_LINE)), title=title)
    order = frame.select("language", "name", "size_bytes").unique()
    order = theme.labelled(order.sort("size_bytes", "language", descending=[True, False]))
    frame = order.select("language", "label").join(frame, on="language", maintain_order="left")
    frame = frame.with_columns(off=(pl.col("share") - pl.col("expected_share")) / pl.col("error"))
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.07)
    for i, arm in enumerate(sorted(frame["arm"].unique().to_list())):
        _add_arm(figure, frame.filter(pl.col("arm") == arm), arm, i)
    figure.add_hrect(y0=-2, y1=2, fillcolor=theme.FAINT, opacity=0.35, line_width=0, row=2, col=1)
    figure.update_xaxes(**theme.categories(order["label"]))
    drawn = frame.filter(pl.col("share") > 0)["share"]
    figure.update_yaxes(title="share", **theme.logarithmic(drawn, ".2~%"), row=1, col=1)
    figure.update_yaxes(title="standard deviations", row=2, col=1)
    known = frame.filter(pl.col("off").is_finite())["off"].abs()
    beyond = int((known > 2).sum())
    subtitle = (
        "Above, dots: shares of the blocks drawn, mean over seeds; lines: expected of the schedule."
        f"<br>Below: one dot a run and language; {beyond_told(beyond, len(known))}"
    )
    return theme.finish(figure, title=title, subtitle=subtitle, height=540)


def beyond_told(number: int, dots: int) -> str:
    """Say how many dots lie beyond two standard deviations, and what chance makes of so many.

    >>> beyond_told(1, 5)
    '1 of 5 beyond 2, as many or more by chance: 21 %'
    """
    told = f"{number:,} of {dots:,} beyond 2"
    if not number:
        return told
    chance = intervals.binomial_tail(number, dots, intervals.BEYOND_TWO)
    return f"{told}, as many or more by chance: {theme.significant(100 * chance)} %"


def _add_arm(figure: go.Figure, part: pl.DataFrame, arm: str, place: int) -> None:
    """Draw the shares of one arm and how far its runs are off."""
    marker = {"color": theme.PALETTE[place % 8], "symbol": theme.SYMBOLS[place % 8], "size": 8}
    name = theme.lettered(arm)
    means = part.select("language", "label", "expected_share").unique(maintain_order=True)
    means = means.unique("language", maintain_order=True).join(
        over_seeds(part, ["language"], "share"), on="language", maintain_order="left"
    )
    line = {"symbol": "line-ew-open", "size": 16, "color": marker["color"], "line": {"width": 2}}
    small = marker | {"size": 6, "opacity": 0.75}
    for row, frame, column, look, reading in (
        (1, means, "expected_share", line, "%{y:.3%} expected"),
        (1, means, "mean", marker, "%{y:.3%} drawn"),
        (2, part, "off", small, "%{y:.2f} standard deviations"),
    ):
        figure.add_scatter(
            x=frame["label"].to_list(),
            y=theme.rounded(frame[column]),
            name=name,
            mode="markers",
            marker=look,
            legendgroup=arm,
            showlegend=column == "mean",
            hovertemplate=f"%{{x}}, {name}: {reading}<extra></extra>",
            row=row,
            col=1,
        )


def paper_budget(sizes: pl.DataFrame, *, bytes_per_piece: float | None = None) -> float:
    """Return the length of XLM-R's pretraining in sizes of the paper's text: of its words, a token
    position taken for a word, or of its pieces, if there are so many bytes to a piece.
    """
    if bytes_per_piece is None:
        return meter.PAPER_POSITIONS / math.fsum(sizes["num_words"].to_list())
    return meter.PAPER_POSITIONS * bytes_per_piece / math.fsum(sizes["size_bytes"].to_list())


def paper_passes(
    sizes: pl.DataFrame, languages: Sequence[str], *, alpha: float = 0.3, bytes_per_piece: float
) -> tables.Table:
    """Show how often XLM-R went through the text of some of its languages, counted in words and in
    pieces of so many bytes; `sizes` is `results.paper_sizes()`.
    """
    words = shares(sizes, alpha=alpha, basis="words", budget=paper_budget(sizes))
    budget = paper_budget(sizes, bytes_per_piece=bytes_per_piece)
    pieces = shares(sizes, alpha=alpha, basis="bytes", budget=budget)
    columns = ["language", "probability", "passes"]
    joined = pieces.join(words.select(columns), on="language", suffix="_words")
    chosen = joined.filter(pl.col("language").is_in(languages)).sort("passes")
    shown = chosen.select(
        "language",
        "name",
        pl.col("paper_gib").alias("GiB"),
        pl.col("probability").alias("q by bytes"),
        pl.col("passes").alias("passes by bytes"),
        pl.col("probability_words").alias("q by words"),
        pl.col("passes_words").alias("passes by words"),
    )
    caption = (
        f"8,192 × 512 × 1.5 million token positions at α = {alpha:g}. By bytes: "
        f"{bytes_per_piece:g} bytes to a position everywhere. By words: a word to a position."
    )
    forms = {"q": ".2%", "passes": ",.0f", "GiB": ",.1f"}
    formats = {name: form for name in shown.columns if (form := forms.get(name.split(" ")[0]))}
    return tables.show(shown, caption, formats)
