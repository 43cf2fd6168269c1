"""F15: a full and an adaptive softmax: loss, size, speed (XLM-R Sec. 5.1, left to do).

Speed is that of whole runs, their held-out losses included, on the machine that the study ran on
and with as many runs at once as it had; both arms ran alike. What a softmax saves grows with the
vocabulary, and the studies' are small.
"""

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.figures import cell_pairs
from xlmr_lab.figures.summaries import last_step, over_seeds
from xlmr_lab.figures.tables import Table, show, with_interval

LOSS = "bits_per_byte"
ADAPTIVE, FULL = "adaptive softmax", "full softmax"
NOTHING = "No adaptive softmax was compared here (F15)."
KEYS = ["cell", "arm", "ids", "cutoffs", "logits", "parameters", "head"]


def against_full(frame: pl.DataFrame) -> go.Figure:
    """Draw by how much the adaptive softmax is better than the full one in each language, with the
    margin by which it may be worse.
    """
    title = "Adaptive softmax against the full one"
    return cell_pairs.by_language(frame, ADAPTIVE, FULL, title=title, margin=cell_pairs.MARGIN)


def table(frame: pl.DataFrame, speeds: pl.DataFrame) -> Table:
    """Show each softmax: its bands, the logits of every position, weights, held-out loss, and the
    milliseconds of a training step; `speeds` are those of `claim_results.speeds`.
    """
    if frame.is_empty():
        return show(pl.DataFrame({"softmax": [NOTHING]}))
    means = over_seeds(last_step(frame), KEYS, LOSS)
    steps = over_seeds(speeds.with_columns(pl.col("step_seconds") * 1000), ["cell"], "step_seconds")
    took = means.select("cell").join(steps, on="cell", how="left", maintain_order="left")
    known = took["mean"].is_not_null().to_list()
    told = with_interval(took.with_columns(pl.col("mean").fill_null(0)), "mean", sign=False)
    shown = means.select(
        pl.col("arm").alias("softmax"),
        "ids",
        pl.col("cutoffs").replace("", "one").alias("bands from"),
        pl.col("logits").alias("logits at each position"),
        "parameters",
        pl.col("head").alias("in the head alone"),
        pl.Series("bits per byte", with_interval(means, "mean", sign=False), dtype=pl.String),
        pl.Series(
            "ms a step",
            [text if there else None for text, there in zip(told, known, strict=True)],
            dtype=pl.String,
        ),
    )
    caption = (
        "Held-out losses and times of whole runs over their steps, with 95\u00a0% intervals over "
        "seeds. The head: weights that are not the embedding's too; logits of further bands are "
        "made only where the target is in them."
    )
    return show(shown, caption)
