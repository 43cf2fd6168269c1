"""Files of a run folder: the last records of one that may be long, or just being written; one
process trains in it."""

import os
from pathlib import Path

import pytest

from xlmr_lab import storage
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain.folder import held, last_records
from xlmr_lab.pretrain.loop import pretrain


def test_the_last_records_are_read_without_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert last_records(path) == []
    records = [{"step": step} for step in range(1000)]
    storage.write_jsonl(path, records)
    assert last_records(path) == records
    found = last_records(path, size=100)
    assert 2 <= len(found) <= 10
    assert found == records[-len(found) :]


def test_a_record_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"st')
    assert last_records(path) == [{"step": 1}]
    path.write_text("")
    assert last_records(path) == []


def test_a_folder_that_another_process_trains_in_is_refused_and_left_alone(
    tmp_path: Path, shards_folder: Path, make_run
) -> None:
    with held(tmp_path, make_run()):
        before = sorted(path.name for path in tmp_path.iterdir())
        told = rf"another process \({os.getpid()} on .*\) is training in .*; wait until it has end"
        with pytest.raises(UserError, match=told):
            pretrain(tmp_path, shards_folder, make_run(), threads=1)
        assert sorted(path.name for path in tmp_path.iterdir()) == before
    pretrain(tmp_path, shards_folder, make_run(), threads=1)
