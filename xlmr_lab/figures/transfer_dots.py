"""Scores of a task as dots from every side: by language or by a group of languages, as they are or
as differences, of any arms.

A dot is a mean over pretraining seeds (fine-tuning seeds averaged first), its bar the 95 % interval
over them; differences are paired by seed and language. Groups are of transfer languages: one whose
own training set was learned from is none. How far a language is from the one that a task is learned
in is told in steps, by family and script; there is no other distance in the scores.
"""

from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.errors import UserError
from xlmr_lab.figures import doctor, theme
from xlmr_lab.figures.language_dots import add_dots, arm_looks, in_order, places, shifts
from xlmr_lab.figures.summaries import Where, filtered, gain, over_seeds, paired
from xlmr_lab.figures.task_scores import (
    METRICS,
    TASKS,
    capital,
    chosen,
    nothing,
    of_task,
    selected,
    told_seeds,
    transfer_only,
    way,
)
from xlmr_lab.figures.theme import lettered

KIN = "kin"
"""The grouping by how near languages are to the one that a task is learned in."""
STEPS = ("its family and script", "its family alone", "its script alone", "neither")
"""From near to far: what a language has of the one that a task is learned in."""
GROUPINGS = {
    "language": "language",
    "tier": theme.GROUPS["tier"],
    "family": theme.GROUPS["family"],
    "script": theme.GROUPS["script"],
    KIN: "distance to the language learned in",
}
"""What dots can stand for, as a reader calls it."""
PRETRAINING = "pretraining"
"""The difference to the same network without pretraining."""
NOTHING_LEFT = "No score is left: choose other languages or arms."


def explored(
    scores: pl.DataFrame,
    *,
    task: str,
    protocol: str = "zero-shot",
    selection: str = "",
    metric: str = "",
    by: str = "language",
    less: str = "",
    arms: Sequence[str] = (),
    where: Where | None = None,
    seeds: bool = False,
) -> go.Figure:
    """Draw test scores by language or group, one series for each arm; with `less`, their difference
    to the network without pretraining (`pretraining`) or to another protocol, paired by seed and
    language. No `arms` means all; `selection` and `metric` are as in `transfer.by_language`.

    Raises:
        UserError: there is no such task, measure, selection or grouping.
    """
    if by not in GROUPINGS:
        raise UserError(f"by must be one of {', '.join(GROUPINGS)}, got {by!r}")
    part = chosen(scores, task, protocol, selection, metric)
    if part.is_empty():
        return nothing(task, protocol)
    title = f"{capital(TASKS[task])}, {way(part)}{_less_told(less)}"
    rows = _values(scores, part, less)
    rows = filtered(with_kin(rows), {"arm": list(arms), **(where or {})})
    whose = ""
    if by != "language":
        rows, whose = transfer_only(rows)
    if rows.is_empty():
        return theme.empty(NOTHING_LEFT, title=title)
    order, rows = _order(rows, by), rows.with_columns(language=pl.col(by))
    _add_arms(figure := go.Figure(), order, rows, sign="+" if less else "", seeds=seeds)
    figure.update_xaxes(title=GROUPINGS[by], **places(order))
    figure.update_yaxes(**_axis(part["metric"][0], less))
    told = f"Mean over {whose}, by group;<br>{_intervals(part)}" if whose else told_seeds(part)
    subtitle = "<br>".join(filter(None, [told, capital(doctor.told(part))]))
    figure.update_layout(showlegend=True)
    return theme.finish(figure, title=title, subtitle=subtitle, height=430, legend="arm")


def with_kin(scores: pl.DataFrame) -> pl.DataFrame:
    """Add how near each language is to the one that the task is learned in, column `kin`: one of
    `STEPS`, or null where no score of that language tells its family and script.
    """
    learned = scores.filter("source").select("family", "script").unique()
    near = [
        pl.col(name).is_in(learned[name].drop_nulls().implode()) for name in ("family", "script")
    ]
    steps = (near[0] & near[1], near[0], near[1])
    kin = pl.lit(STEPS[-1])
    for holds, step in zip(reversed(steps), reversed(STEPS[:-1]), strict=True):
        kin = pl.when(holds).then(pl.lit(step)).otherwise(kin)
    known = kin if not learned.is_empty() else pl.lit(None, dtype=pl.String)
    return scores.with_columns(known.alias(KIN))


def _values(scores: pl.DataFrame, part: pl.DataFrame, less: str) -> pl.DataFrame:
    """Return the rows with what is drawn of them, column `shown`."""
    if not less:
        return part.with_columns(shown="value")
    if less == PRETRAINING:
        return gain(part).rename({"gain": "shown"})
    task, metric, protocol = (part[name][0] for name in ("task", "metric", "protocol"))
    both = selected(of_task(scores, task, metric), part["selection"][0])
    return paired(both, "protocol", protocol, less).with_columns(shown="difference")


def _order(rows: pl.DataFrame, by: str) -> pl.DataFrame:
    """Return the axis: languages in their usual order, or groups with their number of languages."""
    if by == "language":
        return in_order(rows)
    found = set(rows[by].drop_nulls())
    named = [step for step in STEPS if step in found] if by == KIN else theme.order(found, by)
    labels = []
    for value in named:
        number = rows.filter(pl.col(by) == value)["language"].n_unique()
        labels.append(f"{value} ({number})")
    frame = {"language": named, "name": labels, "label": labels, "place": range(len(named))}
    return pl.DataFrame(frame, schema_overrides={"place": pl.UInt32})


def _add_arms(
    figure: go.Figure, order: pl.DataFrame, rows: pl.DataFrame, *, sign: str, seeds: bool
) -> None:
    """Draw a series for each arm; a sign is that of differences, which 0 parts."""
    looks = arm_looks(rows)
    for (arm, look), shift in zip(looks.items(), shifts(len(looks)), strict=True):
        own = rows.filter(arm=arm)
        if seeds:
            _add_seeds(figure, order, own, look, shift)
        means = over_seeds(own, ["language"], "shown")
        add_dots(figure, order, means, name=lettered(arm), look=look, shift=shift, sign=sign)
    if sign:
        figure.add_hline(y=0, line={"color": theme.GREY})


def _add_seeds(
    figure: go.Figure, order: pl.DataFrame, own: pl.DataFrame, look: tuple[str, str], shift: float
) -> None:
    single = own.group_by("language", "seed", maintain_order=True).agg(pl.col("shown").mean())
    shown = order.join(single, on="language", maintain_order="left")
    figure.add_scatter(
        x=[round(place + shift, 3) for place in shown["place"].to_list()],
        y=theme.rounded(shown["shown"]),
        showlegend=False,
        mode="markers",
        marker={"color": look[0], "symbol": "circle-open", "size": 5, "opacity": 0.7},
        customdata=shown.select("name", "seed").rows(),
        hovertemplate="%{customdata[0]}, seed %{customdata[1]}: %{y:.3f}<extra></extra>",
    )


def _less_told(less: str) -> str:
    return f", less {'no pretraining' if less == PRETRAINING else less}" if less else ""


def _axis(metric: str, less: str) -> dict[str, str]:
    measure = METRICS.get(metric, metric)
    if less:
        return {"title": f"difference in {measure}", "tickformat": "+.2f"}
    return {"title": measure, "tickformat": ".2f"}


def _intervals(part: pl.DataFrame) -> str:
    return f"95\u00a0% intervals over {part['seed'].n_unique()} pretraining seeds"
