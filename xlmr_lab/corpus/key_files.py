"""Keys of paragraphs and documents in `.npy` files, read and written in parts, and divided into
ranges that fit in memory.

Files are read, not mapped: mapped pages count as memory of the process, and a budget could not be
kept.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from xlmr_lab.errors import UserError

Keys = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]

KEY_BYTES = 8

MIN_MEMORY_BYTES = 8 << 20
"""Least memory to find duplicates in."""

WORK_BYTES = 96
"""Memory that a key takes while its range is judged, at most."""

CACHE_KEYS = 1 << 18
"""Keys that are worked on at a time where memory allows more: sorting them stays in the cache."""

_MAX_BITS = 16


class KeyFile(NamedTuple):
    """An array of keys in a file, from `offset` on."""

    path: Path
    shape: tuple[int, ...]
    offset: int

    def read(self, start: int, stop: int) -> Keys:
        """Return the keys from `start` to `stop`, counted over all dimensions."""
        begin = self.offset + KEY_BYTES * start
        return np.fromfile(self.path, dtype=np.uint64, count=stop - start, offset=begin)


def open_keys(path: Path, *, dimensions: int) -> KeyFile:
    """Return where the keys of an `.npy` file are.

    Raises:
        UserError: the file is missing, holds no keys in these dimensions, or is cut short.
    """
    try:
        with path.open("rb") as file:
            np.lib.format.read_magic(file)
            shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
            offset = file.tell()
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read the keys {path} ({error}); measure again") from None
    if len(shape) != dimensions or dtype != np.dtype("<u8") or is_fortran:
        raise UserError(
            f"{path} must hold uint64 in {dimensions} dimension(s), got {dtype} of shape {shape}"
        )
    if path.stat().st_size != offset + KEY_BYTES * int(np.prod(shape)):
        raise UserError(f"{path} is cut short; delete it and measure again")
    return KeyFile(path, shape, offset)


def write_array(
    path: Path, dtype: np.dtype[Any], length: int, blocks: Iterable[npt.NDArray[Any]]
) -> None:
    """Write an `.npy` file of one dimension from its parts."""
    descr = np.lib.format.dtype_to_descr(dtype)
    header = {"descr": descr, "fortran_order": False, "shape": (length,)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            file.write(np.ascontiguousarray(block).data)


class KeyRanges:
    """Ranges of keys by their leading bits, so many that one fits in memory, and the blocks that
    keys are read in.
    """

    def __init__(self, num_keys: int, memory_bytes: int) -> None:
        self.block_keys = block_keys(memory_bytes)
        cached = min(num_keys // CACHE_KEYS, 255)
        needed = num_keys * 5 // 4 // self.block_keys  # ranges are not of quite the same size
        self.bits = max(1, cached.bit_length(), needed.bit_length())
        if self.bits > _MAX_BITS:
            least = num_keys * WORK_BYTES * 5 // 4 >> _MAX_BITS
            raise UserError(
                f"to find duplicates among {num_keys:,} keys takes {least / 1e6:,.0f} MB, "
                f"got {memory_bytes / 1e6:,.0f} MB; raise memory_bytes"
            )

    def of(self, keys: Keys) -> npt.NDArray[np.uint16]:
        """Return the range of each key."""
        return (keys >> np.uint64(64 - self.bits)).astype(np.uint16)

    def count(self, ranges: npt.NDArray[np.uint16]) -> Counts:
        """Return how many keys fall in each range."""
        return np.bincount(ranges, minlength=1 << self.bits)

    def blocks(self, file: KeyFile) -> Iterator[Keys]:
        """Yield the keys of a file, some at a time."""
        step = min(self.block_keys, CACHE_KEYS)
        for start in range(0, file.shape[0], step):
            yield file.read(start, min(start + step, file.shape[0]))

    def slices(self, ranges: npt.NDArray[np.uint16]) -> Iterator[tuple[int, int, int]]:
        """Yield number, begin and end of each range that has keys among those of a sorted block."""
        counts = self.count(ranges)
        ends = np.cumsum(counts)
        for number in np.flatnonzero(counts).tolist():
            yield number, int(ends[number] - counts[number]), int(ends[number])


def block_keys(memory_bytes: int) -> int:
    """Return how many keys can be judged at a time.

    Raises:
        UserError: memory is below the least.
    """
    if memory_bytes < MIN_MEMORY_BYTES:
        raise UserError(f"memory_bytes must be at least {MIN_MEMORY_BYTES:,}, got {memory_bytes:,}")
    return memory_bytes // WORK_BYTES
