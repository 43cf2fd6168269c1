"""F11: GLUE's tasks by a model of seven languages and by one of the language alone, beside the
paper's models (XLM-R Sec. 5.3, Table 4).

Scores are in the language that the tasks are learned in, by the measure that Table 4 has, in per
cent. Both models of a difference have the same seeds of pretraining and of fine-tuning; a seed's
mean over tasks is taken before its interval. RoBERTa and XLM-R differ in data and in steps as well
as in languages, and the paper prints no intervals.
"""

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.figures import theme
from xlmr_lab.figures.glue_gains import verdict
from xlmr_lab.figures.glue_tasks import NAMES, column
from xlmr_lab.figures.language_dots import bars, shifts
from xlmr_lab.figures.summaries import over_seeds, paired
from xlmr_lab.figures.tables import Table, show, with_interval
from xlmr_lab.figures.task_scores import MEASURES, METRICS
from xlmr_lab.paper import benchmarks

ALONE, TOGETHER = "alone", "together with others"
"""Arms."""
MULTILINGUAL, MONOLINGUAL = "XLM-R", ("RoBERTa", "BERT-Large")
"""Models of Table 4: that of many languages, and those of one that it is compared with."""
LOOKS = {"RoBERTa": ("diamond-open", "solid"), "BERT-Large": ("x-thin-open", "dot")}
MARGIN = 2.0
"""Points that F11 allows the model of all languages to be below that of one."""
MEAN = "mean"
NOTHING = "No model of one language was fine-tuned on GLUE's tasks (F11)."
TITLE = "GLUE's tasks: all languages' model against one language's"


def by_task(frame: pl.DataFrame) -> go.Figure:
    """Draw by how many points the model of all languages is above that of one in each task and in
    their mean, beside the paper's differences; `frame` as `monolingual_results.glue` has it.
    """
    found = differences(frame)
    if found.is_empty():
        return theme.empty(NOTHING, title=TITLE, height=150)
    tasks = _tasks(found)
    rows = _with_mean(found, "gain")
    figure, places = go.Figure(), [*tasks, MEAN]
    here, *papers = shifts(1 + len(MONOLINGUAL))
    figure.add_scatter(
        x=[round(places.index(task) + here, 3) for task in rows["task"]],
        y=theme.rounded(rows["mean"]),
        error_y=bars(rows),
        name="here: all languages less one",
        mode="markers",
        marker={"color": theme.BLUE, "symbol": "circle", "size": 9},
        customdata=rows["num_seeds"].to_list(),
        hovertemplate="here: %{y:+.2f} (%{customdata} seeds)<extra></extra>",
    )
    for model, shift in zip(MONOLINGUAL, papers, strict=True):
        values = printed(tasks, model)
        figure.add_scatter(
            x=[round(place + shift, 3) for place in range(len(values))],
            y=[round(value, 2) for value in values],
            name=f"Table 4: {MULTILINGUAL} less {model}",
            mode="markers",
            marker={"color": theme.INK, "symbol": LOOKS[model][0], "size": 9},
            hovertemplate=f"{MULTILINGUAL} less {model}: %{{y:+.1f}}<extra></extra>",
        )
    return _finished(figure, found, places)


def tasks(frame: pl.DataFrame) -> Table:
    """Show each task's score by either model, their difference and what its interval says, and
    Table 4's models in the same tasks.
    """
    found = differences(frame)
    if found.is_empty():
        return show(pl.DataFrame({"tasks": [NOTHING]}))
    order = _tasks(found)
    levels = {arm: _levels(frame, arm, order) for arm in (ALONE, TOGETHER)}
    gains = _with_mean(found, "gain")
    papers = zip(*(_printed(order, model) for model in (MULTILINGUAL, *MONOLINGUAL)), strict=True)
    shown = pl.DataFrame(
        {
            "task": [NAMES.get(task, task) for task in gains["task"]],
            "one language, %": levels[ALONE],
            "all languages, %": levels[TOGETHER],
            "difference, points": with_interval(gains, "mean"),
            "all is": [verdict(*row) for row in gains.select("low", "high").iter_rows()],
            "Table 4": [" / ".join(f"{value:.1f}" for value in row) for row in papers],
        }
    )
    caption = (
        f"{_measures(found)}. Intervals are 95\u00a0% over {found['seed'].n_unique()} pretraining "
        f"seeds. Table 4 (dev sets, mean over the same tasks): {MULTILINGUAL} / "
        f"{' / '.join(MONOLINGUAL)}."
    )
    return show(shown, caption)


def differences(frame: pl.DataFrame) -> pl.DataFrame:
    """Return by how many points the model of all languages is above that of one, as `gain`, for
    each task and both seeds."""
    found = paired(_measured(frame), "arm", TOGETHER, ALONE)
    return found.with_columns(gain=100 * pl.col("difference"))


def printed(tasks: list[str], model: str) -> list[float]:
    """Return by how many points XLM-R is above a model of one language in Table 4, in these tasks
    and in their mean.

    >>> [round(x, 2) for x in printed(["glue-sst2", "glue-qnli"], "RoBERTa")]
    [-1.4, -0.9, -1.15]
    """
    own, other = _printed(tasks, MULTILINGUAL), _printed(tasks, model)
    return [a - b for a, b in zip(own, other, strict=True)]


def _printed(tasks: list[str], model: str) -> list[float]:
    """Return a model's scores in Table 4, their mean last."""
    (row,) = (row for row in benchmarks.rows("glue") if row.model == model)
    values = [row.cells[column(task)][0] for task in tasks]
    return [*values, sum(values) / len(values)]


def _measured(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the scores by the measure that each task is known by."""
    known = pl.col("task").replace_strict(MEASURES, default="accuracy", return_dtype=pl.String)
    return frame.filter(pl.col("metric") == known)


def _measures(found: pl.DataFrame) -> str:
    """Say which tasks are measured by something else than accuracy."""
    own = dict(found.select("task", "metric").unique().iter_rows())
    tasks = [task for task in _tasks(found) if own[task] != "accuracy"]
    return ", ".join(["Accuracy", *(f"of {NAMES[task]} {METRICS[own[task]]}" for task in tasks)])


def _tasks(found: pl.DataFrame) -> list[str]:
    """Return the tasks in the order of every figure."""
    there = set(found["task"])
    return [task for task in NAMES if task in there]


def _with_mean(rows: pl.DataFrame, value: str) -> pl.DataFrame:
    """Return means and intervals by task, then those of the mean over tasks."""
    both = pl.concat([rows, rows.with_columns(task=pl.lit(MEAN))])
    means = over_seeds(both, ["task"], value)
    order = pl.DataFrame({"task": [*_tasks(rows), MEAN]})
    return order.join(means, on="task", how="left", maintain_order="left")


def _levels(frame: pl.DataFrame, arm: str, order: list[str]) -> list[str]:
    own = _measured(frame).filter(pl.col("task").is_in(order), arm=arm)
    rows = _with_mean(own.with_columns(percent=100 * pl.col("value")), "percent")
    return with_interval(rows, "mean", sign=False)


def _finished(figure: go.Figure, found: pl.DataFrame, places: list[str]) -> go.Figure:
    figure.add_hline(y=0, line={"color": theme.GREY})
    line, text = {"color": theme.GREY, "dash": "dot"}, f"close, to {MARGIN:g}"
    place = {"annotation_position": "bottom right", "annotation_font_size": 11.5}
    figure.add_hline(y=-MARGIN, line=line, annotation_text=text, **place)
    figure.update_xaxes(
        tickvals=list(range(len(places))),
        ticktext=[NAMES.get(task, task) for task in places],
        range=[-0.6, len(places) - 0.4],
        zeroline=False,
    )
    figure.update_yaxes(title="difference (points)", tickformat="+~g", zeroline=False)
    learned = ", ".join(found["name"].drop_nulls().unique()) or found["language"][0]
    subtitle = (
        f"Learned and scored in {learned}; below 0 one language's model is better<br>"
        f"{found['seed'].n_unique()} pretraining seeds, paired; bars are 95\u00a0% intervals over "
        "them; Table 4 prints none"
    )
    theme.finish(figure, title=TITLE, subtitle=subtitle, height=430)
    return figure.update_layout(legend={"orientation": "h", "x": 0, "y": -0.14, "yanchor": "top"})
