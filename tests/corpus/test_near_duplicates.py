"""Clusters of near-duplicates: joined through any band, the first kept, whatever the memory."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from xlmr_lab.corpus import near_duplicates
from xlmr_lab.corpus.key_files import MIN_MEMORY_BYTES, Keys
from xlmr_lab.corpus.minhash import NearDuplicateConfig, band_keys
from xlmr_lab.corpus.near_duplicates import CLUSTERS, find_near_duplicates
from xlmr_lab.errors import UserError


def write(folder: Path, pieces: Sequence[Keys]) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"piece-{number}.npy" for number in range(len(pieces))]
    for path, piece in zip(paths, pieces, strict=True):
        np.save(path, piece)
    return paths


def find(
    tmp_path: Path, pieces: Sequence[Keys], memory: int = 10**8
) -> list[list[tuple[bool, int, int]]]:
    """Return the rows of each piece."""
    paths = find_near_duplicates(
        write(tmp_path / "keys", pieces), tmp_path / "near", memory_bytes=memory
    )
    assert sorted((tmp_path / "near").iterdir()) == paths
    arrays = [np.load(path) for path in paths]
    assert all(array.dtype == CLUSTERS for array in arrays)
    return [array.tolist() for array in arrays]


def keys(*bands: Sequence[int]) -> Keys:
    return np.array(bands, dtype=np.uint64)


def expected(pieces: Sequence[Keys]) -> list[tuple[bool, int, int]]:
    """Return the rows of all documents by walking over a graph."""
    together = np.concatenate(pieces, axis=1)
    members: dict[tuple[int, int], list[int]] = {}
    for (band, document), key in np.ndenumerate(together):
        if key:
            members.setdefault((band, int(key)), []).append(document)
    first = [-1] * together.shape[1]
    for start in range(together.shape[1]):
        waiting = [start]
        while waiting:
            document = waiting.pop()
            if first[document] < 0:
                first[document] = start
                for band, key in enumerate(together[:, document].tolist()):
                    waiting += members.get((band, key), [])
    return [(f != d, f, first.count(f)) for d, f in enumerate(first)]


def test_clusters_by_hand(tmp_path: Path) -> None:
    pieces = [
        keys([5, 6, 7], [1, 2, 3]),
        keys([], []),
        keys([8, 6, 9], [1, 4, 2]),  # 3 like 0; 4 like 1; 5 like 1
        keys([8, 1], [9, 5]),  # 6 like 3, and so in the cluster of 0; key 1 of another band
    ]
    rows = [
        [(False, 0, 3), (False, 1, 3), (False, 2, 1)],
        [],
        [(True, 0, 3), (True, 1, 3), (True, 1, 3)],
        [(True, 0, 3), (False, 7, 1)],
    ]
    assert find(tmp_path, pieces) == rows
    assert [row for piece in rows for row in piece] == expected(pieces)


def test_documents_without_words_are_alone(tmp_path: Path) -> None:
    assert find(tmp_path, [keys([0, 0])]) == [[(False, 0, 1), (False, 1, 1)]]
    assert find(tmp_path, []) == []


@pytest.mark.parametrize("chunk", [10, 100, 10**6])
@pytest.mark.parametrize("common", [0, 0.3], ids=["even", "one key is everywhere"])
def test_any_memory_finds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, common: float
) -> None:
    rng = np.random.default_rng(4)
    values = rng.integers(0, 2**64, size=300, dtype=np.uint64)
    pieces = [rng.choice(values, size=(3, size)) for size in rng.integers(0, 50, size=4)]
    for piece in pieces:
        piece[0, rng.random(piece.shape[1]) < common] = values[0]
    monkeypatch.setattr(near_duplicates, "WORK_BYTES", MIN_MEMORY_BYTES // chunk // 2)
    monkeypatch.setattr(near_duplicates, "CACHE_KEYS", 7)
    rows = find(tmp_path, pieces, MIN_MEMORY_BYTES + 1600)
    assert [row for piece in rows for row in piece] == expected(pieces)


def test_a_long_chain_is_one_cluster(tmp_path: Path) -> None:
    number = 5000
    links = np.random.default_rng(5).permutation(number).astype(np.uint64)
    chain = np.stack([links // 2 + 1, (links + 1) // 2 + 1])  # 0-1 by one band, 1-2 by the other
    (rows,) = find(tmp_path, [chain])
    assert {row[1:] for row in rows} == {(0, number)}


def test_near_copies_are_found_in_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    lexicon = ["".join(rng.choice(list("aeioukstmn"), size=5)) for _ in range(500)]
    base = [[str(word) for word in rng.choice(lexicon, size=200)] for _ in range(50)]
    near = [[*words[:100], "New", *words[101:]] for words in base[:20]]
    texts = [" ".join(words) for words in base + near]
    config = NearDuplicateConfig()
    pieces = [band_keys(pl.Series(part), config=config) for part in (texts[:50], texts[50:])]
    first, second = find(tmp_path, pieces)
    assert first == [(False, i, 1 + (i < 20)) for i in range(50)]
    assert second == [(True, i, 2) for i in range(20)]


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    paths = write(tmp_path, [keys([1], [2]), keys([1], [2], [3])])
    with pytest.raises(UserError, match=r"\[2, 3\] bands; measure with one"):
        find_near_duplicates(paths, tmp_path / "out", memory_bytes=10**8)
    with pytest.raises(UserError, match=r"1 documents need 8,388,616 bytes of memory .* got 10"):
        find_near_duplicates(paths[:1], tmp_path / "out", memory_bytes=10)
    np.save(paths[0], np.zeros(3, dtype=np.uint64))
    with pytest.raises(UserError, match=r"must hold uint64 in 2 dimension"):
        find_near_duplicates(paths, tmp_path / "out", memory_bytes=10**8)
    assert not (tmp_path / "out").exists()


RUN = """
import resource, sys
from pathlib import Path
from xlmr_lab.corpus.near_duplicates import find_near_duplicates
folder = Path(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
find_near_duplicates(
    sorted((folder / "keys").iterdir()), folder / "out", memory_bytes=int(sys.argv[2])
)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) << 10)
"""


@pytest.mark.slow
def test_memory_stays_within_the_budget(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    for number_documents in (100_000, 1_000_000):
        folder = tmp_path / str(number_documents)
        (folder / "keys").mkdir(parents=True)
        for number in range(0, number_documents, 50_000):
            piece = rng.integers(1, 2**64, size=(4, 50_000), dtype=np.uint64)
            piece[:, rng.random(50_000) < 0.1] = 99
            np.save(folder / "keys" / f"{number:09d}.npy", piece)
        command = [sys.executable, "-c", RUN, str(folder), str(24 << 20)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert int(done.stdout) < 24 << 20
