"""By how much one cell of a claim is better than another, in each language: held-out loss or a
score.

Both have the same pretraining seeds, so each seed's difference is taken first and what the seed
does to both drops out; bars are 95 % intervals of these differences. Fine-tuning seeds are averaged
before. Above 0 is better, of losses too. Left out: languages that one of the two lacks.
"""

from typing import Any

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.figures import theme
from xlmr_lab.figures.language_dots import MEAN, bars, in_order, places, with_mean, with_mean_place
from xlmr_lab.figures.summaries import last_step, over_seeds
from xlmr_lab.figures.tables import with_interval

LOSS, SCORE = "bits_per_byte", "value"
"""Columns that are compared: held-out loss, and scores as shares."""
UNITS = {LOSS: "gain (bits per byte)", SCORE: "gain (points)"}
MARGIN = 0.01
"""Bits per byte that an arm may be worse by where a claim says that it loses nothing (F7, F15)."""
HEIGHT = 400
NOTHING = "There is nothing to compare:<br>the study has not both of {} and {}."
AVERAGE = "mean"


def by_language(
    frame: pl.DataFrame,
    better: str,
    worse: str,
    *,
    value: str = LOSS,
    title: str,
    margin: float = 0.0,
) -> go.Figure:
    """Draw by how much the arm `better` is better than `worse` in each language and in the mean, in
    bits per byte or points; with the `margin` by which it may be worse, in bits per byte.

    Held-out rows are of each run's last step, unless the frame has no steps.
    """
    pairs = differences(frame, better, worse, value=value)
    if pairs.is_empty():
        message = NOTHING.format(better, worse)
        return theme.empty(message, title=title, height=150)
    rows = over_seeds(with_mean(pairs, pairs), ["language"], "gain")
    order = with_mean_place(in_order(pairs.with_columns(source=pl.lit(False))), AVERAGE)
    tiers = dict(pairs.select("language", "tier").iter_rows())
    figure = go.Figure()
    for tier in theme.order(tiers.values(), "tier"):
        symbol = theme.symbols([tier], "tier")[tier]
        look = {"color": theme.TIER_COLORS[tier], "symbol": symbol, "size": 9}
        own = rows.filter(pl.col("language").is_in([k for k, v in tiers.items() if v == tier]))
        _add(figure, order.join(own, on="language", maintain_order="left"), tier, look)
    mean = order.join(rows.filter(language=MEAN), on="language")
    look = {"color": theme.INK, "symbol": "line-ew-open", "line": {"width": 2}, "size": 15}
    _add(figure, mean, AVERAGE, look)
    figure.add_hline(y=0, line={"color": theme.GREY})
    if margin:
        _add_margin(figure, margin)
    figure.update_xaxes(**places(order), title="language")
    figure.update_yaxes(title=UNITS[value], tickformat="+~g", zeroline=False)
    of = f", losses of {pairs['loss_of'][0]}" if "loss_of" in pairs.columns else ""
    subtitle = (
        f"{_capital(better)} against {worse}{of}; above 0 is better<br>{pairs['seed'].n_unique()} "
        "pretraining seeds, paired; bars are 95\u00a0% intervals over them; largest language first"
    )
    return theme.finish(
        figure, title=title, subtitle=subtitle, height=HEIGHT, legend="resource tier"
    )


def differences(frame: pl.DataFrame, better: str, worse: str, *, value: str = LOSS) -> pl.DataFrame:
    """Return by how much `better` is better than `worse` for each language and seed, as `gain`: in
    bits per byte or points, positive where it is better.
    """
    rows = last_step(frame) if value == LOSS and "step" in frame.columns else frame
    keys = ["language", "name", "tier", "size_bytes", "seed"]
    keys += [name for name in ("loss_of",) if name in frame.columns]
    means = rows.group_by("arm", *keys, maintain_order=True).agg(pl.col(value).mean())
    base = means.filter(arm=worse).select("language", "seed", other=value)
    joined = means.filter(arm=better).join(
        base, on=["language", "seed"], how="inner", maintain_order="left"
    )
    sign = -1.0 if value == LOSS else 100.0
    return joined.with_columns(gain=sign * (pl.col(value) - pl.col("other"))).drop("other")


def gain_told(frame: pl.DataFrame, better: str, worse: str) -> str:
    """Write the mean over languages of `differences` in bits per byte, with its interval.

    An arm is not compared with itself, and one that has no pair is not known.
    """
    pairs = differences(frame, better, worse)
    if better == worse or pairs.is_empty():
        return ""
    (told,) = with_interval(
        over_seeds(pairs.with_columns(of=pl.lit(better)), ["of"], "gain"), "mean"
    )
    return told


def _add(figure: go.Figure, rows: pl.DataFrame, name: str, look: dict[str, Any]) -> None:
    figure.add_scatter(
        x=rows["place"].to_list(),
        y=theme.rounded(rows["mean"]),
        error_y=bars(rows),
        name=name,
        mode="markers",
        marker=look,
        showlegend=name != AVERAGE,
        customdata=rows.select("name", "num_seeds").rows(),
        hovertemplate="%{customdata[0]}: %{y:+.4~g} (%{customdata[1]} seeds)<extra></extra>",
    )


def _add_margin(figure: go.Figure, margin: float) -> None:
    """Draw how far below 0 an arm is as good yet."""
    line = {"color": theme.GREY, "dash": "dot"}
    place = {"annotation_position": "bottom right", "annotation_font_size": 11.5}
    text = f"as good, to {margin:g}"
    figure.add_hline(y=-margin, line=line, annotation_text=text, **place)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
