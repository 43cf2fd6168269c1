"""The one look of every figure: colours, fonts, sizes, and what a resource tier or a verdict is
coloured.

Colours are those of Okabe and Ito (distinct with every common colour blindness; their yellow
darkened to show on white), and never carry a meaning alone: a second channel (symbol, dash,
position, label) always repeats it. A tier, script or family has the same colour in every figure of
a study. `use()` is called by notebooks, not on import. The figures hold plain lists, so they stay
small and readable when saved.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeVar

import plotly.graph_objects as go
import polars as pl

from xlmr_lab import languages
from xlmr_lab.figures import looks

Label = TypeVar("Label", str, int)

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY, VERMILION, OLIVE, GREY = "#56B4E9", "#D55E00", "#8F8A26", "#8A8F98"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, GREY, OLIVE)
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "hexagon", "cross")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "4px,8px", "8px,2px")

TIER_COLORS = {"high": BLUE, "mid": GREEN, "low": VERMILION, "equal": SKY}
VERDICT_COLORS = {"supported": GREEN, "contradicted": VERMILION, "inconclusive": GREY}

GROUPS = {"tier": "resource tier", "script": "script", "family": "family", "language": "language"}
"""The columns by which languages are grouped, and what a reader calls them."""

LOG_FROM = 4.0
"""Values that span at least this ratio stand on a logarithmic axis."""
FAINT = "rgba(138, 143, 152, 0.40)"
MAX_NAMES = 16
MAX_LABELS = 24
"""An axis of more languages labels every second, third, ... of them."""
MAX_LETTERS = 14
"""An axis writes keys where there are more languages than this, or longer names."""
MAX_GROUPS = 12
"""So many groups a legend can tell apart by colour and symbol; beyond that the rarer ones are drawn
as one.
"""
OTHER = "other"
TOOLBAR = 24
"""Pixels at the top of a figure that are left to plotly's toolbar: it would cover a title beside
it where the page is narrow."""
LINE, TITLE = 21, 56
"""Heights of a line under a title, and of a title with what parts it from the plot, in pixels."""
PAGE, INK, GRID = "#ffffff", "#1f2933", "rgba(128, 136, 148, 0.28)"
WRITTEN = {
    ORANGE: "#8a5f00",
    GREEN: "#00734f",
    PURPLE: "#a0457b",
    SKY: "#1a6fa3",
    VERMILION: "#b04c00",
    OLIVE: "#6b671c",
    GREY: "#5f6570",
    FAINT: "#5f6570",
}
"""What text is written in instead of a colour that is too light for it."""
FONT = "'Noto Sans', system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"


def use(look: str | None = None) -> None:
    """Show figures in this process as notebooks need them: offline, small when saved, no copy of
    plotly.js inside.

    `look` is light or dark; None takes the environment variable `XLMR_LAB_LOOK`, else JupyterLab's
    theme as set on this machine.

    Raises:
        UserError: there is no such look.
    """
    looks.show_in(looks.chosen(look))


def colors(values: Iterable[str | None], column: str) -> dict[str, str]:
    """Return a colour for each value of a grouping column.

    Give the values of all languages of a study, also where only some are drawn: then a group keeps
    its colour in every figure. Tiers are fixed; scripts and families come from the commonest among
    the paper's languages to the rarest, then by name.

    >>> colors(["low", "high"], "tier")["low"] == TIER_COLORS["low"]
    True
    """
    if column == "tier":
        return dict(TIER_COLORS)
    palette = {v: PALETTE[i % len(PALETTE)] for i, v in enumerate(order(values, column))}
    return palette | ({OTHER: FAINT} if OTHER in palette else {})


def symbols(values: Iterable[str | None], column: str) -> dict[str, str]:
    """Return a marker symbol for each value; where colours repeat beyond eight values, the symbols
    differ.
    """
    ranked = list(TIER_COLORS) if column == "tier" else order(values, column)
    return {v: SYMBOLS[(i + i // len(PALETTE)) % len(SYMBOLS)] for i, v in enumerate(ranked)}


def lettered(text: str) -> str:
    """Write alpha as the letter, names of arms in words, and minus as the sign, in what a reader
    sees.

    >>> lettered("alpha=0.3 against alpha -0.1")
    'α = 0.3 against α −0.1'
    >>> lettered("alpha=0.7-0.5-0.3+2-later"), lettered("max_passes=4")
    ('α = 0.7 → 0.5 → 0.3, 2 joining later', 'at most 4 passes')
    """
    falling = r"(?<=\balpha=)[\d.]+(-[\d.]+)+"
    text = re.sub(falling, lambda found: found[0].replace("-", " → "), text)
    text = re.sub(r"\+(\d+)-later\b", r", \1 joining later", text)
    text = re.sub(r"\bmax_passes=([\d.]+)", r"at most \1 passes", text)
    text = re.sub(r"\balpha\s*=\s*", "α = ", text)
    return re.sub(r"(?<![\w.])-(?=\d)", "−", re.sub(r"\b[aA]lpha\b", "α", text))


def finish(
    figure: go.Figure, *, title: str, subtitle: str = "", height: int = 380, legend: str = ""
) -> go.Figure:
    """Give a figure its title, a line under it that says what was measured, and the shared look.

    The line is part of the title: plotly's own subtitle is drawn over it when a widget resizes.
    `height` is in pixels, of all but the toolbar.
    """
    lines = subtitle.split("<br>") if subtitle else []
    small = [f"<span style='font-size:12.5px'>{line}</span>" for line in lines]
    figure.update_layout(
        template=template(),
        title={"text": "<br>".join([f"<b>{title}</b>", *small])},
        margin={"t": TOOLBAR + TITLE + LINE * len(lines)},
        height=TOOLBAR + height,
        autosize=True,
        legend={"title": {"text": legend}},
    )
    return figure


def template() -> go.layout.Template:
    """Return the layout defaults that every figure carries."""
    axis = {
        "gridcolor": GRID,
        "linecolor": GRID,
        "zerolinecolor": GRID,
        "automargin": True,
        "title": {"standoff": 10},
    }
    return go.layout.Template(
        layout={
            "colorway": list(PALETTE),
            "font": {"family": FONT, "size": 13, "color": INK},
            "title": {
                "x": 0,
                "xref": "container",
                "xanchor": "left",
                "y": 1,
                "yref": "container",
                "yanchor": "top",
                "pad": {"l": 12, "t": TOOLBAR + 20},
                "font": {"size": 16},
            },
            "margin": {"l": 60, "r": 20, "b": 50},
            "paper_bgcolor": PAGE,
            "plot_bgcolor": PAGE,
            "shapedefaults": {"line": {"color": GREY}},
            "hoverlabel": {"font": {"family": FONT}},
            "legend": {"itemsizing": "constant", "tracegroupgap": 4},
            "xaxis": axis,
            "yaxis": axis,
        }
    )


def empty(message: str, *, title: str, height: int = 380) -> go.Figure:
    """Return a figure that says why there is nothing to draw."""
    figure = go.Figure()
    figure.add_annotation(text=message, showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper")
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return finish(figure, title=title, height=height)


def labelled(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the axis labels of languages, column `label`: names where there is room, else keys."""
    longest = max((len(name or "") for name in frame["name"]), default=0)
    crowded = frame["language"].n_unique() > MAX_NAMES or longest > MAX_LETTERS
    name = pl.col("language") if crowded else pl.coalesce("name", "language")
    return frame.with_columns(label=name)


def categories(labels: pl.Series) -> dict[str, object]:
    """Return the settings of an axis of languages in the given order; plotly turns the labels
    where they do not fit side by side.
    """
    order = labels.unique(maintain_order=True).to_list()
    return {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": order,
        "tickmode": "array",
        "tickvals": sparse(order),
        "autotickangles": [0, -35, -90],
        "showgrid": len(order) <= 40,
        "range": [-0.7, len(order) - 0.3],
    }


def sparse(labels: Sequence[Label]) -> list[Label]:
    """Return the labels that an axis writes: all, or every so many that there is room.

    >>> sparse(list("abc")), len(sparse(["x"] * 100))
    (['a', 'b', 'c'], 20)
    """
    return list(labels[:: -(-len(labels) // MAX_LABELS) or 1])


def significant(value: float) -> str:
    """Write a number with two significant digits.

    >>> significant(3008.0), significant(9.47), significant(0.0123)
    ('3,000', '9.5', '0.012')
    """
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 10 else f"{rounded:g}"


def passes_told(passes: float) -> str:
    """Write a number of passes.

    >>> passes_told(1.04), passes_told(0.3)
    ('one pass', '0.3 passes')
    """
    told = significant(passes)
    return "one pass" if told == "1" else f"{told} passes"


def spread(values: Iterable[float]) -> dict[str, object]:
    """Return the settings of an axis of sizes: logarithmic where they span much, else from 0.

    >>> spread([1.0, 2.0])
    {'type': 'linear', 'rangemode': 'tozero', 'tickformat': ',~g'}
    """
    known = [value for value in values if value > 0]
    if known and max(known) >= LOG_FROM * min(known):
        return logarithmic(known)
    return {"type": "linear", "rangemode": "tozero", "tickformat": ",~g"}


def logarithmic(values: Iterable[float], form: str = ",~g") -> dict[str, object]:
    """Return the settings of a logarithmic axis whose ticks suit the span of the values.

    >>> logarithmic([1.0, 30.0])["tickvals"]
    [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0]
    >>> logarithmic([1.0, 4000.0])["tickvals"]
    [1.0, 10.0, 100.0, 1000.0]
    """
    known = [value for value in values if value > 0] or [1.0]
    low, high = min(known) / 2.1, max(known) * 2.1
    steps = (1, 2, 5) if high < 500 * low else (1,)
    places = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [float(f"{step}e{place}") for place in places for step in steps]
    near = [tick for tick in ticks if low <= tick <= high]
    return {"type": "log", "tickvals": near, "tickformat": form}


def rounded(series: pl.Series) -> list[float]:
    """Return the values as a list, with as many digits as a picture can show."""
    return series.cast(pl.Float64).round_sig_figs(5).to_list()


def folded(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Call the rarer values of a grouping column "other", where there are more than a legend can
    tell apart.
    """
    if frame[column].n_unique() <= MAX_GROUPS:
        return frame
    counts = frame.group_by(column).len().sort("len", column, descending=[True, False])
    common = counts[column].head(len(PALETTE) - 1).to_list()
    value = pl.when(pl.col(column).is_in(common)).then(column).otherwise(pl.lit(OTHER))
    return frame.with_columns(value.alias(column))


def order(values: Iterable[str | None], column: str) -> list[str]:
    """Return the values of a grouping column in the order of every legend."""
    present = {value for value in values if value is not None}
    if column == "tier":
        return [tier for tier in TIER_COLORS if tier in present]
    if column == "language":
        return sorted(present)
    common = Counter(getattr(language, column) for language in languages.LANGUAGES.values())
    return sorted(present, key=lambda value: (value == OTHER, -common[value], value))
