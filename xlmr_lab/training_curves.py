"""What pretraining runs record on their way, read while it grows: a frame of curves, each record
read once.

Files of runs are only appended to, except that a run which goes on drops what lies after its
checkpoint; its files are written anew then, and are read anew.
"""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from xlmr_lab import storage, training_tries
from xlmr_lab.errors import UserError
from xlmr_lab.results import Study
from xlmr_lab.training_process import CONFIG_NAME, TELEMETRY_NAME, TrainingRun

METRICS_NAME = "metrics.jsonl"
MEASURES = ("loss", "heldout", "learning_rate", "tokens_per_second")
"""What is recorded; `heldout` is the mean held-out loss of a run's languages."""
CURVES = pl.Schema(
    {"run": pl.String, "measure": pl.String, "value": pl.Float64}
    | {name: pl.Int64 for name in ("step", "tokens", "steps", "all_tokens")}
)
Point = tuple[str, int, float]
"""A measure, its step, its value."""


def read(study: Study, runs: Sequence[str] | None = None) -> pl.DataFrame:
    """Return what runs have recorded so far, or the study's first run and every try, a row for each
    of `MEASURES` and record: the `step` and the `tokens` (of all languages) seen by then, `steps`
    and `all_tokens` of the whole run.

    Raises:
        UserError: there is no such run, or a record is broken.
    """
    if runs is None:
        runs = [run.name for run in (*training_tries.arms(study)[:1], *training_tries.tries(study))]
    return GrowingCurves(study).read(runs)


class GrowingCurves:
    """Reads the same again and again while runs train, each record once."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._files: dict[Path, _GrowingFile] = {}

    def read(self, runs: Sequence[str]) -> pl.DataFrame:
        """Return what the function `read` does."""
        known = {run.name: run for run in training_tries.begun(self._study)}
        for name in runs:
            if name not in known:
                there = ", ".join(known) or "none"
                raise UserError(f"{self._study.name} has no run {name!r}; it has {there}")
        return pl.concat([pl.DataFrame(schema=CURVES), *(self._of(known[name]) for name in runs)])

    def _of(self, run: TrainingRun) -> pl.DataFrame:
        if run.folder is None:
            return pl.DataFrame(schema=CURVES)
        config = storage.read_json(run.folder / CONFIG_NAME)
        block = self._study.config()["batches"]["block_tokens"]
        each = config["batches"]["batch_sequences"] * block
        steps = config["pretrain"]["steps"]
        rows = [
            {"run": run.label, "measure": measure, "value": value, "step": step}
            | {"tokens": step * each, "steps": steps, "all_tokens": steps * each}
            for name in (METRICS_NAME, TELEMETRY_NAME)
            for measure, step, value in self._points(run.folder / name)
        ]
        return pl.DataFrame(rows, schema=CURVES)

    def _points(self, path: Path) -> list[Point]:
        return self._files.setdefault(path, _GrowingFile(path)).points()


class _GrowingFile:
    """The points of a file of records."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begin(0)

    def points(self) -> list[Point]:
        """Return those of all whole lines; none where there is no file."""
        if not self._path.is_file():
            self._begin(0)
            return self._found
        with self._path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_ino != self._number or status.st_size < self._place:
                self._begin(status.st_ino)
            file.seek(self._place)
            whole = file.read().rpartition(b"\n")[0]
        for line in whole.splitlines():
            self._found += self._parsed(line)
        self._place += len(whole) + bool(whole)
        return self._found

    def _begin(self, number: int) -> None:
        self._number, self._place = number, 0
        self._found: list[Point] = []

    def _parsed(self, line: bytes) -> Iterator[Point]:
        try:
            return _points(json.loads(line))
        except ValueError:
            raise UserError(f"{self._path} has a line that is not JSON: {line[:60]!r}") from None


def _points(record: dict[str, Any]) -> Iterator[Point]:
    """Yield what a record of metrics or telemetry says of a run.

    >>> list(_points({"kind": "heldout", "step": 4, "loss": 2.0}))
    [('heldout', 4, 2.0)]
    """
    kind, step = record.get("kind"), record["step"]
    if kind == "heldout":
        yield "heldout", step, record["loss"]
    elif kind in ("step", None):
        for measure in MEASURES:
            if measure in record:
                yield measure, step, record[measure]
