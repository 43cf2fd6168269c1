"""The average over GLUE's tasks, by hand and as printed."""

from collections.abc import Callable

import polars as pl
import pytest

from xlmr_lab.evaluate.glue_metrics import TABLE_4, table4_average
from xlmr_lab.figures import glue_average, glue_tasks
from xlmr_lab.paper import benchmarks

Maker = Callable[..., pl.DataFrame]

VALUES = {"cola": 0.1, "qnli": 0.6, "mrpc": 0.7, "mnli-mm": 0.2}


def scores_of(made_scores: Maker, values: dict[str, float], **also: object) -> pl.DataFrame:
    metrics = {"cola": "matthews", "stsb": "pearson"}
    return made_scores(
        *(
            {"task": f"glue-{task}", "metric": metrics.get(task, "accuracy"), "value": value}
            | {"language": "qaa", "seed": seed, **also}
            for task, value in values.items()
            for seed in (0, 1)
        )
    )


def test_tasks_outside_the_papers_average_are_left_out(made_scores: Maker) -> None:
    table = glue_average.averages(scores_of(made_scores, VALUES))
    ours = table.frame.filter(where="here")
    assert ours["mean of 2, %"].to_list() == ["65.000\u00a0[65.000,\u00a065.000]"]
    assert "Mean over MRPC, QNLI." in table.caption
    assert "here there is no MNLI-m, QQP, SST2 or STSB." in table.caption


def test_each_task_counts_once_however_many_languages_it_has(made_scores: Maker) -> None:
    both = pl.concat(
        [
            scores_of(made_scores, {"qnli": 0.4, "mrpc": 0.8}, language="qab"),
            scores_of(made_scores, {"qnli": 0.4}, language="qac"),
        ]
    )
    (told,) = glue_average.averages(both).frame.filter(where="here")["mean of 2, %"]
    assert told.startswith("60.0")  # (40 + 80) / 2, and not (40 + 40 + 80) / 3


def test_what_pretraining_adds_is_paired_by_seed(made_scores: Maker) -> None:
    rows = [
        {"task": "glue-qnli", "language": "qaa", "arm": arm, "seed": seed, "value": value}
        for arm, gained in (("alpha=0.3", 0.1), ("no-pretraining", 0.0))
        for seed, value in enumerate((0.5 + gained, 0.6 + gained, 0.8 + gained))
    ]
    frame = glue_average.averages(made_scores(*rows)).frame
    added = frame.filter(pl.col("model").str.starts_with("what"))["mean of 1, %"]
    assert [text[:6] for text in added] == ["+10.00"]
    assert added[0].endswith(": higher")


def test_the_papers_averages_are_those_printed_and_over_the_same_tasks(made_scores: Maker) -> None:
    six = dict.fromkeys((*TABLE_4.values(), "cola"), 0.5)
    whole = glue_average.averages(scores_of(made_scores, six)).frame.filter(where="paper")
    for mean, printed in whole.select("mean of 6, %", "Table 4, %").rows():
        assert float(mean) == pytest.approx(float(printed), abs=0.051)
    xlmr = next(row for row in benchmarks.rows("glue") if row.model == "XLM-R")
    assert table4_average({name: cells[0] for name, cells in xlmr.cells.items()}) == pytest.approx(
        xlmr.recomputed(glue_average.AVERAGED)[0]  # type: ignore[index]
    )
    some = glue_average.averages(scores_of(made_scores, VALUES)).frame
    mean = some.filter(model="XLM-R")["mean of 2, %"].item()
    assert mean == f"{(xlmr.cells['QNLI'][0] + xlmr.cells['MRPC'][0]) / 2:.1f}"


def test_columns_are_those_of_the_metrics_of_glue() -> None:
    for name, task in TABLE_4.items():
        assert glue_tasks.column(f"glue-{task}") == name
    assert set(TABLE_4) == set(glue_average.AVERAGED)


def test_without_tasks_of_the_average_it_is_said(made_scores: Maker) -> None:
    for scores in (
        made_scores({"task": "nli", "language": "qaa", "value": 0.5}),
        scores_of(made_scores, {"cola": 0.5}),
    ):
        assert "evaluated=glue" in glue_average.averages(scores).frame.item()
