"""The pure core of cleaning: a chunk of documents as a table of paragraphs, measured and judged.

Measuring is slow and depends on the text and the models alone; judging is quick and depends on the
measures and the thresholds, so that other thresholds need no second look at the text. A paragraph
passes the characters' test, then the identifiers' (`verdicts`); what has no reason against it so
far goes on to deduplication.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Literal, get_args

import polars as pl

from xlmr_lab.corpus import agreement, filters
from xlmr_lab.corpus.contamination import Reason as ContaminationReason
from xlmr_lab.corpus.normalize import normalized, paragraphs
from xlmr_lab.corpus.quality import Reason as QualityReason
from xlmr_lab.corpus.quality_lines import LineReason
from xlmr_lab.corpus.sources import RawDocument

CharacterReason = Literal["empty", "not_text", "markup", "too_short", "too_long"]
LanguageReason = Literal[agreement.Reason, "no_language", "other_language"]

STAGES: dict[str, tuple[str, ...]] = {
    "filters": get_args(CharacterReason),
    "identify": get_args(LanguageReason),
    "deduplicate": ("duplicate",),
    "contamination": get_args(ContaminationReason),
    "quality": (*get_args(LineReason), *get_args(QualityReason)),
    "near_duplicates": ("near_duplicate",),
}
"""The steps of cleaning in their order, and the reasons that each gives."""

REASONS: tuple[str, ...] = tuple(reason for own in STAGES.values() for reason in own)
"""Why a paragraph was left out, in the order of the tests."""

STAGE_OF: dict[str, str] = {reason: stage for stage, own in STAGES.items() for reason in own}
"""The step that gives a reason."""

LINE_BYTES = 100
"""What a line costs beside its text when it is measured (bytes)."""

MAX_LINES = 100_000
"""Lines of a document up to which every blank one is a paragraph of its own."""

_RAW = pl.Schema(dict.fromkeys(RawDocument._fields, pl.String))


def chunks(raw: Iterable[RawDocument], chunk_bytes: int) -> Iterator[pl.DataFrame]:
    """Gather documents into frames of about `chunk_bytes` of UTF-8, one row each."""
    rows: list[RawDocument] = []
    size = 0
    for document in raw:
        document = document._replace(text=_without_gaps(document.text))
        rows.append(document)
        size += len(document.text.encode("utf-8")) + LINE_BYTES * document.text.count("\n")
        if size >= chunk_bytes:
            yield pl.DataFrame(rows, schema=_RAW, orient="row")
            rows, size = [], 0
    if rows:
        yield pl.DataFrame(rows, schema=_RAW, orient="row")


def _without_gaps(text: str) -> str:
    """Return a text of more lines than any document has with its runs of blank lines as one."""
    if text.count("\n") <= MAX_LINES:
        return text
    return re.sub(r"\n\s*\n", "\n\n", text)


def split(chunk: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each paragraph: `raw` as it was read, `text` normalised, and the measures of
    its characters.
    """
    lists = chunk.with_row_index("document").with_columns(raw=paragraphs(pl.col("text")))
    places = lists.with_columns(paragraph=pl.int_ranges(pl.col("raw").list.len(), dtype=pl.Int32))
    rows = places.drop("text").explode("raw", "paragraph")
    normal = rows.with_columns(text=normalized(pl.col("raw")))
    return normal.with_columns(filters.character_measures(pl.col("raw"), pl.col("text")))


def judged_by_characters(frame: pl.DataFrame) -> pl.DataFrame:
    """Return paragraphs with the `reason` that their characters give by the default thresholds."""
    return frame.with_columns(reason=filters.character_reason())
