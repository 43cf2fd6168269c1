"""Protocols and selections side by side: what translated or own training data add to zero-shot
transfer, and what one model for all languages costs (XLM-R Sec. 4.2, 5.2, Tables 1 and 2).

Differences are paired by language and both seeds; their intervals are Student's t over pretraining
seeds. Their mean is over the languages that the task is not learned in under zero-shot transfer,
the same ones on both sides. What a difference says follows from its interval alone, whichever side
is hoped for. Beside it stand those of the paper's models, for the direction: other data, other
languages, per cent. Protocols that the paper lacks stand after its own, are compared with zero-shot
transfer, and are said to be none of it.
"""

import itertools
from collections.abc import Iterable

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.figures import paper_protocols, theme
from xlmr_lab.figures.language_dots import (
    add_dots,
    arm_looks,
    bars,
    in_order,
    panels,
    shifts,
    span,
    with_mean,
    with_mean_place,
)
from xlmr_lab.figures.mixed_sets import by_partner
from xlmr_lab.figures.summaries import over_seeds, paired
from xlmr_lab.figures.tables import Table, show, with_interval
from xlmr_lab.figures.task_scores import (
    METRICS,
    PLAIN,
    PROTOCOLS,
    TASKS,
    capital,
    in_order_of_print,
    missing,
    not_of_print,
    nothing,
    of_task,
    selected,
    source,
    within_bounds,
)
from xlmr_lab.figures.theme import lettered

PAIRS = (
    ("translate-test", "zero-shot"),
    ("translate-train", "zero-shot"),
    ("translate-train-all", "zero-shot"),
    ("translate-train-all", "translate-train"),
    ("each", "zero-shot"),
    ("all", "zero-shot"),
    ("all", "each"),
)
"""Protocols of the paper that are compared, the second taken from the first."""
TRANSLATED = "zero-shot,translate-test,translate-train,translate-train-all"
OWN = "zero-shot,each,all"
Look = tuple[str, str]
SEEDS = "95\u00a0% intervals over {} pretraining seeds"


def by_language(
    scores: pl.DataFrame, *, task: str, selection: str = "", metric: str = ""
) -> go.Figure:
    """Draw the test score of each language under every protocol, a panel for each arm; `selection`
    and `metric` as in `transfer.by_language`.
    """
    part = by_partner(selected(of_task(scores, task, metric), selection))
    if part.is_empty():
        return nothing(task, PROTOCOLS[0])
    arms, found = list(arm_looks(part)), looks(part["protocol"])
    pooled = with_mean(part, part.filter(~pl.col("source")))
    by = ["arm", "protocol", "metric", "language"]
    means, cut = within_bounds(over_seeds(pooled, by, "value"))
    order = with_mean_place(in_order(part), "mean of the others")
    figure = panels(arms, order)
    for (protocol, look), shift in zip(found.items(), shifts(len(found)), strict=True):
        for row, arm in enumerate(arms, 1):
            rows = means.filter(pl.col("arm") == arm, pl.col("protocol") == protocol)
            add_dots(figure, order, rows, name=protocol, look=look, shift=shift, panel=row)
    figure.update_yaxes(title=METRICS[part["metric"][0]], range=span(means))
    title = f"{capital(TASKS[task])} by protocol{_chosen_by(part)}"
    told = f"Learned in {source(part)}, which stands first. {SEEDS.format(part['seed'].n_unique())}"
    subtitle = "<br>".join(filter(None, (told, capital(cut), not_of_print(found))))
    height = 150 + 240 * len(arms)
    return theme.finish(figure, title=title, subtitle=subtitle, height=height, legend="protocol")


def contrasts(
    scores: pl.DataFrame, *, task: str, selection: str = "", metric: str = ""
) -> go.Figure:
    """Draw by how much each protocol exceeds another: a large dot with its interval for the mean
    over languages, a small one for each language.
    """
    part = by_partner(selected(of_task(scores, task, metric), selection))
    title = f"What a protocol adds: {TASKS[task]}{_chosen_by(part) if len(part) else ''}"
    found = _differences(part)
    if found.is_empty():
        return theme.empty(_alone(task, part), title=title, height=190)
    labels = found["contrast"].unique(maintain_order=True).to_list()
    figure, looks = go.Figure(), arm_looks(found)
    heights = {label: place for place, label in enumerate(labels)}
    for (arm, look), shift in zip(looks.items(), shifts(len(looks)), strict=True):
        _add_contrasts(figure, found.filter(pl.col("arm") == arm), heights, look, shift)
    figure.add_vline(x=0, line={"color": theme.GREY})
    figure.update_xaxes(
        title=f"difference in {METRICS[part['metric'][0]]}", tickformat="+.2f", zeroline=False
    )
    figure.update_yaxes(
        tickvals=list(range(len(labels))),
        ticktext=[label.replace(" - ", "<br>\u2212 ") for label in labels],
        range=[len(labels) - 0.5, -0.5],
        zeroline=False,
    )
    subtitle = "<br>".join(
        (
            f"Mean over the languages other than {source(part)}, a small dot for each",
            SEEDS.format(part["seed"].n_unique()),
            *filter(None, [not_of_print(found["first"])]),
        )
    )
    height = 170 + 62 * len(labels)
    return theme.finish(figure, title=title, subtitle=subtitle, height=height, legend="arm")


def told(scores: pl.DataFrame, *, task: str, selection: str = "", metric: str = "") -> Table:
    """Show the differences between protocols, what each says by itself, and those that the paper's
    models have.
    """
    part = by_partner(selected(of_task(scores, task, metric), selection))
    found = _differences(part)
    if found.is_empty():
        return show(pl.DataFrame({"protocols": [_alone(task, part).replace("<br>", " ")]}))
    keys = ["contrast", "first", "second", "arm"]
    by_language = over_seeds(found, [*keys, "language"], "difference").group_by(keys)
    signs = by_language.agg((pl.col("mean") > 0).sum().alias("above"), pl.len().alias("of"))
    percent = pl.col("mean", "low", "high") * 100
    means = over_seeds(found, keys, "difference").with_columns(percent)
    means = means.join(signs, on=keys, maintain_order="left")
    printed = [_in_print(task, *row) for row in means.select(*keys[1:3]).rows()]
    before = [None, *means["contrast"].to_list()]
    shown = means.select(
        pl.col("contrast").str.replace(" - ", " \u2212 ", literal=True),
        pl.col("arm").map_elements(lettered, return_dtype=pl.String),
        pl.Series("points [95\u00a0% interval]", with_interval(means, "mean")),
        pl.Series("says", [verdict(*row) for row in means.select("first", "low", "high").rows()]),
        pl.format("{} of {}", "above", "of").alias("languages above 0"),
        pl.Series(
            "in the paper, points",
            [
                "as above" if told and name == last else told or None
                for told, name, last in zip(printed, means["contrast"], before, strict=False)
            ],
            dtype=pl.String,
        ),
    )
    caption = (
        f"{capital(METRICS[part['metric'][0]])} in points of 100: mean differences over the "
        f"languages other than {source(part)}, paired by seed. {paper_protocols.about(task)}"
    )
    return show(shown, caption)


def looks(names: Iterable[str]) -> dict[str, Look]:
    """Return the colour and symbol of each protocol: the paper's keep theirs in every figure, and
    others take the next ones in the order of their names.

    >>> looks(["crossed", "zero-shot"])["crossed"] == (theme.PALETTE[6], theme.SYMBOLS[6])
    True
    """
    there = in_order_of_print(names)
    new = [name for name in there if name not in PROTOCOLS]
    found = zip(itertools.cycle(theme.PALETTE), itertools.cycle(theme.SYMBOLS), strict=True)
    known = dict(zip((*PROTOCOLS, *new), found, strict=False))
    return {name: known[name] for name in there}


def verdict(first: str, low: float | None, high: float | None) -> str:
    """Say in words what an interval of a difference says, which side is hoped for unknown.

    >>> verdict("all", 0.1, 0.2), verdict("all", -0.2, -0.1), verdict("all", -0.1, 0.1)
    ('all is higher', 'all is lower', 'not told apart')
    """
    if low is None or high is None:
        return "no interval: one seed"
    if low <= 0 <= high:
        return "not told apart"
    return f"{first} is {'higher' if low > 0 else 'lower'}"


def _differences(part: pl.DataFrame) -> pl.DataFrame:
    """Return the differences of every two protocols that there are, in the order of `PAIRS`; last
    those of protocols that the paper lacks.
    """
    others, there = part.filter(~pl.col("source")), set(part["protocol"])
    new = [name for name in in_order_of_print(there) if name not in PROTOCOLS]
    found = [
        paired(others, "protocol", first, second).with_columns(
            first=pl.lit(first), second=pl.lit(second), contrast=pl.lit(f"{first} - {second}")
        )
        for first, second in (*PAIRS, *((name, PROTOCOLS[0]) for name in new))
        if {first, second} <= there
    ]
    return pl.concat(found) if any(map(len, found)) else part.clear()


def _in_print(task: str, first: str, second: str) -> str:
    """Return a difference as the paper's models have it, or say that it has no such protocol."""
    if first not in PROTOCOLS:
        return "not a protocol of it"
    return paper_protocols.differences(task, first, second)


def _add_contrasts(
    figure: go.Figure, rows: pl.DataFrame, heights: dict[str, int], look: Look, shift: float
) -> None:
    """Draw the contrasts of one arm, each so far beside its height: languages, then their mean."""
    arm, (color, symbol) = lettered(rows["arm"][0]), look
    height = pl.col("contrast").replace_strict(heights, return_dtype=pl.Float64) + shift
    languages, means = (
        over_seeds(rows, by, "difference").with_columns(height=height)
        for by in (["contrast", "name"], ["contrast"])
    )
    figure.add_scatter(
        x=theme.rounded(languages["mean"]),
        y=languages["height"].to_list(),
        mode="markers",
        marker={"color": color, "symbol": symbol, "size": 5, "opacity": 0.45},
        customdata=languages.select("contrast", "name").rows(),
        hovertemplate=f"%{{customdata[0]}}, {arm}, %{{customdata[1]}}: %{{x:+.3f}}<extra></extra>",
        legendgroup=arm,
        showlegend=False,
    )
    figure.add_scatter(
        x=theme.rounded(means["mean"]),
        y=means["height"].to_list(),
        error_x=bars(means),
        name=arm,
        legendgroup=arm,
        mode="markers",
        marker={"color": color, "symbol": symbol, "size": 11},
        customdata=means.select("contrast", "num_seeds").rows(),
        hovertemplate=f"%{{customdata[0]}}, {arm}: %{{x:+.3f}} (%{{customdata[1]}} seeds)"
        "<extra></extra>",
    )


def _chosen_by(part: pl.DataFrame) -> str:
    """Return the selection of scores, where it is not the plain one."""
    taken = part["selection"].unique().to_list()
    return "" if taken in ([], [PLAIN]) else f", {taken[0]}"


def _alone(task: str, part: pl.DataFrame) -> str:
    """Say that there is nothing to compare, and what makes it."""
    if part.is_empty():
        return missing(task, PROTOCOLS[0])
    section, there = task.partition("-")[0], in_order_of_print(part["protocol"])
    also = TRANSLATED if task in ("nli", "qa") else OWN
    return (
        f"There are scores of {', '.join(there)}, nothing to compare them with;"
        f"<br>./lab evaluate name=NEW evaluated={section}<br>{section}.protocols={also} makes more"
    )
