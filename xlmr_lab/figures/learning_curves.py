"""Curves of pretraining runs as they grow: training loss, held-out loss, learning rate, speed, one
line a run, over the same steps or over the same tokens.

Frames are those of `training_curves`. An axis is as long as the longest run is to be, so that one
sees how far it is. Long records are thinned to what a picture can show.
"""

from collections.abc import Sequence
from typing import Literal

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.errors import UserError
from xlmr_lab.figures import theme
from xlmr_lab.figures.training import thinned

TITLE = "Pretraining runs on their way"
PANELS = {
    "loss": "training loss (nats per masked token)",
    "heldout": "held-out loss (nats per masked token)",
    "learning_rate": "learning rate",
    "tokens_per_second": "tokens a second",
}
OVER = {"step": "step", "tokens": "tokens seen"}
"""What runs are paired by."""
ENDS = {"step": "steps", "tokens": "all_tokens"}
HEIGHT = 560


def side_by_side(frame: pl.DataFrame, *, over: Literal["step", "tokens"] = "step") -> go.Figure:
    """Draw runs side by side: four panels, one line a run, the first run's in front.

    Raises:
        UserError: nothing is recorded yet.
    """
    if frame.is_empty():
        raise UserError("nothing is recorded yet; a run writes its first record after a few steps")
    figure = make_subplots(
        rows=2,
        cols=2,
        horizontal_spacing=0.09,
        vertical_spacing=0.17,
        subplot_titles=list(PANELS.values()),
    )
    runs = frame["run"].unique(maintain_order=True).to_list()
    for place, run in reversed(list(enumerate(runs))):
        _add(figure, frame.filter(pl.col("run") == run), place, over)
    end = max(frame[ENDS[over]].to_list())
    form = "~s" if over == "tokens" else ","
    figure.update_xaxes(range=[0, 1.02 * end], nticks=6, tickformat=form)
    figure.update_xaxes(title=OVER[over], row=2)
    figure.update_yaxes(rangemode="tozero", exponentformat="power", row=2, col=1)
    figure.update_yaxes(rangemode="tozero", tickformat=",", row=2, col=2)
    theme.finish(figure, title=TITLE, subtitle=_told(frame, runs, over), height=HEIGHT)
    return figure.update_layout(
        margin={"t": theme.TOOLBAR + 126},
        legend={"orientation": "h", "y": -0.12, "yanchor": "top", "traceorder": "reversed"},
    )


def _add(figure: go.Figure, part: pl.DataFrame, place: int, over: str) -> None:
    """Add the lines of one run; held-out losses, which are few, and a first record have dots."""
    run = theme.lettered(part["run"].to_list()[0])
    for number, measure in enumerate(PANELS):
        line = thinned(part.filter(pl.col("measure") == measure).sort("step"))
        figure.add_scatter(
            x=line[over].to_list(),
            y=theme.rounded(line["value"]),
            name=run,
            legendgroup=run,
            showlegend=measure == "loss",
            mode="lines+markers" if measure == "heldout" or len(line) == 1 else "lines",
            marker={"symbol": theme.SYMBOLS[place % 8], "size": 6},
            line={
                "color": theme.PALETTE[place % 8],
                "width": 1.8,
                "dash": theme.DASHES[place % 8],
            },
            hovertemplate=f"{run}: %{{y:.4~g}} at {OVER[over]} %{{x:,}}<extra></extra>",
            row=number // 2 + 1,
            col=number % 2 + 1,
        )


def _told(frame: pl.DataFrame, runs: Sequence[str], over: str) -> str:
    """Say how far the first run is, and how its held-out loss compares with that of the second
    where both were measured last.
    """
    first = frame.filter(pl.col("run") == runs[0])
    far = first.filter(pl.col("step") == pl.col("step").max()).row(0, named=True)
    told = f"{theme.lettered(runs[0])}: step {far['step']:,} of {far['steps']:,}"
    heldout = first.filter(pl.col("measure") == "heldout").sort("step")
    if heldout.is_empty():
        return told
    last = heldout.row(-1, named=True)
    told += f", held-out loss {last['value']:.3f} at step {last['step']:,}"
    return told + (_compared(frame, heldout, runs[1], over) if len(runs) > 1 else "")


def _compared(frame: pl.DataFrame, heldout: pl.DataFrame, other: str, over: str) -> str:
    """Say what another run had at the last measurement that lies within both; between two of its
    measurements it is taken from the line between them.
    """
    is_theirs = (pl.col("run") == other) & (pl.col("measure") == "heldout")
    theirs = frame.filter(is_theirs).sort("step")
    x = theirs[over].to_list()
    within = heldout.filter(pl.col(over).is_between(x[0], x[-1])) if x else heldout.clear()
    if within.is_empty():
        return ""
    at = within.row(-1, named=True)
    value = _between(x, theirs["value"].to_list(), at[over])
    place = f"step {at['step']:,}" if over == "step" else f"{at['tokens']:,} tokens"
    apart = f"{at['value'] - value:+.3f}".replace("-", "\u2212")
    return (
        f"<br>At {place} it has {at['value']:.3f} and {theme.lettered(other)} {value:.3f}, a "
        f"difference of {apart}"
    )


def _between(x: Sequence[float], y: Sequence[float], at: float) -> float:
    """Return the height of a line through points, ordered by `x`, at a place between them.

    >>> _between([100, 200], [4.0, 3.0], 150)
    3.5
    """
    place = next(number for number, known in enumerate(x) if known >= at)
    if x[place] == at:
        return y[place]
    share = (at - x[place - 1]) / (x[place] - x[place - 1])
    return y[place - 1] + share * (y[place] - y[place - 1])
