"""Question answering by language: F1 and exact match side by side, with and without pretraining
(MLQA; XLM-R Sec. 4.3, Table 3).

Here contexts are asked about in their own language; `question_matrix` has the others. Every dot is
a mean over pretraining seeds, fine-tuning seeds averaged first, with its 95 % Student t interval.
Studies stand below one another, each with its own languages, and are never averaged. A study of
which there are no such scores is named, with what makes them.
"""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.figures import doctor, theme
from xlmr_lab.figures.language_dots import (
    add_dots,
    arm_looks,
    in_order,
    places,
    shifts,
    span,
    with_mean,
    with_mean_place,
)
from xlmr_lab.figures.summaries import over_seeds
from xlmr_lab.figures.task_scores import (
    METRICS,
    TASKS,
    capital,
    lacking,
    nothing,
    own_questions,
    selected,
    source,
    within_bounds,
)
from xlmr_lab.figures.theme import lettered

QA = "qa"
BOTH = ("f1", "exact_match")
OTHERS = "others"
HEIGHT = 270
"""Height of a study's panels, in pixels."""


def asked(
    scores: pl.DataFrame,
    *,
    metrics: Sequence[str] = BOTH,
    protocol: str = "zero-shot",
    selection: str = "",
) -> dict[str, pl.DataFrame]:
    """Return the scores of each study that answered questions; column `question` is the language of
    the question.

    An empty `selection` is `last` where a study has that, else its first by name.

    Raises:
        UserError: a study has no such selection.
    """
    question = pl.coalesce(pl.col("question_language").replace("", None), "language")
    part = scores.filter(pl.col("metric").is_in(metrics), task=QA, protocol=protocol)
    found = part.with_columns(question=question).partition_by("study", maintain_order=True)
    return {own["study"][0]: selected(own, selection) for own in found}


def about(scores: pl.DataFrame, studies: Mapping[str, pl.DataFrame], protocol: str) -> list[str]:
    """Return the lines that say over what the means of some studies are, which other studies lack
    such scores, and what makes them."""
    seeds = [f"{part['seed'].n_unique()} in {name}" for name, part in studies.items()]
    lines = [f"95\u00a0% intervals over pretraining seeds: {', '.join(seeds)}"]
    lines += lacking(scores, studies, QA, protocol)
    refused = doctor.told(pl.concat(studies.values()))
    return [*lines, *([capital(refused)] if refused else [])]


def by_language(
    scores: pl.DataFrame, *, protocol: str = "zero-shot", selection: str = ""
) -> go.Figure:
    """Draw the scores of each language by both measures, a row of panels for each study; questions
    in another language than their context are left out.

    Raises:
        UserError: there is no such selection.
    """
    studies = asked(own_questions(scores), protocol=protocol, selection=selection)
    if not studies:
        return nothing(QA, protocol)
    looks = arm_looks(pl.concat(studies.values()))
    cut = {name: within_bounds(_means(part)) for name, part in studies.items()}
    figure = make_subplots(
        rows=len(studies),
        cols=len(BOTH),
        horizontal_spacing=0.08,
        vertical_spacing=0.3 / len(studies),
        subplot_titles=[f"{METRICS[metric]}, {name}" for name in studies for metric in BOTH],
    )
    figure.update_annotations(font_size=13)
    for row, part in enumerate(studies.values(), 1):
        _add_study(figure, in_order(part), cut[part["study"][0]][0], looks, row)
    figure.update_yaxes(title="score, 0 to 1", col=1)
    figure.update_yaxes(range=span(pl.concat([means for means, _ in cut.values()])))
    told = {capital(note) for _, note in cut.values() if note}
    learned = dict.fromkeys(source(part) for part in studies.values())
    first = (
        f"Learned in {' and '.join(learned)}, which stands first; {OTHERS}: mean of all but that"
    )
    lines = [first, *about(scores, studies, protocol), *sorted(told)]
    title, height = f"{capital(TASKS[QA])} by language, {protocol}", 120 + HEIGHT * len(studies)
    subtitle = "<br>".join(lines)
    return theme.finish(figure, title=title, subtitle=subtitle, height=height, legend="arm")


def _means(part: pl.DataFrame) -> pl.DataFrame:
    """Return the mean of each arm, measure and language of a study, and of the languages that the
    task is not learned in."""
    pooled = with_mean(part, part.filter(~pl.col("source")))
    return over_seeds(pooled, ["arm", "metric", "language"], "value")


def _add_study(
    figure: go.Figure,
    languages: pl.DataFrame,
    means: pl.DataFrame,
    looks: Mapping[str, tuple[str, str]],
    row: int,
) -> None:
    """Draw the panels of one study, a column for each measure."""
    order = with_mean_place(languages, OTHERS)
    for column, metric in enumerate(BOTH, 1):
        for (arm, look), shift in zip(looks.items(), shifts(len(looks)), strict=True):
            add_dots(
                figure,
                order,
                means.filter(metric=metric, arm=arm),
                name=lettered(arm),
                look=look,
                shift=shift,
                panel=row,
                column=column,
            )
        figure.update_xaxes(**places(order), row=row, col=column)
