"""F4 and F7: loss by the size of the vocabulary, at a constant body and at constant parameters
(XLM-R Figure 6), and by how it was made (Figure 7).

At a constant body the model has more parameters with more ids; at constant parameters it is
narrower. Losses are in bits per byte of one and the same text, of whole words or of masked pieces:
the pieces of a word give each other away, so those of pieces favour small vocabularies.
"""

from typing import Literal

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.figures import cell_pairs, theme
from xlmr_lab.figures.language_dots import bars
from xlmr_lab.figures.summaries import last_step, over_seeds
from xlmr_lab.figures.tables import Table, show, with_interval

HEIGHT = 430
LOSS = "bits_per_byte"
LOOKS = {
    "constant body": (theme.ORANGE, "diamond", "dash"),
    "constant parameters": (theme.BLUE, "circle", "solid"),
}
"""Colour, symbol and dash of a line."""
OVER = {"ids": "ids of the vocabulary", "parameters": "parameters of the model"}
RAW, TOKENIZED = "unigram on raw text", "BPE on tokenized text"
NOTHING = "No sizes of vocabulary were compared here (F4)."
KEYS = ["line", "ids", "width", "parameters", "arm"]


def losses(frame: pl.DataFrame, *, over: Literal["ids", "parameters"] = "ids") -> go.Figure:
    """Draw the loss at the end of training, the mean over languages, over ids or over parameters:
    a line at a constant body, and one at constant parameters, with its widths.
    """
    title = f"Loss by {OVER[over]}"
    if frame.is_empty():
        return theme.empty(NOTHING, title=title, height=150)
    means = _means(frame)
    figure = go.Figure()
    for line, (color, symbol, dash) in LOOKS.items():
        rows = means.filter(line=line).sort(over, "ids")
        figure.add_scatter(
            x=rows[over].to_list(),
            y=theme.rounded(rows["mean"]),
            error_y=bars(rows),
            name=line,
            mode="lines+markers+text",
            text=_beside(rows, over),
            textposition=["top right"] * (len(rows) - 1) + ["bottom left"],
            textfont={"size": 11.5, "color": theme.WRITTEN.get(color, color)},
            marker={"color": color, "symbol": symbol, "size": 9},
            line={"color": color, "dash": dash, "width": 1.8},
            customdata=rows.select("ids", "width", "parameters").rows(),
            hovertemplate=f"{line}: %{{customdata[0]:,}} ids, width %{{customdata[1]}}, "
            "%{customdata[2]:,} parameters: %{y:.4f}<extra></extra>",
        )
    figure.update_xaxes(title=OVER[over], **_axis(means, over))
    figure.update_yaxes(title="bits per byte", zeroline=False)
    subtitle = (
        f"Losses of {frame['loss_of'][0]}, lower is better; mean of {frame['language'].n_unique()} "
        f"languages<br>{frame['seed'].n_unique()} pretraining seeds, bars 95\u00a0% intervals over "
        "them"
    )
    return theme.finish(figure, title=title, subtitle=subtitle, height=HEIGHT)


def raw_or_tokenized(frame: pl.DataFrame) -> go.Figure:
    """Draw by how much a unigram model on raw text is better than BPE on tokenized text in each
    language, with the margin by which it may be worse.
    """
    title = "Raw text or tokenized"
    return cell_pairs.by_language(frame, RAW, TOKENIZED, title=title, margin=cell_pairs.MARGIN)


def table(*frames: pl.DataFrame) -> Table:
    """Show every model of both lines: ids, width, parameters, and of each frame of losses the mean
    and what is gained over the smallest vocabulary of the line, paired by seed and language.
    """
    known = [frame for frame in frames if not frame.is_empty()]
    if not known:
        return show(pl.DataFrame({"vocabularies": [NOTHING]}))
    arms = pl.concat([frame.select(KEYS) for frame in known]).unique().sort("line", "ids")
    shown = arms.drop("arm")
    for frame in known:
        shown = shown.hstack(_columns(frame, arms))
    caption = (
        "Bits per byte at the end of training, mean over languages; gains over the smallest "
        "vocabulary of the same line, above 0 where the larger one is better, with 95\u00a0% "
        "intervals over seeds. The base is on both lines."
    )
    return show(shown, caption)


def _columns(frame: pl.DataFrame, arms: pl.DataFrame) -> pl.DataFrame:
    """Return losses of one kind, and gains, in words and in the order of the table."""
    means = {(row["line"], row["arm"]): row for row in _means(frame).iter_rows(named=True)}
    losses, gains = [], []
    for line, arm in arms.select("line", "arm").iter_rows():
        row, own = means.get((line, arm)), frame.filter(line=line)
        told = [] if row is None else with_interval(pl.DataFrame([row]), "mean", sign=False)
        losses.append(told[0] if told else None)
        gains.append(cell_pairs.gain_told(own, arm, own.sort("ids")["arm"][0]) if told else None)
    name = frame["loss_of"][0]
    columns = {name: losses, f"{name}, gain": [gain or None for gain in gains]}
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def _means(frame: pl.DataFrame) -> pl.DataFrame:
    rows = last_step(frame) if "step" in frame.columns else frame
    return over_seeds(rows, KEYS, LOSS)


def _beside(rows: pl.DataFrame, over: str) -> list[str]:
    """Return what stands beside the dots of a line: what the axis does not say."""
    if over == "parameters":
        return [f"\u00a0\u00a0{ids:,} ids\u00a0\u00a0" for ids in rows["ids"]]
    several = rows["width"].n_unique() > 1
    return [f"\u00a0\u00a0width {width}\u00a0\u00a0" if several else "" for width in rows["width"]]


def _axis(means: pl.DataFrame, over: str) -> dict[str, object]:
    """Return an axis of sizes; of ids with those that were tried."""
    values = means[over].unique().sort().to_list()
    if over == "ids":
        ticks = {"tickvals": values, "ticktext": [f"{value:,}" for value in values]}
        return ticks | {"type": "log", "zeroline": False}
    return {"tickformat": "~s", "zeroline": False}
