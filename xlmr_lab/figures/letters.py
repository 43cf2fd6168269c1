"""The letters that a vocabulary loses, by how frequent they are in each language.

The frame is that of `MeasuredVocabulary.letters`, one row for each letter without a piece.
"""

import math
import unicodedata

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.figures import theme
from xlmr_lab.figures.tables import Table, show
from xlmr_lab.figures.vocabulary import FREQUENT

FATES = {
    "unknown": "becomes <unk>",
    "unseen": "becomes <unk>, not in the training text",
    "missing": "leaves nothing",
    "bytes": "spelled in bytes",
}
FATE_COLORS = dict(
    zip(FATES, (theme.VERMILION, theme.ORANGE, theme.PURPLE, theme.SKY), strict=True)
)
DOTTED_CIRCLE = "\u25cc"
NAMED_APART = 0.16
"""Letters are written beside their places where those are so far apart (powers of ten)."""


def lost(frame: pl.DataFrame) -> go.Figure:
    """Draw the letters that have no piece by their frequency in each language."""
    title = "Letters that the vocabulary loses"
    if frame.is_empty():
        return theme.empty("Every letter has a piece.", title=title, height=150)
    frame = theme.labelled(frame).with_columns(text=pl.Series(_written(frame)))
    figure = go.Figure()
    for fate, color in FATE_COLORS.items():
        part = frame.filter(fate=fate)
        if part.is_empty():
            continue
        figure.add_scatter(
            x=part["label"].to_list(),
            y=theme.rounded(part["frequency"]),
            name=FATES[fate].replace("<", "&lt;"),
            mode="markers+text",
            text=part["text"].to_list(),
            textposition="middle right",
            textfont={"size": 15},
            marker={"color": color, "size": 6},
            customdata=part.select("letter", "code", "description", "count").rows(),
            hovertemplate="%{x}: %{customdata[0]} %{customdata[1]} %{customdata[2]}, "
            "%{customdata[3]:,} times, %{y:.2~e} of the letters<extra></extra>",
        )
    figure.add_hline(y=FREQUENT, line={"dash": "dot", "color": theme.GREY})
    figure.update_xaxes(**theme.categories(frame["label"]))
    values = [*frame["frequency"], FREQUENT]
    figure.update_yaxes(title="frequency among letters", **theme.logarithmic(values, "~e"))
    gone = frame.filter(pl.col("fate") != "bytes")
    often = gone.filter(pl.col("frequency") > FREQUENT)
    new = len(gone.filter(fate="unseen"))
    worst = gone.sort("frequency", descending=True).head(1)
    subtitle = (
        f"{len(often):,} lost letters above the line, one in 100,000, and "
        f"{len(gone) - len(often):,} below it"
        + (f"; {new:,} of them only in held-out text" if new else "")
        + "".join(f"; most frequent: {r['code']} in {r['name']}" for r in worst.to_dicts())
    )
    return theme.finish(figure, title=title, subtitle=subtitle, legend="what becomes of it")


def table(frame: pl.DataFrame) -> Table:
    """Show the letters that have no piece, the most frequent of each language first."""
    shown = frame.select(
        "language",
        "name",
        pl.Series("letter", [_visible(letter) for letter in frame["letter"]]),
        "code",
        "description",
        "count",
        "frequency",
        pl.col("fate").replace(FATES).alias("what becomes of it"),
    )
    caption = "Letters that have no piece; frequency is among the letters of the language."
    return show(shown, caption, {"frequency": ".2e"})


def _written(frame: pl.DataFrame) -> list[str]:
    """Return what is written beside each place: the letter, or nothing where it would stand on
    another.
    """
    lowest: dict[str, float] = {}
    written = []
    for language, letter, frequency in frame.select("language", "letter", "frequency").iter_rows():
        height = math.log10(frequency)
        free = height <= lowest.get(language, math.inf) - NAMED_APART
        if free:
            lowest[language] = height
        written.append(_visible(letter) if free else "")
    return written


def _visible(letter: str) -> str:
    """Put a mark on a dotted circle.

    >>> _visible("a"), _visible("\N{COMBINING ACUTE ACCENT}")[0] == DOTTED_CIRCLE
    ('a', True)
    """
    return DOTTED_CIRCLE + letter if unicodedata.category(letter)[0] == "M" else letter
