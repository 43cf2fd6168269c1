"""What a larger vocabulary costs (XLM-R Figure 6): width at a fixed total, or total at a constant
body.

Both lines are calculated (see model.parameters). The paper's accuracies beside them are read off
its chart, so they are approximate, and are drawn only where the sizes are the paper's.
"""

from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.figures import theme
from xlmr_lab.figures.tables import Table, show
from xlmr_lab.model import parameters
from xlmr_lab.model.parameters import PAPER_SHAPE, PAPER_WIDTH, Point, Shape
from xlmr_lab.paper import tables

PAPER_SIZES = (32_000, 64_000, 128_000, 256_000, 512_000)
TITLE = "A larger vocabulary: at whose cost?"
LINES = {"fixed": "fixed total", "increasing": "constant body"}
COLORS = {"fixed": theme.BLUE, "increasing": theme.ORANGE}


def trade_off(
    total: float | None = None,
    *,
    vocab_sizes: Sequence[int] = PAPER_SIZES,
    body_width: int = PAPER_WIDTH,
    shape: Shape = PAPER_SHAPE,
) -> go.Figure:
    """Draw width and parameters over vocabulary sizes, at a fixed total and at a constant body; the
    paper's own settings, with its accuracies, where none are given.

    Raises:
        UserError: a vocabulary that is too large for the total.
    """
    budget = parameters.paper_budget() if total is None else total
    points = parameters.trade_off(vocab_sizes, budget, body_width=body_width, shape=shape)
    read = _accuracies() if total is None and shape == PAPER_SHAPE else {}
    rows = 3 if read else 2
    figure = make_subplots(rows=rows, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    for line in LINES:
        part = [point for point in points if point.line == line]
        _add(figure, part, [point.hidden_size for point in part], row=1)
        _add(figure, part, [point.num_parameters for point in part], row=2)
        if read:
            known = [point for point in part if (line, point.vocab_size) in read]
            _add(figure, known, [read[line, point.vocab_size] for point in known], row=3)
    figure.update_xaxes(**_sizes(vocab_sizes))
    figure.update_xaxes(title="ids of the vocabulary", row=rows)
    figure.update_yaxes(title="width", rangemode="tozero", row=1)
    figure.update_yaxes(title="parameters", tickformat="~s", rangemode="tozero", row=2)
    if read:
        figure.update_yaxes(title="XNLI accuracy<br>(read off, ~)", row=3)
    return theme.finish(
        figure,
        title=TITLE,
        subtitle=_reading(points, budget, shape, bool(read)),
        height=180 + 150 * rows,
        legend="",
    )


def table(
    total: float | None = None,
    *,
    vocab_sizes: Sequence[int] = PAPER_SIZES,
    body_width: int = PAPER_WIDTH,
    shape: Shape = PAPER_SHAPE,
) -> Table:
    """Show the points of `trade_off` in numbers, with the settings that give a study each width."""
    budget = parameters.paper_budget() if total is None else total
    points = parameters.trade_off(vocab_sizes, budget, body_width=body_width, shape=shape)
    rows = [
        {
            "ids": point.vocab_size,
            "line": LINES[point.line],
            "width solved": point.real_width,
            "width": point.hidden_size,
            "parameters": point.num_parameters,
            "for the vocabulary": point.vocabulary_share,
            "settings": f"`{point.settings}`",
        }
        for point in points
    ]
    caption = f"{_rounding(points, budget, shape)}."
    return show(pl.DataFrame(rows), caption, {"width solved": ",.1f", "for the vocabulary": ".0%"})


def _add(figure: go.Figure, part: Sequence[Point], values: Sequence[float], *, row: int) -> None:
    if not part:
        return
    line = part[0].line
    figure.add_scatter(
        x=[point.vocab_size for point in part],
        y=list(values),
        name=LINES[line],
        legendgroup=line,
        showlegend=row == 1,
        mode="lines+markers",
        line={"color": COLORS[line], "dash": "solid" if line == "fixed" else "dash"},
        marker={"size": 8, "symbol": "circle" if line == "fixed" else "square"},
        customdata=[
            [point.hidden_size, point.num_parameters, point.vocabulary_share] for point in part
        ],
        hovertemplate=f"{LINES[line]}, %{{x:,}} ids: width %{{customdata[0]}}, "
        "%{customdata[1]:,} parameters, %{customdata[2]:.0%} for the vocabulary<extra></extra>",
        row=row,
        col=1,
    )


def _sizes(vocab_sizes: Sequence[int]) -> dict[str, object]:
    return {
        "type": "log",
        "tickvals": list(vocab_sizes),
        "ticktext": [_short(size) for size in vocab_sizes],
    }


def _short(size: int) -> str:
    """Write a vocabulary's size as the paper does.

    >>> _short(32_000), _short(450), _short(1800)
    ('32k', '450', '1.8k')
    """
    return f"{size / 1000:.3g}k" if size >= 1000 else str(size)


def _accuracies() -> dict[tuple[str, int], float]:
    """Return the paper's accuracies by line and vocabulary."""
    lines = {"fixed": "fixed", "increased": "increasing"}
    return {
        (
            lines[str(row["series"])],
            1000 * int(str(row["x"]).removeprefix("V=").removesuffix("k")),
        ): float(row["xnli_acc"] or 0)
        for row in tables.read("figures2_7")
        if row["figure"] == "fig6"
    }


def _rounding(points: Sequence[Point], budget: float, shape: Shape) -> str:
    """Say how far the totals of whole heads are off the goal."""
    off = [abs(p.num_parameters / budget - 1) for p in points if p.line == "fixed"]
    return f"Widths are multiples of {shape.head_width}: up to {max(off):.0%} off the goal"


def _reading(points: Sequence[Point], budget: float, shape: Shape, is_paper: bool) -> str:
    fixed = [point for point in points if point.line == "fixed"]
    first, last = fixed[0], fixed[-1]
    told = (
        f"At {budget / 1e6:,.3g}M parameters the width falls from {first.hidden_size} "
        f"({_short(first.vocab_size)} ids) to {last.hidden_size} ({_short(last.vocab_size)})"
    )
    source = "; accuracies from XLM-R Figure 6" if is_paper else ""
    return f"{told}<br>{_rounding(points, budget, shape)}{source}"
