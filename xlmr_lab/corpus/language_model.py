"""N-gram language models over ids, stored as hash tables and asked for many texts at once.

A model is in back-off form, as in an ARPA file: log10 P(w | h) is that of the longest n-gram found,
plus the back-off weights of the longer contexts. `kneser_ney` estimates one from text, `arpa` reads
one from a file.

An n-gram is a slot in the table of its order; its key is the slot of its first n - 1 words times
the size of the vocabulary plus its last word, so nothing is approximate. A text is looked up order
by order, for all its positions at once. Files are memory-mapped NumPy arrays; the same text gives
the same bytes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xlmr_lab import storage
from xlmr_lab.errors import UserError

Ids = npt.NDArray[np.integer]
Floats = npt.NDArray[np.floating]

RECORD_NAME = "language_model.json"

BATCH_TOKENS = 1 << 17
"""Tokens that are scored together; no result depends on it."""

_SLOT = np.dtype([("key", "<u8"), ("log10_probability", "<f4"), ("log10_backoff", "<f4")])
_EMPTY = np.uint64(2**64 - 1)
_MULTIPLIERS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)


class Vocabulary(NamedTuple):
    """Which ids there are: 0 to `size` - 1, among them `<s>` and `</s>`."""

    size: int
    bos: int
    eos: int


class Table:
    """The n-grams of one order, by the slot of their context and their last word.

    Open addressing with the entries in the order of their hashes: an entry stands at its home,
    which is proportional to its hash, or in the next free slot, so a search ends at the first
    larger hash.
    """

    def __init__(self, slots: npt.NDArray[np.void], num_homes: int, num_words: int) -> None:
        self.slots = slots
        self.num_homes = num_homes
        self._num_words = np.uint64(num_words)
        self._keys = slots["key"]
        self.log10_probability = slots["log10_probability"]
        self.log10_backoff = slots["log10_backoff"]

    @classmethod
    def build(
        cls,
        contexts: Ids,
        words: Ids,
        num_words: int,
        *,
        log10_probability: Floats,
        log10_backoff: Floats,
    ) -> "Table":
        """Build the table of n-grams, all different."""
        hashes = _hashes(contexts, words, np.uint64(num_words))
        order = np.argsort(hashes, kind="stable")
        ordered, ranks = hashes[order], np.arange(len(hashes))
        num_homes = 3 * len(hashes) // 2 + 1
        places = np.maximum.accumulate(_homes(ordered, num_homes) - ranks) + ranks
        length = max(num_homes, int(places[-1]) + 1 if len(places) else 0) + 1
        assert not (ordered[1:] == ordered[:-1]).any(), "an n-gram twice"
        assert not len(ordered) or ordered[-1] != _EMPTY
        slots = np.zeros(length, dtype=_SLOT)
        slots["key"] = _EMPTY
        slots["key"][places] = ordered
        slots["log10_probability"][places] = log10_probability[order]
        slots["log10_backoff"][places] = log10_backoff[order]
        return cls(slots, num_homes, num_words)

    def find(self, contexts: Ids, words: Ids) -> npt.NDArray[np.int64]:
        """Return the slots of n-grams, -1 for those that are not there."""
        hashes = _hashes(contexts, words, self._num_words)
        places = _homes(hashes, self.num_homes)
        there = self._keys[places]
        found = np.where(there == hashes, places, -1)
        rows = np.flatnonzero(there < hashes)
        while len(rows):
            wanted, step = hashes[rows], places[rows] + 1
            places[rows] = step
            there = self._keys[step]
            equal = there == wanted
            found[rows[equal]] = step[equal]
            rows = rows[there < wanted]
        return found


class LanguageModel:
    """A back-off model: log-probabilities by id, and a table for each order from two."""

    def __init__(
        self, vocabulary: Vocabulary, unigrams: npt.NDArray[np.void], tables: Sequence[Table]
    ) -> None:
        self.vocabulary = vocabulary
        self.unigrams = unigrams
        self.tables = tuple(tables)

    def score(self, ids: Ids, lengths: Ids) -> npt.NDArray[np.float64]:
        """Return log10 P(text `</s>` | `<s>`) of each text; `ids` are the texts' one after the
        other.
        """
        ends = np.cumsum(lengths)
        scores = np.empty(len(lengths))
        first = start = 0
        while first < len(lengths):
            last = max(first + 1, int(np.searchsorted(ends, start + BATCH_TOKENS, side="right")))
            stop = int(ends[last - 1])
            scores[first:last] = self._batch(ids[start:stop], lengths[first:last])
            first, start = last, stop
        return scores

    def _batch(self, ids: Ids, lengths: Ids) -> npt.NDArray[np.float64]:
        stream, starts = stream_of(ids, lengths, self.vocabulary)
        is_start = np.zeros(len(stream) + 1, dtype=bool)
        is_start[starts] = is_start[-1] = True
        logs = self.unigrams["log10_probability"][stream].astype(np.float64)
        logs[starts] = 0
        positions = np.flatnonzero(~is_start[:-1])
        contexts, backoffs = stream[positions - 1], self.unigrams["log10_backoff"]
        for table in self.tables:
            slots = table.find(contexts, stream[positions])
            hit = slots >= 0
            missed = ~hit
            logs[positions[missed]] += backoffs[contexts[missed]]
            slots, positions = slots[hit], positions[hit]
            logs[positions] = table.log10_probability[slots]
            goes_on = ~is_start[positions + 1]
            contexts, positions = slots[goes_on], positions[goes_on] + 1
            backoffs = table.log10_backoff
        return np.add.reduceat(logs, starts) if len(starts) else np.zeros(0)

    def save(self, folder: Path) -> None:
        """Write the model's files into a folder."""
        np.save(folder / "ngrams_1.npy", self.unigrams, allow_pickle=False)
        for n, table in enumerate(self.tables, 2):
            np.save(folder / f"ngrams_{n}.npy", table.slots, allow_pickle=False)
        record = {"vocabulary": self.vocabulary._asdict()}
        homes = [table.num_homes for table in self.tables]
        storage.write_json(folder / RECORD_NAME, record | {"num_homes": homes})

    @classmethod
    def load(cls, folder: Path) -> "LanguageModel":
        """Open what `save` wrote; pages are read as they are needed.

        Raises:
            UserError: a file is missing or damaged.
        """
        try:
            record = storage.read_json(folder / RECORD_NAME)
            vocabulary, homes = Vocabulary(**record["vocabulary"]), record["num_homes"]
            arrays = [
                np.asarray(np.load(folder / f"ngrams_{n}.npy", mmap_mode="r", allow_pickle=False))
                for n in range(1, len(homes) + 2)
            ]
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{folder} holds no language model ({error}); train it again") from None
        tables = [
            Table(array, num_homes, vocabulary.size)
            for array, num_homes in zip(arrays[1:], homes, strict=True)
        ]
        return cls(vocabulary, arrays[0], tables)


def unigram_slots(log10_probability: Floats, log10_backoff: Floats) -> npt.NDArray[np.void]:
    """Return the unigrams of a `LanguageModel`, by id."""
    slots = np.zeros(len(log10_probability), dtype=_SLOT)
    slots["log10_probability"], slots["log10_backoff"] = log10_probability, log10_backoff
    return slots


def stream_of(ids: Ids, lengths: Ids, vocabulary: Vocabulary) -> tuple[Ids, Ids]:
    """Return all texts between `<s>` and `</s>`, and where each begins."""
    ends = np.cumsum(np.asarray(lengths, dtype=np.int64) + 2)
    stream = np.full(int(ends[-1]) if len(ends) else 0, -1, dtype=np.int64)
    starts = ends - lengths - 2
    stream[starts], stream[ends - 1] = vocabulary.bos, vocabulary.eos
    stream[stream < 0] = ids
    return stream, starts


def _hashes(contexts: Ids, words: Ids, num_words: np.uint64) -> npt.NDArray[np.uint64]:
    """Return 64 well-mixed bits of each key, different for different keys."""
    keys = contexts.astype(np.uint64) * num_words + words.astype(np.uint64)
    keys *= _MULTIPLIERS[0]
    keys ^= keys >> _HALF
    keys *= _MULTIPLIERS[1]
    return keys


def _homes(hashes: npt.NDArray[np.uint64], num_homes: int) -> npt.NDArray[np.int64]:
    return ((hashes >> _HALF) * np.uint64(num_homes) >> _HALF).astype(np.int64)
