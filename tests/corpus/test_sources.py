"""Sources: each form and packing gives the same documents; what is broken is named by its line."""

import gzip
import itertools
import json
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import zstandard

from xlmr_lab.corpus import sources
from xlmr_lab.corpus.sources import SourceFile
from xlmr_lab.errors import UserError

PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


def put(tmp_path: Path, name: str, data: bytes | str) -> SourceFile:
    path = tmp_path / "news" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    return SourceFile(str(path), "news", name.partition(".")[0])


def texts(file: SourceFile) -> list[str]:
    return [document.text for document in sources.read(file)]


@pytest.mark.parametrize("packing", PACKINGS)
def test_blank_lines_end_documents(tmp_path: Path, packing: str) -> None:
    data = PACKINGS[packing]("one\ntwo\n\n \t\n\nthr\u00e9\r\n\r\nfour".encode())
    file = put(tmp_path, f"sw.txt{packing}", data)
    assert texts(file) == ["one\ntwo\n", "thr\u00e9\r\n", "four"]
    assert [document.doc_id for document in sources.read(file)] == [
        "news/sw/0",
        "news/sw/1",
        "news/sw/2",
    ]


def test_a_long_run_of_lines_is_cut(tmp_path: Path) -> None:
    file = put(tmp_path, "sw.txt", "".join(f"{i}\n" for i in range(250)))
    assert [text.count("\n") for text in texts(file)] == [100, 100, 50]
    file = put(tmp_path, "sw.txt", "x\n" * 100 + "\n" + "y\n")
    assert [text.count("\n") for text in texts(file)] == [100, 1]


@pytest.mark.parametrize("packing", PACKINGS)
def test_json_lines_and_parquet_carry_url_and_identifier(tmp_path: Path, packing: str) -> None:
    rows = [
        {"text": "a\nb", "url": "https://a.example/1", "doc_id": "x1"},
        {"text": "c", "url": None, "doc_id": "x2"},
        {"text": None, "url": None, "doc_id": "x3"},
    ]
    lines = "\n".join(json.dumps(row) for row in rows) + "\n\n"
    first = put(tmp_path, f"sw.jsonl{packing}", PACKINGS[packing](lines.encode()))
    plain = tmp_path / "plain"
    pl.DataFrame(rows).write_parquet(plain)
    second = put(tmp_path, f"sw.parquet{packing}", PACKINGS[packing](plain.read_bytes()))
    expected = [
        ("x1", "a\nb", "https://a.example/1", "news", "sw"),
        ("x2", "c", None, "news", "sw"),
        ("x3", "", None, "news", "sw"),
    ]
    assert [tuple(document) for document in sources.read(first)] == expected
    assert [tuple(document) for document in sources.read(second)] == expected


def test_a_parquet_file_is_read_in_order(tmp_path: Path) -> None:
    file = put(tmp_path, "sw.parquet", b"")
    pl.DataFrame({"text": [f"text {i}" for i in range(5500)]}).write_parquet(
        file.path, row_group_size=700
    )
    documents = list(sources.read(file))
    assert [d.text for d in documents] == [f"text {i}" for i in range(5500)]
    assert documents[-1].doc_id == "news/sw/5499"


def test_lone_surrogates_become_replacement_characters(tmp_path: Path) -> None:
    file = put(tmp_path, "sw.jsonl", r'{"text": "a\ud800b \ud83d\ude00"}')
    assert texts(file) == ["a\ufffdb \U0001f600"]
    line = r'{"text": "a", "url": "b\ud800", "doc_id": "\udfffc"}'
    (document,) = sources.read(put(tmp_path, "sw.jsonl", line))
    assert (document.url, document.doc_id) == ("b\ufffd", "\ufffdc")


def test_an_identifier_may_be_a_number(tmp_path: Path) -> None:
    file = put(tmp_path, "sw.jsonl", '{"text": "a", "doc_id": 7}\n{"text": "b", "doc_id": 0}')
    assert [document.doc_id for document in sources.read(file)] == ["7", "0"]


@pytest.mark.parametrize("folder", ["a[1]", "b*", "c?{x}"])
def test_a_path_of_a_parquet_file_is_no_pattern(tmp_path: Path, folder: str) -> None:
    path = add(tmp_path, f"{folder}/sw.parquet", b"")
    pl.DataFrame({"text": ["maneno"]}).write_parquet(path)
    assert texts(SourceFile(str(path), folder, "sw")) == ["maneno"]


def test_a_zstd_file_of_several_frames_is_read_to_its_end(tmp_path: Path) -> None:
    pack = PACKINGS[".zst"]
    file = put(tmp_path, "sw.txt.zst", pack(b"one\n\n") + pack(b"") + pack(b"two\n" * 100_000))
    assert sum(text.count("two") for text in texts(file)) == 100_000


@pytest.mark.parametrize("packing", [".gz", ".xz", ".zst"])
@pytest.mark.parametrize("cut", [0.5, 0.999])
def test_a_cut_off_file_is_damaged(tmp_path: Path, packing: str, cut: float) -> None:
    whole = PACKINGS[packing]("".join(f"line {i}\n\n" for i in range(30_000)).encode())
    file = put(tmp_path, f"sw.txt{packing}", whole[: int(len(whole) * cut)])
    with pytest.raises(UserError, match=r"sw\.txt.* is damaged after line [\d,]+ "):
        texts(file)


@pytest.mark.parametrize("packing", [".gz", ".xz", ".zst"])
def test_a_file_that_is_not_packed_is_damaged(tmp_path: Path, packing: str) -> None:
    with pytest.raises(UserError, match="is damaged after line 0"):
        texts(put(tmp_path, f"sw.txt{packing}", b"plain text\n" * 10))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("sw.txt", b"fine\n\nfine\nbad \xff byte\n", r"sw\.txt, line 4: not UTF-8 \(byte 0xff at"),
        ("sw.txt", b"fine\n\n\x00\x01\n", r"line 3: a NUL byte"),
        (
            "sw.txt",
            "text".encode("utf-16"),
            r"line 1: not UTF-8 .* `iconv -f windows-1252 -t utf-8`",
        ),
        ("sw.txt", gzip.compress(b"text", mtime=0), r"line 1: not UTF-8"),
        ("sw.txt", b"x\n" * 150 + b"\xe9\n", r"line 151: not UTF-8"),
        ("sw.jsonl", b'{"text": "a"}\n{"text": \n', r"line 2: not valid JSON"),
        ("sw.jsonl", b'{"text": "\xe9"}\n', r"line 1: not UTF-8"),
        ("sw.jsonl", b'\n{"body": "a"}\n', r'line 2: expected a JSON object with a "text"'),
        ("sw.jsonl", b"[1]\n", r'expected a JSON object with a "text"'),
        ("sw.jsonl", b'{"text": 5}\n', r'"text" must be a string, got 5'),
        ("sw.jsonl", b'{"text": "a", "url": 5}\n', r'"url" must be a string, got 5'),
        ("sw.jsonl", b'{"text": [[5]]}\n', r'"text" must be a string, got list'),
        ("sw.jsonl", b'{"text": "a", "doc_id": []}\n', r'"doc_id" must be a string, got list'),
        ("sw.jsonl", b"\n" + b"[" * 100_000, r"line 2: not valid JSON \(nested too deeply\)"),
        ("sw.jsonl", b'{"text": "a", "n": ' + b"1" * 5000 + b"}", r"line 1: .*too many digits"),
        ("sw.parquet", b"PAR1 no", r"is not a Parquet file"),
        ("sw.parquet", b"", r"sw\.parquet is empty \(0 bytes\)"),
    ],
)
def test_what_is_no_text_is_named_with_its_line(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        texts(put(tmp_path, name, data))
    assert "\n" not in str(caught.value)


def test_a_parquet_file_without_text_names_its_columns(tmp_path: Path) -> None:
    file = put(tmp_path, "sw.parquet", b"")
    pl.DataFrame({"body": ["a"], "url": ["b"]}).write_parquet(file.path)
    with pytest.raises(UserError, match='column "text" of strings; its columns: body, url'):
        texts(file)


RECORD = (
    b"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Record-ID: <urn:uuid:%b>\r\n"
    b"WARC-Target-URI: https://a.example/%b\r\nContent-Length: 5\r\n\r\nwords\r\n\r\n"
)


def add(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_what_cannot_be_read_is_told_by_its_reason(tmp_path: Path) -> None:
    parts = [gzip.compress(RECORD % (b"x%d" % i, b"")) for i in range(3)]
    add(tmp_path, "crawl/a.warc.gz", parts[0] + b"rubbish" + parts[1] + parts[2][:-20])
    (file,) = sources.find(tmp_path)
    reasons: list[str] = []
    documents = list(sources.read(file, unreadable=reasons.append))
    assert [document.doc_id for document in documents] == ["crawl/x0", "crawl/x1"]
    assert reasons == ["broken_compression", "truncated"]
    assert len(list(sources.read(file))) == 2


@pytest.mark.parametrize("name", ["a.warc.gz", "a.wet", "a.arc", "swwiki.xml.bz2", "sw.parquet"])
def test_an_empty_file_is_an_error(tmp_path: Path, name: str) -> None:
    file = SourceFile(str(add(tmp_path, name, b"")), "x", None)
    with pytest.raises(UserError, match=r"is empty \(0 bytes\); fetch it again"):
        list(sources.read(file))


@pytest.mark.parametrize("name", ["a.warc.gz", "sw.txt", "swwiki.xml.bz2", "sw.jsonl.gz"])
def test_a_folder_or_nothing_in_place_of_a_file_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(UserError, match=f"cannot read .*{name}: Is a directory"):
        list(sources.read(SourceFile(str(tmp_path / name), "x", "sw")))
    with pytest.raises(UserError, match=r"cannot read .*: No such file"):
        list(sources.read(SourceFile(str(tmp_path / "gone" / name), "x", "sw")))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_an_error(tmp_path: Path) -> None:
    path = add(tmp_path, "news/sw.txt", b"x\n")
    path.chmod(0)
    with pytest.raises(UserError, match=r"cannot read .*sw\.txt: Permission denied"):
        list(sources.read(SourceFile(str(path), "news", "sw")))
    with pytest.raises(UserError, match=r"cannot read .*sw\.txt: Permission denied; mend it"):
        sources.find(tmp_path)
    path.parent.chmod(0)
    with pytest.raises(UserError, match=r"cannot read .*news.*: Permission denied"):
        sources.find(tmp_path)


def test_a_very_long_line_is_one_paragraph(tmp_path: Path) -> None:
    assert [len(text) for text in texts(put(tmp_path, "sw.txt", b"word " * 2_000_000))] == [10**7]


RAW = Path(__file__).parents[3] / "shared" / "data" / "raw"


@pytest.mark.real
@pytest.mark.skipif(not RAW.is_dir(), reason="needs the real archives in ../shared/data")
def test_every_real_file_is_found_and_read_or_counted() -> None:
    found = sources.find(RAW / "warc") + sources.find(RAW, ["so", "vi"])
    assert {file.language for file in found} == {None, "so", "vi"}
    for file in found:
        reasons: list[str] = []
        start = list(itertools.islice(sources.read(file, unreadable=reasons.append), 50))
        assert all(document.text for document in start)
        assert start or reasons or "digest" in file.place, file.place
