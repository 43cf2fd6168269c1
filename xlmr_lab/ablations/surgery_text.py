"""Text for surgery on a vocabulary, in two parts: one that pieces are taken from or guarded with,
and one that shows what came of it.

Documents go by the hash of their identifier, as everywhere: those under the held-out fraction are
the second part. Where there are none, the document of smallest hash is; of a single document the
last paragraphs. A study's text is read anew each time it is gone through, and never held. Of a new
language's text, which training its pieces does hold, a sample of paragraphs is, the same for the
same text.
"""

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.batches.splits import rank
from xlmr_lab.corpus import documents, sources
from xlmr_lab.corpus.file_names import is_language
from xlmr_lab.errors import UserError

LEAST_PARAGRAPHS = 2
HELDOUT_BYTES = 5_000_000
"""Held-out text of a new language, at most about so much (bytes)."""

Read = Callable[[], Iterable[tuple[str, str]]]
"""Returns the documents of a language, identifier and text, from the beginning."""


@dataclass(frozen=True, slots=True)
class Paragraphs:
    """Paragraphs that are read anew each time they are gone through."""

    read: Callable[[], Iterator[str]]

    def __iter__(self) -> Iterator[str]:
        return self.read()


class SplitText(NamedTuple):
    """Paragraphs of a language."""

    seen: Iterable[str]
    heldout: Iterable[str]


def corpus_text(folder: Path, language: str, fraction: float) -> SplitText:
    """Return a study's cleaned text of a language, of which `fraction` is held out."""
    return split(lambda: documents.iterate(folder / "documents", language), language, fraction)


def new_text(config: StudyConfig) -> SplitText:
    """Return the text of the language that the vocabulary is extended by, as it was given: about
    `surgery.sample_bytes` of it, if there is more.

    Raises:
        UserError: `surgery.text` or `surgery.language` is missing, or there is no such text.
    """
    settings = config.surgery
    if settings.text is None or not settings.language:
        raise UserError(
            "give the new language and its text, such as surgery.language=sw surgery.text=../text"
        )
    if not is_language(settings.language):
        raise UserError(f'surgery.language is a key such as sw, got "{settings.language}"')
    files = sources.find(settings.text, [settings.language], base=config.corpus.base_url)

    def read() -> Iterator[tuple[str, str]]:
        for file in files:
            for document in sources.read(file):
                if document.language == settings.language:
                    yield document.doc_id, document.text

    found = split(read, settings.language, config.batches.heldout_fraction)
    limits = (settings.sample_bytes, HELDOUT_BYTES)
    return SplitText(*(sample(part, limit) for part, limit in zip(found, limits, strict=True)))


def split(read: Read, language: str, fraction: float) -> SplitText:
    """Divide the paragraphs of documents.

    Raises:
        UserError: fewer than two paragraphs.
    """
    places, num_paragraphs = list[float](), 0
    for place, lines in _ranked(read):
        places = sorted([*places, place])
        del places[1:-2]  # the smallest one, and the two largest
        num_paragraphs += len(lines)
    if num_paragraphs < LEAST_PARAGRAPHS:
        raise UserError(
            f"no text of {language} to speak of: at least {LEAST_PARAGRAPHS} paragraphs are "
            "needed, one to hold out; add some"
        )
    if len(places) == 1:
        cut = max(1, num_paragraphs - max(1, round(fraction * num_paragraphs)))
        return SplitText(
            seen=Paragraphs(lambda: itertools.islice(_all(read), cut)),
            heldout=Paragraphs(lambda: itertools.islice(_all(read), cut, None)),
        )
    limit = max(places[0], min(fraction, places[-2]))
    return SplitText(
        seen=Paragraphs(lambda: _where(read, lambda place: place > limit)),
        heldout=Paragraphs(lambda: _where(read, lambda place: place <= limit)),
    )


def sample(lines: Iterable[str], size_bytes: int) -> list[str]:
    """Return lines that have so many bytes together, or all; which ones, the hash of their place
    says.
    """
    kept, total = list[tuple[float, int, str]](), 0  # largest hash first
    for number, line in enumerate(lines):
        heapq.heappush(kept, (-rank(str(number)), number, line))
        total += _num_bytes(line)
        while total - _num_bytes(kept[0][2]) >= size_bytes:
            total -= _num_bytes(heapq.heappop(kept)[2])
    return [line for _, line in sorted((number, line) for _, number, line in kept)]


def _ranked(read: Read) -> Iterator[tuple[float, list[str]]]:
    """Yield the hash and the paragraphs of each document that has any."""
    for doc_id, text in read():
        lines = [line for line in text.split("\n") if line and not line.isspace()]
        if lines:
            yield rank(doc_id), lines


def _where(read: Read, wanted: Callable[[float], bool]) -> Iterator[str]:
    return (line for place, lines in _ranked(read) if wanted(place) for line in lines)


def _all(read: Read) -> Iterator[str]:
    return _where(read, lambda _: True)


def _num_bytes(line: str) -> int:
    return len(line.encode("utf-8", "surrogatepass"))
