"""Files of a run folder: the last records of one that may be long, or just being written."""

from pathlib import Path

from xlmr_lab import storage
from xlmr_lab.pretrain.folder import last_records


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
