"""Parallel text is found by language and read line by line, and what is not aligned is refused.

Run with: pytest tests/corpus/test_parallel.py
"""

import gzip
from pathlib import Path

import pytest

from xlmr_lab.corpus import parallel
from xlmr_lab.errors import UserError


def write(folder: Path, **texts: str) -> Path:
    for key, text in texts.items():
        (folder / f"{key}.txt").write_text(text)
    return folder


def test_files_are_found_plain_and_packed_and_others_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path, en="a\n")
    (tmp_path / "sw.txt.gz").write_bytes(gzip.compress(b"b\n"))
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "ur.jsonl").write_text("{}")
    found = parallel.find(tmp_path)
    assert {key: path.name for key, path in found.items()} == {"en": "en.txt", "sw": "sw.txt.gz"}
    assert parallel.require_aligned(found) == 1


def test_lines_that_a_side_leaves_blank_are_left_out_and_keep_their_number(tmp_path: Path) -> None:
    write(tmp_path, en="a\n\nc \nd", sw="A\nB\n\n D")
    found = parallel.pairs(tmp_path / "en.txt", tmp_path / "sw.txt")
    assert list(found) == [("0", "a\nA"), ("3", "d\nD")]


def test_named_languages_only(tmp_path: Path) -> None:
    write(tmp_path, en="a", sw="b", ur="c")
    assert list(parallel.find(tmp_path, ["ur", "en"])) == ["en", "ur"]
    with pytest.raises(UserError, match=r"no parallel text of fr in .*, named <language>.txt"):
        parallel.find(tmp_path, ["en", "fr"])


def test_one_language_has_nothing_beside_it(tmp_path: Path) -> None:
    write(tmp_path, en="a")
    with pytest.raises(UserError, match=r"needs two languages, but .* has en; add a file <lang"):
        parallel.find(tmp_path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"tlm.path is no folder: .*none; it must hold files <lan"):
        parallel.find(tmp_path / "none")


def test_two_files_of_a_language(tmp_path: Path) -> None:
    write(tmp_path, en="a", sw="b")
    (tmp_path / "sw.txt.gz").write_bytes(gzip.compress(b"b"))
    with pytest.raises(UserError, match=r"holds sw.txt and sw.txt.gz: keep one of them"):
        parallel.find(tmp_path)


def test_texts_of_different_length_are_refused(tmp_path: Path) -> None:
    write(tmp_path, en="a\n" * 1200, sw="a\n" * 1199)
    told = r"sw.txt has 1199 lines and .*en.txt 1200; parallel text has the same sentence in the s"
    with pytest.raises(UserError, match=told):
        parallel.require_aligned(parallel.find(tmp_path))
