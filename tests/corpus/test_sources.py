"""Sources: each form and packing gives the same documents; what is broken is named by its line."""

import gzip
import json
import lzma
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
    return SourceFile(path, "news", name.partition(".")[0])


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


def test_a_zstd_file_of_several_frames_is_read_to_its_end(tmp_path: Path) -> None:
    pack = PACKINGS[".zst"]
    file = put(tmp_path, "sw.txt.zst", pack(b"one\n\n") + pack(b"") + pack(b"two\n" * 100_000))
    assert sum(text.count("two") for text in texts(file)) == 100_000


def test_progress_counts_every_byte_of_the_file(tmp_path: Path) -> None:
    data = lzma.compress(b"".join(b"%d\n\n" % i for i in range(50_000)))
    file, steps = put(tmp_path, "sw.txt.xz", data), list[int]()
    for _ in sources.read(file, advance=steps.append):
        pass
    assert sum(steps) == len(data)
    assert min(steps) >= 0


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
        ("sw.txt", "text".encode("utf-16"), r"line 1: not UTF-8"),
        ("sw.txt", gzip.compress(b"text"), r"line 1: not UTF-8"),
        ("sw.txt", b"x\n" * 150 + b"\xe9\n", r"line 151: not UTF-8"),
        ("sw.jsonl", b'{"text": "a"}\n{"text": \n', r"line 2: not valid JSON"),
        ("sw.jsonl", b'{"text": "\xe9"}\n', r"line 1: not UTF-8"),
        ("sw.jsonl", b'\n{"body": "a"}\n', r'line 2: expected a JSON object with a "text"'),
        ("sw.jsonl", b"[1]\n", r'expected a JSON object with a "text"'),
        ("sw.jsonl", b'{"text": 5}\n', r'"text" must be a string, got 5'),
        ("sw.jsonl", b'{"text": "a", "url": 5}\n', r'"url" must be a string, got 5'),
        ("sw.parquet", b"PAR1 no", r"is not a Parquet file"),
        ("sw.parquet", b"", r"is not a Parquet file"),
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


def test_files_are_found_by_language_then_source(tmp_path: Path) -> None:
    for name in ("news/sw.txt", "news/zh-Hans.jsonl.zst", "bible/sw.parquet", "bible/ur.txt.xz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "sizes.tsv").touch()
    (tmp_path / "news" / "README.md").touch()
    (tmp_path / "news" / "ha.txt").mkdir()
    found = sources.find(tmp_path, ["zh-Hans", "sw"])
    assert [(file.language, file.source) for file in found] == [
        ("zh-Hans", "news"),
        ("sw", "bible"),
        ("sw", "news"),
    ]
    assert {file.language for file in sources.find(tmp_path)} == {"sw", "ur", "zh-Hans"}


def test_what_cannot_be_found_is_named_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no corpus at .*missing; give a folder"):
        sources.find(tmp_path / "missing", ["sw"])
    with pytest.raises(UserError, match=r"no text of any language .*nothing of that form"):
        sources.find(tmp_path)
    put(tmp_path, "ur.txt", "a\n")
    with pytest.raises(UserError, match=r"no text of sw, ha in .*found languages: ur"):
        sources.find(tmp_path, ["sw", "ur", "ha"])
    with pytest.raises(UserError, match="named twice in ur,ur"):
        sources.find(tmp_path, ["ur", "ur"])
    put(tmp_path, "ur.jsonl.gz", "")
    with pytest.raises(UserError, match="two files of language 'ur' in one source"):
        sources.find(tmp_path, ["ur"])
