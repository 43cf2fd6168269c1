"""How the exponent alpha shares out pretraining among languages (XLM-R Sec. 3.1): shares,
probabilities, passes.

`shares` is the calculation, `distribution` the picture of it; the explorer calls the same two. What
a language's size counts is always said. White-space words are offered to show why they are no
basis: scripts without spaces vanish.
"""

from collections.abc import Mapping

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.errors import UserError
from xlmr_lab.figures import theme
from xlmr_lab.sampling import passes, probabilities

BASES = {"bytes": "size_bytes", "sentences": "num_paragraphs", "words": "num_words"}
"""What can count as a language's size, and the column that holds it (a paragraph stands for a
sentence).
"""


def available_bases(sizes: pl.DataFrame) -> list[str]:
    """Return the bases that are known for every language of a corpus."""
    return [basis for basis, column in BASES.items() if sizes[column].null_count() == 0]


def shares(
    sizes: pl.DataFrame, *, alpha: float, basis: str = "bytes", budget: float = 1.0
) -> pl.DataFrame:
    """Return `sizes` with each language's share of the text, sampling probability and passes,
    largest share first.

    `budget` is the amount of training in sizes of the whole corpus: at 1, sampling by size goes
    once through all text.

    Raises:
        UserError: unknown basis, or one that is not known of this corpus.
    """
    known = available_bases(sizes)
    if basis not in known:
        raise UserError(f"basis must be one of {', '.join(known)} for this corpus, got {basis!r}")
    size: dict[str, float] = dict(sizes.select("language", BASES[basis]).iter_rows())
    probability = probabilities(size, alpha)
    total = sum(size.values())
    repeated = passes({key: budget * total * q for key, q in probability.items()}, size)
    return sizes.with_columns(
        pl.Series("share", [size[key] / total for key in size]),
        pl.Series("probability", [probability[key] for key in size]),
        pl.Series("passes", [repeated[key] for key in size]),
    ).sort("share", "language", descending=[True, False])


def distribution(
    sizes: pl.DataFrame,
    *,
    alpha: float,
    basis: str = "bytes",
    budget: float = 1.0,
    color: str = "tier",
    log: bool = False,
    title: str = "Language sampling",
) -> go.Figure:
    """Draw what each language gets: share of the text, sampling probability, and how often its text
    is repeated.
    """
    frame = shares(sizes, alpha=alpha, basis=basis, budget=budget)
    frame = theme.folded(theme.labelled(frame), color)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    _add_shares(figure, frame, log)
    palette, symbols = theme.colors(frame[color], color), theme.symbols(frame[color], color)
    for value in theme.order(frame[color], color):
        look = {
            "name": value,
            "legendgroup": value,
            "marker": {"color": palette[value], "symbol": symbols[value], "size": 9},
        }
        _add_group(figure, frame.filter(pl.col(color) == value), look)
    figure.add_hline(y=1, line={"dash": "dot", "color": theme.GREY}, row=2, col=1)
    figure.update_xaxes(**theme.categories(frame["label"]))
    figure.update_yaxes(
        title="probability",
        tickformat=".3~%" if log else ".1~%",
        type="log" if log else "linear",
        rangemode="normal" if log else "tozero",
        row=1,
        col=1,
    )
    figure.update_yaxes(title="passes", **theme.logarithmic([*frame["passes"], 1]), row=2, col=1)
    return theme.finish(
        figure,
        title=f"{title} at α = {alpha:g}",
        subtitle=_reading(frame, basis, budget),
        height=540,
        legend=theme.GROUPS[color],
    )


def _add_shares(figure: go.Figure, frame: pl.DataFrame, log: bool) -> None:
    """Draw the shares of the text as bars; on a logarithmic axis, where bars have no foot, as
    rings.
    """
    shared = {
        "x": frame["label"].to_list(),
        "y": theme.rounded(frame["share"]),
        "name": "share of the text, p",
        "hovertemplate": "%{x}: p = %{y:.3%}<extra></extra>",
    }
    if log:
        ring = {"symbol": "circle-open", "size": 9, "color": theme.GREY, "line": {"width": 1.5}}
        figure.add_scatter(**shared, mode="markers", marker=ring, row=1, col=1)
    else:
        figure.add_bar(**shared, marker={"color": theme.FAINT}, row=1, col=1)


def _add_group(figure: go.Figure, part: pl.DataFrame, look: Mapping[str, object]) -> None:
    for row, (column, form) in enumerate((("probability", ".3%"), ("passes", ".3~g")), 1):
        figure.add_scatter(
            **look,
            x=part["label"].to_list(),
            y=theme.rounded(part[column]),
            showlegend=row == 1,
            mode="markers",
            customdata=part["name"].to_list(),
            hovertemplate=f"%{{customdata}}: {column} %{{y:{form}}}<extra></extra>",
            row=row,
            col=1,
        )


def _reading(frame: pl.DataFrame, basis: str, budget: float) -> str:
    ends = [
        f"{row['name']}: {theme.significant(100 * row['share'])} % of the text, "
        f"sampled {theme.significant(100 * row['probability'])} %, "
        f"{theme.significant(row['passes'])} passes"
        for row in (frame.row(0, named=True), frame.row(-1, named=True))
    ]
    return (
        f"Dots: sampling probability q; size counted in {basis}; "
        f"{_length(budget)}.<br>{'; '.join(ends)}"
    )


def _length(budget: float) -> str:
    """Say how long training is.

    >>> _length(1.0), _length(4.5)
    ('training as long as one pass over all text', 'training as long as 4.5 passes over all text')
    """
    times = "one pass" if budget == 1 else f"{theme.significant(budget)} passes"
    return f"training as long as {times} over all text"
