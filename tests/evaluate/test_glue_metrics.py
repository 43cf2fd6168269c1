"""GLUE's metrics, by hand and against scikit-learn's and scipy's own values.

Run with: pytest tests/evaluate/test_glue_metrics.py

The golden values come from tests/benchmarks/golden_metrics.py.
"""

import json
import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import glue_metrics
from xlmr_lab.evaluate.glue_metrics import f1, matthews, pearson, score, spearman, table4_average
from xlmr_lab.paper import tables

GOLDEN = Path(__file__).parent / "golden"
CASES = SimpleNamespace(**runpy.run_path(str(GOLDEN / "glue_cases.py")))
CHECKSUM = runpy.run_path(str(GOLDEN / "answer_cases.py"))["checksum"]
LABELS = json.loads((GOLDEN / "glue_labels.json").read_text())
SIMILARITIES = json.loads((GOLDEN / "glue_similarities.json").read_text())


def test_f1_by_hand():
    assert f1([1, 1, 1, 0], [1, 0, 0, 1]) == 2 / 5  # 1 right, 3 said, 2 to find
    assert f1([0, 0], [0, 0]) == 0.0


def test_matthews_by_hand():
    # 2 true positives, 1 true negative, 1 false positive, 0 false negatives.
    assert matthews([1, 1, 1, 0], [1, 1, 0, 0]) == pytest.approx(2 / math.sqrt(3 * 2 * 2 * 1))
    assert matthews([0, 1], [1, 0]) == -1.0
    assert matthews([0, 1, 2], [0, 1, 2]) == 1.0


def test_matthews_of_a_large_set_is_not_spoilt_by_large_counts():
    gold = np.tile([0, 1], 50_000)
    assert matthews(gold, gold) == 1.0


def test_pearson_by_hand():
    # Deviations (-1, 0, 1) and (-2, 1, 1): 3 / sqrt(2 * 6).
    assert pearson([1, 2, 3], [0, 3, 3]) == pytest.approx(3 / math.sqrt(12))


def test_spearman_by_hand():
    # Ranks (1, 2, 3) and (1, 2.5, 2.5): deviations (-1, 0, 1) and (-1, 0.5, 0.5).
    assert spearman([1, 2, 30], [0, 3, 3]) == pytest.approx(1.5 / math.sqrt(2 * 1.5))


@pytest.mark.parametrize("measure", [pearson, spearman])
def test_a_constant_side_correlates_with_nothing(measure):
    assert measure([2.5, 2.5, 2.5], [0, 1, 5]) == measure([0, 1, 5], [2.5, 2.5, 2.5]) == 0.0


def test_rounding_makes_no_correlation_above_1():
    x = [0.0, 0.1, 0.7]
    assert pearson(x, [3 * value + 1 for value in x]) == 1.0
    assert pearson(x, [-3 * value - 1 for value in x]) == -1.0
    assert pearson(x, x) == spearman(x, x) == 1.0


def test_a_collapsed_classifier_has_no_matthews_correlation():
    assert score("cola", [1, 1, 1], [0, 1, 1]) == {"matthews": 0.0}


@pytest.mark.parametrize("name", ["accuracy", "f1", "matthews"])
def test_labels_have_the_official_scores_to_the_last_bit(name):
    pairs = CASES.label_cases()
    assert len(pairs) >= 2000
    assert CHECKSUM(pairs) == LABELS["cases"], "other cases than the golden values are of"
    for (predicted, gold), official in zip(pairs, LABELS[name], strict=True):
        assert getattr(glue_metrics, name)(predicted, gold) == official, (predicted, gold)


@pytest.mark.parametrize("name", ["pearson", "spearman"])
def test_similarities_have_the_official_correlations(name):
    """Scipy adds up in an order that depends on the machine: the last bits of its values are
    rounding. Where it has NaN, a side is constant.
    """
    pairs = CASES.similarity_cases()
    assert len(pairs) >= 2000
    assert CHECKSUM(pairs) == SIMILARITIES["cases"], "other cases than the golden values are of"
    for (predicted, gold), official in zip(pairs, SIMILARITIES[name], strict=True):
        found = getattr(glue_metrics, name)(predicted, gold)
        if official is None:
            assert found == 0.0
            assert len(set(predicted)) == 1 or len(set(gold)) == 1
        else:
            assert abs(found - official) < 1e-15, (predicted, gold)


def test_a_task_has_its_metrics_and_the_papers_first():
    assert list(score("stsb", [1.0, 2.0], [0.0, 5.0])) == ["pearson", "spearman"]
    assert list(score("qqp", [1, 0], [1, 1])) == ["accuracy", "f1"]
    assert list(score("mrpc", [1, 0], [1, 1]).items()) == [("accuracy", 0.5), ("f1", 2 / 3)]
    assert score("mnli-mm", [2, 0], [2, 1]) == {"accuracy": 0.5}


def test_the_average_is_that_of_every_row_of_table_4():
    rows = tables.read("glue_table4")
    assert {"BERT-Large", "XLNet-Large", "RoBERTa", "XLM-R"} <= {row["model"] for row in rows}
    for row in rows:
        average = table4_average({column: row[column] for column in glue_metrics.TABLE_4})
        assert round(average, 2) == row["avg_recomputed_6_with_MNLI_m"]
        assert round(average, 1) == row["avg_printed"]


def test_table_4_has_no_other_average():
    """With MNLI's mismatched set as a seventh cell, RoBERTa would not have the printed average."""
    (row,) = [row for row in tables.read("glue_table4") if row["model"] == "RoBERTa"]
    seven = [row[column] for column in (*glue_metrics.TABLE_4, "MNLI_mm")]
    assert round(sum(seven) / 7, 1) != row["avg_printed"]


def test_every_task_of_table_4_is_one_of_glue():
    assert set(glue_metrics.TABLE_4.values()) <= set(glue_metrics.TASK_METRICS)


@pytest.mark.parametrize(
    ("task", "predicted", "gold", "message"),
    [
        ("sst", [1], [1], "unknown GLUE task 'sst'; there is cola, sst2"),
        ("sst2", [1, 0], [1], "2 predictions for 1 gold"),
        ("cola", [1, 0], [1], r"got shapes \(2,\) and \(1,\)"),
        ("stsb", [1.0, 0.0, 2.0], [1.0, 2.0], r"got shapes \(3,\) and \(2,\)"),
        ("cola", [], [], "no examples to score"),
        ("sst2", [], [], "0 predictions for 0 gold"),
        ("cola", [0.2, 0.9], [0, 1], "predicted labels must be class ids, .* got float64"),
        ("mrpc", [0, 2], [0, 1], "F1 is of class 1 among the classes 0 and 1, got class 2"),
        ("stsb", [1.0, math.nan], [1.0, 2.0], "predicted value 2 must be a finite number, got nan"),
        ("stsb", [1.0], [1.0], "a correlation needs at least 2 examples"),
    ],
)
def test_what_cannot_be_scored_is_refused(task, predicted, gold, message):
    with pytest.raises(UserError, match=message):
        score(task, predicted, gold)


def test_an_average_over_fewer_cells_is_refused():
    with pytest.raises(UserError, match="there is no value for STSB"):
        table4_average(dict.fromkeys(list(glue_metrics.TABLE_4)[:-1], 90.0))
