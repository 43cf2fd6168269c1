"""The pure core of cleaning: a chunk of documents as a table of paragraphs, judged step by step.

A paragraph passes the characters' test, the identifier, and deduplication, in this order, so that a
paragraph is a duplicate only of one that was kept. Each step gives a reason to some of those that
have none yet; what has no reason in the end is kept. A document keeps its paragraphs that pass and
is dropped when none does.

The language of a short paragraph cannot be told from its few words: it gets the verdict on its
document, and where the whole document is as short, the word of its file is taken.
"""

from collections.abc import Iterable, Iterator
from typing import Literal, get_args

import polars as pl

from xlmr_lab.corpus.deduplicate import SeenKeys, paragraph_keys
from xlmr_lab.corpus.documents import DOCUMENTS, REJECTED
from xlmr_lab.corpus.identify import Identifier
from xlmr_lab.corpus.normalize import normalized, paragraphs
from xlmr_lab.corpus.sources import RawDocument

Reason = Literal["empty", "not_text", "too_short", "low_confidence", "wrong_language", "duplicate"]
"""Why a paragraph was left out, in the order of the tests."""

REASONS: tuple[Reason, ...] = get_args(Reason)

STAGES: dict[Reason, str] = {
    "empty": "filters",
    "not_text": "filters",
    "too_short": "filters",
    "low_confidence": "identify",
    "wrong_language": "identify",
    "duplicate": "deduplicate",
}
"""The step that gives a reason."""

DOCUMENT_CHARACTERS = 300
"""Characters that the verdict on a document rests on."""

OPENING_CHARACTERS = 60
"""Characters of each of its paragraphs that they are taken from."""

_RAW = pl.Schema({name: pl.String for name in RawDocument._fields})


def chunks(raw: Iterable[RawDocument], chunk_bytes: int) -> Iterator[pl.DataFrame]:
    """Gather documents into frames of about `chunk_bytes` of UTF-8, one row each."""
    rows: list[RawDocument] = []
    size = 0
    for document in raw:
        rows.append(document)
        size += len(document.text.encode("utf-8"))
        if size >= chunk_bytes:
            yield pl.DataFrame(rows, schema=_RAW, orient="row")
            rows, size = [], 0
    if rows:
        yield pl.DataFrame(rows, schema=_RAW, orient="row")


def split(chunk: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each paragraph: `raw` as it was read, `text` normalised, no reason yet."""
    lists = chunk.with_row_index("document").with_columns(raw=paragraphs(pl.col("text")))
    places = lists.with_columns(paragraph=pl.int_ranges(pl.col("raw").list.len(), dtype=pl.Int32))
    rows = places.drop("text").explode("raw", "paragraph")
    return rows.with_columns(text=normalized(pl.col("raw"))).with_columns(
        num_bytes=pl.col("text").str.len_bytes().cast(pl.Int64),
        reason=pl.lit(None, dtype=pl.String),
    )


def judge(frame: pl.DataFrame, reason: pl.Expr) -> pl.DataFrame:
    """Give a reason to paragraphs that have none yet."""
    return frame.with_columns(reason=pl.coalesce("reason", reason))


def judge_language(
    frame: pl.DataFrame,
    identifier: Identifier,
    language: str,
    *,
    min_bytes: int,
    min_confidence: float,
) -> pl.DataFrame:
    """Identify the language of paragraphs that have no reason yet, and reject those in doubt or in
    another language.

    Adds `identified` (the verdict is the paragraph's own), `lid_label`, `lid_score`,
    `document_label`, `document_score`.
    """
    passing = frame.with_row_index("row").filter(pl.col("reason").is_null())
    own = passing.filter(pl.col("num_bytes") >= min_bytes).select("row", "text")
    labels, scores = identifier.predict(own["text"].to_list())
    verdicts = own.select(
        "row", own_label=pl.Series(labels, dtype=pl.String), own_score=pl.Series(scores)
    )
    judged = (
        frame.with_row_index("row")
        .join(verdicts, on="row", how="left", maintain_order="left")
        .join(_on_documents(passing, identifier), on="document", how="left", maintain_order="left")
        .with_columns(identified=pl.col("own_label").is_not_null())
    )
    use = pl.col("reason").is_null() & (pl.col("document_bytes") >= min_bytes)
    fallback = [pl.when(use).then(f"document_{name}") for name in ("label", "score")]
    judged = judged.with_columns(
        lid_label=pl.coalesce("own_label", fallback[0]),
        lid_score=pl.coalesce("own_score", fallback[1]),
    )
    reason = (
        pl.when(pl.col("lid_score") < min_confidence)
        .then(pl.lit("low_confidence"))
        .when(pl.col("lid_label") != language)
        .then(pl.lit("wrong_language"))
    )
    return judge(judged.drop("row", "own_label", "own_score", "document_bytes"), reason)


def judge_duplicates(frame: pl.DataFrame, seen: SeenKeys) -> pl.DataFrame:
    """Reject paragraphs that have no reason yet and whose key was seen before, and remember the
    others' keys.
    """
    is_copy = frame["reason"].is_null().to_numpy(writable=True)
    passing = frame.filter(pl.col("reason").is_null())
    is_copy[is_copy] = ~seen.add(paragraph_keys(passing["text"]))
    return judge(frame, pl.when(pl.Series(is_copy)).then(pl.lit("duplicate")))


def kept(frame: pl.DataFrame, language: str) -> pl.DataFrame:
    """Return the documents made of the paragraphs that have no reason."""
    grouped = frame.filter(pl.col("reason").is_null()).group_by("document", maintain_order=True)
    rows = grouped.agg(
        pl.col("doc_id", "source", "url").first(),
        lid_label=pl.col("document_label").first(),
        lid_score=pl.col("document_score").first(),
        text=pl.col("text").str.join("\n") + "\n",
        num_paragraphs=pl.len(),
    )
    return _table(rows.with_columns(num_bytes=pl.col("text").str.len_bytes()), DOCUMENTS, language)


def rejected(frame: pl.DataFrame, language: str) -> pl.DataFrame:
    """Return the paragraphs that have a reason, as they were read."""
    rows = frame.filter(pl.col("reason").is_not_null()).with_columns(
        text=pl.col("raw"),
        num_bytes=pl.col("raw").str.len_bytes(),
        num_paragraphs=pl.lit(1),
        stage=pl.col("reason").replace_strict(STAGES, return_dtype=pl.String),
    )
    return _table(rows, REJECTED, language)


def _on_documents(passing: pl.DataFrame, identifier: Identifier) -> pl.DataFrame:
    """Return label, score and size of each document, by the openings of its passing paragraphs."""
    openings = pl.col("text").str.slice(0, OPENING_CHARACTERS).str.join(" ")
    whole = passing.group_by("document", maintain_order=True).agg(
        opening=openings, document_bytes=pl.col("num_bytes").sum()
    )
    labels, scores = identifier.predict(
        whole["opening"].to_list(), prefix_characters=DOCUMENT_CHARACTERS
    )
    return whole.select(
        "document",
        "document_bytes",
        document_label=pl.Series(labels, dtype=pl.String),
        document_score=pl.Series(scores, dtype=pl.Float32),
    )


def _table(rows: pl.DataFrame, schema: pl.Schema, language: str) -> pl.DataFrame:
    """Return rows in the form of a schema; columns that are not there yet are null."""
    named = rows.with_columns(lang=pl.lit(language))
    columns = [
        (pl.col(name) if name in named.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schema.items()
    ]
    return named.select(columns)
