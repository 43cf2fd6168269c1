"""What cleaning took away and whether it was right: step by step, by language, by score, by truth.

Frames come from `cleaning_results`. Languages stand in the order of their kept text. Where a study
cannot know something (perplexity without a language model, truth of real text) the picture says so.
Covers XLM-R Sec. 3 and CCNet Sec. 3.
"""

import math
from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.figures import theme
from xlmr_lab.figures.tables import Table, show

FEWEST = 1e-3
"""Least share that a heat map tells from more by its colour."""

NONE = "none"
"""How an axis writes that no language was named."""

SHADES = [[0, "#f1f5f9"], [0.5, "#b5d8ee"], [0.75, theme.BLUE], [1, "#0b2239"]]


def waterfall(frame: pl.DataFrame) -> go.Figure:
    """Draw the paragraphs of all languages from what was read to what was kept, a bar for each
    reason that took some away.
    """
    totals = frame.group_by("stage", "reason", maintain_order=True).agg(
        pl.col("num_paragraphs").sum()
    )
    lost = totals.filter(pl.col("reason").is_not_null())
    read = int(totals.filter(stage="read")["num_paragraphs"].sum())
    kept = int(totals.filter(stage="kept")["num_paragraphs"].sum())
    figure = go.Figure()
    _add_total(figure, "read", read)
    left = read
    taking = set(lost["stage"])
    stages = [stage for stage in frame["stage"].unique(maintain_order=True) if stage in taking]
    for i, stage in enumerate(stages):
        part = lost.filter(stage=stage).sort("num_paragraphs", "reason", descending=[True, False])
        numbers = part["num_paragraphs"].to_list()
        after = [left := left - number for number in numbers]
        figure.add_bar(
            x=[spaced(reason) for reason in part["reason"]],
            y=numbers,
            base=after,
            name=spaced(stage),
            marker={"color": theme.PALETTE[i % 8]},
            text=[f"−{theme.significant(100 * number / max(1, read))}%" for number in numbers],
            textposition="outside",
            hovertemplate=f"%{{x}} ({spaced(stage)}): %{{y:,}} paragraphs<extra></extra>",
        )
    _add_total(figure, "kept", kept)
    figure.update_layout(barmode="overlay", bargap=0.25)
    figure.update_yaxes(title="paragraphs", tickformat="~s", range=[0, 1.08 * max(1, read)])
    figure.update_xaxes(type="category", autotickangles=[0, -35, -90], showgrid=False)
    subtitle = f"{read:,} paragraphs read, {kept:,} kept ({kept / max(1, read):.1%}), all languages"
    return theme.finish(figure, title="From read to kept", subtitle=subtitle, legend="step")


def losses(frame: pl.DataFrame) -> go.Figure:
    """Draw for each language and reason the share of its paragraphs that went for it."""
    lost = frame.filter(pl.col("reason").is_not_null())
    if lost.is_empty():
        return theme.empty("Nothing was rejected.", title="Rejected, by language", height=150)
    languages = theme.labelled(frame.select("language", "name").unique(maintain_order=True))
    stages = frame["stage"].unique(maintain_order=True).to_list()
    steps = dict(lost.select("reason", "stage").iter_rows())
    order = sorted(steps, key=lambda reason: (stages.index(steps[reason]), reason), reverse=True)
    cells = lost.join(languages.select("language", "label"), on="language", maintain_order="left")
    figure = _heat_map(
        cells.select("label", pl.col("reason").str.replace_all("_", " "), "share").rows(),
        x=languages["label"].to_list(),
        y=[spaced(reason) for reason in order],
        hover="%{x}, %{y}: %{text}<extra></extra>",
    )
    figure.update_xaxes(**theme.categories(languages["label"]) | {"showgrid": False})
    total = lost.group_by("language").agg(pl.col("share").sum()).sort("share", "language")
    ends = [f"{total['language'][i]} {total['share'][i]:.1%}" for i in (-1, 0)]
    subtitle = f"Share of a language's paragraphs; lost the most: {ends[0]}, the least: {ends[1]}"
    height = 170 + 24 * len(order)
    title = "Rejected, by language and reason"
    return theme.finish(figure, title=title, subtitle=subtitle, height=max(260, height))


def rejected(frame: pl.DataFrame) -> Table:
    """Show rejected paragraphs beside what was kept of their documents."""
    shown = frame.with_columns(pl.col("reason").str.replace_all("_", " "))
    caption = (
        "Rejected paragraphs as they were read, shortened; ¶ is a line end, \ufffd what cannot be "
        "shown. A dash: nothing of it was kept."
    )
    return show(shown, caption if len(frame) else "Nothing was rejected.")


def confusion(frame: pl.DataFrame) -> go.Figure:
    """Draw as which language held-back labelled paragraphs were identified."""
    title = "What the identifiers take for what"
    if frame.is_empty():
        message = "No labelled text was held back to measure the identifiers on."
        return theme.empty(message, title=title, height=150)
    keys = frame["gold"].unique().sort().to_list()
    others = sorted(set(frame["predicted"]) - {*keys, ""})
    columns = [*keys, *others, *([""] if "" in set(frame["predicted"]) else [])]
    totals = dict(frame.group_by("gold").agg(pl.col("count").sum()).iter_rows())
    figure = _heat_map(
        [(to or NONE, gold, number / totals[gold]) for gold, to, number in frame.iter_rows()],
        x=[name or NONE for name in columns],
        y=list(reversed(keys)),
        hover="%{y} taken for %{x}: %{text}<extra></extra>",
    )
    shown = theme.sparse([*keys, *others])
    figure.update_xaxes(title="identified as", tickvals=[*shown, NONE])
    figure.update_yaxes(title="language of the file", tickvals=theme.sparse(keys))
    count = pl.col("count")
    right = int(frame.filter(pl.col("gold") == pl.col("predicted"))["count"].sum())
    silent = int(frame.filter(predicted="").select(count.sum()).item())
    total = int(frame["count"].sum())
    subtitle = (
        f"{total:,} held-back paragraphs: {right / total:.1%} named rightly, "
        f"{silent / total:.1%} not at all, {(total - right - silent) / total:.1%} wrongly"
    )
    height = min(700, 220 + 22 * len(keys))
    return theme.finish(figure, title=title, subtitle=subtitle, height=height)


def scores(frame: pl.DataFrame) -> go.Figure:
    """Draw the share of paragraphs that an identifier names with at least a score, apart for those
    that it takes for the expected language and for another.
    """
    title = "How sure the identifiers are"
    if frame.is_empty():
        return theme.empty("No paragraph was identified.", title=title, height=150)
    figure, spoken = go.Figure(), []
    for i, identifier in enumerate(frame["identifier"].unique(maintain_order=True)):
        own = frame.filter(identifier=identifier)
        for is_expected, color in ((True, theme.BLUE), (False, theme.VERMILION)):
            part = own.filter(is_expected=is_expected).sort("score", descending=True)
            if part.is_empty():
                continue
            total = int(part["num_paragraphs"].sum())
            kind = "the expected language" if is_expected else "another language"
            reached = part["num_paragraphs"].cum_sum() / total
            figure.add_scatter(
                x=[*part["score"].to_list(), 0.0],
                y=[*theme.rounded(reached), 1.0],
                name=f"{identifier}: {kind}",
                mode="lines",
                line={"color": color, "dash": theme.DASHES[i], "shape": "hv", "width": 2},
                hovertemplate=f"{identifier}, {kind}: %{{y:.1%}} with at least %{{x:.2f}}"
                "<extra></extra>",
            )
        wrong = int(own.filter(~pl.col("is_expected"))["num_paragraphs"].sum())
        spoken.append(f"{identifier} {wrong / int(own['num_paragraphs'].sum()):.1%}")
    figure.update_xaxes(title="score", range=[0, 1])
    figure.update_yaxes(title="share with at least this score", tickformat=".0%", range=[0, 1.02])
    subtitle = f"Named another language than the expected one: {', '.join(spoken)} of paragraphs"
    return theme.finish(figure, title=title, subtitle=subtitle, legend="named")


def perplexities(frame: pl.DataFrame) -> go.Figure:
    """Draw the perplexity of each language's documents and where its middle and tail begin."""
    title = "Perplexity under the language's encyclopaedia"
    if frame.is_empty():
        message = "No language model was trained (measure.encyclopaedia_sources names no source)."
        return theme.empty(message, title=title, height=150)
    frame = theme.labelled(frame)
    figure = go.Figure()
    middle = frame["p50"]
    figure.add_scatter(
        x=frame["label"].to_list(),
        y=theme.rounded(middle),
        name="median, 5 % to 95 %",
        mode="markers",
        marker={"color": theme.BLUE, "size": 9},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": theme.rounded(frame["p95"] - middle),
            "arrayminus": theme.rounded(middle - frame["p05"]),
            "thickness": 1.5,
            "width": 3,
        },
        customdata=frame.select("language", "num_documents").rows(),
        hovertemplate="%{customdata[0]}: %{y:.3~g} (%{customdata[1]:,} documents)<extra></extra>",
    )
    _add_cutoffs(figure, frame)
    figure.update_xaxes(**theme.categories(frame["label"]))
    drawn = [*frame["p05"], *frame["p95"]]
    figure.update_yaxes(title="perplexity per piece", **theme.logarithmic(drawn))
    subtitle = (
        f"{int(frame['num_documents'].sum()):,} documents; the head is below the first mark, "
        "the tail from the second. Levels differ between languages by their pieces"
    )
    return theme.finish(figure, title=title, subtitle=subtitle)


def _add_cutoffs(figure: go.Figure, frame: pl.DataFrame) -> None:
    for column, color in (("middle_begins", theme.GREEN), ("tail_begins", theme.VERMILION)):
        figure.add_scatter(
            x=frame["label"].to_list(),
            y=theme.rounded(frame[column]),
            name=spaced(column),
            mode="markers",
            marker=dash(color, len(frame)),
            hovertemplate=f"%{{x}}: {spaced(column)} at %{{y:.3~g}}<extra></extra>",
        )


def _add_total(figure: go.Figure, name: str, number: int) -> None:
    figure.add_bar(
        x=[name],
        y=[number],
        marker={"color": theme.FAINT},
        showlegend=False,
        hovertemplate=f"{name}: %{{y:,}} paragraphs<extra></extra>",
    )


def _heat_map(
    cells: Sequence[tuple[str, str, float]], *, x: list[str], y: list[str], hover: str
) -> go.Figure:
    """Draw shares by column and row, with colours for their logarithms; other cells stay empty."""
    ticks = [1e-3, 1e-2, 1e-1, 1.0]
    figure = go.Figure()
    figure.add_heatmap(
        x=[column for column, _, _ in cells],
        y=[row for _, row, _ in cells],
        z=[round(math.log10(max(share, FEWEST)), 3) for _, _, share in cells],
        text=[f"{100 * share:.3g}%" for _, _, share in cells],
        texttemplate="%{text}" if len(x) <= theme.MAX_NAMES else None,
        hovertemplate=hover,
        zmin=math.log10(FEWEST),
        zmax=0,
        colorscale=SHADES,
        xgap=1,
        ygap=1,
        colorbar={
            "tickvals": [math.log10(tick) for tick in ticks],
            "ticktext": [f"{100 * tick:g}%" for tick in ticks],
            "title": {"text": "share"},
        },
    )
    for update, values in ((figure.update_xaxes, x), (figure.update_yaxes, y)):
        ends = [-0.5, len(values) - 0.5]
        update(type="category", categoryorder="array", categoryarray=values, range=ends)
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(showgrid=False)
    return figure


def dash(color: str, number: int) -> dict[str, object]:
    """Return the look of a short line across a language's place, where so many stand side by
    side.
    """
    width = max(5, min(18, 500 // max(1, number)))
    return {"color": color, "symbol": "line-ew-open", "size": width, "line": {"width": 2.5}}


def spaced(name: str) -> str:
    """Write a name of the code as a reader expects it.

    >>> spaced("too_short")
    'too short'
    """
    return name.replace("_", " ")
