"""What pretraining adds on each of GLUE's tasks: differences paired by both seeds and language,
their intervals, and what those say (XLM-R Sec. 5.3, Table 4).

The two sides are the same network with the same fine-tuning; the mean over languages is of those
that the task is not learned in. An interval above 0 says that pretraining raises a task, one below
that it lowers it, and one that holds 0 says nothing: whichever side is hoped for. A score whose
interval reaches down to guessing is told too, for where neither side has learned, there is nothing
to gain. Left out: any correction for the number of tasks that are looked at.
"""

from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.figures import doctor, theme
from xlmr_lab.figures.glue_tasks import NAMES, guessing, none, of_glue, places, tasks
from xlmr_lab.figures.language_dots import arm_looks, bars, shifts
from xlmr_lab.figures.summaries import FRESH, gain, over_seeds
from xlmr_lab.figures.tables import Table, show, with_interval
from xlmr_lab.figures.task_scores import METRICS, capital, source
from xlmr_lab.figures.theme import lettered

HIGHER, LOWER, UNKNOWN = "higher", "lower", "not told apart"
ALONE = "no interval: one seed"
SYMBOLS = {True: "circle", False: "square-open"}
"""Of the language learned in, and of the mean of the others."""


def verdict(low: float | None, high: float | None) -> str:
    """Say what the interval of a gain says.

    >>> verdict(0.1, 0.2), verdict(-0.2, -0.1), verdict(-0.1, 0.1), verdict(None, None)
    ('higher', 'lower', 'not told apart', 'no interval: one seed')
    """
    if low is None or high is None:
        return ALONE
    if low <= 0 <= high:
        return UNKNOWN
    return HIGHER if low > 0 else LOWER


def gains(scores: pl.DataFrame, *, protocol: str = "zero-shot", selection: str = "") -> go.Figure:
    """Draw by how much pretraining raises each task, in the language learned in and in the others:
    a large dot with its interval, and a small one for each pretraining seed.
    """
    part, title = of_glue(scores, protocol, selection), "What pretraining adds on GLUE's tasks"
    gained = gain(part) if len(part) else part
    if gained.is_empty():
        return theme.empty(_nothing(part, protocol), title=title, height=170)
    figure, order, where = go.Figure(), tasks(gained), places(gained)
    arms = arm_looks(gained)
    series = [(arm, look, is_source) for arm, look in arms.items() for is_source in where]
    for (arm, (color, _), is_source), shift in zip(series, shifts(len(series)), strict=True):
        rows = gained.filter(arm=arm, source=is_source)
        told = f"{lettered(arm)}, {where[is_source]}" if len(arms) > 1 else where[is_source]
        look = {"color": color, "symbol": SYMBOLS[is_source]}
        heights = {task: place + shift for place, task in enumerate(order)}
        _add_gains(figure, rows, heights, name=told, look=look)
    figure.add_vline(x=0, line={"color": theme.GREY})
    figure.update_xaxes(title="gain in score", tickformat="+.2f", zeroline=False)
    figure.update_yaxes(
        tickvals=list(range(len(order))),
        ticktext=[NAMES[task] for task in order],
        range=[len(order) - 0.5, -0.5],
        zeroline=False,
    )
    subtitle = (
        "Against the same network without it, paired by seed and language<br>"
        f"95\u00a0% intervals over {gained['seed'].n_unique()} pretraining seeds, a small dot for "
        "each"
    )
    height = 190 + 56 * len(order)
    theme.finish(figure, title=title, subtitle=subtitle, height=height)
    return figure.update_layout(legend={"orientation": "h", "y": -0.24, "x": 0})


def told(scores: pl.DataFrame, *, protocol: str = "zero-shot", selection: str = "") -> Table:
    """Show the score of each task with and without pretraining, the gain, and what it says."""
    part = of_glue(scores, protocol, selection)
    found = _gained(part)
    if found.is_empty():
        return show(pl.DataFrame({"gains": [_nothing(part, protocol).replace("<br>", " ")]}))
    where = places(part)
    shown = found.select(
        pl.col("task").replace_strict(NAMES, return_dtype=pl.String),
        pl.col("metric").replace(METRICS).alias("measure"),
        pl.col("source").replace_strict(where, return_dtype=pl.String).alias("scored in"),
        pl.col("arm").map_elements(lettered, return_dtype=pl.String).str.replace_all(" ", "\u00a0"),
        pl.Series("with pretraining", _written(part, found, "arm")),
        pl.Series("without", _written(part, found, "fresh")),
        pl.Series("gain [95\u00a0% interval]", with_interval(found, "mean")),
        pl.Series("with it, it is", [verdict(*row) for row in found.select("low", "high").rows()]),
    )
    caption = (
        f"Gains are paired by seed and language; {source(part)} is where the tasks are learned. "
        "A star: the interval reaches down to guessing, or below."
    )
    refused = doctor.told(part)
    return show(shown, caption + (f" {capital(refused)}." if refused else ""))


def reading(scores: pl.DataFrame, *, protocol: str = "zero-shot", selection: str = "") -> str:
    """Say in Markdown how many tasks pretraining raises and lowers, and which are learned at all,
    as the intervals have it.
    """
    part = of_glue(scores, protocol, selection)
    found = _gained(part)
    if found.is_empty():
        return _nothing(part, protocol).replace("<br>", " ")
    where = places(part)
    return "\n".join(
        f"- **{told}**, {lettered(arm)} against no pretraining: "
        + _said(part, found.filter(arm=arm, source=is_source))
        for arm in arm_looks(found.with_columns(pretrained=True))
        for is_source, told in where.items()
    )


def _said(part: pl.DataFrame, rows: pl.DataFrame) -> str:
    """Say of the gains of one arm in one place how many tasks each verdict has."""
    said = [verdict(*row) for row in rows.select("low", "high").rows()]
    if ALONE in said:
        return f"{ALONE}."
    counts = "; ".join(
        f"{word} on {_listed(rows, [s == word for s in said])}" for word in (HIGHER, LOWER, UNKNOWN)
    )
    learned = ", ".join(
        f"{name} {_listed(rows, [not guess for guess in _guesses(part, rows, side)])}"
        for name, side in (("with pretraining", "arm"), ("without it", "fresh"))
    )
    return f"{counts}. Above guessing are, {learned}."


def _nothing(part: pl.DataFrame, protocol: str) -> str:
    """Say in lines why there are no gains."""
    if part.is_empty():
        return none(protocol)
    return f"There are no scores of the arm {FRESH}, and so<br>nothing to compare these with."


def _gained(part: pl.DataFrame) -> pl.DataFrame:
    """Return the mean gain of each arm and task, in the language learned in and in the others, with
    the arm that it is over as column `fresh`.
    """
    gained = gain(part) if len(part) else part.with_columns(gain="value")
    found = over_seeds(gained, ["task", "metric", "arm", "source"], "gain")
    order = pl.col("task").replace_strict({name: i for i, name in enumerate(NAMES)})
    return found.with_columns(fresh=pl.lit(FRESH)).sort(
        order, "source", "arm", descending=[False, True, False]
    )


def _scored(part: pl.DataFrame, found: pl.DataFrame, side: str) -> pl.DataFrame:
    """Return the mean score of one side of each gain, a row for each."""
    means = over_seeds(part, ["task", "arm", "source"], "value")
    sides = found.select("task", "source", arm=side)
    return sides.join(means, on=["task", "arm", "source"], how="left", maintain_order="left")


def _guesses(part: pl.DataFrame, found: pl.DataFrame, side: str) -> list[bool]:
    """Tell of each gain whether the interval of one side reaches down to guessing."""
    lows = _scored(part, found, side).select("task", "low").rows()
    return [low is not None and low <= guessing(task) for task, low in lows]


def _written(part: pl.DataFrame, found: pl.DataFrame, side: str) -> list[str]:
    """Write the score of one side of each gain, with a star where it may be a guess."""
    written = with_interval(_scored(part, found, side), "mean", sign=False)
    guesses = _guesses(part, found, side)
    return [text + "*" * is_guess for text, is_guess in zip(written, guesses, strict=True)]


def _listed(rows: pl.DataFrame, taken: Sequence[bool]) -> str:
    """Write how many of some tasks are taken, and which.

    >>> _listed(pl.DataFrame({"task": ["glue-cola", "glue-rte"]}), [False, True])
    '1 of 2 (RTE)'
    """
    names = [NAMES[task] for task, is_taken in zip(rows["task"], taken, strict=True) if is_taken]
    which = f" ({', '.join(names)})" if names else ""
    return f"{len(names) or 'none'} of {len(taken)}{which}"


def _add_gains(
    figure: go.Figure,
    rows: pl.DataFrame,
    heights: dict[str, float],
    *,
    name: str,
    look: dict[str, str],
) -> None:
    """Draw the gains of one arm in one place: seeds, then their mean, so far beside each task."""
    height = pl.col("task").replace_strict(heights, return_dtype=pl.Float64).round(3)
    by_seed = rows.group_by("task", "seed", maintain_order=True).agg(pl.col("gain").mean())
    means = over_seeds(rows, ["task"], "gain").with_columns(height=height)
    figure.add_scatter(
        x=theme.rounded(by_seed["gain"]),
        y=by_seed.select(height).to_series().to_list(),
        mode="markers",
        marker={**look, "size": 6, "opacity": 0.6},
        customdata=[(NAMES[task], seed) for task, seed in by_seed.select("task", "seed").rows()],
        hovertemplate=f"%{{customdata[0]}}, {name}, seed %{{customdata[1]}}: %{{x:+.3f}}"
        "<extra></extra>",
        legendgroup=name,
        showlegend=False,
    )
    figure.add_scatter(
        x=theme.rounded(means["mean"]),
        y=means["height"].to_list(),
        error_x=bars(means),
        name=name,
        legendgroup=name,
        mode="markers",
        marker={**look, "size": 11},
        customdata=[NAMES[task] for task in means["task"]],
        hovertemplate=f"%{{customdata}}, {name}: %{{x:+.3f}}<extra></extra>",
    )
