"""A part of a cleaned corpus: some of its languages, or less text of some.

Cleaning sees the whole corpus first, so what is left of a language is the same text whether others
are used beside it or not, and the documents held out are the same at every size: monolingual and
multilingual models, and sizes, are compared on equal text (XLM-R Sec. 5.4). Which documents stay
goes by the hash of their identifier, as the split does (see batches.splits): a smaller part lies
within a larger one. Files that stay as they are are linked, not copied. Left out: a report of its
own; that of the whole corpus stands in its folder.
"""

import dataclasses
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from xlmr_lab.batches.splits import rank
from xlmr_lab.corpus import documents
from xlmr_lab.errors import UserError

DOCUMENTS_NAME, REPORT_NAME, REJECTED_NAME = "documents", "report.json", "rejected"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class PartConfig:
    """Which part of the cleaned text is used."""

    languages: tuple[str, ...] = ()
    """Languages to use of the cleaned text; empty: all. The others are only cleaned beside them."""
    most_bytes: int = 0
    """Training text of each of `shortened`, at most (bytes); those of smallest hash stay of its
    documents, and all that are held out. 0: there is no limit."""
    shortened: tuple[str, ...] = ()
    """Languages that `most_bytes` holds for; empty: all."""

    def __post_init__(self) -> None:
        if self.most_bytes < 0:
            raise UserError(f"part.most_bytes must be at least 0, got {self.most_bytes}")
        if self.shortened and not self.most_bytes:
            raise UserError("part.shortened has no effect without part.most_bytes")

    @property
    def is_whole(self) -> bool:
        """Whether it is all the text."""
        return not (self.languages or self.most_bytes)

    def is_short(self, language: str) -> bool:
        """Tell whether a language has a limit."""
        return bool(self.most_bytes) and language in (self.shortened or (language,))


def write(source: Path, folder: Path, part: PartConfig, heldout_fraction: float) -> None:
    """Write part of the cleaned corpus in `source` into `folder`: `documents/`, and its report and
    rejected paragraphs as they are.

    Raises:
        UserError: a language is named of which cleaning left no text, or whose text is not used.
    """
    whole = source / DOCUMENTS_NAME
    there = documents.languages(whole)
    used = _named("part.languages", part.languages, there)
    _named("part.shortened", part.shortened, used)
    for language in used:
        if part.is_short(language):
            _shorten(whole, folder / DOCUMENTS_NAME, language, part.most_bytes, heldout_fraction)
        else:
            for path in documents.paths(whole, language):
                _link(path, folder / DOCUMENTS_NAME / path.name)
    rejected = sorted((source / REJECTED_NAME).rglob("*.parquet"))
    for path in [source / REPORT_NAME, *rejected]:
        _link(path, folder / path.relative_to(source))


def kept_ranks(
    ranks: Sequence[tuple[float, int]], most_bytes: int, heldout_fraction: float
) -> float:
    """Return the largest hash of the training documents that stay: as many as fit, one at least.
    `ranks` are hash and size (bytes) of all documents.

    >>> kept_ranks([(0.01, 900), (0.4, 30), (0.2, 50), (0.9, 40)], 85, 0.05)
    0.4
    """
    training = sorted(pair for pair in ranks if pair[0] >= heldout_fraction)
    total, last = 0, heldout_fraction
    for place, size in training:
        total += size
        if total > most_bytes and last > heldout_fraction:
            break
        last = place
    return last


def _shorten(
    whole: Path, folder: Path, language: str, most_bytes: int, heldout_fraction: float
) -> None:
    """Write the documents of a language that stay; the held-out ones have the smallest hashes."""
    counted = documents.scan(whole, language).select("doc_id", "num_bytes").collect()
    ranks = [(rank(doc_id), size) for doc_id, size in counted.iter_rows()]
    limit = kept_ranks(ranks, most_bytes, heldout_fraction)

    def short(path: Path) -> pl.DataFrame:
        frame = pl.read_parquet(path)
        return frame.filter(
            pl.Series([rank(x) <= limit for x in frame["doc_id"]], dtype=pl.Boolean)
        )

    documents.write_documents(folder, language, map(short, documents.paths(whole, language)))


def _named(setting: str, named: Sequence[str], there: Sequence[str]) -> Sequence[str]:
    for language in named:
        if language not in there:
            raise UserError(
                f"{setting} names {language!r}, of which there is no text; there is "
                f"{', '.join(there)}"
            )
    return named or there


def _link(path: Path, to: Path) -> None:
    """Give a file another name, or copy it where the file system has no links."""
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, to)
    except OSError:
        shutil.copyfile(path, to)
