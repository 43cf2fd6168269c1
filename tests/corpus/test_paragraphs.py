"""The steps of cleaning on one small table: each gives its reason, and none takes one back."""

from collections.abc import Callable

import polars as pl
import pytest

from xlmr_lab.corpus import paragraphs
from xlmr_lab.corpus.deduplicate import SeenKeys
from xlmr_lab.corpus.documents import DOCUMENTS, REJECTED
from xlmr_lab.corpus.identify import Identifier
from xlmr_lab.corpus.sources import RawDocument

Write = Callable[[str, int, int], list[str]]


def table(*texts: str) -> pl.DataFrame:
    raw = [
        RawDocument(f"d{i}", text, f"https://a.example/{i}", "news", "qaa")
        for i, text in enumerate(texts)
    ]
    (chunk,) = paragraphs.chunks(raw, 10**9)
    return paragraphs.split(chunk)


def judge(frame: pl.DataFrame, identifier: Identifier) -> pl.DataFrame:
    return paragraphs.judge_language(frame, identifier, "qaa", min_bytes=50, min_confidence=0.5)


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


def test_a_long_paragraph_gets_its_own_verdict(identifier: Identifier, write: Write) -> None:
    own, other = write("qaa", 1, 9)[0], write("qab", 1, 9)[0]
    frame = judge(table(f"{own}\n{own}\n{other}"), identifier)
    assert frame["reason"].to_list() == [None, None, "wrong_language"]
    assert frame["lid_label"].to_list() == ["qaa", "qaa", "qab"]
    assert frame["identified"].to_list() == [True] * 3


def test_a_short_paragraph_gets_its_documents_verdict(identifier: Identifier, write: Write) -> None:
    own, other = write("qaa", 3, 9), write("qab", 3, 9)
    short = other[0][:20]
    frame = judge(table("\n".join([*own, short]), "\n".join([*other, short])), identifier)
    assert frame["reason"].to_list() == [None] * 4 + ["wrong_language"] * 4
    assert frame["identified"].to_list() == [True, True, True, False] * 2
    assert frame["lid_label"].to_list() == ["qaa"] * 4 + ["qab"] * 4


def test_a_short_document_is_what_its_file_says(identifier: Identifier, write: Write) -> None:
    frame = judge(table(write("qab", 1, 9)[0][:20]), identifier)
    assert frame["reason"].to_list() == [None]
    assert frame["lid_label"].to_list() == [None]


def test_doubt_is_a_reason(identifier: Identifier, write: Write) -> None:
    mixed = " ".join(
        a[:9] + b[:9] for a, b in zip(write("qaa", 6, 9), write("qab", 6, 9), strict=True)
    )
    frame = paragraphs.judge_language(
        table(mixed), identifier, "qaa", min_bytes=50, min_confidence=1.0
    )
    assert frame["reason"].to_list() == ["low_confidence"]


def test_what_has_a_reason_is_not_judged_again(identifier: Identifier, write: Write) -> None:
    other = write("qab", 1, 9)[0]
    frame = paragraphs.judge(table(f"{other}\n{other}"), pl.lit("too_short"))
    frame = paragraphs.judge_duplicates(judge(frame, identifier), SeenKeys())
    assert frame["reason"].to_list() == ["too_short"] * 2
    assert frame["lid_label"].to_list() == [None, None]


def test_the_first_of_equal_paragraphs_that_pass_is_kept() -> None:
    seen = SeenKeys()
    frame = table("Room 12\nelse", "room 99", "Room 12")
    frame = paragraphs.judge(
        frame, pl.when((pl.col("document") == 0) & (pl.col("paragraph") == 0)).then(pl.lit("empty"))
    )
    assert paragraphs.judge_duplicates(frame, seen)["reason"].to_list() == [
        "empty",
        None,
        None,
        "duplicate",
    ]
    assert paragraphs.judge_duplicates(table("ELSE"), seen)["reason"].to_list() == ["duplicate"]


def test_kept_and_rejected_divide_the_table(identifier: Identifier, write: Write) -> None:
    own, other = write("qaa", 3, 9), write("qab", 2, 9)
    frame = table(f"{own[0]}\n{other[0]}\n {own[1]}", other[1], own[2])
    frame = paragraphs.judge_duplicates(judge(frame, identifier), SeenKeys())
    kept, rejected = paragraphs.kept(frame, "qaa"), paragraphs.rejected(frame, "qaa")
    assert (kept.schema, rejected.schema) == (DOCUMENTS, REJECTED)
    assert kept.select("doc_id", "lang", "url", "text", "num_paragraphs", "lid_label").rows() == [
        ("d0", "qaa", "https://a.example/0", f"{own[0]}\n{own[1]}\n", 2, "qaa"),
        ("d2", "qaa", "https://a.example/2", f"{own[2]}\n", 1, "qaa"),
    ]
    assert kept["num_bytes"].to_list() == [len(text.encode()) for text in kept["text"]]
    assert rejected.select("doc_id", "paragraph", "text", "stage", "reason").rows() == [
        ("d0", 1, other[0], "identify", "wrong_language"),
        ("d1", 0, other[1], "identify", "wrong_language"),
    ]
    assert rejected["lid_score"].min() > 0.5


def test_every_reason_has_a_stage() -> None:
    assert tuple(paragraphs.STAGES) == paragraphs.REASONS
