"""Which documents are held out of training.

A document is held out by the hash of its doc_id, so the split does not move when text is added.
Documents that share an id across languages (translations so named) fall on the same side; plain
text gets an id for each language, so translations in it may stand on both sides. A language whose
held-out part would be shorter than `LEAST_HELDOUT_TOKENS` gets further documents, those of smallest
hash, until it is that long.
"""

import hashlib
import heapq
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

import numpy.typing as npt

Split = Literal["train", "heldout"]
SPLITS: tuple[Split, Split] = ("train", "heldout")
LEAST_HELDOUT_TOKENS = 512
"""Enough for one block of the longest length of XLM-R, so every language can be evaluated."""


class Document(NamedTuple):
    """An encoded document on its way to a split."""

    rank: float
    """Hash of the doc_id in [0, 1)."""
    tokens: npt.NDArray[Any]
    """Ids with the final `</s>`."""
    num_sentences: int
    num_bytes: int


def rank(doc_id: str) -> float:
    """Return the hash of a document's id as a number in [0, 1)."""
    digest = hashlib.sha256(doc_id.encode("utf-8")).digest()
    return int.from_bytes(digest[:6], "big") / (1 << 48)


def split(
    documents: Iterable[Document], *, fraction: float, least_tokens: int = LEAST_HELDOUT_TOKENS
) -> Iterator[tuple[Split, Document]]:
    """Assign each document a split, holding in memory only what `least_tokens` may still ask for.

    Held out are the documents of rank under `fraction` and, where those have fewer than
    `least_tokens`, further ones in the order of rank until they do.
    """
    heldout_tokens = reserve_tokens = 0
    reserve: list[tuple[float, int, Document]] = []  # largest rank first
    for number, document in enumerate(documents):
        if document.rank < fraction:
            heldout_tokens += len(document.tokens)
            yield "heldout", document
        else:
            heapq.heappush(reserve, (-document.rank, -number, document))
            reserve_tokens += len(document.tokens)
        while reserve and (
            heldout_tokens + reserve_tokens - len(reserve[0][2].tokens) >= least_tokens
        ):
            surplus = heapq.heappop(reserve)[2]
            reserve_tokens -= len(surplus.tokens)
            yield "train", surplus
    for _, _, needed in reversed(sorted(reserve)):
        yield "heldout", needed
