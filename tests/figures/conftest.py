"""Scores by hand: what a row does not say is that of a pretrained arm's first run on NLI."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from xlmr_lab import score_results
from xlmr_lab.evaluate.scores import SCORES

ROW: dict[str, Any] = {
    **{"study": "s", "run": "r", "arm": "alpha=0.3", "seed": 0, "finetune_seed": 0},
    **{"task": "nli", "split": "test", "protocol": "zero-shot", "selection": "last"},
    **{"metric": "accuracy", "num_examples": 400, "question_language": ""},
}
LANGUAGES = pl.DataFrame(
    {
        "language": ["qaa", "qab", "qac", "qad"],
        "name": ["Avelo", "Bimatu", "Celahi", "Dorune"],
        "script": ["Latn", "Latn", "Cyrl", "Cyrl"],
        "family": ["one", "one", "two", "two"],
        "tier": ["high", "mid", "low", "low"],
        "size_bytes": [4000, 3000, 2000, 1000],
    }
)


@pytest.fixture
def made_scores() -> Callable[..., pl.DataFrame]:
    """Return what makes scores of rows, as a study reads them; tasks are learned in qaa."""

    def made(*rows: dict[str, Any]) -> pl.DataFrame:
        frame = pl.DataFrame([{**ROW, **row} for row in rows], schema=SCORES)
        sources = dict.fromkeys(frame["task"].unique(), "qaa")
        marked = score_results.marked(frame, pretrained=["alpha=0.3"], sources=sources)
        return marked.join(LANGUAGES, on="language", how="left", maintain_order="left")

    return made
