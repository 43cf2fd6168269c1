"""The documents table: one schema for every part that reads or writes text, in Parquet shards per
language.

A shard is `<folder>/<language>-00000.parquet`, numbered from zero without gaps, and the order of
shards and rows is the order of the documents. A document's text is its paragraphs, each ended by a
line feed. Rejected paragraphs have the same columns and three more, so that what was left out can
be read beside what was kept. `lab_label`, `lab_score`, `perplexity` and `bucket` are null until a
second identifier and a language model have seen the text (XLM-R Sec. 3, CCNet Sec. 3.4).
"""

import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from xlmr_lab import storage
from xlmr_lab.errors import UserError

DOCUMENTS = pl.Schema(
    {
        "doc_id": pl.String,
        "lang": pl.String,
        "text": pl.String,
        "source": pl.String,
        "url": pl.String,
        "lid_label": pl.String,
        "lid_score": pl.Float32,
        "lab_label": pl.String,
        "lab_score": pl.Float32,
        "perplexity": pl.Float32,
        "bucket": pl.String,
        "num_bytes": pl.Int64,
        "num_paragraphs": pl.Int32,
    }
)
"""A clean document; `num_bytes` counts the UTF-8 of `text`, line feeds included."""

REJECTED = pl.Schema(
    dict(DOCUMENTS) | {"paragraph": pl.Int32, "stage": pl.String, "reason": pl.String}
)
"""A paragraph that was left out, as it was read (of near-duplicate documents: normalised);
`paragraph` is its place in its document, from zero.
"""

_SHARD = re.compile(r"(?P<language>.+)-(?P<number>\d{5,})\.parquet")


def write_shard(folder: Path, language: str, number: int, frame: pl.DataFrame) -> Path:
    """Write one shard whole or not at all and return its path.

    The bytes are packed in memory and written by Python, so that a full disk is an `OSError`.
    """
    assert frame.schema in (DOCUMENTS, REJECTED), frame.schema
    packed = io.BytesIO()
    frame.write_parquet(packed, compression="zstd")
    path = folder / f"{language}-{number:05d}.parquet"
    storage.write_bytes(path, packed.getvalue())
    return path


def write_documents(folder: Path, language: str, frames: Iterable[pl.DataFrame]) -> None:
    """Write a language's documents, one shard for each frame that has rows."""
    filled = (frame for frame in frames if not frame.is_empty())
    for number, frame in enumerate(filled):
        write_shard(folder, language, number, frame)


def languages(folder: Path) -> list[str]:
    """Return the languages that have documents in a folder, in alphabetical order."""
    return sorted({language for language, _, _ in _shards(folder)})


def iterate(folder: Path, language: str) -> Iterator[tuple[str, str]]:
    """Yield the identifier and text of each document of a language, in their stable order.

    One shard is in memory at a time.

    Raises:
        UserError: the folder holds no documents of this language.
    """
    for path in paths(folder, language):
        frame = pl.read_parquet(path, columns=["doc_id", "text"])
        yield from frame.select("doc_id", "text").iter_rows()


def scan(folder: Path, language: str | None = None) -> pl.LazyFrame:
    """Return a lazy frame over the shards of one language, or of all.

    Raises:
        UserError: the folder holds no documents, or none of this language.
    """
    return pl.scan_parquet(paths(folder, language))


def paths(folder: Path, language: str | None = None) -> list[Path]:
    """Return the shards of one language, or of all, in order.

    Raises:
        UserError: there are none.
    """
    shards = _shards(folder)
    found = [path for key, _, path in shards if language in (None, key)]
    if not found:
        known = ", ".join(sorted({key for key, _, _ in shards})) or "none at all"
        wanted = "documents" if language is None else f"documents of language {language!r}"
        raise UserError(f"no {wanted} in {folder} (languages there: {known}); clean a corpus first")
    return found


def _shards(folder: Path) -> list[tuple[str, int, Path]]:
    """Return language, number and path of each shard, sorted."""
    matches = ((path, _SHARD.fullmatch(path.name)) for path in folder.glob("*.parquet"))
    return sorted((m["language"], int(m["number"]), path) for path, m in matches if m)
