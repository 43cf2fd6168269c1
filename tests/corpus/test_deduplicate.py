"""Exact deduplication: CCNet's normal form, keys that never change, duplicates among many files."""

import resource
import signal
import subprocess
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import xxhash

from xlmr_lab.corpus import key_files
from xlmr_lab.corpus.deduplicate import (
    Keep,
    find_duplicates,
    normal_form,
    paragraph_keys,
    repeats,
)
from xlmr_lab.corpus.key_files import MIN_MEMORY_BYTES
from xlmr_lab.errors import UserError

KEY, OTHER, HAN = 15354919409366753944, 8539356555381294466, 14149126806922984577
"""XXH3 of "room 00", "other" and two Han characters."""


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("  Hello, World 1999 ", "hello, world 0000"),  # ASCII punctuation stays, as in CCNet
        ("\u00ab\u00a0Oui\u00a0\u00bb \u2014 dit-il\u2026", "\u00a0oui\u00a0  dit-il"),
        ("\u4ed6\u8bf4\uff1a\u201c\u597d\u3002\u201d", "\u4ed6\u8bf4\u597d"),
        ("a\x07b\u0664", "ab0"),  # BELL, ARABIC-INDIC DIGIT FOUR
    ],
)
def test_normal_form_by_hand(text: str, form: str) -> None:
    assert pl.DataFrame({"text": [text]}).select(normal_form(pl.col("text"))).item() == form


def test_keys_are_xxh3_and_never_change() -> None:
    keys = paragraph_keys(pl.Series("text", ["Room 12", "room 99", "other", "\u6f22\u5b57"]))
    assert keys.to_list() == [KEY, KEY, OTHER, HAN]
    assert keys.dtype == pl.UInt64


def test_keys_are_those_of_the_normal_form() -> None:
    rng = np.random.default_rng(2)
    every = [chr(c) for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000]
    known = [c for c in every if unicodedata.category(c) != "Cn"]
    texts = ["".join(known[i : i + 50]) for i in range(0, len(known), 50)]
    greek = list(" \u03a3\u03c3\u0391\u03b1.\u0130\u0301\n\r\t\u00a0\u2028")
    texts += ["".join(rng.choice(greek, size=9)) for _ in range(5000)]
    forms = pl.DataFrame({"text": texts}).select(normal_form(pl.col("text"))).to_series()
    expected = [xxhash.xxh3_64_intdigest(form.encode()) for form in forms]
    assert paragraph_keys(pl.Series(texts)).to_list() == expected


@pytest.mark.parametrize(
    "text",
    [
        "Caf\u00e9 \u2014 12",  # every character is one unit of UTF-16
        "Party \U0001f389 12",  # PARTY POPPER, a pair that stays
        "\U00010400 \U0001d7d9 A1",  # DESERET CAPITAL LONG I has case, \U0001d7d9 is a digit
        "A \uffff B",  # no character, but valid
        "\U00010300\U0003ffff Z",
    ],
)
def test_keys_do_not_depend_on_what_stands_beside(text: str) -> None:
    form = pl.DataFrame({"text": [text]}).select(normal_form(pl.col("text"))).item()
    expected = xxhash.xxh3_64_intdigest(form.encode())
    assert paragraph_keys(pl.Series([text])).to_list() == [expected]
    assert paragraph_keys(pl.Series([text, "\uffff", "\U00010400"]))[0] == expected


def test_no_paragraphs_have_no_keys() -> None:
    assert paragraph_keys(pl.Series("text", [], dtype=pl.String)).to_list() == []


def test_copies_within_a_document_are_found() -> None:
    keys, documents = pl.Series([7, 7, 8, 7, 8, 8], dtype=pl.UInt64), pl.Series([0, 0, 0, 1, 1, 1])
    assert repeats(keys, documents).to_list() == [False, True, False, False, False, True]
    assert repeats(keys.clear(), documents.clear()).to_list() == []


def write(folder: Path, pieces: Sequence[Sequence[int]]) -> list[Path]:
    """Write pieces of keys as a measuring run does."""
    folder.mkdir(exist_ok=True)
    paths = []
    for number, piece in enumerate(pieces):
        paths.append(folder / f"piece-{number}.npy")
        np.save(paths[-1], np.array(piece, dtype=np.uint64))
    return paths


def find(
    tmp_path: Path, pieces: Sequence[Sequence[int]], keep: Keep, memory: int = MIN_MEMORY_BYTES
) -> list[list[bool]]:
    """Return the flags of pieces of keys."""
    paths = find_duplicates(
        write(tmp_path / "keys", pieces), tmp_path / keep, keep=keep, memory_bytes=memory
    )
    assert sorted((tmp_path / keep).iterdir()) == paths
    flags = [np.load(path) for path in paths]
    assert all(values.dtype == bool for values in flags)
    return [values.tolist() for values in flags]


def expected(pieces: Sequence[Sequence[int]], keep: Keep) -> list[list[bool]]:
    """Return the same by dictionaries."""
    counts = Counter(key for piece in pieces for key in piece)
    seen: set[int] = set()
    flags = []
    for piece in pieces:
        flags.append([])
        for key in piece:
            flags[-1].append(key in seen if keep == "first" else counts[key] > 1)
            seen.add(key)
    return flags


BIG = 2**64 - 1


def test_duplicates_by_hand(tmp_path: Path) -> None:
    pieces = [[5, BIG, 5], [], [7, BIG, 0], [0]]
    first = [[False, False, True], [], [False, True, False], [True]]
    none = [[True, True, True], [], [False, True, True], [True]]
    assert find(tmp_path, pieces, "first") == first == expected(pieces, "first")
    assert find(tmp_path, pieces, "none") == none == expected(pieces, "none")


def test_no_keys_have_no_duplicates(tmp_path: Path) -> None:
    assert find(tmp_path, [], "first") == []
    assert find(tmp_path, [[]], "none") == [[]]


@pytest.mark.parametrize("keep", ["first", "none"])
@pytest.mark.parametrize("block", [3, 50, 10**6])
@pytest.mark.parametrize("common", [0, 0.4], ids=["even", "one key is everywhere"])
def test_any_memory_finds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: Keep, block: int, common: float
) -> None:
    rng = np.random.default_rng(3)
    values = rng.integers(0, 2**64, size=500, dtype=np.uint64)
    pieces = [rng.choice(values, size=size) for size in rng.integers(0, 200, size=6)]
    for piece in pieces:
        piece[rng.random(len(piece)) < common] = values[0]
    monkeypatch.setattr(key_files, "WORK_BYTES", MIN_MEMORY_BYTES // block or 1)
    lists = [piece.tolist() for piece in pieces]
    assert find(tmp_path, lists, keep) == expected(lists, keep)


def test_keys_that_all_lie_together_are_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_files, "WORK_BYTES", MIN_MEMORY_BYTES // 50)
    pieces = [list(range(0, 900, 2)), list(range(0, 900, 3))]
    assert find(tmp_path, pieces, "first") == expected(pieces, "first")


def test_an_older_folder_is_replaced(tmp_path: Path) -> None:
    find(tmp_path, [[1], [2], [1]], "first")
    assert find(tmp_path, [[1, 1]], "first") == [[False, True]]


def test_what_cannot_be_done_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = write(tmp_path, [[1, 2, 3]])
    with pytest.raises(UserError, match=r"at least 8,388,608, got 1,000"):
        find_duplicates(paths, tmp_path / "out", keep="first", memory_bytes=1000)
    with pytest.raises(UserError, match=r"cannot read the keys .*none\.npy"):
        find_duplicates([tmp_path / "none.npy"], tmp_path / "out", keep="first", memory_bytes=10**8)
    data = paths[0].read_bytes()
    paths[0].write_bytes(data[:-1])
    with pytest.raises(UserError, match=r"piece-0\.npy is cut short"):
        find_duplicates(paths, tmp_path / "out", keep="first", memory_bytes=10**8)
    paths[0].write_bytes(b"")
    with pytest.raises(UserError, match="cannot read the keys"):
        find_duplicates(paths, tmp_path / "out", keep="first", memory_bytes=10**8)
    np.save(paths[0], np.zeros(3))
    with pytest.raises(UserError, match=r"must hold uint64 .* got float64 of shape \(3,\)"):
        find_duplicates(paths, tmp_path / "out", keep="first", memory_bytes=10**8)
    monkeypatch.setattr(key_files, "_MAX_BITS", 2)
    paths = write(tmp_path, [range(10**6)])
    with pytest.raises(UserError, match=r"1,000,000 keys takes \d+ MB"):
        find_duplicates(paths, tmp_path / "out", keep="first", memory_bytes=MIN_MEMORY_BYTES)
    assert not (tmp_path / "out").exists()


RUN = """
import resource, sys
from pathlib import Path
from xlmr_lab.corpus.deduplicate import find_duplicates
folder = Path(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
find_duplicates(
    sorted((folder / "keys").iterdir()), folder / "out", keep="first", memory_bytes=int(sys.argv[2])
)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) << 10)
"""


def write_many(folder: Path, num_keys: int) -> None:
    """Write random keys in pieces, a tenth of them everywhere the same."""
    rng = np.random.default_rng(num_keys)
    (folder / "keys").mkdir(parents=True)
    for number in range(0, num_keys, 1 << 19):
        piece = rng.integers(0, 2**64, size=min(1 << 19, num_keys - number), dtype=np.uint64)
        piece[rng.random(len(piece)) < 0.1] = 12345
        np.save(folder / "keys" / f"{number:09d}.npy", piece)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    taken = []
    for num_keys in (1_000_000, 10_000_000):
        folder = tmp_path / str(num_keys)
        write_many(folder, num_keys)
        command = [sys.executable, "-c", RUN, str(folder), str(16 << 20)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        taken.append(int(done.stdout))
    assert max(taken) < 16 << 20
    assert taken[1] < taken[0] + (2 << 20)


@pytest.mark.slow
def test_ten_million_keys_take_seconds(tmp_path: Path) -> None:
    write_many(tmp_path, 10_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF)
    paths = sorted((tmp_path / "keys").iterdir())
    find_duplicates(paths, tmp_path / "out", keep="none", memory_bytes=10**9)
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 5


@pytest.mark.slow
def test_a_killed_run_leaves_nothing_half_done(tmp_path: Path) -> None:
    write_many(tmp_path, 4_000_000)
    command = [sys.executable, "-c", RUN, str(tmp_path), str(16 << 20)]
    for seconds in (0.1, 0.3):
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while not list(tmp_path.glob("out.partial-*/*")) and running.poll() is None:
            time.sleep(0.01)
        time.sleep(seconds)
        running.send_signal(signal.SIGKILL)
        running.wait()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keys", "out"]
    undisturbed = find_duplicates(
        sorted((tmp_path / "keys").iterdir()), tmp_path / "b", keep="first", memory_bytes=10**9
    )
    for path in undisturbed:
        assert path.read_bytes() == (tmp_path / "out" / path.name).read_bytes()
