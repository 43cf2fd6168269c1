"""The documents table: shards are whole, in order, and found by language."""

from pathlib import Path

import polars as pl
import pytest

from xlmr_lab import storage
from xlmr_lab.corpus import documents
from xlmr_lab.corpus.documents import DOCUMENTS, REJECTED
from xlmr_lab.errors import UserError


def frame(language: str, ids: list[str]) -> pl.DataFrame:
    rows = [{"doc_id": i, "lang": language, "text": f"text of {i}\n"} for i in ids]
    return pl.DataFrame(rows, schema=DOCUMENTS)


def test_documents_come_back_in_the_order_they_were_written(tmp_path: Path) -> None:
    frames = [frame("sw", ["b", "a"]), frame("sw", []), frame("sw", ["c"])]
    documents.write_documents(tmp_path, "sw", frames)
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "sw-00000.parquet",
        "sw-00001.parquet",
    ]
    assert list(documents.iterate(tmp_path, "sw")) == [
        ("b", "text of b\n"),
        ("a", "text of a\n"),
        ("c", "text of c\n"),
    ]


def test_languages_with_dashes_are_told_apart(tmp_path: Path) -> None:
    for language in ("zh-Hant", "zh-Hans", "zh"):
        documents.write_documents(tmp_path, language, [frame(language, [language])])
    assert documents.languages(tmp_path) == ["zh", "zh-Hans", "zh-Hant"]
    assert [doc_id for doc_id, _ in documents.iterate(tmp_path, "zh")] == ["zh"]
    assert documents.scan(tmp_path, "zh-Hans").collect()["doc_id"].to_list() == ["zh-Hans"]
    assert documents.scan(tmp_path).collect().height == 3


def test_shards_beyond_five_digits_stay_in_order(tmp_path: Path) -> None:
    for number in (100_000, 99_999):
        documents.write_shard(tmp_path, "sw", number, frame("sw", [str(number)]))
    assert [doc_id for doc_id, _ in documents.iterate(tmp_path, "sw")] == ["99999", "100000"]


def test_a_language_without_documents_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"language 'sw'.*none at all"):
        list(documents.iterate(tmp_path, "sw"))
    documents.write_documents(tmp_path, "ur", [frame("ur", ["a"])])
    with pytest.raises(UserError, match=r"language 'sw'.*languages there: ur"):
        documents.scan(tmp_path, "sw")


def test_another_schema_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        documents.write_shard(tmp_path, "sw", 0, pl.DataFrame({"text": ["a"]}))
    assert list(tmp_path.iterdir()) == []


def test_rejected_paragraphs_have_the_documents_columns_first() -> None:
    assert list(REJECTED)[: len(DOCUMENTS)] == list(DOCUMENTS)


def test_a_full_disk_is_an_os_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(storage, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        documents.write_documents(tmp_path, "sw", [frame("sw", ["a"])])
