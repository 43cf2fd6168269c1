"""GLUE's tasks side by side, on scores by hand."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from xlmr_lab.figures import glue_tasks
from xlmr_lab.figures.task_scores import CORRELATIONS, MEASURES, TASKS

Maker = Callable[..., pl.DataFrame]


def row(task: str, value: float, metric: str = "accuracy", **also: Any) -> dict[str, Any]:
    return {"task": f"glue-{task}", "metric": metric, "language": "qaa", "value": value, **also}


def test_every_task_of_glue_has_its_question_and_the_measure_it_is_known_by() -> None:
    assert set(glue_tasks.ASKED) == {task for task in TASKS if task.startswith("glue-")}
    for task, asked in glue_tasks.ASKED.items():
        guess = glue_tasks.guessing(task)
        is_correlation = MEASURES.get(task) in CORRELATIONS
        assert guess == (0 if is_correlation else 1 / asked.classes)
    assert glue_tasks.guessing("glue-mnli") == pytest.approx(1 / 3)


def test_a_task_is_shown_by_the_measure_of_table_4_alone(made_scores: Maker) -> None:
    scores = made_scores(
        row("stsb", 0.7, "pearson"),
        row("stsb", 0.9, "spearman"),
        row("mrpc", 0.6),
        row("mrpc", 0.8, "f1"),
        row("mrpc", 0.1, protocol="all"),
        {"task": "nli", "language": "qaa", "value": 0.5},
    )
    part = glue_tasks.of_glue(scores)
    assert part.select("task", "value").rows() == [("glue-mrpc", 0.6), ("glue-stsb", 0.7)]
    assert glue_tasks.of_glue(scores, "all")["value"].to_list() == [0.1]
    assert glue_tasks.of_glue(scores.filter(task="nli")).is_empty()


def test_what_is_asked_names_the_paper_s_average_and_sizes(made_scores: Maker) -> None:
    scores = made_scores(row("cola", 0.2, "matthews"), row("qnli", 0.7), row("qnli", 0.5, seed=1))
    frame = glue_tasks.asked(scores, {"train": 4000}).frame
    assert frame["task"].to_list() == ["CoLA", "QNLI"]
    assert frame["in the paper's average"].to_list() == ["no", "yes"]
    assert frame["scored in the paper"].to_list() == [None, 5463]
    assert frame["training examples"].to_list() == [4000, 4000]
    assert frame["scored examples"].to_list() == [400, 400]
    assert glue_tasks.asked(scores).frame["training examples"].to_list() == [None, None]


def test_the_language_learned_in_stands_above_the_mean_of_the_others(made_scores: Maker) -> None:
    scores = made_scores(
        row("qnli", 0.8),
        row("qnli", 0.5, language="qab"),
        row("qnli", 0.7, language="qac"),
        row("cola", 0.2, "matthews"),
    )
    figure = glue_tasks.by_task(scores)
    drawn = {(trace.name, trace.yaxis): (list(trace.x), list(trace.y)) for trace in figure.data}
    assert drawn["\u03b1 = 0.3", "y"] == ([0, 1], [0.2, 0.8])
    assert drawn["\u03b1 = 0.3", "y2"] == ([1], [0.6])
    assert drawn["guessing", "y"] == ([0, 1], [0.0, 0.5])
    assert figure.layout.yaxis.range == figure.layout.yaxis2.range
    assert figure.layout.yaxis.range[0] < 0 < 0.8 < figure.layout.yaxis.range[1]
    assert figure.layout.xaxis2.ticktext == ("CoLA<br>Matthews r", "QNLI<br>accuracy")
    assert [note.text for note in figure.layout.annotations] == [
        "Avelo, where the task is learned",
        "mean of the others",
    ]


def test_one_language_has_one_panel(made_scores: Maker) -> None:
    figure = glue_tasks.by_task(made_scores(row("qnli", 0.8), row("qnli", 0.9, seed=1)))
    assert {trace.yaxis for trace in figure.data} == {"y"}
    assert "which stands first" not in figure.layout.title.text


def test_a_study_without_glue_says_what_makes_it(made_scores: Maker) -> None:
    scores = made_scores({"task": "nli", "language": "qaa", "value": 0.5})
    figure = glue_tasks.by_task(scores)
    assert not figure.data
    said = figure.layout.annotations[0].text
    assert "no zero-shot scores for GLUE's tasks" in said
    assert "./lab evaluate name=NEW evaluated=glue" in said
    assert "glue.path=FOLDER" in said
    assert "evaluated=glue" in glue_tasks.asked(scores).frame.item()
