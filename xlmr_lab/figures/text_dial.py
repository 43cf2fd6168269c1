"""F5 and F13: which text, and how much of it: the web beside an encyclopaedia (XLM-R Figure 3), and
held-out loss of one language by the amount of its own text, alone and together with others (Sec. 3
and 5.4).

Losses are those of the best step of each run: as many steps on little text end in overfitting, of
which nobody would use the end. What text together is worth is read off the curve of text alone (see
text_equivalents), each seed off its own. The vocabularies differ: a language alone has pieces of
its own, together they are shared, so losses are in bits per byte.
"""

import math
from collections.abc import Iterator

import plotly.graph_objects as go
import polars as pl

from xlmr_lab import text_equivalents
from xlmr_lab.figures import cell_pairs, theme
from xlmr_lab.figures.language_dots import bars
from xlmr_lab.figures.summaries import over_seeds
from xlmr_lab.figures.tables import Table, show
from xlmr_lab.text_equivalents import Worth

HEIGHT = 430
LOSS = "bits_per_byte"
ALONE, TOGETHER = "alone", "together with others"
ALL_TEXT, NARROW = "all text", "encyclopaedia"
"""Arms of F13, and of F5."""
LOOKS = {
    True: {"color": theme.BLUE, "symbol": "circle", "dash": "solid"},
    False: {"color": theme.ORANGE, "symbol": "diamond", "dash": "dot"},
}
"""Of a language alone, and together."""
NOTHING = "No language was trained alone on less and less of its text (F13)."
TITLE = "How much text does a language need?"


def swept(frame: pl.DataFrame) -> go.Figure:
    """Draw the held-out loss of the language that goes through amounts of its text, over the
    amount, alone and together with others; an arrow from each amount together to what it is worth
    alone.
    """
    own = _swept(frame)
    if own.is_empty():
        return theme.empty(NOTHING, title=TITLE, height=150)
    figure = go.Figure()
    means = over_seeds(own, ["arm", "text_bytes"], LOSS).sort("text_bytes")
    for arm in sorted(means["arm"].unique(), key=lambda name: name != ALONE):
        look, rows = LOOKS[arm == ALONE], means.filter(arm=arm)
        figure.add_scatter(
            x=theme.rounded(rows["text_bytes"]),
            y=theme.rounded(rows["mean"]),
            error_y=bars(rows),
            name=arm,
            mode="lines+markers",
            marker={"color": look["color"], "symbol": look["symbol"], "size": 10},
            line={"color": look["color"], "dash": look["dash"], "width": 1.8},
            customdata=[told_bytes(x) for x in rows["text_bytes"]],
            hovertemplate=f"%{{customdata}} {arm}: %{{y:.4f}}<extra></extra>",
        )
    for amount, loss, worth in _worths(own):
        _arrow(figure, amount, loss, worth)
    figure.update_xaxes(title="training text of the language (bytes)", **_axis(means))
    figure.update_yaxes(title="bits per byte", zeroline=False)
    name = own["name"][0] or own["language"][0]
    subtitle = (
        f"{name}: held-out loss of the best step, lower is better; {own['seed'].n_unique()} "
        "pretraining seeds, bars 95\u00a0% intervals<br>arrows: how much text alone does as well"
    )
    return theme.finish(figure, title=TITLE, subtitle=subtitle, height=HEIGHT)


def worth(frame: pl.DataFrame) -> Table:
    """Show how much text alone is worth as much as each amount together with others, with its
    interval over seeds, and how many times as much that is.
    """
    own = _swept(frame)
    if own.is_empty():
        return show(pl.DataFrame({"text": [NOTHING]}))
    rows = [
        {
            "text together": told_bytes(amount),
            "bits per byte": loss,
            "worth alone [95\u00a0% interval]": _told(worth, own),
            "times as much": _times(worth, amount),
        }
        for amount, loss, worth in _worths(own)
    ]
    tried = ", ".join(told_bytes(x) for x, _ in _curve(own.filter(arm=ALONE)))
    caption = (
        f"{own['language'][0]}: amounts alone at which the held-out loss of the best step is as "
        f"low, between {tried}: straight lines over the logarithm of the amount, for each of "
        f"{own['seed'].n_unique()} pretraining seeds; none where a seed is off the line."
    )
    return show(pl.DataFrame(rows), caption, {"bits per byte": ".4f"})


def broader(frame: pl.DataFrame) -> go.Figure:
    """Draw by how many points NER is better in each language with all text than with the
    encyclopaedia alone.
    """
    title = "NER with all text and with the encyclopaedia alone"
    return cell_pairs.by_language(frame, ALL_TEXT, NARROW, value=cell_pairs.SCORE, title=title)


def alone_or_together(frame: pl.DataFrame) -> go.Figure:
    """Draw by how much each language is modelled better together with others than alone, with all
    the text that it has.
    """
    whole = frame.filter(pl.col("text_bytes") == pl.col("text_bytes").max().over("language"))
    title = "Alone or together, with all its text"
    return cell_pairs.by_language(whole, TOGETHER, ALONE, title=title)


def told_bytes(size: float) -> str:
    """Write an amount of text.

    >>> told_bytes(30_000), told_bytes(1_092_500), told_bytes(2.5e9)
    ('30 kB', '1.1 MB', '2.5 GB')
    """
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{theme.significant(size / unit)} {name}"
    return f"{size:.0f} B"


def _swept(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the language that has most amounts of text alone, if it has several; of
    the seeds that each of them has, since a cell that other claims share may have more.
    """
    counts = (
        frame.filter(arm=ALONE)
        .group_by("language")
        .agg(pl.col("text_bytes").n_unique())
        .sort("text_bytes", "language", descending=[True, False])
    )
    if counts.is_empty() or counts["text_bytes"][0] < 2:
        return frame.clear()
    own = frame.filter(language=counts["language"][0])
    common = own.group_by("seed").agg(number=pl.struct("arm", "text_bytes").n_unique())
    common = common.filter(pl.col("number") == pl.col("number").max())
    return own.filter(pl.col("seed").is_in(common["seed"].implode()))


def _curve(rows: pl.DataFrame) -> list[tuple[float, float]]:
    """Return the mean loss at each amount, by amount."""
    means = rows.group_by("text_bytes").agg(pl.col(LOSS).mean()).sort("text_bytes")
    return list(means.iter_rows())


def _worths(own: pl.DataFrame) -> Iterator[tuple[float, float, Worth]]:
    """Yield each amount together with others, its mean loss, and what it is worth alone."""
    alone = own.filter(arm=ALONE)
    curves = {int(seed): _curve(rows) for (seed,), rows in alone.group_by("seed")}
    together = own.filter(pl.col("arm") != ALONE)
    for amount, loss in _curve(together):
        rows = together.filter(text_bytes=amount)
        losses = {int(seed): float(x) for seed, x in rows.select("seed", LOSS).iter_rows()}
        yield amount, loss, text_equivalents.over_seeds(curves, losses)


def _arrow(figure: go.Figure, amount: float, loss: float, worth: Worth) -> None:
    """Draw an arrow from an amount together to what it is worth, where that is known."""
    if not math.isfinite(worth.amount):
        return
    figure.add_annotation(
        x=math.log10(worth.amount),
        y=loss,
        ax=math.log10(amount),
        ay=loss,
        axref="x",
        ayref="y",
        text="",
        arrowhead=2,
        arrowwidth=1.4,
        arrowcolor=theme.GREY,
        standoff=2,
        startstandoff=7,
    )
    figure.add_annotation(
        x=(math.log10(worth.amount) + math.log10(amount)) / 2,
        y=loss,
        text=told_bytes(worth.amount),
        showarrow=False,
        yshift=10,
        bgcolor="rgba(255, 255, 255, 0.7)",
        borderpad=0,
        font={"size": 12},
    )


def _told(worth: Worth, own: pl.DataFrame) -> str:
    """Say what an amount is worth, or on which side of the curve its seeds are."""
    curve = _curve(own.filter(arm=ALONE))
    ends = (
        (worth.num_below, f"less than {told_bytes(curve[0][0])}"),
        (worth.num_above, f"more than {told_bytes(curve[-1][0])}"),
    )
    beyond = [f"{said} in {number} of {worth.num_seeds} seeds" for number, said in ends if number]
    if beyond or not worth.num_seeds:
        return "; ".join(beyond) or "not known"
    found = told_bytes(worth.amount)
    if not math.isfinite(worth.low):
        return f"{found} (no interval: one seed)"
    return f"{found} [{told_bytes(worth.low)}, {told_bytes(worth.high)}]"


def _times(worth: Worth, amount: float) -> str | None:
    """Return how many times an amount what it is worth is; None where that is not known."""
    if not math.isfinite(worth.amount):
        return None
    return theme.significant(worth.amount / amount)


def _axis(means: pl.DataFrame) -> dict[str, object]:
    """Return a logarithmic axis whose ticks are the amounts that were tried."""
    amounts = means["text_bytes"].unique().sort().to_list()
    ticks = {"tickvals": amounts, "ticktext": [told_bytes(x) for x in amounts]}
    return ticks | {"type": "log", "zeroline": False}
