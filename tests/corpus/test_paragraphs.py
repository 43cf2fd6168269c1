"""Documents as a table of paragraphs."""

from typing import get_args

import polars as pl
import pytest

from xlmr_lab.corpus import agreement, contamination, paragraphs, quality, quality_lines
from xlmr_lab.corpus.sources import RawDocument


def table(*texts: str) -> pl.DataFrame:
    raw = [
        RawDocument(f"d{i}", text, f"https://a.example/{i}", "news", "qaa")
        for i, text in enumerate(texts)
    ]
    (chunk,) = paragraphs.chunks(raw, 10**9)
    return paragraphs.split(chunk)


def test_documents_are_split_and_normalised() -> None:
    frame = table("one \r\n\n two\u00a0\n", "", "three")
    assert frame.select("document", "paragraph", "raw", "text", "num_bytes").rows() == [
        (0, 0, "one ", "one", 3),
        (0, 1, "", "", 0),
        (0, 2, " two\u00a0", "two", 3),
        (1, 0, "", "", 0),
        (2, 0, "three", "three", 5),
    ]


@pytest.mark.parametrize(("size", "expected"), [(1, [1] * 4), (6, [2, 2]), (10**6, [4])])
def test_chunks_end_when_they_are_full(size: int, expected: list[int]) -> None:
    raw = [RawDocument(str(i), "\u00e9\u00e9", None, "news", "qaa") for i in range(4)]
    assert [chunk.height for chunk in paragraphs.chunks(raw, size)] == expected


def test_a_document_of_nothing_but_line_ends_takes_no_room() -> None:
    raw = [RawDocument("d", "a" + "\n" * 300_000 + "b", None, "news", "qaa")]
    (chunk,) = paragraphs.chunks(raw, 10**9)
    assert paragraphs.split(chunk)["text"].to_list() == ["a", "", "b"]


def test_every_reason_has_one_stage() -> None:
    kinds = (quality.Reason, quality_lines.LineReason, agreement.Reason, contamination.Reason)
    for reason in (reason for kind in kinds for reason in get_args(kind)):
        assert reason in paragraphs.STAGE_OF
    assert tuple(paragraphs.STAGE_OF) == paragraphs.REASONS
    assert len(set(paragraphs.REASONS)) == len(paragraphs.REASONS)
    assert paragraphs.STAGE_OF["near_duplicate"] == "near_duplicates"
