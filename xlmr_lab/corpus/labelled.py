"""Labelled text: what the models of a cleaning learn from, and what is held back to measure them.

Text is labelled where its file claims a language and its source is trusted. Whether a document may
be learned from is decided by its hash, so that it is the same wherever and whenever it is asked.
"""

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from xlmr_lab.corpus import paragraphs, portions
from xlmr_lab.corpus.portions import Portion
from xlmr_lab.corpus.sources import SourceFile
from xlmr_lab.errors import UserError

OPENING_CHARACTERS = 1000
"""Characters of a paragraph that an identifier is trained on at most."""


class Text(NamedTuple):
    """Paragraphs of one language to learn from and, of other documents, to measure on."""

    learn: list[str]
    measure: list[str]


def trusted(
    all_portions: Sequence[Portion], names: Sequence[str], *, setting: str, every: bool = True
) -> dict[str, Portion]:
    """Return by language the portions of the labelled files, of the named sources only (none named:
    all).

    Raises:
        UserError: a name is no source, or, with `every`, a language has no file in the sources.
    """
    labelled = {p.language: p for p in all_portions if p.language is not None}
    known = sorted({file.source for portion in all_portions for file in portion.files})
    for name in names:
        if name not in known:
            raise UserError(f"{setting}: no source {name!r}; there are {', '.join(known)}")
    chosen = {
        language: portion._replace(files=tuple(f for f in portion.files if _is_of(f, names)))
        for language, portion in labelled.items()
    }
    without = [language for language, portion in chosen.items() if not portion.files]
    if without and every:
        raise UserError(
            f"no labelled text of {', '.join(without)} in the sources {', '.join(names or known)}; "
            f"add a source to {setting} or leave the languages out"
        )
    return {language: portion for language, portion in chosen.items() if portion.files}


def _is_of(file: SourceFile, names: Sequence[str]) -> bool:
    return not names or file.source in names


def collect(portion: Portion, *, share: float, num_bytes: int, max_bytes: int, seed: int) -> Text:
    """Return a language's paragraphs: those to learn from, each once, up to `num_bytes`, and those
    of the other documents that were read on the way.

    Where chance leaves no document to learn from, all are taken, and none measures.

    Raises:
        UserError: no paragraph is text.
    """
    learn: list[str] = []
    measure: list[str] = []
    reasons: Counter[str] = Counter()
    for frame in plausible(portion, num_bytes, max_bytes=max_bytes, reasons=reasons):
        openings = frame["text"].str.slice(0, OPENING_CHARACTERS)
        for doc_id, text in zip(frame["doc_id"], openings, strict=True):
            (learn if may_learn(doc_id, share, seed) else measure).append(text)
        if sum(len(text.encode("utf-8")) for text in learn) >= num_bytes:
            break
    if not learn and not measure:
        assert portion.language is not None
        raise nothing_left(portion.language, [file.place for file in portion.files], reasons)
    if not learn:
        return Text(_first(measure, num_bytes), [])
    return Text(_first(learn, num_bytes), measure)


def plausible(
    portion: Portion,
    chunk_bytes: int,
    *,
    max_bytes: int = 0,
    reasons: Counter[str] | None = None,
) -> Iterator[pl.DataFrame]:
    """Yield the paragraphs of a portion that are text by their characters, normalised, a chunk at a
    time; the others' reasons are counted.
    """
    raw = portions.read(portion, max_bytes=max_bytes)
    for chunk in paragraphs.chunks(raw, chunk_bytes):
        frame = paragraphs.judged_by_characters(paragraphs.split(chunk))
        if reasons is not None:
            reasons.update(frame["reason"].drop_nulls().to_list())
        yield frame.filter(pl.col("reason").is_null())


def may_learn(doc_id: str, share: float, seed: int) -> bool:
    """Return whether a document is there to learn from; `share` of all are."""
    digest = hashlib.blake2b(f"{seed}:{doc_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") < share * 2**64


def nothing_left(language: str, places: Sequence[str], reasons: Mapping[str, int]) -> UserError:
    """Return the error for a language of which nothing is left, with what removed it."""
    where = ", ".join(places)
    removed = ", ".join(
        f"{reason} {count:,}"
        for reason, count in sorted(reasons.items(), key=lambda item: -item[1])
        if count
    )
    if {reason for reason, count in reasons.items() if count} <= {"empty"}:
        return UserError(
            f"language {language!r} has no text: {where}; give it some or leave it out"
        )
    return UserError(
        f"no text of language {language!r} is left after cleaning {where} "
        f"(paragraphs removed: {removed}); "
        "see whether the files are what they claim to be, or relax the clean settings"
    )


def _first(texts: Sequence[str], num_bytes: int) -> list[str]:
    """Return the first texts, each once, until they have `num_bytes` of UTF-8."""
    distinct = list(dict.fromkeys(texts))
    ends = itertools.accumulate(len(text.encode("utf-8")) for text in distinct)
    return [t for t, end in zip(distinct, ends, strict=True) if end <= num_bytes] or distinct[:1]
