"""How much memory the training of a vocabulary will take, and whether it is there.

The need is a sum: what a trainer holds of the text, of each character of it, of each character of a
distinct word, and of each candidate or id. The constants were fitted to the growth of the resident
memory of one process per run (`tests/benchmarks/vocabulary_memory.py`, SentencePiece 0.2.3 and
tokenizers 0.23.3): real text of ninety languages (5 to 100 MB), of scripts without spaces, of
English, and random words that never come again; 8k to 250k ids. They are set so that no run took
more than was predicted; natural text takes half of it or more. How many words are distinct is
measured before (`TextCounts.new_words`), because BPE and WordPiece hold those alone. Users of older
SentencePiece reported 70 GB for ten million sentences, some 45 bytes a character.

A plan that needs too much is refused with settings that fit and can be trained with: the largest
sample, and as many ids as its words surely support.
"""

import bisect
import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from xlmr_lab.errors import UserError
from xlmr_lab.machine_memory import told
from xlmr_lab.vocabulary.sentencepiece_trainer import needs_large_indices, num_seeds
from xlmr_lab.vocabulary.settings import LEAST_SIZE, Model, VocabularyConfig
from xlmr_lab.vocabulary.text_counts import TextCounts


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """Bytes of memory for each thing that a trainer holds."""

    text_byte: float
    sentence: float
    character: float
    """After normalisation, spaces included, repeats too."""
    distinct_character: float
    """Of distinct words, a space with each."""
    candidate: float
    """Of unigram training; else for each id."""


COSTS: dict[Model, Costs] = {
    "unigram": Costs(
        text_byte=1.0, sentence=60.0, character=20.0, distinct_character=20.0, candidate=320.0
    ),
    "bpe": Costs(
        text_byte=1.0, sentence=60.0, character=0.0, distinct_character=70.0, candidate=550.0
    ),
    "wordpiece": Costs(
        text_byte=0.0, sentence=0.0, character=0.0, distinct_character=100.0, candidate=550.0
    ),
}
FIXED_BYTES = 40_000_000
"""Libraries and tables, whatever the text."""
LARGE_TEXT = 2.0
"""Unigram training holds twice as much of each character with 64-bit indices."""
WORDS_PER_ID = 4
"""A text surely supports an id for so many distinct words. Unigram training took 2.7 at most, BPE
and WordPiece 1.1, of 3 kB to 2.7 MB of natural and invented text. What languages share is counted
in each of them."""
LEAST_SENTENCES = 20
"""So many of a language are left in a sample that is advised, unless it has fewer: with one, chance
may leave none."""


class SampledText:
    """How large a sample of some languages becomes in memory, whatever its size."""

    def __init__(self, counts: Mapping[str, TextCounts], shares: Mapping[str, float]) -> None:
        """Take the counts of each language's text and its share of the sample's bytes."""
        self._counts = counts
        self._shares = shares

    def passes(self, size_bytes: float) -> dict[str, float]:
        """Return how often each text stands in a sample of so many bytes."""
        return {
            key: share * size_bytes / self._counts[key].size.num_bytes
            for key, share in self._shares.items()
        }

    def num_characters(self, size_bytes: float) -> float:
        """Return the characters of a sample after normalisation, in expectation."""
        passes = self.passes(size_bytes)
        return sum(passes[key] * self._counts[key].num_characters for key in passes)

    def num_ids(self, size_bytes: float) -> int:
        """Return how large a vocabulary a sample of so many bytes surely supports (ids)."""
        passes = self.passes(size_bytes)
        words = sum(self._counts[key].least_words(passes[key]) for key in passes)
        return int(words / WORDS_PER_ID)

    def least_bytes(self) -> float:
        """Return the size of the smallest sample that leaves something of each language."""
        sizes = {key: counts.size for key, counts in self._counts.items()}
        return max(
            sizes[key].num_bytes * min(1.0, LEAST_SENTENCES / sizes[key].num_sentences) / share
            for key, share in self._shares.items()
        )

    def need(self, config: VocabularyConfig, size_bytes: float) -> int:
        """Return what training on a sample of so many bytes takes (bytes), besides what is held
        before it.
        """
        costs, passes = COSTS[config.model], self.passes(size_bytes)
        num_characters = self.num_characters(size_bytes)
        num_sentences = sum(passes[key] * self._counts[key].size.num_sentences for key in passes)
        distinct = sum(self._counts[key].distinct_characters(passes[key]) for key in passes)
        indexed = costs.character * num_characters + costs.distinct_character * distinct
        if needs_large_indices(config, num_characters):
            indexed *= LARGE_TEXT
        text = costs.text_byte * size_bytes + costs.sentence * num_sentences
        return round(_fixed(config) + text + indexed)


def require(
    text: SampledText,
    config: VocabularyConfig,
    size_bytes: float,
    *,
    least_size: int,
    available: int,
) -> int:
    """Return what training on a sample of so many bytes takes, if it may and can have that.

    `least_size` is what the letters of the text need (ids), `available` what the machine can give
    (bytes).

    Raises:
        UserError: it needs more than `config.memory_bytes` or more than `available`.
    """
    needed = text.need(config, size_bytes)
    limit = min(config.memory_bytes, available)
    if needed <= limit:
        return needed
    reason = (
        f"vocabulary.memory_bytes allows {told(config.memory_bytes)}"
        if config.memory_bytes <= available
        else f"the machine has {told(available)} to give"
    )
    least = dataclasses.replace(config, size=max(LEAST_SIZE, least_size))
    raise UserError(
        f"training this vocabulary needs about {told(needed, up=True)} of memory, {reason}; "
        + _remedy(text, config, least, int(size_bytes), limit, available)
    )


def _fixed(config: VocabularyConfig) -> float:
    """Return the bytes that are needed for any text."""
    candidates = num_seeds(config) if config.model == "unigram" else config.size
    return FIXED_BYTES + COSTS[config.model].candidate * candidates


def _remedy(
    text: SampledText,
    config: VocabularyConfig,
    least: VocabularyConfig,
    most_bytes: int,
    limit: int,
    available: int,
) -> str:
    """Return settings that fit into a limit and can be trained with, `least` or more ids."""
    least_bytes = min(most_bytes, math.ceil(text.least_bytes()))
    found = _fitting(text, config, least, range(least_bytes, most_bytes + 1), limit)
    if found is not None:
        size, num_bytes = found
        whole = num_bytes == most_bytes and size < config.size
        given = _settings(
            size=None if size == config.size else size, sample_bytes=None if whole else num_bytes
        )
        return f"set {given}" + (_larger(text, config, size, num_bytes, limit) if whole else "")
    needed = text.need(least, least_bytes)
    if needed > available:
        return f"no vocabulary of this text fits below {told(needed, up=True)}; free some memory"
    enough = _settings(memory_bytes=needed, size=least.size, sample_bytes=least_bytes)
    return f"the least for this text is {enough}"


def _fitting(
    text: SampledText,
    config: VocabularyConfig,
    least: VocabularyConfig,
    samples: range,
    limit: int,
) -> tuple[int, int] | None:
    """Return ids and bytes of the largest sample that fits into a limit with as many ids as it
    supports; of the smallest sample as many ids as fit, or None if they are fewer than `least`.
    """

    def ids(num_bytes: int) -> int:
        return min(config.size, max(least.size, text.num_ids(num_bytes)))

    def need(size: int, num_bytes: int) -> int:
        return text.need(dataclasses.replace(config, size=size), num_bytes)

    found = _largest(lambda n: need(ids(n), n), samples, limit)
    if found is not None:
        num_bytes = found if found == samples[-1] else max(samples[0], rounded(found))
        size = ids(num_bytes)
    else:
        num_bytes = samples[0]
        fewer = range(least.size, ids(num_bytes) + 1)
        fits = _largest(lambda n: need(n, num_bytes), fewer, limit)
        if fits is None:
            return None
        size = fits
    return size if size == config.size else max(least.size, rounded(size)), num_bytes


def _larger(
    text: SampledText, config: VocabularyConfig, size: int, num_bytes: int, limit: int
) -> str:
    """Say how many more ids would fit, where it is the text that may not support them."""
    most = _largest(
        lambda n: text.need(dataclasses.replace(config, size=n), num_bytes),
        range(size, config.size + 1),
        limit,
    )
    if most is None or rounded(most) <= size:
        return ""
    return (
        f", which this text surely supports; up to {rounded(most)} would fit, and where the text "
        "supports fewer, training tells how many"
    )


def _settings(**values: int | None) -> str:
    """Write the settings that have a value as they are given to a command."""
    given = {name: value for name, value in values.items() if value is not None}
    return " ".join(f"vocabulary.{name}={value}" for name, value in given.items())


def _largest(needed: Callable[[int], int], numbers: range, limit: int) -> int | None:
    """Return the largest of some numbers whose need is within the limit, if there is one."""
    count = bisect.bisect_right(numbers, limit, key=needed)
    return numbers[count - 1] if count else None


def rounded(number: int) -> int:
    """Return a number with all but its first three digits 0, no larger.

    >>> rounded(12_345)
    12300
    """
    unit = 10 ** max(0, len(str(number)) - 3)
    return number // unit * unit
