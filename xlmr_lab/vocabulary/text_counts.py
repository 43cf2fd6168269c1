"""What one reading of a language's text tells before a vocabulary is trained: its size, its
characters as the vocabulary will see them, how many of its words are new, how their number grows.

All of the text is counted, not the sample of it: a letter counts as rare or lost by its share of
the language, whatever was drawn. Normalising takes most of the time: 27 MB of text a second for
SentencePiece, 8 MB for WordPiece. Held is a batch of paragraphs and a table of the code points.
"""

import math
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.sample import TextSize, batched

WORDS_CHARACTERS = 1_000_000
"""Distinct words are counted in so much of the text: their share falls as a text grows, so what is
found here is an upper bound of what a larger sample holds."""
CODE_POINTS = 0x110000
WORD_SPACE = "\u2581"
"""SentencePiece's space."""


class Normalizer(Protocol):
    """Text as a vocabulary will see it."""

    reserved: Collection[str]
    """Characters that never need a piece."""

    def __call__(self, lines: list[str]) -> list[str]:
        """Return the lines normalised, as one text or several."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TextCounts:
    """The text of one language."""

    size: TextSize
    num_characters: int
    """Characters after normalisation, spaces included."""
    new_words: float
    """Characters of distinct words, each with its space, for each character of the text."""
    characters: Mapping[str, int]
    """How often each character occurs after normalisation, in the order of code points; without
    those that the vocabulary keeps for itself."""
    words_characters: int
    """Characters of the part in which words were counted."""
    num_words: int
    """Distinct words of that part."""
    growth: float
    """Their number grows there as the text to this power."""

    def distinct_characters(self, passes: float) -> float:
        """Return at most how many characters the distinct words of a sample have together."""
        seen = min(1.0, passes) * self.num_characters
        counted = min(self.num_characters, WORDS_CHARACTERS)
        return min(seen, self.new_words * max(seen, counted))

    def least_words(self, passes: float) -> float:
        """Return at least how many distinct words a sample has, in expectation.

        Their number grows more slowly than the text: a part of what was counted has its share or
        more. It grows ever more slowly too, so beyond that part half of the growth is counted on.
        """
        part = min(1.0, passes) * self.num_characters / self.words_characters
        return self.num_words * (part if part <= 1 else part ** (self.growth / 2))


def count(lines: Iterable[str], language: str, normalizer: Normalizer) -> TextCounts:
    """Count the paragraphs of a language.

    Raises:
        UserError: there is none with a character, or one with half of a surrogate pair.
    """
    points = np.zeros(CODE_POINTS, np.int64)
    words: set[str] = set()
    numbers: list[int] = []
    num_bytes = num_sentences = word_characters = 0
    for batch in batched(lines):
        num_bytes += _num_bytes(batch, language)
        num_sentences += len(batch)
        text = " ".join(normalizer(batch))
        found = np.bincount(np.frombuffer(text.encode("utf-32-le"), np.uint32))
        points[: len(found)] += found
        if word_characters < WORDS_CHARACTERS:
            for part in batched(text.replace(WORD_SPACE, " ").split()):
                words.update(part)
                numbers.append(len(words))
            word_characters += len(text)
    characters = {
        chr(point): int(points[point])
        for point in points.nonzero()[0].tolist()
        if chr(point) not in normalizer.reserved
    }
    if not characters:
        raise UserError(
            f"no text for {language} to train a vocabulary on; add some or leave it out"
        )
    return TextCounts(
        size=TextSize(num_bytes=num_bytes, num_sentences=num_sentences),
        num_characters=int(points.sum()),
        new_words=min(1.0, sum(len(word) + 1 for word in words) / word_characters),
        characters=characters,
        words_characters=word_characters,
        num_words=len(words),
        growth=_growth(numbers),
    )


def alphabet(characters: Mapping[str, int], coverage: float) -> set[str]:
    """Return the most frequent characters that make up `coverage` of the text, and each letter or
    mark whose share of all letters and marks is above 1 - `coverage`.

    Of equally frequent ones the lower code point comes first.

    >>> sorted(alphabet({"a": 6, "b": 3, "c": 1, "d": 1}, 9 / 11))
    ['a', 'b']
    """
    enough = coverage * sum(characters.values())
    letters = {c: n for c, n in characters.items() if unicodedata.category(c)[0] in "LM"}
    rare = (1 - coverage) * sum(letters.values())
    kept = {character for character, number in letters.items() if number > rare}
    covered = 0
    for character in sorted(characters, key=lambda c: (-characters[c], c)):
        if covered >= enough:
            break
        kept.add(character)
        covered += characters[character]
    return kept


def losses(characters: Mapping[str, int], kept: Collection[str]) -> dict[str, Any]:
    """Say which part of a language's characters has no piece."""
    lost = [count for character, count in characters.items() if character not in kept]
    total = sum(characters.values())
    return {
        "num_characters": len(characters),
        "num_characters_lost": len(lost),
        "share_lost": sum(lost) / total,
        "largest_lost": max(lost, default=0) / total,
    }


def _growth(numbers: Sequence[int]) -> float:
    """Return the power of the text with which the distinct words in equal parts of it grow, from
    the first half to all of them.

    >>> _growth([1, 1]), _growth([1, 2])
    (0.0, 1.0)
    """
    if not numbers:
        return 0.0
    return math.log2(numbers[-1] / numbers[(len(numbers) - 1) // 2])


def _num_bytes(lines: list[str], language: str) -> int:
    try:
        return sum(len(line.encode("utf-8")) for line in lines)
    except UnicodeEncodeError as error:
        raise UserError(
            f"the text of {language} holds half of a surrogate pair, "
            f"U+{ord(error.object[error.start]):04X}, which is no valid Unicode; "
            "read it again from its bytes with errors='replace', or leave the line out"
        ) from None
