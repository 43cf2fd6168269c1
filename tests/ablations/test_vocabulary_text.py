"""The text that a vocabulary is measured on is text that it was not trained on, where there is
enough of it.
"""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from xlmr_lab.ablations import vocabulary_text
from xlmr_lab.ablations.vocabulary_text import language_text, training_paragraphs
from xlmr_lab.batches.splits import rank
from xlmr_lab.corpus import documents
from xlmr_lab.corpus.documents import DOCUMENTS

IDS = [f"document {i}" for i in range(400)]
TEXTS = {doc_id: f"{doc_id} says\nthis and \u0434\n" for doc_id in IDS}
HELD = [doc_id for doc_id in sorted(IDS, key=rank) if rank(doc_id) < 0.2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        {"doc_id": doc_id, "lang": "qaa", "text": text, "num_bytes": len(text.encode())}
        for doc_id, text in TEXTS.items()
    ]
    frame = pl.DataFrame(rows, schema={name: DOCUMENTS[name] for name in rows[0]})
    empty = [pl.lit(None, kind).alias(n) for n, kind in DOCUMENTS.items() if n not in rows[0]]
    documents.write_documents(
        tmp_path, "qaa", [frame.with_columns(empty).select(DOCUMENTS.names())]
    )
    return tmp_path


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that sets the limits of the samples (bytes)."""

    def change(**values: int) -> None:
        for name, value in values.items():
            monkeypatch.setattr(vocabulary_text, name, value)

    return change


def test_the_vocabulary_sees_no_document_that_is_held_out(folder: Path) -> None:
    seen = list(training_paragraphs(folder, "qaa", 0.2))
    assert len(HELD) == pytest.approx(80, abs=30)
    assert len(seen) == 2 * (len(IDS) - len(HELD))
    assert not {f"{doc_id} says" for doc_id in HELD} & set(seen)


def test_rates_are_measured_on_held_out_documents_and_pieces_on_more(
    folder: Path, limits: Callable[..., None]
) -> None:
    limits(LEAST_UNSEEN_BYTES=100)
    found = language_text(folder, "qaa", 0.2)
    assert found.unseen
    assert list(found.rated) == [line for d in HELD for line in TEXTS[d].splitlines()]
    assert len(found.used) == 2 * len(IDS)
    assert list(found.used[: len(found.rated)]) == list(found.rated)
    assert found.letters["\u0434"] == len(IDS)
    assert found.unseen_letters["\u0434"] == len(HELD)


def test_too_little_held_out_text_is_made_up_for_and_said(folder: Path) -> None:
    found = language_text(folder, "qaa", 0.2)
    assert not found.unseen
    assert found.rated == found.used


def test_samples_end_where_they_are_full(folder: Path, limits: Callable[..., None]) -> None:
    limits(LEAST_UNSEEN_BYTES=100, RATED_BYTES=200, USED_BYTES=500, LETTERS_BYTES=1000)
    found = language_text(folder, "qaa", 0.2)
    line = max(len(text.encode()) for text in TEXTS.values())
    for lines, limit in ((found.rated, 200), (found.used, 500)):
        assert limit <= sum(len(text.encode()) + 1 for text in lines) < limit + line
    counted = sum(found.letters.values())
    assert 1000 - line < counted < 1000 + line


def test_one_long_document_is_measured_in_part(folder: Path, limits: Callable[..., None]) -> None:
    limits(USED_BYTES=1)
    assert len(language_text(folder, "qaa", 0.2).used) == 1
