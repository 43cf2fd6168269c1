"""Documents to tokens, in the order of the documents, by one process or many.

The text of a language is cut into chunks of about a megabyte of whole documents, and processes
encode a chunk each; results are taken in the order of the chunks, so nothing depends on how many
processes there are. No more chunks are under way than keep the processes at work, whatever the size
of the text. Little text is not worth the start of a process and is encoded here.
"""

import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from xlmr_lab import workers
from xlmr_lab.batches.splits import Document, rank
from xlmr_lab.vocabulary.special_tokens import EOS_ID

Documents = Mapping[str, Callable[[], Iterator[tuple[str, str]]]]
"""The documents of each language, as (doc_id, text)."""

CHUNK_CHARACTERS = 1 << 20
FEW_CHUNKS = 8
"""Text of fewer chunks is encoded in this process."""
CHUNKS_PER_WORKER = 3
"""Chunks under way for each process: one in work, the others so that it never waits."""


class Encodes(Protocol):
    """What is asked of a vocabulary here; `xlmr_lab.vocabulary.load.Vocabulary` is one.

    To be used by several processes it must be picklable.
    """

    size: int
    fingerprint: str

    def encode(self, texts: Sequence[str], language: str) -> list[npt.NDArray[np.int32]]:
        """Return the ids of each text of a language, without specials."""


class _Chunk(NamedTuple):
    """Documents of one language, next to one another."""

    language: str
    documents: list[tuple[str, str]]


class _Encoded(NamedTuple):
    """The same, encoded; documents without a piece are left out."""

    language: str
    ranks: list[float]
    lengths: list[int]
    """Tokens of each document with the final `</s>`."""
    tokens: npt.NDArray[Any]
    """Those of all documents, one after the other."""
    num_sentences: list[int]
    num_bytes: list[int]
    read_bytes: int
    """UTF-8 bytes of all documents, those without a piece too."""


def encoded(
    documents: Documents,
    tokenizer: Encodes,
    dtype: np.dtype[Any],
    *,
    jobs: int,
    advance: Callable[[int], Any],
) -> Generator[tuple[str, list[Document]], None, None]:
    """Yield the encoded documents of each language in parts, languages in the order of their names,
    and at least one part, perhaps empty, for each; `advance` is told the bytes of text done.

    Close it to end the processes before it is exhausted.

    Raises:
        ResumableError: a process was killed.
        UserError: what the tokenizer raises.
    """
    chunks = itertools.chain.from_iterable(
        _chunks(language, documents[language]()) for language in sorted(documents)
    )
    first = list(itertools.islice(chunks, FEW_CHUNKS))
    everything = itertools.chain(first, chunks)
    if jobs == 1 or len(first) < FEW_CHUNKS:
        parts: Iterable[_Encoded] = (_encode(tokenizer, dtype, chunk) for chunk in everything)
    else:
        parts = _in_processes(everything, tokenizer, dtype, jobs)
    for part in parts:
        advance(part.read_bytes)
        yield part.language, list(_documents(part))


def _chunks(language: str, documents: Iterator[tuple[str, str]]) -> Iterator[_Chunk]:
    found: list[tuple[str, str]] = []
    num_characters, is_empty = 0, True
    for document in documents:
        found.append(document)
        num_characters += len(document[1])
        if num_characters >= CHUNK_CHARACTERS:
            yield _Chunk(language, found)
            found, num_characters, is_empty = [], 0, False
    if found or is_empty:
        yield _Chunk(language, found)


def _encode(tokenizer: Encodes, dtype: np.dtype[Any], chunk: _Chunk) -> _Encoded:
    texts = [text for _, text in chunk.documents]
    # Encoded first: the tokenizer names a text that is no valid Unicode.
    ids = tokenizer.encode(texts, chunk.language)
    sizes = [len(text.encode("utf-8")) for text in texts]
    kept = [number for number, found in enumerate(ids) if len(found)]
    end = np.array([EOS_ID], dtype=np.int32)
    tokens = [part for number in kept for part in (ids[number], end)]
    return _Encoded(
        language=chunk.language,
        ranks=[rank(chunk.documents[number][0]) for number in kept],
        lengths=[len(ids[number]) + 1 for number in kept],
        tokens=np.concatenate([end[:0], *tokens]).astype(dtype),
        num_sentences=[_num_sentences(texts[number]) for number in kept],
        num_bytes=[sizes[number] for number in kept],
        read_bytes=sum(sizes),
    )


def _num_sentences(text: str) -> int:
    return sum(map(bool, map(str.strip, text.split("\n"))))


def _documents(part: _Encoded) -> Iterator[Document]:
    """Take a part apart; each document owns its tokens, so that one kept does not keep all."""
    start = 0
    for place, length, sentences, size in zip(
        part.ranks, part.lengths, part.num_sentences, part.num_bytes, strict=True
    ):
        yield Document(place, part.tokens[start : start + length].copy(), sentences, size)
        start += length


def _in_processes(
    chunks: Iterable[_Chunk], tokenizer: Encodes, dtype: np.dtype[Any], jobs: int
) -> Iterator[_Encoded]:
    with workers.pool(jobs, _start_worker, tokenizer, dtype) as pool:
        under_way = deque[Any]()
        for chunk in chunks:
            under_way.append(pool.submit(_encode_in_worker, chunk))
            if len(under_way) >= CHUNKS_PER_WORKER * jobs:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


_worker: dict[str, Any] = {}
"""What this process encodes with, where it is a worker."""


def _start_worker(tokenizer: Encodes, dtype: np.dtype[Any]) -> None:
    _worker.update(tokenizer=tokenizer, dtype=dtype)


def _encode_in_worker(chunk: _Chunk) -> _Encoded:
    return _encode(_worker["tokenizer"], _worker["dtype"], chunk)
