"""GLUE's tasks side by side: what each asks, and how it is scored in the language that it is
learned in and in the others (XLM-R Sec. 4, 5.3, Table 4).

A task is shown by the measure that Table 4 has, so that accuracies and correlations stand on one
axis from 0 to 1: equal heights on it are not equally good. What an even guess among the classes
scores is drawn beside each. The paper's tasks are English alone; scores in other languages are
those of transfer, and none of the paper. Left out: second measures, such as F1 of MRPC, which
`transfer.summary` shows.
"""

from collections.abc import Mapping
from typing import NamedTuple

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.figures import doctor, theme
from xlmr_lab.figures.language_dots import arm_looks, bars, shifts, span
from xlmr_lab.figures.summaries import over_seeds
from xlmr_lab.figures.tables import Table, show
from xlmr_lab.figures.task_scores import (
    CORRELATIONS,
    GLUE,
    MEASURES,
    METRICS,
    TASKS,
    capital,
    chosen,
    missing,
    source,
    told_seeds,
    within_bounds,
)
from xlmr_lab.figures.theme import lettered
from xlmr_lab.paper.benchmarks import BENCHMARKS

PREFIX = "glue-"
NAMES = {task: name for task, name in TASKS.items() if task.startswith(PREFIX)}
OTHERS = "mean of the others"
COLUMNS = {"glue-mnli": "MNLI_m", "glue-mnli-mm": "MNLI_mm"}
"""What Table 4 calls a task, where not by its name in capitals."""


class Asked(NamedTuple):
    """What a task asks of a model."""

    question: str
    """The question that its labels answer."""
    texts: str
    """What is read."""
    classes: int
    """Number of classes; 0 where the label is a number."""


ASKED = {
    "glue-cola": Asked("is it said as the grammar has it?", "a sentence", 2),
    "glue-sst2": Asked("is what it tells good or bad?", "a text", 2),
    "glue-mrpc": Asked("do both tell the same?", "two texts", 2),
    "glue-qqp": Asked("do both ask the same?", "two questions", 2),
    "glue-stsb": Asked("how alike are they, from 0 to 5?", "two sentences", 0),
    "glue-mnli": Asked("entailed, contradicted or left open?", "two sentences", 3),
    "glue-mnli-mm": Asked("the same, of other kinds of text", "two sentences", 3),
    "glue-qnli": Asked("does it answer the question?", "a question, a sentence", 2),
    "glue-rte": Asked("does the second follow from the first?", "two texts", 2),
    "glue-wnli": Asked("is the pronoun put in rightly?", "two sentences", 2),
    "glue-pawsx": Asked("do both tell the same, in the same words?", "two sentences", 2),
}


def of_glue(scores: pl.DataFrame, protocol: str = "zero-shot", selection: str = "") -> pl.DataFrame:
    """Return the scores of GLUE's tasks by the measure that each is known by, in the order of
    `NAMES`, under one protocol and selection (as `transfer.by_language` has it).
    """
    there = set(scores["task"])
    found = [chosen(scores, task, protocol, selection, "") for task in NAMES if task in there]
    return pl.concat(found) if found else scores.clear()


def tasks(part: pl.DataFrame) -> list[str]:
    """Return the tasks of scores in the order of every figure."""
    there = set(part["task"])
    return [task for task in NAMES if task in there]


def column(task: str) -> str:
    """Return what Table 4 calls a task.

    >>> column("glue-sst2"), column("glue-mnli")
    ('SST2', 'MNLI_m')
    """
    return COLUMNS.get(task, task.removeprefix(PREFIX).upper())


def guessing(task: str) -> float:
    """Return what an even guess scores, in the measure that a task is known by.

    >>> guessing("glue-qnli"), guessing("glue-stsb"), guessing("glue-cola")
    (0.5, 0.0, 0.0)
    """
    if MEASURES.get(task, "accuracy") in CORRELATIONS:
        return 0.0
    return 1 / ASKED[task].classes


def none(protocol: str) -> str:
    """Say in lines that a study has no GLUE, and what makes it."""
    return missing("glue", protocol)


def asked(
    scores: pl.DataFrame, sizes: Mapping[str, int] | None = None, *, protocol: str = "zero-shot"
) -> Table:
    """Show what each task asks, how it is scored and on how much; `sizes` are numbers of examples
    by split, where they are known.
    """
    part = of_glue(scores, protocol)
    if part.is_empty():
        return show(pl.DataFrame({"tasks": [none(protocol).replace("<br>", " ")]}))
    found, printed = sizes or {}, BENCHMARKS["glue"]
    rows = []
    for task in tasks(part):
        own, name = part.filter(task=task), column(task)
        rows.append(
            {
                "task": NAMES[task],
                "reads": ASKED[task].texts,
                "asks": ASKED[task].question,
                "measure": METRICS[own["metric"][0]],
                "guessing": round(guessing(task), 2),
                "training examples": found.get("train"),
                "scored examples": own["num_examples"].max(),
                "languages": own["language"].n_unique(),
                "in the paper's average": "yes" if name in printed.averaged else "no",
                "scored in the paper": printed.test_sizes.get(name),
            }
        )
    caption = (
        f"Each is learned in {source(part)} and scored in every language. Guessing: what an even "
        "guess among the classes scores, 0 where the measure is a correlation."
    )
    return show(pl.DataFrame(rows, schema_overrides={"training examples": pl.Int64}), caption)


def by_task(scores: pl.DataFrame, *, protocol: str = "zero-shot", selection: str = "") -> go.Figure:
    """Draw the score of each task, a series for each arm: in the language that it is learned in,
    and below it the mean of the others.
    """
    part, title = of_glue(scores, protocol, selection), GLUE
    if part.is_empty():
        return theme.empty(none(protocol), title=title, height=170)
    means, cut = within_bounds(over_seeds(part, ["arm", "task", "metric", "source"], "value"))
    panels = places(part)
    figure = make_subplots(
        rows=len(panels),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.12,
        subplot_titles=list(panels.values()),
    )
    figure.update_annotations(font_size=13)
    arms, order = arm_looks(part), tasks(part)
    for panel, is_source in enumerate(panels, 1):
        _add_guessing(figure, order, panel)
        for (arm, look), shift in zip(arms.items(), shifts(len(arms)), strict=True):
            rows = means.filter(arm=arm, source=is_source)
            _add_arm(figure, order, rows, look=look, shift=shift, panel=panel)
    measures = dict(part.select("task", "metric").unique().rows())
    figure.update_xaxes(
        tickvals=list(range(len(order))),
        ticktext=[f"{NAMES[task]}<br>{_short(measures[task])}" for task in order],
        range=[-0.6, len(order) - 0.4],
        zeroline=False,
    )
    guesses = pl.DataFrame({"mean": [guessing(task) for task in order]})
    ends = pl.concat([means.select("mean", "low", "high"), guesses], how="diagonal")
    figure.update_yaxes(title="score", range=span(ends))
    subtitle = told_seeds(part).replace(", which stands first", "")
    subtitle = "<br>".join([subtitle, *map(capital, filter(None, (cut, doctor.told(part))))])
    title = f"{title}, {protocol}"
    height = 190 + 230 * len(panels)
    theme.finish(figure, title=title, subtitle=subtitle, height=height)
    below = -60 / (230 * len(panels))
    return figure.update_layout(legend={"orientation": "h", "x": 0, "y": below, "yanchor": "top"})


def places(part: pl.DataFrame) -> dict[bool, str]:
    """Return whether scores are of the language learned in, and what to call it: True, then False,
    of those that there are.
    """
    learned = source(part)
    told = {True: f"{learned}, where the task is learned", False: OTHERS}
    there = set(part["source"])
    return {name: text for name, text in told.items() if name in there}


def _add_guessing(figure: go.Figure, order: list[str], panel: int) -> None:
    figure.add_scatter(
        x=list(range(len(order))),
        y=[round(guessing(task), 3) for task in order],
        name="guessing",
        legendgroup="guessing",
        legendrank=2000,
        mode="markers",
        marker={
            "symbol": "line-ew",
            "size": 30,
            "line": {"color": theme.GREY, "width": 1.5},
        },
        hovertemplate="guessing: %{y:.2f}<extra></extra>",
        showlegend=panel == 1,
        row=panel,
        col=1,
    )


def _add_arm(
    figure: go.Figure,
    order: list[str],
    rows: pl.DataFrame,
    *,
    look: tuple[str, str],
    shift: float,
    panel: int,
) -> None:
    """Draw one arm's mean of each task, so far beside the task's place."""
    (color, symbol), arm = look, lettered(rows["arm"][0]) if len(rows) else ""
    figure.add_scatter(
        x=[round(order.index(task) + shift, 3) for task in rows["task"]],
        y=theme.rounded(rows["mean"]),
        error_y=bars(rows),
        name=arm,
        legendgroup=arm,
        mode="markers",
        marker={"color": color, "symbol": symbol, "size": 9},
        customdata=[
            (NAMES[task], METRICS[metric], seeds)
            for task, metric, seeds in rows.select("task", "metric", "num_seeds").rows()
        ],
        hovertemplate=f"%{{customdata[0]}}, {arm}: %{{customdata[1]}} %{{y:.3f}} "
        "(%{customdata[2]} seeds)<extra></extra>",
        showlegend=panel == 1,
        row=panel,
        col=1,
    )


def _short(metric: str) -> str:
    """Return what an axis calls a measure."""
    return METRICS[metric].removesuffix(" correlation") + (" r" if metric in CORRELATIONS else "")
