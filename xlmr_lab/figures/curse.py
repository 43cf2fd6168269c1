"""F1 and F2: loss of the same languages' held-out words as others join them in one model, and as
the model gets wider (XLM-R Figures 2 and 4).

A line stands for a tier, a language or a width; its value is a mean over languages, its bar the
95 % Student t interval over pretraining seeds. With a reference, the change from that number of
languages at the same width is drawn, paired by seed and language. Losses are in bits per byte, so
that languages can be averaged. The paper measured XNLI accuracy: `paper_figures` draws it beside.
"""

from typing import Literal, NamedTuple

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.figures import theme
from xlmr_lab.figures.language_dots import bars
from xlmr_lab.figures.summaries import Where, change, filtered, last_step, over_seeds

Group = Literal["tier", "width", "language"]

HEIGHT = 430
LOSS, ALL = "bits_per_byte", "all"
SHIFT = 1.02
"""By how much places of neighbouring lines differ, so that bars do not cover each other."""
NOTHING = "No numbers of languages were compared here (F1, F2)."
FILTERED = "No language passes these filters."
ALONE = "No run has {} languages, so there is no change from it."
UNKNOWN = "No run has width {}; there are {}."
GROUPS: dict[Group, str] = {
    "tier": "tier (languages)",
    "width": "width of the model",
    "language": "language",
}


class Line(NamedTuple):
    """A line of the figure: its rows, and how it looks."""

    name: str
    rows: pl.DataFrame
    color: str
    symbol: str
    dash: str


def by_languages(
    frame: pl.DataFrame,
    *,
    group: Group = "tier",
    reference: int | None = None,
    width: int | None = None,
    seeds: bool = False,
    where: Where | None = None,
) -> go.Figure:
    """Draw the held-out loss at the end of training by number of languages, a line for each tier,
    width or language.

    `reference`: draw the change from that number of languages; `width`: of models that wide (the
    width of most numbers of languages where none is given; lines by width take all); `seeds`: add
    their dots; `where`: languages.
    """
    title, widths = _title(group, reference), sorted(set(frame["width"]))
    if frame.is_empty():
        return theme.empty(NOTHING, title=title, height=150)
    if width is not None and width not in widths:
        known = ", ".join(map(str, widths))
        return theme.empty(UNKNOWN.format(width, known), title=title, height=150)
    chosen = rows = filtered(last_step(frame), where)
    if rows.is_empty():
        return theme.empty(FILTERED, title=title, height=150)
    if group != "width" or width is not None:
        chosen = rows = rows.filter(width=width or most_common_width(frame))
    if reference is not None:
        rows = changes(chosen, reference)
        if rows.is_empty():
            return theme.empty(ALONE.format(reference), title=title, height=150)
    figure, lines = go.Figure(), _lines(frame, rows, group)
    for place, line in enumerate(lines):
        _add(figure, line, SHIFT ** (place - (len(lines) - 1) / 2), seeds=seeds)
    if reference is not None:
        figure.add_hline(y=0, line={"color": theme.GREY, "dash": "dot"})
    figure.update_xaxes(title="languages in the model", **counts_axis(rows["num_languages"]))
    figure.update_yaxes(title="bits per byte", zeroline=False)
    subtitle = _measured(rows, group) + _unpaired(chosen, rows)
    legend = GROUPS[group]
    return theme.finish(figure, title=title, subtitle=subtitle, height=HEIGHT, legend=legend)


def most_common_width(frame: pl.DataFrame) -> int:
    """Return the width at which most numbers of languages were measured, the least of several."""
    counts = frame.group_by("width").agg(pl.col("num_languages").n_unique())
    return int(counts.sort("num_languages", "width", descending=[True, False])["width"][0])


def changes(rows: pl.DataFrame, reference: int) -> pl.DataFrame:
    """Return how far losses are above those of the same width, seed and language with `reference`
    languages; a width that was not measured with so many has no rows."""
    parts = [
        change(part, column="num_languages", reference=reference, value=LOSS)
        for part in rows.partition_by("width", maintain_order=True)
        if reference in part["num_languages"]
    ]
    return pl.concat(parts) if parts else rows.clear()


def counts_axis(counts: pl.Series) -> dict[str, object]:
    """Return the settings of a logarithmic axis whose ticks are the numbers of languages."""
    ticks = sorted(set(counts))
    return {"type": "log", "tickvals": ticks, "ticktext": [str(tick) for tick in ticks]}


def width_looks(frame: pl.DataFrame) -> dict[int, tuple[str, str, str]]:
    """Return colour, symbol and dash of each width; the same in every figure of a study."""
    return {
        width: (theme.PALETTE[i % 8], theme.SYMBOLS[i % 8], theme.DASHES[i % 8])
        for i, width in enumerate(sorted(set(frame["width"])))
    }


def _lines(frame: pl.DataFrame, rows: pl.DataFrame, group: Group) -> list[Line]:
    if group == "width":
        return [
            Line(str(width), rows.filter(width=width), *look)
            for width, look in width_looks(frame).items()
            if width in rows["width"]
        ]
    colors, symbols = theme.colors(frame[group], group), theme.symbols(frame[group], group)
    names = dict(rows.select("language", pl.coalesce("name", "language").alias("as")).iter_rows())
    lines = []
    for i, value in enumerate(theme.order(rows[group], group)):
        own = rows.filter(pl.col(group) == value)
        name = names[value] if group == "language" else f"{value} ({_count(own)})"
        lines.append(Line(name, own, colors[value], symbols[value], theme.DASHES[i % 8]))
    if group == "tier" and len(lines) > 1:
        lines.append(Line(f"{ALL} ({_count(rows)})", rows, theme.GREY, "x", "dot"))
    return lines


def _add(figure: go.Figure, line: Line, shift: float, *, seeds: bool) -> None:
    means = over_seeds(line.rows, ["num_languages"], LOSS).sort("num_languages")
    look = {"color": line.color, "symbol": line.symbol, "size": 9}
    figure.add_scatter(
        x=theme.rounded(means["num_languages"] * shift),
        y=theme.rounded(means["mean"]),
        error_y=bars(means),
        name=line.name,
        legendgroup=line.name,
        mode="lines+markers",
        marker=look,
        line={"color": line.color, "dash": line.dash, "width": 1.8},
        customdata=means["num_languages"].to_list(),
        hovertemplate=f"{line.name}, %{{customdata}} languages: %{{y:.4f}}<extra></extra>",
    )
    if not seeds:
        return
    single = line.rows.group_by("num_languages", "seed", maintain_order=True).agg(pl.mean(LOSS))
    figure.add_scatter(
        x=theme.rounded(single["num_languages"] * shift * SHIFT**0.5),
        y=theme.rounded(single[LOSS]),
        name=f"{line.name}, single seeds",
        legendgroup=line.name,
        showlegend=False,
        mode="markers",
        marker=look | {"size": 5, "opacity": 0.6},
        customdata=single["seed"].to_list(),
        hovertemplate=f"{line.name}, seed %{{customdata}}: %{{y:.4f}}<extra></extra>",
    )


def _title(group: Group, reference: int | None) -> str:
    by = "number of languages" + (" and width" if group == "width" else "")
    if reference is None:
        return f"Loss of held-out words by {by}"
    return f"Change in loss of held-out words from {reference} languages" + (
        ", by width" if group == "width" else ""
    )


def _measured(rows: pl.DataFrame, group: Group) -> str:
    widths = sorted(set(rows["width"]))
    at = f"width {widths[0]}, " if len(widths) == 1 else ""
    seeds, step = rows["seed"].n_unique(), max(rows["step"].to_list())
    what = "losses of single languages" if group == "language" else "means over languages"
    return (
        f"The same {_count(rows)} languages throughout; {at}{seeds} pretraining seeds at step "
        f"{step:,}; lower is better<br>dots are {what}, bars 95\u00a0% intervals over seeds"
    )


def _unpaired(chosen: pl.DataFrame, rows: pl.DataFrame) -> str:
    """Say of which widths no change is known."""
    absent = sorted(set(chosen["width"]) - set(rows["width"]))
    return f"<br>no change is known at width {', '.join(map(str, absent))}" if absent else ""


def _count(rows: pl.DataFrame) -> int:
    return rows["language"].n_unique()
