"""Which text a vocabulary is trained on and which it is measured on.

Documents go by the hash of their identifier, as in batches.splits: those under the held-out
fraction are kept from the vocabulary too, so that it can be measured on text that it has not seen.
A sample is the documents of smallest hash, so the held-out ones come first.
"""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from xlmr_lab.batches.splits import rank
from xlmr_lab.corpus import documents
from xlmr_lab.vocabulary import letters
from xlmr_lab.vocabulary.diagnostics import LanguageText

RATED_BYTES = 200_000
"""Text of a language that fertility is measured on, at most (bytes)."""
LEAST_UNSEEN_BYTES = 5000
"""Fertility is measured on held-out text alone where there is so much of it (bytes), else on
whatever text there is."""
USED_BYTES = 1_000_000
"""Text of a language that its pieces are counted on, at most (bytes)."""
LETTERS_BYTES = 100_000_000
"""Text of a language whose letters are counted, at most (bytes)."""


def training_paragraphs(folder: Path, language: str, heldout_fraction: float) -> Iterator[str]:
    """Yield the paragraphs of the documents that are not held out by their hash."""
    for doc_id, text in documents.iterate(folder, language):
        if rank(doc_id) >= heldout_fraction:
            yield from _paragraphs(text)


def language_text(folder: Path, language: str, heldout_fraction: float) -> LanguageText:
    """Return what a vocabulary is measured on in a language, from its cleaned documents."""
    sizes = [
        (rank(doc_id), len(text.encode("utf-8")))
        for doc_id, text in documents.iterate(folder, language)
    ]
    limits = (_limit(sizes, USED_BYTES), _limit(sizes, LETTERS_BYTES))
    kept: list[tuple[float, str]] = []
    held: list[str] = []

    def counted() -> Iterator[str]:
        for doc_id, text in documents.iterate(folder, language):
            place = rank(doc_id)
            if place <= limits[0]:
                kept.append((place, text))
            if place <= limits[1]:
                held.extend([text] if place < heldout_fraction else [])
                yield text

    counts = letters.count(counted())
    ordered = sorted(kept)
    unseen = [text for place, text in ordered if place < heldout_fraction]
    texts = [text for _, text in ordered]
    enough = sum(len(text.encode("utf-8")) for text in unseen) >= LEAST_UNSEEN_BYTES
    return LanguageText(
        rated=first_paragraphs(unseen if enough else texts, RATED_BYTES),
        unseen=enough,
        used=first_paragraphs(texts, USED_BYTES),
        letters=counts,
        unseen_letters=letters.count(held),
    )


def first_paragraphs(texts: Sequence[str], size_bytes: int) -> list[str]:
    """Return the first paragraphs that make up so many bytes together, or all.

    >>> first_paragraphs(["a\\nbc\\n", "d\\n"], 2)
    ['a', 'bc']
    """
    kept, size = [], 0
    for paragraph in itertools.chain.from_iterable(map(_paragraphs, texts)):
        if size >= size_bytes:
            break
        kept.append(paragraph)
        size += len(paragraph.encode("utf-8"))
    return kept


def _limit(sizes: Sequence[tuple[float, int]], wanted: int) -> float:
    """Return the largest hash of the documents of smallest hash that hold so many bytes."""
    total, last = 0, 0.0
    for place, size in sorted(sizes):
        if total >= wanted:
            break
        total, last = total + size, place
    return last


def _paragraphs(text: str) -> Iterator[str]:
    yield from (line for line in text.split("\n") if line)
