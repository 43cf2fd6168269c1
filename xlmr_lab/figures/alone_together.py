"""F12: models of one language beside one of all: what they have in common, and NLI from each one's
own training data, zero-shot and from everyone's (XLM-R Sec. 5.4, Table 5).

Both sides of a difference have the same seeds of pretraining and of fine-tuning, and intervals are
Student's t over the former. The paper's differences are of its models on text of CommonCrawl; it
prints no intervals.
"""

from typing import NamedTuple

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.figures import theme
from xlmr_lab.figures.language_dots import (
    add_dots,
    in_order,
    places,
    shifts,
    with_mean,
    with_mean_place,
)
from xlmr_lab.figures.summaries import over_seeds, paired
from xlmr_lab.figures.tables import Table, show
from xlmr_lab.figures.text_dial import told_bytes
from xlmr_lab.paper import benchmarks

ALONE, TOGETHER = "alone", "together with others"
"""Arms."""
ONE, ZERO, EACH, ALL = "monolingual", "zero-shot", "each", "all"
"""Ways of learning NLI, as the column `protocol` has them."""
WAYS = {
    ONE: "monolingual: one language's model, its own training set",
    ZERO: "zero-shot: all languages' model, one language's training set",
    EACH: "each: all languages' model, the language's own training set",
    ALL: "all: all languages' model, all training sets",
}
"""What a reader calls them."""
LOOKS = {
    ONE: (theme.ORANGE, "diamond"),
    ZERO: (theme.GREEN, "circle"),
    EACH: (theme.SKY, "triangle-up"),
    ALL: (theme.BLUE, "square"),
}
COUNTS = {
    "steps": "steps",
    "tokens": "tokens read",
    "ids": "ids",
    "parameters": "weights",
    "body": "other weights",
}
"""What is counted of a model, and what a reader calls it."""
GUESSING = 1 / 3
"""What a guess among the labels of NLI scores."""
DATA = "CC"
"""The text of the paper's models whose differences are drawn."""
NOTHING = "No model of one language was fine-tuned on NLI (F12)."
NONE_ALONE = "No model is of one language alone (F11, F12, F13)."


class Difference(NamedTuple):
    """One difference between two ways of learning, and the same of the paper's models."""

    name: str
    better: str
    worse: str
    paper: tuple[str, str] | None
    """Protocols of Table 5: better and worse; None: it has none such."""
    look: tuple[str, str]


DIFFERENCES = (
    Difference("monolingual against zero-shot", ONE, ZERO, (ONE, ZERO), (theme.ORANGE, "diamond")),
    Difference("monolingual against each", ONE, EACH, None, (theme.SKY, "triangle-up")),
    Difference(
        "all against monolingual", ALL, ONE, ("translate-train-all", ONE), (theme.BLUE, "square")
    ),
)
"""In the order of F12's contrasts."""


def budgets(frame: pl.DataFrame) -> Table:
    """Show what models of one language and of all have in common, and what not; `frame` as
    `monolingual_results.budgets` has it.
    """
    if frame.filter(arm=ALONE).is_empty():
        return show(pl.DataFrame({"models": [NONE_ALONE]}))
    of_all = pl.format("all {} languages", "num_languages")
    shown = theme.labelled(frame).select(
        pl.when(arm=ALONE).then(pl.format("{} alone", "label")).otherwise(of_all).alias("model"),
        *(pl.col(name).alias(told) for name, told in COUNTS.items()),
        pl.Series("its text", [told_bytes(size) for size in frame["text_bytes"]]),
        (100 * pl.col("share")).alias("share, %"),
    )
    equal = {name: frame[name].n_unique() == 1 for name in COUNTS}
    parts = [
        f"{start}: {', '.join(told for name, told in COUNTS.items() if equal[name] == same)}."
        for start, same in (("Held equal", True), ("Not equal", False))
        if same in equal.values()
    ]
    caption = (
        f"{' '.join(parts)} Other weights: all but embeddings of ids and their biases. Share: the "
        "part of its run that the model of all languages reads in the language, by bytes of text; "
        "that of one language reads nothing else."
    )
    return show(shown, caption, {"share, %": ".0f"})


def by_language(frame: pl.DataFrame) -> go.Figure:
    """Draw the accuracy of NLI in each language and their mean, a series for each way of learning
    it; `frame` as `monolingual_results.nli` has it.
    """
    title = "NLI by models of one language and of all"
    if frame.is_empty():
        return theme.empty(NOTHING, title=title, height=150)
    order = _order(frame)
    ways = [way for way in WAYS if way in set(frame["protocol"])]
    figure = go.Figure()
    for way, shift in zip(ways, shifts(len(ways)), strict=True):
        own = frame.filter(protocol=way)
        rows = over_seeds(with_mean(own, own), ["language"], "value")
        add_dots(figure, order, rows, name=WAYS[way], look=LOOKS[way], shift=shift)
    line = {"color": theme.GREY, "dash": "dot"}
    figure.add_hline(y=GUESSING, line=line, annotation_text="guessing", annotation_font_size=11.5)
    figure.update_xaxes(**places(order), title="language")
    figure.update_yaxes(title="accuracy", zeroline=False)
    subtitle = f"Largest language first, their mean last<br>{_seeds(frame)}"
    theme.finish(figure, title=title, subtitle=subtitle, height=470)
    return figure.update_layout(legend={"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top"})


def gains(frame: pl.DataFrame) -> go.Figure:
    """Draw the differences between the ways of learning NLI by language, beside those of the
    paper's models; to the right of the languages their mean.
    """
    title = "What each way of learning NLI is worth"
    if frame.is_empty():
        return theme.empty(NOTHING, title=title, height=150)
    figure = make_subplots(
        rows=1,
        cols=2,
        shared_yaxes=True,
        horizontal_spacing=0.04,
        column_widths=[0.45, 0.55],
        subplot_titles=["here", f"in the paper (Table 5, {DATA})"],
    )
    figure.update_annotations(font_size=13)
    order = _order(frame)
    for difference, shift in zip(DIFFERENCES, shifts(len(DIFFERENCES)), strict=True):
        rows, name, look = _ours(frame, difference), difference.name, difference.look
        if len(rows):
            add_dots(figure, order, rows, name=name, look=look, shift=shift, sign="+", panel=1)
        _add_papers(figure, difference, shift, legend=rows.is_empty())
    figure.update_xaxes(**places(order), col=1)
    columns = [*benchmarks.SEVEN, "mean"]
    figure.update_xaxes(tickvals=list(range(len(columns))), ticktext=columns, zeroline=False, col=2)
    line = {"color": theme.GREY}
    figure.add_hline(y=0, line=line)
    figure.update_yaxes(title="difference (points)", tickformat="+~g", zeroline=False, col=1)
    figure.update_yaxes(zeroline=False, col=2)
    subtitle = (
        f"Above 0 the one named first is better, paired by seed and language<br>{_seeds(frame)}; "
        "the paper prints none"
    )
    theme.finish(figure, title=title, subtitle=subtitle, height=460)
    return figure.update_layout(legend={"orientation": "h", "x": 0, "y": -0.14, "yanchor": "top"})


def printed(difference: Difference) -> list[float]:
    """Return a difference of the paper's models in the columns of Table 5, then in their average,
    in points; nothing where the paper has none such.

    >>> [round(x, 1) for x in printed(DIFFERENCES[0])][-1]
    1.3
    """
    if difference.paper is None:
        return []
    rows = {row.protocol: row for row in benchmarks.rows("mono_multi") if row.data == DATA}
    better, worse = (rows[protocol] for protocol in difference.paper)
    assert better.average
    assert worse.average
    cells = [better.cells[key][0] - worse.cells[key][0] for key in benchmarks.SEVEN]
    return [*cells, better.average[0] - worse.average[0]]


def _ours(frame: pl.DataFrame, difference: Difference) -> pl.DataFrame:
    """Return a difference here by language and in the mean, in points."""
    found = paired(_one_arm(frame), "protocol", difference.better, difference.worse)
    points = found.with_columns(gain=100 * pl.col("difference"))
    return over_seeds(with_mean(points, points), ["language"], "gain")


def _add_papers(figure: go.Figure, difference: Difference, shift: float, *, legend: bool) -> None:
    values, (color, symbol) = printed(difference), difference.look
    figure.add_scatter(
        x=[round(place + shift, 3) for place in range(len(values))],
        y=[round(value, 2) for value in values],
        name=difference.name,
        legendgroup=difference.name,
        mode="markers",
        marker={"color": color, "symbol": f"{symbol}-open", "size": 9},
        hovertemplate=f"{difference.name}: %{{y:+.1f}}<extra></extra>",
        showlegend=legend and bool(values),
        row=1,
        col=2,
    )


def _one_arm(frame: pl.DataFrame) -> pl.DataFrame:
    """Return scores whose ways of learning can be paired: models are told by the way alone."""
    return frame.with_columns(arm=pl.lit(""))


def _order(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the axis: languages from the largest, then their mean."""
    return with_mean_place(in_order(frame.with_columns(source=pl.lit(False))), "mean")


def _seeds(frame: pl.DataFrame) -> str:
    """Say over what means and intervals are."""
    number, tuned = frame["seed"].n_unique(), frame["finetune_seed"].n_unique()
    return (
        f"{number} pretraining seeds with {tuned} fine-tuning seeds each; bars are 95\u00a0% "
        "intervals over the former"
    )
