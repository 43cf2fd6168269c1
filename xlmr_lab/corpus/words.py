"""Texts divided into characters and words, many at a time, with a hash of every run of them.

Words are divided by white space and compared without case, punctuation and symbols; in scripts that
write no spaces each letter with its marks is a word, and `LETTERS_PER_WORD` of them count as one.
Hashes are made of code points by integer arithmetic alone, the same on every machine; the kinds of
characters are those of Python's Unicode tables.
"""

import functools
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.signedinteger[Any]]

SPACE, BREAK, SYMBOL, STOP, QUOTE, BRACKET, DIGIT, MARK, LETTER, HAN, INDIC, THAI, SIGN = range(13)
"""Kinds of characters, of words from DIGIT on; SIGN is a mark in a script without spaces."""

LETTERS_PER_WORD = np.array([1, 2, 4, 4])
"""How many letters make a word: with spaces, Han and kana, Indic without spaces, Thai and Lao."""

BLOCK_CHARACTERS = 1 << 18
"""Characters that are looked at together, to fit the processor's cache; no result depends on it."""

_WITHOUT_SPACES = (
    (HAN, 0x3041, 0x3130), (HAN, 0x31A0, 0x3200), (HAN, 0x3400, 0xA000), (HAN, 0xF900, 0xFB00),
    (HAN, 0xFF66, 0xFFA0), (HAN, 0x20000, 0x32400), (THAI, 0x0E00, 0x0F00),
    (INDIC, 0x0F00, 0x10A0), (INDIC, 0x1780, 0x1800), (INDIC, 0xA980, 0xAA00),
)  # fmt: skip  # kana to Han; Thai, Lao; Tibetan, Burmese; Khmer; Javanese

STOPS = (
    ".!?\u2026\u203c\u2047\u2048\u2049\u0589\u061f\u06d4\u0700\u0701\u0702\u0964\u0965\u1361\u1362"
    "\u1367\u1368\u104b\u17d4\u17d5\u0f0d\u0f0e\u1803\u1809\u166e\u3002\uff0e\uff61\uff01\uff1f"
)  # from FULL STOP and ELLIPSIS over Armenian, Arabic, Devanagari to full width
_KINDS = {"L": LETTER, "M": MARK, "N": DIGIT, "Z": SPACE, "Cc": SPACE, "Cf": SYMBOL} | {
    "P": SYMBOL, "S": SYMBOL, "Pi": QUOTE, "Pf": QUOTE, "Pe": BRACKET
}  # fmt: skip

_MULTIPLIER = 0x9E3779B97F4A7C15


class Words(NamedTuple):
    """Texts, each ended by a line feed, as characters and as words.

    `starts` are the first characters of the texts and `bounds` their first words, both with the
    end; `tokens` are first character and end of all that stands between spaces; `rank` counts the
    characters of words before each; `counts` is the number of words by text and writing.
    """

    codes: npt.NDArray[np.uint32]
    kinds: npt.NDArray[np.uint8]
    starts: Places
    tokens: tuple[Places, Places]
    rank: Places
    hashes: Hashes
    sizes: Places
    texts: Places
    bounds: Places
    counts: npt.NDArray[np.float64]
    sums: tuple[Hashes, Hashes]

    def spans(self, first: Places, last: Places) -> Hashes:
        """Hash the characters of words, in lower case, from the places `first` up to `last`."""
        return _between(self.sums[0], self.rank[first], self.rank[last])

    def ngrams(self, places: Places, num_words: Places) -> Hashes:
        """Hash `num_words` words from each place."""
        return _between(self.sums[1], places, places + num_words)

    def units(self) -> Places:
        """Return how many words of a text, by the writing of most of it, count as one."""
        return LETTERS_PER_WORD[self.counts.argmax(axis=1)]


def blocks(texts: Sequence[str]) -> Iterator[Words]:
    """Yield the words of so many texts at a time as make up a block."""
    ends, first = np.cumsum([len(text) + 1 for text in texts]), 0
    while first < len(texts):
        limit = BLOCK_CHARACTERS + (ends[first - 1] if first else 0)
        last = max(first + 1, int(np.searchsorted(ends, limit, "right")))
        yield divide(texts[first:last])
        first = last


def divide(texts: Sequence[str]) -> Words:
    """Divide texts into words."""
    codes = np.frombuffer("".join(f"{text}\n" for text in texts).encode("utf-32-le"), dtype="<u4")
    starts = before(np.array([len(text) + 1 for text in texts]))
    all_kinds, all_values = _tables()
    kinds = all_kinds.take(codes)
    inside = kinds >= DIGIT
    rank, sums = before(inside.view(np.int8)), _sums(all_values.take(np.compress(inside, codes)))
    first, last = tokens = _tokens(kinds)
    is_word = rank[first] < rank[last]
    first, last = first[is_word], last[is_word]
    bounds = np.searchsorted(first, starts)
    owners = np.repeat(np.arange(len(texts)), np.diff(bounds))
    writing = (kinds[first] % SIGN).clip(LETTER) - LETTER  # a lone SIGN is like a LETTER
    counts = np.bincount(4 * owners + writing, minlength=4 * len(texts))
    hashes, sizes = _between(sums, rank[first], rank[last]), rank[last] - rank[first]
    counts, both = counts.reshape(-1, 4) / LETTERS_PER_WORD, (sums, _sums(hashes))
    return Words(codes, kinds, starts, tokens, rank, hashes, sizes, owners, bounds, counts, both)


def _tokens(kinds: npt.NDArray[np.uint8]) -> tuple[Places, Places]:
    """Return where runs without spaces begin and end, letters of scripts without spaces alone."""
    blank, alone, attached = kinds <= BREAK, kinds >= HAN, (kinds == SIGN) | (kinds == MARK)
    first = ~blank
    first[1:] &= blank[:-1] | ((alone[1:] | alone[:-1]) & ~attached[1:])
    last = ~blank
    last[:-1] &= blank[1:] | first[1:]
    return np.flatnonzero(first), np.flatnonzero(last) + 1


def before(numbers: npt.NDArray[Any]) -> Places:
    """Return the sums of the numbers before each place, and of all."""
    sums = np.zeros(len(numbers) + 1, dtype=np.int32)
    np.cumsum(numbers, dtype=np.int32, out=sums[1:])
    return sums


def _sums(values: Hashes) -> Hashes:
    """Return the sums from which `_between` takes the hash of any run of values."""
    sums = np.zeros(len(values) + 1, dtype=np.uint64)
    powers = _powers(_MULTIPLIER, max(len(sums), BLOCK_CHARACTERS).bit_length())
    np.multiply(values, powers[: len(values)], out=sums[1:])
    return np.cumsum(sums, out=sums)


def _between(sums: Hashes, first: Places, last: Places) -> Hashes:
    bits = max(len(sums), BLOCK_CHARACTERS).bit_length()
    return mixed((sums[last] - sums[first]) * _powers(pow(_MULTIPLIER, -1, 1 << 64), bits)[first])


@functools.lru_cache(maxsize=8)
def _powers(factor: int, bits: int) -> Hashes:
    powers = np.full(1 << bits, factor, dtype=np.uint64)
    powers[0] = 1
    return np.cumprod(powers, out=powers)


def mixed(values: Hashes) -> Hashes:
    """Return numbers so mixed that each bit depends on all (the finisher of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


@functools.cache
def _tables() -> tuple[npt.NDArray[np.uint8], Hashes]:
    """Return the kind of each code point, and a number for its lower case."""
    kinds, lower = np.full(0x110000, SYMBOL, dtype=np.uint8), np.arange(0x110000, dtype=np.uint64)
    for code in range(0x32400):
        character = chr(code)
        category, small = unicodedata.category(character), character.lower()
        kinds[code] = _KINDS.get(category, _KINDS.get(category[0], SYMBOL))
        lower[code] = ord(small) if len(small) == 1 else code
    for kind, start, stop in _WITHOUT_SPACES:
        block = kinds[start:stop]
        block[block == LETTER], block[block == MARK] = kind, SIGN
    for kind, characters in ((STOP, STOPS), (QUOTE, "\"'\u300d\u300f"), (BREAK, "\n")):
        kinds[[ord(character) for character in characters]] = kind
    return kinds, mixed(lower)
