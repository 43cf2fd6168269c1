"""The paper's Figures 2 to 7: accuracy on XNLI by what was varied, read off the printed charts.

All six have one measure, so they have one look: a tier has its colour, a line is dashed, as nothing
here was measured in this project. The paper gives no intervals. The numbers and how each was read
are in paper/facts/figures2_7.tsv; those of Figure 3 are averages over cells of Table 5. Points of
one chart that go through one quantity are joined; kinds (Wikipedia, BPE) are not.
"""

import dataclasses
import re

import plotly.graph_objects as go

from xlmr_lab.errors import UserError
from xlmr_lab.figures import theme
from xlmr_lab.paper import tables
from xlmr_lab.paper.tables import Cell

HEIGHT = 430
LOOKS = {
    "high": (theme.TIER_COLORS["high"], "circle"),
    "low": (theme.TIER_COLORS["low"], "diamond"),
    "all": (theme.GREY, "x"),
    "fixed": (theme.BLUE, "circle"),
    "increased": (theme.ORANGE, "diamond"),
    "batch": (theme.BLUE, "circle"),
    "text": (theme.ORANGE, "diamond"),
}
"""Colour and symbol of a series."""
TIERS = {"high": "high (en, fr)", "low": "low (sw, ur)", "all": "all 15"}
OF_SEVEN = TIERS | {"all": "all 7"}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """What a figure of the paper shows."""

    models: str
    """The models that were compared."""
    axis: str
    """What was varied, with its unit; a quantity, or kinds."""
    legend: str
    """What the series are."""
    names: dict[str, str]
    """What each series is called."""
    logarithmic: bool = False
    """Whether sizes stand on a logarithmic axis."""


CHARTS = {
    2: Chart(
        models="XLM-7 to XLM-100 on Wikipedia",
        axis="languages pretrained on",
        legend="languages",
        names=OF_SEVEN,
        logarithmic=True,
    ),
    3: Chart(models="XLM-7", axis="pretraining text", legend="languages", names=OF_SEVEN),
    4: Chart(
        models="XLM-7, XLM-30 and XLM-100",
        axis="languages pretrained on",
        legend="width",
        names={"fixed": "fixed", "increased": "increased"},
        logarithmic=True,
    ),
    5: Chart(models="XLM-100 on Wikipedia", axis="α", legend="languages", names=TIERS),
    6: Chart(
        models="XLM-100",
        axis="ids of the vocabulary",
        legend="capacity",
        names={"fixed": "constant parameters", "increased": "constant body"},
        logarithmic=True,
    ),
    7: Chart(
        models="Batch size; tokenized and raw text",
        axis="sequences in a batch; vocabulary",
        legend="what is varied",
        names={"batch": "batch", "text": "preprocessing"},
    ),
}


def accuracy(number: int) -> go.Figure:
    """Draw Figure 2, 3, 4, 5, 6 or 7 of the paper: XNLI accuracy (per cent) by what it varies.

    Raises:
        UserError: the paper has no such figure of accuracies.
    """
    if number not in CHARTS:
        raise UserError(f"figure must be 2 to 7, those of accuracy on XNLI; got {number}")
    chart, figure = CHARTS[number], go.Figure()
    rows = [row for row in tables.read("figures2_7") if row["figure"] == f"fig{number}"]
    for series, name in chart.names.items():
        _add(figure, [row for row in rows if _series(row) == series], series, name)
    figure.update_xaxes(title=chart.axis, **_axis(rows, chart.logarithmic))
    figure.update_yaxes(title="XNLI accuracy (%)")
    subtitle = f"{chart.models}; {_read(rows)}; the paper gives no intervals"
    title = f"The paper: XLM-R Figure {number}"
    return theme.finish(
        figure, title=title, subtitle=subtitle, height=HEIGHT, legend=chart.legend
    ).update_layout(showlegend=True)


def _add(figure: go.Figure, points: list[dict[str, Cell]], series: str, name: str) -> None:
    """Draw one series; widths that its name tells are told in the legend."""
    widths = dict.fromkeys(re.findall(r"H=(\d+)", " ".join(str(row["series"]) for row in points)))
    color, symbol = LOOKS[series]
    joined = series == "batch" or all(isinstance(_place(row), float) for row in points)
    figure.add_scatter(
        x=[_place(row) for row in points],
        y=[row["xnli_acc"] for row in points],
        name=f"{name}: {', '.join(widths)}" if widths else name,
        mode="lines+markers" if joined else "markers",
        marker={"size": 8 if joined else 10, "symbol": symbol, "color": color},
        line={"color": color, "dash": "dash"},
        customdata=[_said(row) for row in points],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _series(row: dict[str, Cell]) -> str:
    """Return the series of a point, without the width in its name; Figure 7 has two quantities."""
    if row["figure"] == "fig7":
        return "batch" if str(row["x"]).startswith("batch") else "text"
    return str(row["series"]).partition("(")[0]


def _place(row: dict[str, Cell]) -> float | str:
    """Return where a point stands: a number, or one of several kinds.

    >>> _place({"figure": "fig6", "x": "V=32k"}), _place({"figure": "fig7", "x": "batch=2048"})
    (32000.0, '2,048')
    """
    name, _, value = str(row["x"]).partition("=")
    if not value:
        return name
    number = float(value.removesuffix("k")) * (1000 if value.endswith("k") else 1)
    return f"{number:,.0f}" if row["figure"] == "fig7" else number


def _said(row: dict[str, Cell]) -> str:
    about = "about " if str(row["quality"]).startswith("approx") else ""
    what = theme.lettered(str(row["x"])).replace("n_langs", "languages")
    return f"{what}, {row['series']}: {about}{row['xnli_acc']:g}"


def _axis(rows: list[dict[str, Cell]], logarithmic: bool) -> dict[str, object]:
    """Return the settings of an axis whose ticks are the values that were tried."""
    places = list(dict.fromkeys(_place(row) for row in rows))
    if any(isinstance(place, str) for place in places):
        return {"type": "category", "categoryarray": places, "range": [-0.5, len(places) - 0.5]}
    ticks = {"tickvals": places, "ticktext": [_tick(float(place)) for place in places]}
    return ticks | {"type": "log" if logarithmic else "linear", "zeroline": False}


def _tick(value: float) -> str:
    """Write a value as the paper does.

    >>> _tick(32000.0), _tick(0.01), _tick(100.0)
    ('32k', '0.01', '100')
    """
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def _read(rows: list[dict[str, Cell]]) -> str:
    """Say where the numbers are from."""
    if all("Table 5" in str(row["quality"]) for row in rows):
        return "averages of Table 5"
    return "read off the printed chart to about 1.5 points"
