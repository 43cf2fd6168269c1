"""Tables of a cleaning on frames small enough to check by hand."""

from pathlib import Path

import polars as pl
import pytest

from xlmr_lab import cleaning_tables
from xlmr_lab.corpus import documents


def write(folder: Path, schema: pl.Schema, rows: list[dict[str, object]]) -> None:
    frame = pl.DataFrame(rows).with_columns(
        pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in schema.items()
        if name not in rows[0]
    )
    table = frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
    for (language,), own in table.group_by("lang", maintain_order=True):
        documents.write_documents(folder, str(language), [own])


def test_scores_count_what_is_text_and_identified_by_itself() -> None:
    """Of six rows one is no text, one not identified, one has no verdict of the second model."""
    judged = pl.DataFrame(
        {
            "reason": [None, "wrong_language", "not_text", None, "duplicate", None],
            "identified": [True, True, True, False, True, True],
            "expected": ["en", "en", "en", "en", "en", "en"],
            "lid_label": ["en", "fr", "en", "en", "en", "en"],
            "lid_score": [1.0, 0.555, 0.9, 0.9, 0.995, 0.3],
            "lab_label": ["en", "en", "en", "en", "", None],
            "lab_score": [0.8, 0.7, 0.9, 0.9, 0.0, None],
        }
    )
    assert cleaning_tables.scores(judged).rows() == [
        ("fastText", False, 0.55, 1),
        ("fastText", True, 0.3, 1),
        ("fastText", True, 0.99, 2),
        ("n-gram model", True, 0.7, 1),
        ("n-gram model", True, 0.8, 1),
    ]


def test_scores_of_a_single_identifier_are_its_own() -> None:
    judged = pl.DataFrame(
        {"reason": [None], "identified": [True], "expected": ["en"], "lid_label": ["en"]}
        | {"lid_score": [0.5], "lab_label": [None], "lab_score": [None]},
        schema_overrides={"reason": pl.String, "lab_label": pl.String, "lab_score": pl.Float32},
    )
    assert cleaning_tables.scores(judged).rows() == [("fastText", True, 0.5, 1)]


def test_what_cannot_be_seen_is_marked_and_long_text_is_cut(tmp_path: Path) -> None:
    row = {"lang": "en", "stage": "filters", "reason": "not_text", "paragraph": 0}
    texts = ["a\x00b", "   ", "x" * 300]
    rows = [row | {"doc_id": str(i), "text": text} for i, text in enumerate(texts)]
    write(tmp_path / "rejected", documents.REJECTED, rows)
    kept = [{"lang": "en", "doc_id": "0", "text": "one\ntwo\n"}]
    write(tmp_path / "documents", documents.DOCUMENTS, kept)
    chosen = cleaning_tables.examples(tmp_path / "rejected", ["en"], 3, seed=0)
    shown = cleaning_tables.beside_document(chosen, tmp_path / "documents").sort("doc_id")
    assert shown["paragraph"].to_list() == ["a\ufffdb", None, "x" * 240 + "…"]
    assert shown["kept of its document"].to_list() == ["one ¶ two", None, None]


def test_reasons_come_in_the_order_of_the_tests(tmp_path: Path) -> None:
    row = {"lang": "en", "stage": "", "paragraph": 0, "text": "a", "doc_id": "0"}
    reasons = ("duplicate", "too_short", "wrong_language", "empty")
    write(tmp_path, documents.REJECTED, [row | {"reason": reason} for reason in reasons])
    chosen = cleaning_tables.examples(tmp_path, ["en"], 1, seed=0)
    assert chosen["reason"].to_list() == ["empty", "too_short", "wrong_language", "duplicate"]


def test_nothing_rejected_gives_no_examples(tmp_path: Path) -> None:
    chosen = cleaning_tables.examples(tmp_path, [], 2, seed=0)
    assert cleaning_tables.beside_document(chosen, tmp_path).is_empty()


def test_perplexities_by_hand(tmp_path: Path) -> None:
    rows = [
        {"lang": "en", "doc_id": str(i), "text": "a\n", "perplexity": value}
        for i, value in enumerate([10.0, 20.0, 30.0, None])
    ]
    write(tmp_path, documents.DOCUMENTS, rows)
    (row,) = cleaning_tables.perplexities(tmp_path, {"en": (15.0, 25.0)}).rows(named=True)
    assert (row["num_documents"], row["p50"]) == (3, 20)
    assert (row["middle_begins"], row["tail_begins"]) == (15, 25)
    assert cleaning_tables.perplexities(tmp_path, {}).is_empty()


def test_truth_counts_what_was_measured_and_not_rejected(tmp_path: Path) -> None:
    """The second page was not read, so nothing is said of it."""
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "qaa.jsonl").write_text(
        '{"doc_id": "a", "labels": ["clean", "menu", "clean"]}\n'
        '{"doc_id": "b", "labels": ["clean"]}\n'
    )
    piece = tmp_path / "piece.parquet"
    read = pl.DataFrame({"doc_id": ["a"] * 3, "paragraph": [0, 1, 2]})
    read.cast({"paragraph": pl.Int32}).write_parquet(piece)
    row = {"lang": "qaa", "doc_id": "a", "text": "x"}
    rejected = [row | {"paragraph": place} for place in (1, 2)]
    write(tmp_path / "rejected", documents.REJECTED, rejected)
    found = cleaning_tables.truth(tmp_path / "truth", [piece], tmp_path / "rejected")
    assert found.rows() == [("qaa", "clean", 2, 1, True), ("qaa", "menu", 1, 0, False)]


@pytest.mark.parametrize("heading", ["# Top", "## Part", "### Smaller"])
def test_headings_of_a_card_go_below_those_of_a_notebook(heading: str) -> None:
    assert cleaning_tables.as_section(f"---\na: 1\n---\n\n{heading}\n") == f"##{heading}\n"
