"""Three made-up languages that share no syllable, and a corpus of them."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from xlmr_lab.corpus import identify
from xlmr_lab.corpus.identify import Identifier

SYLLABLES = {
    "qaa": [a + b for a, b in itertools.product("kptm", "aio")],
    "qab": [a + b for a, b in itertools.product("bdgz", "eu\u00f6")],
    "qac": [a + b for a, b in itertools.product("\u0436\u0448\u0440\u043b", "\u044b\u044d\u044f")],
}

Write = Callable[[str, int, int], list[str]]


def paragraphs(language: str, number: int, seed: int) -> list[str]:
    """Return paragraphs of a dozen words of a made-up language, all different."""
    rng = np.random.default_rng([seed, *language.encode()])
    words = ["".join(rng.choice(SYLLABLES[language], size=rng.integers(2, 5))) for _ in range(300)]
    return [f"{' '.join(rng.choice(words, size=12))}.".capitalize() for _ in range(number)]


def text_file(documents: Sequence[Sequence[str]]) -> str:
    """Return documents as plain text: a paragraph a line, a blank line between documents."""
    return "\n".join("".join(f"{line}\n" for line in lines) for lines in documents)


@pytest.fixture(scope="session")
def write() -> Write:
    """Return the function that writes paragraphs: `write(language, number, seed)`."""
    return paragraphs


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Return a folder with 40 documents of 5 paragraphs in each of the three languages."""
    folder = tmp_path / "corpus"
    (folder / "news").mkdir(parents=True)
    for language in SYLLABLES:
        lines = paragraphs(language, 200, 1)
        documents = [lines[i : i + 5] for i in range(0, 200, 5)]
        (folder / "news" / f"{language}.txt").write_text(text_file(documents), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def identifier(tmp_path_factory: pytest.TempPathFactory) -> Identifier:
    """Return an identifier of the three languages."""
    path = tmp_path_factory.mktemp("identifier") / "identifier.bin"
    identify.train({key: paragraphs(key, 100, 2) for key in SYLLABLES}, path, seed=1)
    return Identifier.load(path)
