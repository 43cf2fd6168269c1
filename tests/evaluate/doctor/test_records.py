"""Verdicts and looks as tables: `pytest tests/evaluate/doctor/test_records.py`."""

import json

import polars as pl
import pytest

from xlmr_lab.evaluate.doctor import records
from xlmr_lab.evaluate.scores import SCORES

PLACE = {
    **{"study": "s", "run": "r", "task": "nli", "protocol": "zero-shot", "selection": "last"},
    **{"arm": "a", "seed": 0, "finetune_seed": 1, "split": "test", "language": "sw"},
    "question_language": "",
}
SCORE = {**PLACE, "metric": "accuracy", "value": 0.4, "num_examples": 9}
VERDICT = {
    **PLACE,
    **{"set": "test-sw", "level": "refuse", "name": "label order", "line": "all wrong"},
    "evidence": {"p": 0.0},
}


def refused(scores, verdicts):
    frame = pl.DataFrame(scores, schema=SCORES)
    return records.marked(frame, records.doctor(verdicts))["refused"].to_list()


@pytest.mark.parametrize(
    "change",
    [
        {"task": "ner"},
        {"arm": "b"},
        {"seed": None},
        {"finetune_seed": 2},
        {"protocol": "all"},
        {"selection": "joint-dev"},
        {"split": "dev"},
        {"language": "de"},
        {"question_language": "en"},
    ],
)
def test_a_refusal_marks_the_score_that_it_is_about_and_no_other(change):
    assert refused([SCORE, {**SCORE, **change}], [VERDICT]) == ["label order", ""]


def test_what_is_flagged_or_of_a_set_alone_marks_nothing():
    rows = [{**VERDICT, "level": "flag"}, {**VERDICT, "selection": ""}]
    assert refused([SCORE], rows) == [""]
    assert refused([SCORE], []) == [""]


def test_seeds_that_are_null_are_seeds_and_several_names_stand_once_each():
    alone = {"seed": None}
    rows = [VERDICT | alone, VERDICT | alone | {"name": "collapse"}, VERDICT | alone]
    assert refused([SCORE | alone], rows) == ["collapse, label order"]


def test_both_accuracies_of_mnli_are_of_the_set_that_is_refused():
    scores = [{**SCORE, "task": task} for task in ("glue-mnli", "glue-mnli-mm", "glue-qnli")]
    frame = pl.DataFrame(scores, schema=SCORES)
    found = records.marked(frame, records.doctor([{**VERDICT, "task": "glue-mnli"}]))
    assert found["refused"].to_list() == ["label order", "label order", ""]
    assert found["task"].to_list() == [row["task"] for row in scores]
    assert found.columns == [*frame.columns, "refused"]


def test_a_number_of_a_look_is_a_row():
    look = {"learning_rate": 1e-3, "step": 5, "dev": {"dev-en": 0.5}}
    scored = {"test-en": {"f1": 0.25, "exact_match": 0.125}}
    model = {"task": "qa", "arm": "a", "seed": 0, "finetune_seed": 1, "train": ["train-en"]}
    found = records.looks([{**model, "looks": [{**look, "scores": scored}]}])
    assert found.select("kind", "set", "metric", "value").rows() == [
        ("dev", "dev-en", "", 0.5),
        ("scored", "test-en", "f1", 0.25),
        ("scored", "test-en", "exact_match", 0.125),
    ]
    assert records.looks([]).schema == records.LOOKS
    assert records.doctor([]).schema == records.DOCTOR


def test_evidence_comes_back_from_json():
    (row,) = records.doctor([VERDICT]).to_dicts()
    assert json.loads(row["evidence"]) == {"p": 0.0}
