"""Scores as tidy rows: one row for one number, with all that is needed to compare it.

A task's function fills what it knows (task, split, language, protocol, selection, metric, value);
the study that called it adds its own names with `dataclasses.replace`. Values are fractions in [0,
1], never per cent.
"""

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from xlmr_lab import storage
from xlmr_lab.errors import UserError

SCORES = pl.Schema(
    {
        "study": pl.String,
        "run": pl.String,
        "arm": pl.String,
        "seed": pl.Int64,
        "finetune_seed": pl.Int64,
        "task": pl.String,
        "split": pl.String,
        "language": pl.String,
        "protocol": pl.String,
        "selection": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
        "num_examples": pl.Int64,
        "question_language": pl.String,
        "step": pl.Int64,
        "learning_rate": pl.Float64,
    }
)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """One number: a model, fine-tuned in one way, on one language's split of one task."""

    study: str = ""
    """Name of the study, empty outside one."""
    run: str = ""
    """Name of the pretraining run."""
    arm: str = ""
    """Setting of the study that the run belongs to, such as alpha=0.3."""
    seed: int | None = None
    """Seed of the pretraining run, or of the initial weights where there was none."""
    finetune_seed: int | None
    """Seed of the fine-tuning run, None where nothing is fine-tuned (retrieval)."""
    task: str
    """Name of the task: nli or ner."""
    split: str
    """Split that was scored: test, or dev where a language has no test file."""
    language: str
    """Key of the language that was scored."""
    protocol: str
    """How training data and test language relate (see protocols)."""
    selection: str
    """How the scored step was chosen (see protocols)."""
    metric: str
    """Name of the measure: accuracy or span_f1."""
    value: float
    """The measure, a fraction in [0, 1]."""
    num_examples: int
    """Pairs (nli) or sentences (ner) that were scored."""
    question_language: str = ""
    """Key of the language of the questions (qa), or of the sentences that are paired with the
    language's (retrieval); empty where it is that of the row."""
    step: int | None = None
    """Optimizer step of the model that was scored."""
    learning_rate: float | None = None
    """Peak learning rate of its run."""


LATER = {
    field.name: field.default
    for field in dataclasses.fields(Score)
    if field.name in ("question_language", "step", "learning_rate")
}
"""What rows of earlier versions do not have."""


def write(path: Path, rows: Iterable[Score]) -> None:
    """Write scores as JSON Lines, atomically."""
    storage.write_jsonl(path, (dataclasses.asdict(row) for row in rows))


def read(path: Path) -> pl.DataFrame:
    """Read scores into a frame of schema `SCORES`.

    Raises:
        UserError: the file is missing, or a line has other fields than a score.
    """
    if not path.is_file():
        raise UserError(f"no scores at {path}; they are written when a model has been evaluated")
    records = storage.read_jsonl(path)
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict) or (LATER | record).keys() != SCORES.keys():
            fields = sorted(record) if isinstance(record, dict) else record
            raise UserError(f"{path}, record {number} is not a score: it has {fields}")
    try:
        return pl.DataFrame([LATER | record for record in records], schema=SCORES)
    except (TypeError, pl.exceptions.PolarsError) as error:
        raise UserError(f"{path} holds a score of the wrong type: {error}") from None
