"""An axis of languages, on which the means of several series stand side by side as dots with their
intervals.

Places are numbers, so that series can stand beside each other; rows of one series have the columns
mean, low, high and num_seeds of `summaries.over_seeds`.
"""

import itertools

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.figures import theme
from xlmr_lab.figures.theme import lettered

MEAN = ""
"""What stands for a language in rows of the mean of several."""
THIN = ("x-thin-open", "cross-thin-open", "asterisk-open")
"""Symbols of arms without pretraining."""


def add_dots(
    figure: go.Figure,
    order: pl.DataFrame,
    rows: pl.DataFrame,
    *,
    name: str,
    look: tuple[str, str],
    shift: float = 0.0,
    sign: str = "",
    panel: int = 0,
    column: int = 1,
) -> None:
    """Draw means with their intervals, columns mean, low, high and num_seeds, at the languages'
    places of an axis, so far beside them; in one of several panels, where that is given. The legend
    has the series of the first of them.
    """
    shown, (color, symbol) = order.join(rows, on="language", maintain_order="left"), look
    figure.add_scatter(
        x=[round(place + shift, 3) for place in shown["place"].to_list()],
        y=theme.rounded(shown["mean"]),
        error_y=bars(shown),
        name=name,
        legendgroup=name,
        mode="markers",
        marker={"color": color, "symbol": symbol, "size": 9},
        customdata=shown.select("name", "num_seeds").rows(),
        hovertemplate=f"%{{customdata[0]}}, {name}: %{{y:{sign}.3f}} "
        "(%{customdata[1]} seeds)<extra></extra>",
        showlegend=panel < 2 and column < 2,
        **({"row": panel, "col": column} if panel else {}),
    )


def shifts(number: int) -> list[float]:
    """Return how far so many series stand beside the place that they share.

    >>> shifts(2), shifts(1)
    ([-0.11, 0.11], [0.0])
    """
    return [round((i - (number - 1) / 2) * min(0.22, 0.6 / number), 3) for i in range(number)]


def bars(rows: pl.DataFrame) -> dict[str, object]:
    """Return plotly error bars from columns mean, low and high; none where the interval is
    unknown.
    """
    return {
        "type": "data",
        "symmetric": False,
        "array": theme.rounded(rows["high"] - rows["mean"]),
        "arrayminus": theme.rounded(rows["mean"] - rows["low"]),
        "thickness": 1.3,
        "width": 3,
    }


def span(rows: pl.DataFrame) -> list[float]:
    """Return the range of an axis that holds means and intervals, so that panels share it.

    >>> span(pl.DataFrame({"mean": [0.5, 0.2], "low": [0.4, None], "high": [0.6, None]}))
    [0.18, 0.62]
    """
    ends = [value for name in ("mean", "low", "high") for value in rows[name].drop_nulls()]
    room = 0.05 * (max(ends) - min(ends)) or 0.05
    return [round(min(ends) - room, 4), round(max(ends) + room, 4)]


def places(order: pl.DataFrame) -> dict[str, object]:
    """Return an axis of languages on numbers, so that arms can stand side by side; the place of
    their mean is always written.
    """
    languages, rest = (order.filter((pl.col("language") == MEAN) == mean) for mean in (False, True))
    ticks = {
        name: [*theme.sparse(languages[column].to_list()), *rest[column].to_list()]
        for name, column in (("tickvals", "place"), ("ticktext", "label"))
    }
    return theme.categories(order["label"]) | {
        "type": "linear",
        **ticks,
        "categoryorder": None,
        "categoryarray": None,
        "zeroline": False,
    }


def in_order(part: pl.DataFrame) -> pl.DataFrame:
    """Return the languages in the order of the axis: the one that the task is learned in, then from
    the largest text to the smallest.
    """
    ranked = part.select("language", "name", "size_bytes", "source").unique()
    keys = ("source", "size_bytes", "language")
    ranked = theme.labelled(ranked.sort(*keys, descending=[True, True, False]))
    return ranked.with_row_index("place")


def with_mean(rows: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Return rows with those of some languages once more, as rows of their mean."""
    return pl.concat([rows, others.with_columns(language=pl.lit(MEAN))])


def with_mean_place(order: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return an axis with a place for the mean of languages behind the last."""
    place = {"language": MEAN, "name": name, "label": name, "place": len(order)}
    return pl.concat(
        [order, pl.DataFrame([place], schema_overrides={"place": pl.UInt32})], how="diagonal"
    )


def arm_looks(part: pl.DataFrame) -> dict[str, tuple[str, str]]:
    """Give every arm a colour and a symbol; arms without pretraining are grey and thin, and come
    last.
    """
    arms = (
        part.select("arm", "pretrained")
        .unique()
        .sort("pretrained", "arm", descending=[True, False])
    )
    looks, thin = zip(theme.PALETTE, theme.SYMBOLS, strict=True), itertools.cycle(THIN)
    return {
        arm: next(looks) if pretrained else (theme.GREY, next(thin))
        for arm, pretrained in arms.iter_rows()
    }


def panels(arms: list[str], order: pl.DataFrame) -> go.Figure:
    """Return a figure with a panel for each arm on one axis of languages, of which the last place
    is that of a mean.
    """
    figure = make_subplots(
        rows=len(arms),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.12 / len(arms),
        subplot_titles=[lettered(arm) for arm in arms] if len(arms) > 1 else None,
    )
    figure.update_annotations(font_size=13)
    figure.update_xaxes(**places(order))
    line = {"color": theme.GREY, "dash": "dot"}
    figure.add_vline(x=len(order) - 1.5, line=line, exclude_empty_subplots=False)
    return figure
