"""GLUE's tasks by models of all languages and of one, beside Table 4."""

import polars as pl
import pytest

from xlmr_lab import campaign_results, monolingual_results
from xlmr_lab.ablations.claims import monolingual
from xlmr_lab.figures import glue_alone
from xlmr_lab.student_t import student_t_quantile

ALONE, TOGETHER = "alone", "together with others"
HERE = "here: all languages less one"


def row(arm, task, seed, value, metric="accuracy"):
    named = {"arm": arm, "task": task, "seed": seed, "metric": metric, "value": value}
    named |= {"finetune_seed": 0, "protocol": "zero-shot", "selection": "joint-dev"}
    return named | {"split": "test", "language": "qaa", "name": "Avelo"}


@pytest.fixture
def scores():
    """QNLI falls by 1 and 3 points with all languages, STS-B rises by 4 in both seeds."""
    return pl.DataFrame(
        [
            row(ALONE, "glue-stsb", 0, 0.50, "pearson"),
            row(ALONE, "glue-stsb", 1, 0.60, "pearson"),
            row(TOGETHER, "glue-stsb", 0, 0.54, "pearson"),
            row(TOGETHER, "glue-stsb", 1, 0.64, "pearson"),
            row(TOGETHER, "glue-stsb", 1, 0.10, "spearman"),
            row(ALONE, "glue-stsb", 1, 0.10, "spearman"),
            row(ALONE, "glue-qnli", 0, 0.70),
            row(ALONE, "glue-qnli", 1, 0.70),
            row(TOGETHER, "glue-qnli", 0, 0.69),
            row(TOGETHER, "glue-qnli", 1, 0.67),
        ]
    )


def test_differences_are_by_task_and_in_their_mean(scores):
    figure = glue_alone.by_task(scores)
    (here,) = (trace for trace in figure.data if trace.name == HERE)
    assert list(figure.layout.xaxis.ticktext) == ["STS-B", "QNLI", "mean"]
    assert list(here.y) == pytest.approx([4, -2, 1])
    half = student_t_quantile(0.975, 1) * 1.0  # seeds -1 and -3: standard error 1
    assert here.error_y.array[1] == pytest.approx(half, rel=1e-4)
    assert here.error_y.array[2] == pytest.approx(half / 2, rel=1e-4)  # means 1.5 and 0.5


def test_table_4_is_of_the_same_tasks(scores):
    drawn = {trace.name: list(trace.y) for trace in glue_alone.by_task(scores).data}
    roberta = drawn["Table 4: XLM-R less RoBERTa"]
    assert roberta == pytest.approx([91.2 - 92.4, 93.8 - 94.7, -1.05])
    assert drawn["Table 4: XLM-R less BERT-Large"][0] == pytest.approx(91.2 - 90.0)


def test_the_table_says_what_intervals_say(scores):
    table = glue_alone.tasks(scores)
    rows = {name: rest for name, *rest in table.frame.rows()}
    assert rows["STS-B"][3] == "higher"
    assert rows["QNLI"][3] == "not told apart"
    assert rows["QNLI"][0].startswith("70")
    assert rows["STS-B"][4] == "91.2 / 92.4 / 90.0"
    assert "of STS-B Pearson correlation" in table.caption
    one = glue_alone.tasks(scores.filter(seed=0)).frame
    assert set(one["all is"]) == {"no interval: one seed"}


def test_the_margin_is_that_of_the_claim(scores):
    assert pytest.approx(100 * monolingual.GLUE_MARGIN) == glue_alone.MARGIN
    assert [shape.y0 for shape in glue_alone.by_task(scores).layout.shapes] == [0, -2]


def test_a_task_that_one_of_them_lacks_is_left_out(scores):
    gone = (pl.col("arm") == ALONE) & (pl.col("task") == "glue-qnli")
    figure = glue_alone.by_task(scores.filter(~gone))
    assert list(figure.layout.xaxis.ticktext) == ["STS-B", "mean"]


def test_nothing_is_said(scores):
    for part in (scores.clear(), scores.filter(arm=ALONE)):
        assert "F11" in glue_alone.by_task(part).layout.annotations[0].text
        assert "F11" in glue_alone.tasks(part).frame.item()


def test_a_campaign_is_drawn(tested_folder):
    scores = monolingual_results.glue(campaign_results.open_campaign(tested_folder))
    (here,) = (t for t in glue_alone.by_task(scores).data if t.name == HERE)
    assert len(here.y) == 5
    assert 2 < here.y[-1] < 4  # made 3 points better
    assert glue_alone.tasks(scores).frame["task"].to_list()[-1] == "mean"
