"""F6: held-out loss over the tokens that a run has seen, with larger batches and more steps (XLM-R
Sec. 5.1, Figure 7).

Over tokens a larger batch and a longer run that see as much text end at the same place, so one sees
what each makes of it. Losses are the mean over languages, in bits per byte.
"""

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.figures import theme
from xlmr_lab.figures.language_dots import bars
from xlmr_lab.figures.summaries import over_seeds

HEIGHT = 430
LOSS = "bits_per_byte"
TITLE = "Larger batches and longer training"
NOTHING = "No batches and lengths were compared here (F6)."


def curves(frame: pl.DataFrame) -> go.Figure:
    """Draw the held-out loss of each arm over the tokens seen, the mean over languages."""
    if frame.is_empty():
        return theme.empty(NOTHING, title=TITLE, height=150)
    means = over_seeds(frame, ["arm", "tokens"], LOSS).sort("tokens")
    figure = go.Figure()
    for place, arm in enumerate(_arms(frame)["arm"]):
        rows, color = means.filter(arm=arm), theme.PALETTE[place % 8]
        figure.add_scatter(
            x=rows["tokens"].to_list(),
            y=theme.rounded(rows["mean"]),
            error_y=bars(rows),
            name=arm,
            mode="lines+markers",
            marker={"color": color, "symbol": theme.SYMBOLS[place % 8], "size": 7},
            line={"color": color, "dash": theme.DASHES[place % 8], "width": 1.8},
            hovertemplate=f"{arm}: %{{y:.4f}} at %{{x:.3s}} tokens<extra></extra>",
        )
    figure.update_xaxes(title="tokens seen", **theme.logarithmic(means["tokens"], "~s"))
    figure.update_yaxes(title="bits per byte", zeroline=False)
    subtitle = (
        f"Held-out loss, mean of {frame['language'].n_unique()} languages, lower is better; "
        f"{frame['seed'].n_unique()} pretraining seeds, bars 95\u00a0% intervals<br>each run has "
        "its own schedule of the learning rate, so ends compare"
    )
    return theme.finish(
        figure, title=TITLE, subtitle=subtitle, height=HEIGHT, legend="batch in sequences"
    )


def _arms(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the arms with their batch, steps and the tokens of a whole run, fewest first."""
    whole = frame.group_by("arm", "batch_sequences", "steps").agg(pl.col("tokens").max())
    return whole.sort("tokens", "batch_sequences", "arm")
