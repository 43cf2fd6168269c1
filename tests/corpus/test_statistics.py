"""Sizes of a cleaned corpus by hand."""

from pathlib import Path

import polars as pl
import pytest

from xlmr_lab.corpus import documents, statistics
from xlmr_lab.corpus.documents import DOCUMENTS
from xlmr_lab.errors import UserError


def test_sizes_by_hand(tmp_path: Path) -> None:
    for language, texts in {
        "sw": ["habari ya\nleo\n", "ndiyo\n"],
        "zh-Hans": ["\u4f60\u597d\n"],
    }.items():
        rows = [
            {
                "lang": language,
                "text": text,
                "num_bytes": len(text.encode("utf-8")),
                "num_paragraphs": text.count("\n"),
            }
            for text in texts
        ]
        frames = [pl.DataFrame([row], schema=DOCUMENTS) for row in rows]
        documents.write_documents(tmp_path, language, frames)
    assert statistics.sizes(tmp_path).rows() == [("sw", 2, 3, 20, 4), ("zh-Hans", 1, 1, 7, 1)]
    assert statistics.sizes(tmp_path).schema == statistics.SIZES


def test_no_documents_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no documents"):
        statistics.sizes(tmp_path)
