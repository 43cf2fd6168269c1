"""Score rows and their file: `pytest tests/evaluate/test_scores.py`."""

import dataclasses
import json
import math

import polars as pl
import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.scores import SCORES, Score, read, write

ROW = Score(
    finetune_seed=1,
    task="nli",
    split="test",
    language="qaa",
    protocol="zero-shot",
    selection="last",
    metric="accuracy",
    value=0.5,
    num_examples=10,
)


def test_the_schema_has_the_fields_of_a_score_in_order():
    assert [field.name for field in dataclasses.fields(Score)] == list(SCORES)


def test_rows_come_back_as_written(tmp_path):
    rows = [
        ROW,
        dataclasses.replace(ROW, study="tiny", run="a", arm="alpha=0.3", seed=2, value=1.0),
        dataclasses.replace(ROW, value=math.nan),
    ]
    write(tmp_path / "scores.jsonl", rows)
    frame = read(tmp_path / "scores.jsonl")
    assert frame.schema == SCORES
    assert frame.equals(pl.DataFrame([dataclasses.asdict(row) for row in rows], schema=SCORES))
    assert frame["seed"].to_list() == [None, 2, None]


def test_no_rows_are_an_empty_frame_of_the_schema(tmp_path):
    write(tmp_path / "scores.jsonl", [])
    assert read(tmp_path / "scores.jsonl").schema == SCORES
    assert read(tmp_path / "scores.jsonl").height == 0


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no scores at .*absent\.jsonl"):
        read(tmp_path / "absent.jsonl")


def test_a_record_that_is_no_score_is_named(tmp_path):
    path = tmp_path / "scores.jsonl"
    path.write_text(json.dumps({"language": "qaa"}) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match="record 1 is not a score"):
        read(path)


def test_rows_of_earlier_versions_lack_what_came_later(tmp_path):
    path = tmp_path / "scores.jsonl"
    old = dataclasses.asdict(ROW)
    for name in ("question_language", "step", "learning_rate"):
        del old[name]
    path.write_text(json.dumps(old) + "\n", encoding="utf-8")
    frame = read(path)
    assert frame.schema == SCORES
    assert frame.select("question_language", "step", "learning_rate").row(0) == ("", None, None)
    del old["value"]
    path.write_text(json.dumps(old) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match="record 1 is not a score"):
        read(path)


def test_a_value_of_the_wrong_type_is_named(tmp_path):
    path = tmp_path / "scores.jsonl"
    path.write_text(
        json.dumps(dataclasses.asdict(ROW) | {"value": "high"}) + "\n", encoding="utf-8"
    )
    with pytest.raises(UserError, match="wrong type"):
        read(path)
