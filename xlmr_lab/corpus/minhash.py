"""MinHash: signatures of documents that agree the more, the more alike the documents are.

A document is the set of its shingles, runs of words in lower case with every digit 0; where a
document is written without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese), runs of
characters. Punctuation and symbols divide words and count for nothing. The share of equal values in
two signatures estimates the Jaccard similarity of the two sets (Broder 1997, "On the resemblance
and containment of documents"). Values are gathered in bands, and documents that agree in all values
of a band are candidates for near-duplicates; the defaults, 14 bands of 8, are those of datatrove.

Everything is arithmetic on 64-bit integers over whole arrays of characters, the same on every
machine. What is a letter is asked of Python's Unicode tables: keys can differ between Python
versions in characters that one of them does not know yet.
"""

import dataclasses
import functools
import unicodedata
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from xlmr_lab import seeds
from xlmr_lab.corpus.key_files import Keys
from xlmr_lab.errors import UserError

Numbers = npt.NDArray[np.int64]

NO_KEY = 0
"""The key of a document without a word, which is nobody's duplicate."""

SLICE_BYTES = 1 << 18
"""Text whose shingles are worked on at a time (bytes of UTF-8), so that they stay in the cache."""

_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # ideographic iteration, closing mark and zero
    (0x3040, 0x312F),  # Hiragana, Katakana, Bopomofo
    (0x31F0, 0x31FF),  # Katakana
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xA9E0, 0xA9FF),  # Myanmar
    (0xAA60, 0xAA7F),
    (0xF900, 0xFAFF),  # Han
    (0xFF66, 0xFF9F),  # Katakana
    (0x20000, 0x3FFFF),  # Han
)
"""Blocks of scripts that set no spaces between words; each of their letters is a word here."""

_NUM_CHARACTERS = 0x40000  # planes 0 to 3: all letters

_BREAK, _WORD, _LETTER, _MARK = range(4)
"""What a character is: none of a word, part of one, a letter of an unspaced script, its mark."""

_BEGINS = np.array(
    [
        [False, True, True, True],
        [False, False, True, True],
        [False, True, True, False],
        [False, True, True, False],
    ]
)
"""Whether a word begins, by the character before and its first character."""

_SEED = 0
_ROLL = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class NearDuplicateConfig:
    """What a document's signature is made of."""

    shingle_words: int = 5
    """Words in a shingle."""
    shingle_characters: int = 10
    """Characters in a shingle of a document whose script sets no spaces."""
    bands: int = 14
    """Bands; documents that agree in one are joined."""
    band_hashes: int = 8
    """MinHash values in a band."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if getattr(self, field.name) < 1:
                raise UserError(
                    f"near_duplicates.{field.name} must be at least 1, "
                    f"got {getattr(self, field.name)}"
                )


def probability(similarity: float, config: NearDuplicateConfig) -> float:
    """Return how likely two documents of a Jaccard similarity are candidates.

    >>> config = NearDuplicateConfig()
    >>> [round(probability(s, config), 2) for s in (0.5, 0.71, 0.85)]
    [0.05, 0.61, 0.99]
    """
    return float(1 - (1 - similarity**config.band_hashes) ** config.bands)


def band_keys(texts: pl.Series, *, config: NearDuplicateConfig) -> Keys:
    """Return the keys [bands, documents]: documents with an equal key in a band are candidates."""
    values = signatures(texts, config=config)
    is_empty = (values == np.iinfo(np.uint64).max).all(axis=1)
    keys = np.zeros((config.bands, len(texts)), dtype=np.uint64)
    for band, key in enumerate(keys):
        for column in range(band * config.band_hashes, (band + 1) * config.band_hashes):
            key *= _ROLL
            key += values[:, column]
            _mix(key)
        key[key == NO_KEY] = 1
        key[is_empty] = NO_KEY
    return keys


def signatures(texts: pl.Series, *, config: NearDuplicateConfig) -> Keys:
    """Return the MinHash values [documents, bands * band_hashes]; all ones where there is no
    word.
    """
    num_hashes = config.bands * config.band_hashes
    factors = seeds.generator(_SEED, "minhash").integers(
        0, 2**64, size=num_hashes, dtype=np.uint64
    ) | np.uint64(1)
    values = np.full((len(texts), num_hashes), np.iinfo(np.uint64).max, dtype=np.uint64)
    for start, stop in _slices(texts):
        for rows, shingles, begins in _shingles(texts[start:stop], config):
            products = np.empty_like(shingles)
            for column, factor in enumerate(factors):
                np.multiply(shingles, factor, out=products)
                values[start + rows, column] = np.minimum.reduceat(products, begins)
    return values


def similarity(left: Keys, right: Keys) -> float:
    """Estimate the Jaccard similarity of two documents from their signatures."""
    return float(np.mean(left == right))


def _slices(texts: pl.Series) -> Iterator[tuple[int, int]]:
    """Yield begin and end of runs of texts with about `SLICE_BYTES`."""
    ends = texts.str.len_bytes().cast(pl.Int64).cum_sum().to_numpy()
    start = 0
    while start < len(texts):
        limit = (ends[start - 1] if start else 0) + SLICE_BYTES
        stop = max(start + 1, int(np.searchsorted(ends, limit, side="right")))
        yield start, stop
        start = stop


def _shingles(
    texts: pl.Series, config: NearDuplicateConfig
) -> Iterator[tuple[Numbers, Keys, Numbers]]:
    """Yield rows, the shingles' hashes, and where in them each row begins; rows without words are
    left out.
    """
    tokens, counts, is_unspaced = _tokens(texts)
    belongs = np.repeat(is_unspaced, counts)
    for chosen, size in ((False, config.shingle_words), (True, config.shingle_characters)):
        rows = np.flatnonzero((counts > 0) & (is_unspaced == chosen))
        if len(rows):
            shingles, begins = _rolled(tokens[belongs == chosen], counts[rows], size)
            yield rows, shingles, begins


def _tokens(texts: pl.Series) -> tuple[Keys, Numbers, npt.NDArray[np.bool_]]:
    """Return the hashes of all words, how many each text has, and which texts have most of them in
    scripts without spaces.
    """
    characters = np.frombuffer("\n".join(texts.to_list()).encode("utf-32-le"), dtype="<u4")
    classes, values = _tables()
    characters = np.minimum(characters, _NUM_CHARACTERS - 1)
    kinds = classes[characters]
    begins = np.flatnonzero(_BEGINS[np.concatenate([[_BREAK], kinds[:-1]]), kinds])
    hashes = _hashed(values[characters], begins)
    ends = np.cumsum(texts.str.len_chars().cast(pl.Int64).to_numpy() + 1)
    bounds = np.concatenate([[0], np.searchsorted(begins, ends)])
    letters = np.concatenate([[0], np.cumsum(kinds[begins] == _LETTER)])
    counts = np.diff(bounds)
    return hashes, counts, 2 * np.diff(letters[bounds]) > counts


def _hashed(values: Keys, begins: Numbers) -> Keys:
    """Return a hash of each run of values from one begin to the next: a polynomial, mixed."""
    if not len(begins):
        return np.empty(0, dtype=np.uint64)
    lengths = np.diff(begins, append=len(values))
    places = np.arange(begins[0], len(values)) - np.repeat(begins, lengths)
    powers = np.full(int(lengths.max()), _ROLL)
    powers[0] = 1
    np.multiply.accumulate(powers, out=powers)
    hashes = np.add.reduceat(values[begins[0] :] * powers[places], begins - begins[0])
    _mix(hashes)
    return hashes


@functools.cache
def _tables() -> tuple[npt.NDArray[np.uint8], Keys]:
    """Return for each character what it is and its value: the same for capital and small letters
    and for all digits, zero outside of words.
    """
    classes = np.zeros(_NUM_CHARACTERS, dtype=np.uint8)
    folded = np.zeros(_NUM_CHARACTERS, dtype=np.uint64)
    is_mark = np.zeros(_NUM_CHARACTERS, dtype=bool)
    for code in range(_NUM_CHARACTERS):
        category = unicodedata.category(chr(code))
        if category[0] in "LMN":
            classes[code] = _WORD
            folded[code] = ord("0" if category == "Nd" else chr(code).lower()[0])
            is_mark[code] = category[0] == "M"
    for first, last in _UNSPACED:
        block = classes[first : last + 1]
        marks = is_mark[first : last + 1]
        block[block == _WORD] = np.where(marks[block == _WORD], _MARK, _LETTER)
    _mix(folded)
    return classes, folded


def _rolled(tokens: Keys, counts: Numbers, size: int) -> tuple[Keys, Numbers]:
    """Return the hash of each run of `size` tokens of each document, and where documents begin.

    A document with fewer tokens is a single run.
    """
    padded = np.maximum(counts, size)
    ends = np.cumsum(padded)
    places = np.arange(len(tokens)) + np.repeat(
        ends - padded - (np.cumsum(counts) - counts), counts
    )
    line = np.zeros(int(ends[-1]), dtype=np.uint64)
    line[places] = tokens
    runs = line[size - 1 :].copy()
    for back in range(1, size):
        power = np.uint64(pow(int(_ROLL), back, 2**64))
        runs += line[size - 1 - back : len(line) - back] * power
    num_runs = padded - (size - 1)
    begins = np.cumsum(num_runs) - num_runs
    starts = np.arange(int(num_runs.sum())) + np.repeat(ends - padded - begins, num_runs)
    shingles = runs[starts]
    _mix(shingles)
    return shingles, begins


def _mix(values: Keys) -> None:
    """Spread every bit over all, in place (the finaliser of SplitMix64)."""
    values ^= values >> np.uint64(30)
    values *= _MIX[0]
    values ^= values >> np.uint64(27)
    values *= _MIX[1]
    values ^= values >> np.uint64(31)
