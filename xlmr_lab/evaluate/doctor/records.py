"""What the doctor said and what it looked at, as tables in a run folder: one row for a verdict, one
for each number that was seen at a check of fine-tuning.

`doctor.jsonl` says of each verdict what it is about: task, protocol, selection, arm, both seeds,
set. A selection that is empty means the set itself; seeds that are null mean all of them together.
A score whose own verdict is a refusal is marked (`marked`), and whatever shows it says so.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import polars as pl

DOCTOR_NAME, LOOKS_NAME = "doctor.jsonl", "looks.jsonl"
"""Files of a run folder."""

DOCTOR = pl.Schema(
    {
        "study": pl.String,
        "run": pl.String,
        "task": pl.String,
        "protocol": pl.String,
        "selection": pl.String,
        "arm": pl.String,
        "seed": pl.Int64,
        "finetune_seed": pl.Int64,
        "set": pl.String,
        "split": pl.String,
        "language": pl.String,
        "question_language": pl.String,
        "level": pl.String,
        "name": pl.String,
        "line": pl.String,
        "evidence": pl.String,
    }
)
"""One row for a verdict; its evidence is JSON, for each check has its own numbers."""

LOOKS = pl.Schema(
    {
        "task": pl.String,
        "arm": pl.String,
        "seed": pl.Int64,
        "finetune_seed": pl.Int64,
        "train": pl.String,
        "learning_rate": pl.Float64,
        "step": pl.Int64,
        "kind": pl.String,
        "set": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
    }
)
"""One row for a number of a check: `kind` is dev where a selection looked at it (its metric is the
one that selects, and has no name here), scored where some selection would have taken that step."""

MODEL = ("task", "arm", "seed", "finetune_seed")
"""Columns of `LOOKS` that name a fine-tuned model, besides its training sets."""
SCORE = ("task", "arm", "seed", "finetune_seed", "protocol", "selection", "split", "language")
"""Columns that a verdict and the score that it is about share, besides the questions' language."""
LEARNED_WITH = {"glue-mnli-mm": "glue-mnli"}
"""Tasks that are scored with another's sets."""


def doctor(records: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return verdicts, as `doctor.jsonl` has them, as a frame of schema `DOCTOR`."""
    rows = [{**record, "evidence": json.dumps(record["evidence"])} for record in records]
    return pl.DataFrame(rows, schema=DOCTOR)


def looks(records: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return what was seen of models, as `looks.jsonl` has it, as a frame of schema `LOOKS`."""
    return pl.DataFrame(list(_seen(records)), schema=LOOKS, orient="row")


def marked(scores: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """Return scores with a column `refused`: the names of the checks that refuse each, with commas
    between, empty where none does."""
    keys = [*SCORE, "question_language"]
    found = (
        verdicts.filter(pl.col("level") == "refuse", pl.col("selection") != "")
        .group_by(keys)
        .agg(refused=pl.col("name").unique().sort().str.join(", "))
    )
    own = scores.with_columns(shown=pl.col("task"), task=pl.col("task").replace(LEARNED_WITH))
    joined = own.join(found, keys, "left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(pl.col("refused").fill_null(""), task="shown").drop("shown")


def _seen(records: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for record in records:
        train = ", ".join(record["train"])
        model = (*(record.get(name) for name in MODEL), train)
        for look in record["looks"]:
            at = look["learning_rate"], look["step"]
            for name, value in look["dev"].items():
                yield *model, *at, "dev", name, "", value
            for name, measures in look["scores"].items():
                for metric, value in measures.items():
                    yield *model, *at, "scored", name, metric, value
