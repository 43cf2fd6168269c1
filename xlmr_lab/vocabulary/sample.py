"""The text that a vocabulary is trained on: paragraphs of each language, drawn by its share.

A language whose share of the sample is larger than its text is repeated, as XLM did, so shares are
kept at any size. They are kept too where `sample_sentences` is the tighter budget, or where even
the least repeated language would be read more than `MOST_PASSES` times: then the whole sample is
smaller. Which paragraphs are drawn depends on the seed and the language alone. The sample is never
held: the texts are read anew and each paragraph is handed on as it is drawn.
"""

import hashlib
import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from xlmr_lab import seeds
from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.preprocess import preprocess
from xlmr_lab.vocabulary.settings import Preprocessing, VocabularyConfig

logger = logging.getLogger(__name__)

LINE_CHARACTERS = 1000
"""Longer paragraphs are cut at a space: SentencePiece silently drops those above 4192 bytes."""
MOST_PASSES = 10
"""A language whose text stands in the sample more often than this is warned of; where all do, the
sample is made smaller, which changes no share."""
BATCH_LINES = 1000

Texts = Mapping[str, Callable[[], Iterator[str]]]


def paragraphs(text: str) -> Iterator[str]:
    """Yield the lines of a text that are not blank, cut at a space where longer than
    `LINE_CHARACTERS`."""
    for line in text.split("\n"):
        if not line or line.isspace():
            continue
        start = 0
        while len(line) - start > LINE_CHARACTERS:
            cut = line.rfind(" ", start + 1, start + LINE_CHARACTERS)
            end = cut if cut > 0 else start + LINE_CHARACTERS
            yield line[start:end]
            start = end
        yield line[start:]


def prepared(texts: Iterable[str], language: str, preprocessing: Preprocessing) -> Iterator[str]:
    """Yield the paragraphs of a language as its vocabulary will see them.

    Raises:
        UserError: the preprocessing lacks a library.
    """
    lines = (line for text in texts for line in paragraphs(text))
    if preprocessing == "none":
        yield from lines
        return
    for batch in batched(lines):
        for text in preprocess(batch, language, preprocessing):
            yield from paragraphs(text)


def batched(lines: Iterable[str], size: int = BATCH_LINES) -> Iterator[list[str]]:
    """Yield the lines in lists of `size`, the last one shorter."""
    iterator = iter(lines)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


def draw(lines: Iterable[str], *, rate: float, rng: np.random.Generator) -> Iterator[str]:
    """Yield each line `rate` times in expectation: its whole part always, the rest by chance.

    >>> list(draw(["one", "two"], rate=2.0, rng=np.random.default_rng(0)))
    ['one', 'one', 'two', 'two']
    """
    whole, rest = divmod(rate, 1.0)
    for batch in batched(lines):
        extra = rng.random(len(batch)) < rest
        for line, one_more in zip(batch, extra, strict=True):
            yield from itertools.repeat(line, int(whole) + int(one_more))


@dataclass(frozen=True, kw_only=True, slots=True)
class TextSize:
    """How much text there is of a language."""

    num_bytes: int
    """UTF-8, without line ends."""
    num_sentences: int
    """Paragraphs, long ones in parts."""


def size_bytes(
    sizes: Mapping[str, TextSize], shares: Mapping[str, float], config: VocabularyConfig
) -> float:
    """Return the bytes of the whole sample: the largest that keeps both budgets, and in which some
    language is read `MOST_PASSES` times at most.
    """
    sentences = sum(shares[key] * sizes[key].num_sentences / sizes[key].num_bytes for key in sizes)
    enough = max(MOST_PASSES * sizes[key].num_bytes / shares[key] for key in sizes)
    return min(config.sample_bytes, config.sample_sentences / sentences, enough)


class Sample:
    """The paragraphs of all languages, drawn while they are read, once.

    What was drawn is told when all has been read: `num_bytes` and `num_sentences` per language, and
    the checksum of all lines.
    """

    def __init__(
        self, texts: Texts, passes: Mapping[str, float], preprocessing: Preprocessing, seed: int
    ) -> None:
        """Sample each language's text so many times, in the order of `passes`."""
        self._texts = texts
        self._passes = passes
        self._preprocessing = preprocessing
        self._seed = seed
        self._digest = hashlib.sha256()
        self.drawn: dict[str, TextSize] = {}

    def __iter__(self) -> Iterator[str]:
        for language in self._passes:
            yield from self._language(language)

    def record(self) -> dict[str, Any]:
        """Return what was drawn of all languages together."""
        return {
            "num_bytes": sum(size.num_bytes for size in self.drawn.values()),
            "num_sentences": sum(size.num_sentences for size in self.drawn.values()),
            "sha256": self._digest.hexdigest(),
        }

    def _language(self, language: str) -> Iterator[str]:
        rng = seeds.generator(self._seed, "vocabulary", language)
        lines = prepared(self._texts[language](), language, self._preprocessing)
        num_bytes = num_sentences = 0
        for line in draw(lines, rate=self._passes[language], rng=rng):
            data = line.encode("utf-8")
            self._digest.update(data)
            self._digest.update(b"\n")
            num_bytes += len(data)
            num_sentences += 1
            yield line
        if not num_sentences:
            raise UserError(
                f"the sample leaves nothing of {language} in the text of the vocabulary; "
                "raise vocabulary.sample_bytes or vocabulary.sample_sentences, or leave it out"
            )
        self.drawn[language] = TextSize(num_bytes=num_bytes, num_sentences=num_sentences)
        logger.info("%s: %s bytes sampled", language, f"{num_bytes:,}")
