"""Exact paragraph deduplication: keys that never change, and duplicates among any number of them.

Two paragraphs are the same when they agree in CCNet's normal form (CCNet Sec. 3.2): lower case,
every digit 0, no listed punctuation, no control characters. The form is hashed to 64 bits of XXH3,
so that keys are the same on every machine, and between versions of Python unless one of them does
not know a character's case yet; of a hundred million paragraphs the chance that any two differing
ones share a key is about 3 in 10,000.

Duplicates are found over all pieces of a corpus at once, which CCNet's groups of shards are not,
and within a given memory: keys are spilled by ranges of their value, each range is judged by
itself, and the verdicts go back to the pieces. Near-duplicates are in `near_duplicates`.
"""

import functools
import hashlib
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl
import xxhash

from xlmr_lab import storage
from xlmr_lab.corpus.key_files import Counts, KeyFile, KeyRanges, Keys, open_keys, write_array

Flags = npt.NDArray[np.bool_]

Keep = Literal["first", "none"]
"""Which of equal paragraphs is kept: the first, or none at all (the two passes of CCNet)."""

PUNCTUATION = (
    "\uff0c\u3002\u3001\u201e\u201d\u201c\u00ab\u00bb\uff11\u300d\u300c\u300a\u300b\u00b4\u2236\uff1a"
    "\uff1f\uff01\uff08\uff09\uff1b\u2013\u2014\uff0e\uff5e\u2019\u2026\u2501\u3008\u3009\u3010\u3011"
    "\uff05\u25ba"
)
"""The marks that CCNet drops: CJK punctuation, quotation marks, dashes; FULLWIDTH DIGIT ONE is a
slip of its table.
"""

_DROPPED = rf"[{PUNCTUATION}\x00-\x1f\x7f-\x9f]"

ROWS_AT_ONCE = 1024
"""Paragraphs whose keys are made at a time, so that they stay in the cache."""

_FILTER_BITS = 20
_FILTERED = np.uint64((1 << _FILTER_BITS) - 1)
"""The trailing bits of a key that a table of a megabyte is asked by, before any search: few keys of
most corpora occur more than once."""

_LOWERED_BY_CONTEXT = "[\u03a3\u0130]"
"""GREEK CAPITAL LETTER SIGMA, which is lowered by its place in a word, and LATIN CAPITAL LETTER I
WITH DOT ABOVE, which becomes two characters.
"""

_NUM_CASED = 0x20000  # no character from here on has case or is a digit
_DROP = 0x110000  # no character
_DROP_UNIT = 0xFFFF  # no character of a text that is worth the quicker way


def normal_form(text: pl.Expr) -> pl.Expr:
    """Return paragraphs in the form in which duplicates are equal."""
    lowered = text.str.strip_chars().str.to_lowercase()
    return lowered.str.replace_all(r"\d", "0").str.replace_all(_DROPPED, "")


def paragraph_keys(paragraphs: pl.Series) -> pl.Series:
    """Return the 64-bit key of each paragraph: XXH3 of the UTF-8 of its normal form.

    The form is made by a table over all characters of many paragraphs at once, which is faster than
    `normal_form` and gives the same.
    """
    stripped = paragraphs.str.strip_chars()
    lines = stripped.cast(pl.Binary).to_list()
    special = stripped.str.contains(_LOWERED_BY_CONTEXT)
    lowered = stripped.filter(special).str.to_lowercase().cast(pl.Binary).to_list()
    for row, line in zip(special.arg_true().to_list(), lowered, strict=True):
        lines[row] = line
    keys = np.empty(len(lines), dtype=np.uint64)
    for start in range(0, len(lines), ROWS_AT_ONCE):
        forms = _normal_forms(lines[start : start + ROWS_AT_ONCE])
        keys[start : start + len(forms)] = list(map(xxhash.xxh3_64_intdigest, forms))
    return pl.Series("key", keys, dtype=pl.UInt64)


def _normal_forms(lines: Sequence[bytes]) -> list[bytes]:
    """Return the UTF-8 of the normal forms of paragraphs without white space around them."""
    joined = b"\n".join(lines)
    if joined.count(b"\n") >= len(lines):  # some have line feeds inside
        joined = b"\n".join([line.replace(b"\n", b"") for line in lines])
    if joined.isascii():
        return joined.translate(*_folds_ascii()).split(b"\n")
    text = joined.decode()
    units = np.frombuffer(text.encode("utf-16-le"), dtype="<u2")
    if chr(_DROP_UNIT) in text or (len(units) > len(text) and _folds_pairs()[units].any()):
        folded = _folds()[np.frombuffer(text.encode("utf-32-le"), dtype="<u4")]
        form = str(folded[folded != _DROP].data, "utf-32-le")
    else:  # half the memory, and most text has no character that needs the other way
        folded = _folds_units().take(units)
        form = str(folded[folded != _DROP_UNIT].data, "utf-16-le")
    return form.encode().split(b"\n")


@functools.cache
def _folds_ascii() -> tuple[bytes, bytes]:
    """Return a table for bytes below 128, and the bytes that are dropped."""
    folds = _folds()[:256]
    dropped = folds == _DROP
    return np.where(dropped, 0, folds).astype(np.uint8).tobytes(), bytes(np.flatnonzero(dropped))


@functools.cache
def _folds_units() -> npt.NDArray[np.uint16]:
    """Return `_folds` of the units of UTF-16; those of pairs stay."""
    folds = _folds()[:0x10000].copy()
    folds[folds == _DROP] = _DROP_UNIT
    return folds.astype("<u2")


@functools.cache
def _folds_pairs() -> Flags:
    """Return for each unit of UTF-16 if it begins a pair of which some character is folded."""
    codes = np.flatnonzero(_folds()[0x10000:] != np.arange(0x10000, sys.maxunicode + 1))
    folded = np.zeros(0x10000, dtype=bool)
    folded[0xD800 + (codes >> 10)] = True
    return folded


@functools.cache
def _folds() -> npt.NDArray[np.uint32]:
    """Return the character that stands for each in the normal form; line feeds stay."""
    folds = np.arange(sys.maxunicode + 1, dtype="<u4")
    for code in range(_NUM_CASED):
        character = chr(code)
        is_digit = unicodedata.category(character) == "Nd"
        lowered = "0" if is_digit else character.lower()
        folds[code] = ord(lowered) if len(lowered) == 1 else code
    dropped = [ord(mark) for mark in PUNCTUATION if folds[ord(mark)] != ord("0")]
    folds[[*dropped, *range(0x20), *range(0x7F, 0xA0)]] = _DROP
    folds[ord("\n")] = ord("\n")
    return folds


def salt(language: str) -> int:
    """Return what keys of a language are combined with, so that they differ from any other's."""
    digest = hashlib.blake2b(language.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def repeats(keys: pl.Series, documents: pl.Series) -> pl.Series:
    """Return which paragraphs repeat an earlier one of the same document.

    CCNet drops these first, whatever is kept of the others: a paragraph that only one document has,
    twice, is not lost. Keys and numbers of documents are joined by a hash, of 64 bits as well.
    """
    numbers = documents.cast(pl.UInt64).to_numpy() * np.uint64(0x9E3779B97F4A7C15)
    return ~pl.Series("repeat", keys.to_numpy() ^ numbers).is_first_distinct()


def find_duplicates(
    key_files: Sequence[Path], folder: Path, *, keep: Keep, memory_bytes: int
) -> list[Path]:
    """Write into `folder` which paragraphs to drop, a file `000000.npy` of flags for each key file.

    A key file is the `.npy` of one piece's keys; the order of pieces, then of rows, says which copy
    is the first. The folder appears when it is complete and replaces an older one, and what is in
    it depends on the keys and `keep` alone. `memory_bytes` bounds the arrays, however many keys
    there are; the interpreter and its libraries come on top.

    Raises:
        UserError: a key file is missing or broken, memory or disk is too small.
    """
    files = [open_keys(path, dimensions=1) for path in key_files]
    num_keys = sum(file.shape[0] for file in files)
    storage.require_space(folder, 10 * num_keys, "deduplication")
    ranges = KeyRanges(num_keys, memory_bytes)
    with storage.atomic_folder(folder) as partial:
        keys, flags = partial / "keys", partial / "flags"
        starts = _spill(files, keys, ranges)
        _judge(keys, flags, starts, ranges, keep)
        names = [f"{number:06d}.npy" for number in range(len(files))]
        with flags.open("rb") as judged:
            cursor = starts[:-1].copy()
            for file, name in zip(files, names, strict=True):
                blocks = (_collect(b, ranges, judged.fileno(), cursor) for b in ranges.blocks(file))
                write_array(partial / name, np.dtype(bool), file.shape[0], blocks)
        keys.unlink()
        flags.unlink()
    return [folder / name for name in names]


def _spill(files: Sequence[KeyFile], path: Path, ranges: KeyRanges) -> Counts:
    """Write all keys, range by range, and return where the ranges start, and the end."""
    counts = np.zeros(1 << ranges.bits, dtype=np.int64)
    for file in files:
        for block in ranges.blocks(file):
            counts += ranges.count(ranges.of(block))
    starts = np.concatenate([[0], np.cumsum(counts)])
    cursor = starts[:-1].copy()
    with path.open("wb") as spilled:
        for file in files:
            for block in ranges.blocks(file):
                where = ranges.of(block)
                ordered = block[np.argsort(where, kind="stable")]
                for number, begin, end in ranges.slices(where):
                    spilled.seek(8 * int(cursor[number]))
                    spilled.write(ordered[begin:end].data)
                    cursor[number] += end - begin
    return starts


def _judge(keys: Path, flags: Path, starts: Counts, ranges: KeyRanges, keep: Keep) -> None:
    """Write a flag for each spilled key."""
    spilled = KeyFile(keys, (int(starts[-1]),), 0)
    with flags.open("wb") as judged:
        for start, stop in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):

            def blocks(start: int = start, stop: int = stop) -> Iterator[Keys]:
                for begin in range(start, stop, ranges.block_keys):
                    yield spilled.read(begin, min(begin + ranges.block_keys, stop))

            for block in _duplicates(blocks, keep):
                judged.write(block.data)


def _duplicates(blocks: Callable[[], Iterable[Keys]], keep: Keep) -> Iterator[Flags]:
    """Yield for blocks of keys which are to be dropped; memory grows with the distinct ones."""
    repeated = _repeated(blocks())
    possible = np.zeros(1 << _FILTER_BITS, dtype=bool)
    possible[repeated & _FILTERED] = True
    kept = np.zeros(len(repeated), dtype=bool)
    for block in blocks():
        rows = np.flatnonzero(possible[block & _FILTERED])
        places = np.searchsorted(repeated, block[rows])
        places[places == len(repeated)] = 0
        equal = repeated[places] == block[rows]
        rows, places = rows[equal], places[equal]
        dropped = np.zeros(len(block), dtype=bool)
        dropped[rows] = True
        if keep == "first":
            first = np.full(len(repeated), -1)
            # Of several rows the last one written stays: the first.
            first[places[::-1]] = rows[::-1]
            dropped[first[(first >= 0) & ~kept]] = False
            kept |= first >= 0
        yield dropped


def _repeated(blocks: Iterable[Keys]) -> Keys:
    """Return the keys that occur more than once, sorted."""
    seen = repeated = np.empty(0, dtype=np.uint64)
    for block in blocks:
        block.sort()
        again = block[1:][block[1:] == block[:-1]]
        if len(seen):
            distinct = _distinct(block)
            places = np.minimum(np.searchsorted(seen, distinct), len(seen) - 1)
            known = seen[places] == distinct
            again = np.concatenate([repeated, again, distinct[known]])
            again.sort()
            seen = np.sort(np.concatenate([seen, distinct[~known]]))
        else:
            seen = _distinct(block)
        repeated = _distinct(again)
    return repeated


def _distinct(ordered: Keys) -> Keys:
    """Return sorted keys, each once."""
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)]]


def _collect(block: Keys, ranges: KeyRanges, judged: int, cursor: Counts) -> Flags:
    """Return the flags of a block of a piece, from where the ranges' cursors stand."""
    where = ranges.of(block)
    parts = []
    for number, begin, end in ranges.slices(where):
        parts.append(os.pread(judged, end - begin, int(cursor[number])))
        cursor[number] += end - begin
    flags = np.empty(len(block), dtype=bool)
    flags[np.argsort(where, kind="stable")] = np.frombuffer(b"".join(parts), dtype=bool)
    return flags
