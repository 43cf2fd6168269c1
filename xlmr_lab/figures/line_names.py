"""Names at the ends of lines on a logarithmic axis: moved apart until each can be read, and tied to
its line by a thin one.
"""

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from xlmr_lab.figures import theme
from xlmr_lab.figures.training import spaced

PIXELS = 15
"""Least distance of two names."""
END, TIED, WRITTEN = 1.0, 1.03, 1.035
"""Where lines end, what ties names to them, and where names begin, on the axis of a run's parts."""
ROOM = 1.12
"""Where that axis ends, so that names have room."""


def add(
    figure: go.Figure,
    ends: Mapping[str, float],
    colors: Mapping[str, str],
    *,
    row: int,
    span: tuple[float, float],
    pixels: int,
) -> None:
    """Write each name beside the end of its line; `span` is what the axis of the row covers, in
    powers of ten, and `pixels` its height.
    """
    gap = PIXELS / pixels * (span[1] - span[0])
    heights = placed([math.log10(value) for value in ends.values()], gap, span[1] - gap / 2)
    x: list[float | None] = []
    y: list[float | None] = []
    for (key, value), height in zip(ends.items(), heights, strict=True):
        x, y = [*x, END, TIED, None], [*y, value, 10**height, None]
        figure.add_annotation(
            x=WRITTEN,
            y=height,
            text=key,
            font={"color": theme.WRITTEN.get(colors[key], colors[key]), "size": 12},
            showarrow=False,
            xanchor="left",
            row=row,
            col=1,
        )
    tie = {"color": theme.GREY, "width": 0.8}
    figure.add_scatter(
        x=x, y=y, mode="lines", line=tie, showlegend=False, hoverinfo="skip", row=row, col=1
    )


def placed(values: Sequence[float], gap: float, top: float) -> list[float]:
    """Move values apart until no two are closer than `gap` and none is above `top`.

    >>> [round(x, 3) for x in placed([1.0, 1.0, 3.0], 0.5, 2.0)]
    [0.75, 1.25, 2.0]
    """
    found = spaced(values, gap)
    for i in sorted(range(len(found)), key=lambda i: -found[i]):
        found[i] = min(found[i], top)
        top = found[i] - gap
    return found
