"""How input files are dealt out as work: the files of one claimed language are read together, a
document from each source in turn; a file that claims no language is read by itself.
"""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from xlmr_lab.corpus import sources
from xlmr_lab.corpus.sources import RawDocument, SourceFile


class Portion(NamedTuple):
    """Files that one process reads together."""

    name: str
    """Names what is made of it; portions in the order of their names are in the order of input."""
    files: tuple[SourceFile, ...]
    language: str | None
    """What the files claim to be in, if they claim anything."""


def deal(files: Sequence[SourceFile]) -> list[Portion]:
    """Return the portions of files, in the order of each portion's first file."""
    groups: dict[object, list[SourceFile]] = {}
    for place, file in enumerate(files):
        groups.setdefault(place if file.language is None else file.language, []).append(file)
    return [
        Portion(
            name=f"{number:08d}-{own[0].language or own[0].source}",
            files=tuple(own),
            language=own[0].language,
        )
        for number, own in enumerate(groups.values())
    ]


def read(
    portion: Portion,
    *,
    max_bytes: int = 0,
    unreadable: Counter[str] | None = None,
    main_content: bool = False,
) -> Iterator[RawDocument]:
    """Yield documents, one from each file in turn, until `max_bytes` were read (0: all).

    What cannot be read is counted by its reason in `unreadable`.
    """

    def note(reason: str) -> None:
        if unreadable is not None:
            unreadable[reason] += 1

    readers = deque(
        sources.read(file, unreadable=note, main_content=main_content) for file in portion.files
    )
    num_bytes = 0
    while readers:
        document = next(readers[0], None)
        if document is None:
            readers.popleft()
            continue
        readers.rotate(-1)
        yield document
        num_bytes += len(document.text.encode("utf-8"))
        if max_bytes and num_bytes >= max_bytes:
            return
