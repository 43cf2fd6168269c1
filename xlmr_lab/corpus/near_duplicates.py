"""Near-duplicate documents: clusters over any number of pieces, of which the first one is kept.

Documents that have an equal key in a band (`minhash`) are joined, band by band, in a forest over
all documents. Two documents of a cluster may therefore resemble each other only through a third, as
in datatrove. Left out: comparing candidates' texts.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from xlmr_lab import storage
from xlmr_lab.corpus.key_files import (
    CACHE_KEYS,
    MIN_MEMORY_BYTES,
    WORK_BYTES,
    KeyFile,
    Keys,
    open_keys,
    write_array,
)
from xlmr_lab.corpus.minhash import NO_KEY
from xlmr_lab.errors import UserError

Numbers = npt.NDArray[np.int64]
Parents = npt.NDArray[np.integer[Any]]

CLUSTERS = np.dtype([("duplicate", "?"), ("first_document", "<i8"), ("cluster_size", "<i8")])
"""A document's row: whether to drop it, the number of its cluster's first document (piece order,
then row, from 0), and how many documents the cluster has.
"""


def find_near_duplicates(
    key_files: Sequence[Path], folder: Path, *, memory_bytes: int
) -> list[Path]:
    """Write into `folder` the clusters of near-duplicates, a file `000000.npy` of `CLUSTERS` rows
    for each key file.

    A key file is the `.npy` of one piece's `band_keys`; the order of pieces, then of rows, says
    which document is the first. The folder appears when it is complete and replaces an older one.
    Memory holds two integers a document, and as many keys of a band at a time as fit.

    Raises:
        UserError: a key file is missing or broken, the files differ in bands, memory is too small.
    """
    files = [open_keys(path, dimensions=2) for path in key_files]
    bands = {file.shape[0] for file in files}
    if len(bands) > 1:
        raise UserError(f"key files have {sorted(bands)} bands; measure with one configuration")
    starts = np.concatenate([[0], np.cumsum([file.shape[1] for file in files], dtype=np.int64)])
    parents, chunk = _alone(int(starts[-1]), memory_bytes)
    for band in range(max(bands, default=0)):
        _join_band(parents, files, band, chunk)
    paths = [folder / f"{number:06d}.npy" for number in range(len(files))]
    with storage.atomic_folder(folder) as partial:
        sizes = np.zeros_like(parents)
        for start, stop in _steps(0, len(parents), chunk):
            np.add.at(sizes, _roots(parents, np.arange(start, stop)), 1)
        for path, start, stop in zip(paths, starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            blocks = (_rows(parents, sizes, *step) for step in _steps(start, stop, chunk))
            write_array(partial / path.name, CLUSTERS, stop - start, blocks)
    return paths


def _alone(num_documents: int, memory_bytes: int) -> tuple[Parents, int]:
    """Return a forest in which every document is its own root, and how many keys fit beside it."""
    dtype = np.dtype(np.uint32 if num_documents < 2**32 else np.int64)
    forest_bytes = 2 * dtype.itemsize * num_documents  # parents and sizes
    if memory_bytes < forest_bytes + MIN_MEMORY_BYTES:
        raise UserError(
            f"{num_documents:,} documents need {forest_bytes + MIN_MEMORY_BYTES:,} bytes of memory "
            f"to find near-duplicates in, got {memory_bytes:,}; raise memory_bytes"
        )
    return np.arange(num_documents, dtype=dtype), (memory_bytes - forest_bytes) // (2 * WORK_BYTES)


def _join_band(parents: Parents, files: Sequence[KeyFile], band: int, chunk: int) -> None:
    """Join all documents that have equal keys in a band, a range of keys at a time."""
    bits = (len(parents) * 5 // 4 // chunk).bit_length()
    for number in range(1 << bits):
        keys, documents = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
        for more in _gathered(_read_band(files, band, bits, number), chunk):
            keys = np.concatenate([keys, more[0]])
            documents = np.concatenate([documents, more[1]])
            keys, documents = _join_equal(parents, keys, documents)


def _read_band(
    files: Sequence[KeyFile], band: int, bits: int, number: int
) -> Iterator[tuple[Keys, Numbers]]:
    """Yield the keys of a band whose leading bits are `number`, and their documents."""
    first = 0
    for file in files:
        width = file.shape[1]
        for start, stop in _steps(0, width, CACHE_KEYS):
            keys = file.read(band * width + start, band * width + stop)
            is_asked = keys != NO_KEY
            if bits:
                is_asked &= keys >> np.uint64(64 - bits) == number
            yield keys[is_asked], first + start + np.flatnonzero(is_asked)
        first += width


def _gathered(blocks: Iterator[tuple[Keys, Numbers]], chunk: int) -> Iterator[tuple[Keys, Numbers]]:
    """Yield blocks put together until they have `chunk` keys."""
    waiting: list[tuple[Keys, Numbers]] = []
    for block in blocks:
        if waiting and sum(len(keys) for keys, _ in waiting) + len(block[0]) > chunk:
            yield _joined(waiting)
            waiting = []
        waiting.append(block)
    if waiting:
        yield _joined(waiting)


def _joined(blocks: list[tuple[Keys, Numbers]]) -> tuple[Keys, Numbers]:
    keys, documents = zip(*blocks, strict=True)
    return np.concatenate(keys), np.concatenate(documents)


def _join_equal(parents: Parents, keys: Keys, documents: Numbers) -> tuple[Keys, Numbers]:
    """Join the documents of equal keys, and return each key once, with its first document."""
    order = np.argsort(keys, kind="stable")
    keys, documents = keys[order], documents[order]
    is_first = np.concatenate([[True], keys[1:] != keys[:-1]])[: len(keys)]
    distinct, first = keys[is_first], documents[is_first]
    _unite(parents, first[np.cumsum(is_first)[~is_first] - 1], documents[~is_first])
    return distinct, first


def _unite(parents: Parents, left: Numbers, right: Numbers) -> None:
    """Join the trees of pairs of documents; the first document of a tree is its root."""
    while len(left):
        left, right = _roots(parents, left), _roots(parents, right)
        apart = left != right
        left, right = left[apart], right[apart]
        left, right = np.minimum(left, right), np.maximum(left, right)
        np.minimum.at(parents, right, left)


def _roots(parents: Parents, documents: Numbers) -> Numbers:
    """Return the documents' roots, and hang the documents right under them."""
    while True:
        above = parents[documents]
        higher = parents[above]
        if np.array_equal(above, higher):
            return above.astype(np.int64)
        parents[documents] = higher


def _rows(parents: Parents, sizes: Parents, start: int, stop: int) -> npt.NDArray[np.void]:
    """Return the rows of `CLUSTERS` of a run of documents."""
    documents = np.arange(start, stop)
    roots = _roots(parents, documents)
    rows = np.empty(stop - start, dtype=CLUSTERS)
    rows["duplicate"] = roots != documents
    rows["first_document"] = roots
    rows["cluster_size"] = sizes[roots]
    return rows


def _steps(start: int, stop: int, step: int) -> Iterator[tuple[int, int]]:
    for begin in range(start, stop, step):
        yield begin, min(begin + step, stop)
