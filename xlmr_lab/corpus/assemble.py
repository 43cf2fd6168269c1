"""Assembling: the documents that are left of one piece of measured text, and what was left out of
it, each paragraph with its stage and reason.

Duplicates are known by now. Contaminated paragraphs and the lines that C4 drops go first, so that a
document is measured by what would stay of it; then whole documents are filtered, and their
perplexity is that of their paragraphs together.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from xlmr_lab.corpus import (
    buckets,
    contamination,
    identifiers,
    paragraphs,
    quality,
    quality_lines,
)
from xlmr_lab.corpus.deduplicate import repeats, salt
from xlmr_lab.corpus.documents import DOCUMENTS, REJECTED
from xlmr_lab.corpus.judge import Judge, columns_to_judge
from xlmr_lab.corpus.labelled import may_learn
from xlmr_lab.corpus.minhash import NO_KEY, band_keys

ASSEMBLED = pl.Schema(dict(DOCUMENTS) | {"places": pl.List(pl.Int32)})
"""A document that may yet turn out to be a near duplicate; `places` are those of its paragraphs in
the document as read."""


class Assembled(NamedTuple):
    """What became of a piece."""

    documents: pl.DataFrame
    """What is left; schema `ASSEMBLED`, sorted by language."""
    rejected: pl.DataFrame
    """What is not; schema `REJECTED`, sorted by language."""
    bands: npt.NDArray[np.uint64] | None
    """The documents' keys for near-duplicates, a column each, in their order."""
    read: pl.DataFrame
    """Documents, paragraphs and bytes read, by language."""
    identified: pl.DataFrame
    """Of paragraphs whose language is known and that no identifier learned from: how many were
    identified, and how many of them rightly, by language."""


def keys(piece: Path, judge: Judge) -> npt.NDArray[np.uint64]:
    """Return the keys of a piece's paragraphs that may be copies of other documents', in their
    order.
    """
    names = columns_to_judge(list(pl.read_parquet_schema(piece)))
    judged = judge.judge(pl.read_parquet(piece, columns=names))
    passing = judged.filter(pl.col("reason").is_null())
    return passing["key"].to_numpy()[~_repeats(passing)]


def assemble(
    frame: pl.DataFrame,
    judge: Judge,
    is_duplicate: npt.NDArray[np.bool_],
    fingerprints: npt.NDArray[np.uint64] | None,
) -> Assembled:
    """Return what becomes of a piece's measured paragraphs; `is_duplicate` speaks of those that
    `keys` names.
    """
    judged = judge.judge(frame).with_columns(text=pl.coalesce("text", "raw"))
    identified = _identified(judged, judge)
    judged = _reject_duplicates(judged, is_duplicate)
    judged = _reject_lines(judged, judge, fingerprints)
    documents = _documents(judged).sort("lang", maintain_order=True)
    measured = _with_quality(documents, judge)
    judged = judged.join(
        measured.select("document", "quality_reason"),
        on="document",
        how="left",
        maintain_order="left",
    ).with_columns(reason=pl.coalesce("reason", "quality_reason"))
    kept = measured.filter(pl.col("quality_reason").is_null())
    bands = (
        _salted(band_keys(kept["text"], config=judge.config.near_duplicate), kept["lang"])
        if judge.config.near_duplicates
        else None
    )
    return Assembled(_table(kept, ASSEMBLED), _rejected(judged), bands, _read(judged), identified)


def _salted(bands: npt.NDArray[np.uint64], languages: pl.Series) -> npt.NDArray[np.uint64]:
    """Return keys such that documents of two languages have none in common."""
    salt_of = {name: salt(name) for name in languages.unique().to_list()}
    salts = np.array([salt_of[name] for name in languages.to_list()], dtype=np.uint64)
    salted = np.maximum(bands ^ salts, np.uint64(1))
    return np.where(bands == NO_KEY, NO_KEY, salted)


def expand(documents: pl.DataFrame, reason: str) -> pl.DataFrame:
    """Return the paragraphs of documents that are rejected after all, with one reason for all."""
    lists = pl.col("text").str.strip_suffix("\n").str.split("\n")
    rows = documents.with_columns(text=lists).explode("text", "places")
    named = rows.with_columns(
        num_bytes=pl.col("text").str.len_bytes(),
        num_paragraphs=pl.lit(1),
        paragraph=pl.col("places"),
        stage=pl.lit(paragraphs.STAGE_OF[reason]),
        reason=pl.lit(reason),
    )
    return _table(named, REJECTED)


def _repeats(passing: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which paragraphs repeat an earlier one of their own document: copies, whichever of
    several documents' copies are kept.
    """
    return repeats(passing["key"], passing["document"]).to_numpy()


def _reject_duplicates(judged: pl.DataFrame, is_duplicate: npt.NDArray[np.bool_]) -> pl.DataFrame:
    is_copy = judged["reason"].is_null().to_numpy(writable=True)
    repeated = _repeats(judged.filter(pl.col("reason").is_null()))
    copies = repeated.copy()
    copies[~repeated] = is_duplicate
    is_copy[is_copy] = copies
    copy = pl.when(pl.Series(is_copy)).then(pl.lit("duplicate"))
    return judged.with_columns(reason=pl.coalesce("reason", copy))


def _reject_lines(
    judged: pl.DataFrame, judge: Judge, fingerprints: npt.NDArray[np.uint64] | None
) -> pl.DataFrame:
    """Reject contaminated paragraphs, and those that C4 would drop from a document."""
    config = judge.config
    if fingerprints is not None:
        guard = config.contamination
        found = contamination.contaminated(
            judged["text"], fingerprints, guard.num_words, guard.min_words
        )
        judged = judged.with_columns(reason=pl.coalesce("reason", found))
    lines = quality_lines.line_reason(pl.col("text"), config.quality)
    return judged.with_columns(reason=pl.coalesce("reason", lines))


def _documents(judged: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each document that has a paragraph left."""
    grouped = judged.filter(pl.col("reason").is_null()).group_by("document", maintain_order=True)
    sums = [pl.col(name).sum() for name in ("log10_probability", "num_tokens")]
    verdict = {
        name: pl.col(f"document_{name}").first()
        for name in ("lid_label", "lid_score", "lab_label", "lab_score")
    }
    return grouped.agg(
        pl.col("doc_id", "source", "url", "lang").first(),
        text=pl.col("text").str.join("\n") + "\n",
        num_paragraphs=pl.len(),
        places=pl.col("paragraph"),
        perplexity=buckets.perplexity(*sums),
        **verdict,
    ).with_columns(num_bytes=pl.col("text").str.len_bytes())


def _with_quality(documents: pl.DataFrame, judge: Judge) -> pl.DataFrame:
    """Add the reason that the filters of whole documents give, language by language, since stop
    words are a language's.
    """
    config = judge.config.quality
    if not config.sets or documents.is_empty():
        return documents.with_columns(quality_reason=pl.lit(None, dtype=pl.String))
    parts = []
    for (language,), own in documents.group_by("lang", maintain_order=True):
        measures = quality.measure(own["text"], quality.STOP_WORDS.get(str(language), ()))
        parts.append(own.with_columns(measures.select(quality_reason=quality.reason(config))))
    return pl.concat(parts)


def _rejected(judged: pl.DataFrame) -> pl.DataFrame:
    rows = judged.filter(pl.col("reason").is_not_null()).with_columns(
        text=pl.col("raw"),
        num_bytes=pl.col("raw").str.len_bytes(),
        num_paragraphs=pl.lit(1),
        stage=pl.col("reason").replace_strict(paragraphs.STAGE_OF, return_dtype=pl.String),
        perplexity=buckets.perplexity(pl.col("log10_probability"), pl.col("num_tokens")),
    )
    return _table(rows.sort("lang", maintain_order=True), REJECTED)


def _read(judged: pl.DataFrame) -> pl.DataFrame:
    return (
        judged.group_by("lang")
        .agg(
            documents=pl.col("document").n_unique(),
            paragraphs=pl.len(),
            bytes=pl.col("raw").str.len_bytes().sum() + pl.len(),
        )
        .sort("lang")
    )


def _identified(judged: pl.DataFrame, judge: Judge) -> pl.DataFrame:
    measuring = judge.measuring
    text = ~pl.col("reason").is_in(paragraphs.STAGES["filters"]).fill_null(value=False)
    rows = judged.filter(pl.col("claimed").is_not_null() & pl.col("identified") & text)
    if measuring.labelled_sources:
        rows = rows.filter(pl.col("source").is_in(measuring.labelled_sources))
    share, seed = measuring.identifier_share, judge.seed
    unseen = [d for d in rows["doc_id"].unique() if not may_learn(d, share, seed)]
    label = identifiers.label(judge.known, two=judge.two_identifiers)
    return (
        rows.filter(pl.col("doc_id").is_in(unseen))
        .group_by(language="claimed")
        .agg(measured=pl.len(), correct=(label == pl.col("claimed")).sum())
        .sort("language")
    )


def _table(rows: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Return rows in the form of a schema; columns that are not there yet are null."""
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schema.items()
    )
