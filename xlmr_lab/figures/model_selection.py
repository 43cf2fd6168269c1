"""How the step of a fine-tuned model is chosen, and what that costs: one model for all languages
against one for each, and against looking at no dev set (XLM-R Sec. 4.2; Table 1, #M).

All selections are of the same fine-tuning runs, so their differences are paired by run and
language. Without pretraining there is little to choose, so that only pretrained arms are drawn.
"""

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.figures import theme
from xlmr_lab.figures.language_dots import (
    MEAN,
    add_dots,
    arm_looks,
    in_order,
    panels,
    shifts,
    span,
    with_mean,
    with_mean_place,
)
from xlmr_lab.figures.summaries import over_seeds, paired
from xlmr_lab.figures.tables import with_interval
from xlmr_lab.figures.task_scores import METRICS, TASKS, missing, of_task
from xlmr_lab.figures.theme import lettered

JOINT = "joint-dev"
INSTEAD = {
    "per-language-dev": "one for each (#M\u00a0=\u00a0N)",
    "last": "the last step",
    "train-dev": "dev sets learned in",
}
"""Selections that are compared with one model for all languages, and what to call them."""
LOOKS = dict(zip(INSTEAD, zip(theme.PALETTE, theme.SYMBOLS, strict=True), strict=False))


def differences(
    scores: pl.DataFrame, *, task: str, protocol: str = "zero-shot", metric: str = ""
) -> go.Figure:
    """Draw what is gained over one model that is chosen on all dev sets together: by one chosen for
    each language on its own dev set, and by the last step; `metric` as in `transfer.by_language`.
    """
    part = of_task(scores, task, metric).filter("pretrained", pl.col("protocol") == protocol)
    title = f"How the step is chosen: {TASKS[task]}, {protocol}"
    found = {name: rows for name in INSTEAD if len(rows := paired(part, "selection", name, JOINT))}
    if not found:
        return theme.empty(_nothing(task, protocol, part), title=title, height=190)
    arms, order = list(arm_looks(part)), with_mean_place(in_order(part), "mean of all")
    figure, spoken, drawn = panels(arms, order), [], []
    for (name, rows), shift in zip(found.items(), shifts(len(found)), strict=True):
        means = over_seeds(with_mean(rows, rows), ["arm", "language"], "difference")
        drawn.append(means)
        for panel, arm in enumerate(arms, 1):
            own = means.filter(pl.col("arm") == arm)
            look, told = LOOKS[name], INSTEAD[name]
            add_dots(figure, order, own, name=told, look=look, shift=shift, sign="+", panel=panel)
            (total,) = with_interval(own.filter(pl.col("language") == MEAN), "mean")
            spoken.append(f"{told}{f', {lettered(arm)}' * (len(arms) > 1)}: {total}")
    figure.add_hline(y=0, line={"color": theme.GREY})
    measure = METRICS[part["metric"][0]]
    figure.update_yaxes(
        title=f"difference in {measure}", tickformat="+.3f", range=span(pl.concat(drawn))
    )
    subtitle = (
        "Against one model for all languages, chosen on all dev sets (#M\u00a0=\u00a01)<br>"
        f"Mean of all: {'; '.join(spoken)}<br>95\u00a0% intervals over "
        f"{part['seed'].n_unique()} pretraining seeds"
    )
    height = 200 + 230 * len(arms)
    return theme.finish(figure, title=title, subtitle=subtitle, height=height, legend="instead")


def _nothing(task: str, protocol: str, part: pl.DataFrame) -> str:
    """Say which selections there are, and what makes others."""
    if part.is_empty():
        return missing(task, protocol)
    section, there = task.partition("-")[0], part["selection"].unique(maintain_order=True)
    return (
        f"Steps were chosen by {', '.join(there)} alone;<br>./lab evaluate name=NEW "
        f"evaluated={section}<br>{section}.finetune.selections=last,joint-dev,per-language-dev "
        "compares"
    )
