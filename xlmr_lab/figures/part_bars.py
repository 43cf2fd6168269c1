"""Bars of a whole by its parts, one below the other; a part has one colour in every picture."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from xlmr_lab.figures import theme

PARTS = {
    "vocabulary": ("vocabulary and its logits", theme.VERMILION),
    "layers": ("layers", theme.BLUE),
    "attention": ("attention over the block", theme.SKY),
    "head": ("head without logits", theme.GREEN),
    "positions": ("positions", theme.PURPLE),
    "weights": ("weights", theme.OLIVE),
    "gradients": ("gradients", theme.GREY),
    "moments": ("AdamW's two moments", theme.ORANGE),
}
"""What a reader calls a part, and its colour."""

BAR_PIXELS = 30
"""Height of a bar with its gap."""
ROOM = 1.2
"""Length of the axis by that of the longest bar, for what stands behind it."""

Amounts = Mapping[str, float]
Rows = Sequence[tuple[str, Amounts, str]]
"""Bars from top to bottom: label, amount of each part, what stands behind the bar."""


def add(figure: go.Figure, rows: Rows, *, row: int | None = None) -> None:
    """Draw the parts of some wholes as stacked bars, parts in one order."""
    place = {} if row is None else {"row": row, "col": 1}
    named = {trace.name for trace in figure.data}
    labels = [label for label, _, _ in rows]
    for part, (name, color) in PARTS.items():
        values = [amounts.get(part, 0.0) for _, amounts, _ in rows]
        if not any(values):
            continue
        figure.add_bar(
            x=[float(f"{value:.4g}") for value in values],
            y=labels,
            name=name,
            legendgroup=part,
            showlegend=name not in named,
            orientation="h",
            marker={"color": color, "line": {"color": theme.PAGE, "width": 1}},
            hovertemplate=f"%{{y}}: {name} %{{x:.3~s}}<extra></extra>",
            **place,
        )
    ends = [sum(amounts.values()) for _, amounts, _ in rows]
    for label, end, (_, _, told) in zip(labels, ends, rows, strict=True):
        figure.add_annotation(
            x=end, y=label, text=told, showarrow=False, xanchor="left", xshift=4, **place
        )
    figure.update_xaxes(range=[0, ROOM * max(ends)], **place)
    figure.update_yaxes(autorange="reversed", showgrid=False, **place)
    figure.update_layout(barmode="stack", bargap=0.25)


def shares(rows: Rows, wholes: Sequence[float] = ()) -> Rows:
    """Return amounts as shares of `wholes`, one for each row; of each row's own sum where there are
    none.

    >>> shares([("a", {"layers": 3, "head": 1}, "")])
    [('a', {'layers': 0.75, 'head': 0.25}, '')]
    """
    given = wholes or [sum(amounts.values()) for _, amounts, _ in rows]
    return [
        (label, {part: value / whole for part, value in amounts.items()}, told)
        for (label, amounts, told), whole in zip(rows, given, strict=True)
    ]


def finish(figure: go.Figure, rows: Rows, *, title: str, subtitle: str) -> go.Figure:
    """Give a figure of shares its axis, its height by the number of bars, and the shared look."""
    figure.update_xaxes(tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])
    height = 190 + BAR_PIXELS * len(rows)
    return theme.finish(figure, title=title, subtitle=subtitle, height=height)


def short(value: float, unit: str = "") -> str:
    """Write an amount with three digits and a letter, before a unit where there is one.

    >>> short(278_294_418), short(3_340_000_000, "B"), short(240_912), short(12)
    ('278M', '3.34 GB', '241k', '12')
    """
    space = " " if unit else ""
    for letter, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g}{space}{letter}{unit}"
    return f"{value:.3g}{space}{unit}"
