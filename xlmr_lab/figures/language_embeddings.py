"""F14: models with and without language embeddings: held-out loss, zero-shot NLI, and NLI of text
that mixes two languages, of which a model with embeddings is told the first (XLM-R Sec. 3).

Both sides of a difference have the same seeds of pretraining and of fine-tuning, and intervals are
Student's t over the former. The paper says this in words and prints no number of it.
"""

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.figures import cell_pairs, theme
from xlmr_lab.figures.glue_gains import verdict
from xlmr_lab.figures.language_dots import (
    add_dots,
    in_order,
    places,
    shifts,
    with_mean,
    with_mean_place,
)
from xlmr_lab.figures.summaries import over_seeds, paired
from xlmr_lab.figures.tables import Table, show, with_interval

WITHOUT, WITH = "without language embeddings", "with language embeddings"
"""Arms."""
ZERO = "zero-shot"
LOOKS = ((theme.BLUE, "circle"), (theme.ORANGE, "diamond"), (theme.GREEN, "square"))
"""Of text in one language, and of the ways to mix two."""
MARGIN = 1.0
"""Points that leaving the embeddings out may cost in zero-shot transfer (F14)."""
NOTHING = "No model has language embeddings (F14)."
TITLE = "NLI without language embeddings"
LEARNED = "where NLI is learned"


def losses(frame: pl.DataFrame) -> go.Figure:
    """Draw by how much each language is modelled better without embeddings; `frame` as
    `embedding_results.losses` has it.
    """
    title = "Held-out loss without language embeddings"
    return cell_pairs.by_language(frame, WITHOUT, WITH, title=title, margin=cell_pairs.MARGIN)


def gains(frame: pl.DataFrame) -> go.Figure:
    """Draw by how many points NLI is better without embeddings in each language that it is not
    learned in and in their mean, a series for text in that language and for each way to mix it with
    the one learned in; `frame` as `embedding_results.nli` has it.
    """
    found = differences(frame).filter(~pl.col("source"))
    if found.is_empty():
        return theme.empty(NOTHING, title=TITLE, height=150)
    order = with_mean_place(in_order(found), "mean")
    kinds, figure = _kinds(found), go.Figure()
    for kind, shift, look in zip(kinds, shifts(len(kinds)), LOOKS, strict=False):
        own = found.filter(kind=kind)
        rows = over_seeds(with_mean(own, own), ["language"], "gain")
        add_dots(figure, order, rows, name=kind, look=look, shift=shift, sign="+")
    figure.add_hline(y=0, line={"color": theme.GREY})
    line, text = {"color": theme.GREY, "dash": "dot"}, f"zero-shot: as good, to {MARGIN:g}"
    place = {"annotation_position": "bottom right", "annotation_font_size": 11.5}
    figure.add_hline(y=-MARGIN, line=line, annotation_text=text, **place)
    figure.update_xaxes(**places(order), title="language, or the one mixed in")
    figure.update_yaxes(title="gain (points)", tickformat="+~g", zeroline=False)
    subtitle = (
        f"Above 0 the model without embeddings is better<br>{found['seed'].n_unique()} pretraining "
        "seeds, paired; bars are 95\u00a0% intervals over them; largest language first"
    )
    theme.finish(figure, title=TITLE, subtitle=subtitle, height=440)
    return figure.update_layout(legend={"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top"})


def levels(frame: pl.DataFrame) -> Table:
    """Show the accuracy of NLI with and without embeddings, what leaving them out adds, and what
    its interval says, for each kind of text.
    """
    found = differences(frame)
    if found.is_empty():
        return show(pl.DataFrame({"text": [NOTHING]}))
    scored, gained = _by_kind(frame.with_columns(pl.col("value") * 100)), _by_kind(found)
    rows = over_seeds(gained, ["text"], "gain")
    columns: dict[str, list[str]] = {"text": rows["text"].to_list()}
    for head, arm in (("without", WITHOUT), ("with", WITH)):
        own = over_seeds(scored.filter(arm=arm), ["text"], "value")
        own = rows.select("text").join(own, on="text", how="left", maintain_order="left")
        columns[f"{head}, %"] = with_interval(own, "mean", sign=False)
    columns["difference, points"] = with_interval(rows, "mean")
    columns["without is"] = [verdict(*row) for row in rows.select("low", "high").iter_rows()]
    caption = (
        "Accuracy without and with language embeddings, mean over languages; a guess scores "
        f"{100 / 3:.0f}\u00a0%. Intervals are 95\u00a0% over {found['seed'].n_unique()} "
        "pretraining seeds."
    )
    return show(pl.DataFrame(columns), caption)


def differences(frame: pl.DataFrame) -> pl.DataFrame:
    """Return by how many points NLI is better without embeddings, as `gain`, for each language,
    kind of text and both seeds."""
    parts = [
        paired(frame.filter(kind=kind), "arm", WITHOUT, WITH)
        for kind in frame["kind"].unique(maintain_order=True)
    ]
    found = pl.concat(parts) if parts else frame.with_columns(difference=pl.lit(0.0))
    return found.with_columns(gain=100 * pl.col("difference"))


def _kinds(frame: pl.DataFrame) -> list[str]:
    """Return the kinds of text: of one language, then those that mix two."""
    return sorted(frame["kind"].unique(), key=lambda kind: (kind != ZERO, kind))


def _by_kind(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows by kind of text, in order; of zero-shot also those in the language learned in."""
    text = pl.when("source").then(pl.lit(LEARNED)).otherwise("kind")
    order = [LEARNED, *_kinds(frame)]
    place = pl.col("text").replace_strict(order, list(range(len(order))))
    return frame.with_columns(text=text).sort(place, maintain_order=True)
