"""Invented text for the vocabulary tests: words of syllables in two scripts."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

LATIN = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
GEORGIAN = [chr(0x10D0 + i) + chr(0x10D0 + j) for i in range(0, 33, 3) for j in (0, 4, 8)]


def invent(syllables: list[str], num_words: int, seed: int) -> list[str]:
    """Return documents of Zipfian invented words, three paragraphs each."""
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(syllables, rng.integers(2, 5))) for _ in range(400)]
    ranks = np.minimum(rng.zipf(1.3, num_words) - 1, len(words) - 1)
    lines = [
        " ".join(words[i] for i in part) + "." for part in np.array_split(ranks, num_words // 12)
    ]
    return ["\n".join(lines[i : i + 3]) + "\n" for i in range(0, len(lines), 3)]


@pytest.fixture(scope="session")
def documents() -> dict[str, list[str]]:
    """Much of one invented language, little of another in its own script."""
    return {"qaa": invent(LATIN, 20_000, 1), "qab": invent(GEORGIAN, 600, 2)}


@pytest.fixture(scope="session")
def texts(documents: dict[str, list[str]]) -> dict[str, Callable[[], Iterator[str]]]:
    """The documents as the callables that training takes."""
    return {key: (lambda lines=lines: iter(lines)) for key, lines in documents.items()}


@pytest.fixture(scope="session")
def sizes(documents: dict[str, list[str]]) -> dict[str, float]:
    """Number of documents."""
    return {key: float(len(lines)) for key, lines in documents.items()}
