"""The fine-tuning runs of one model on one task, over seeds.

A finished seed leaves its scores, and all seeds together one file; a killed one goes on where it
was. What was seen on the way (the looks of each model, and what the doctor says of its scored sets)
is kept where a folder for it is given.
"""

import dataclasses
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import storage
from xlmr_lab.ablations import task_sets
from xlmr_lab.evaluate import glue, transfer
from xlmr_lab.evaluate.doctor.verdict import Verdict
from xlmr_lab.evaluate.encoders import AnyEncoder
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.looks import Look
from xlmr_lab.evaluate.protocols import ModelPlan, Protocol
from xlmr_lab.evaluate.text import TextEncoder
from xlmr_lab.evaluate.transfer import TransferData

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TaskRuns:
    """What is fine-tuned and scored, but for the model."""

    task: str
    """Name of the task (see task_sets.py)."""
    folder: Path
    """Folder of its files."""
    finetune: FinetuneConfig
    reading: Mapping[str, Any]
    """How the task's files are read, where that is to be said."""
    train_language: str
    protocols: tuple[Protocol, ...]
    languages: tuple[str, ...]
    """Those that are scored."""
    num_runs: int
    """Seeds."""
    names: Mapping[str, Any]
    """What scores say of the model: study, run, arm, seed."""
    output: Path
    """File of the finished scores; those of single fine-tuning seeds stand beside it until all are
    done, and what unfinished runs keep of themselves."""
    looks: Path | None = None
    """File of what was seen on the way; None: it is not kept."""

    def load(self, text: TextEncoder) -> TransferData:
        """Read and encode the task's files.

        Raises:
            UserError: a file is missing or not well-formed.
        """
        return task_sets.LOADERS[task_sets.section(self.task)](
            text,
            self.folder,
            train_language=self.train_language,
            languages=self.languages,
            config=self.finetune,
            protocols=self.protocols,
            **self.reading,
        )

    @property
    def done(self) -> int:
        """Seeds that are finished."""
        if self.output.exists():
            return self.num_runs
        return sum(self.part(seed).exists() for seed in range(self.num_runs))

    def part(self, seed: int) -> Path:
        """Return the file of one seed's scores."""
        return self.output.with_suffix(f".f{seed}.jsonl")

    def seen(self, seed: int) -> Path | None:
        """Return the file of what was seen of one seed."""
        return self.looks and self.looks.with_suffix(f".f{seed}.jsonl")


def run(runs: TaskRuns, encoder: AnyEncoder, text: TextEncoder) -> None:
    """Fine-tune and score over all seeds; finished ones are not done again."""
    data = runs.load(text)
    for seed in range(runs.num_runs):
        if not runs.part(seed).exists():
            _run_seed(runs, encoder, data, seed)
    parts = [runs.part(seed) for seed in range(runs.num_runs)]
    if runs.looks:
        seen = [path for seed in range(runs.num_runs) if (path := runs.seen(seed))]
        _gather(seen, runs.looks)
    _gather(parts, runs.output)
    for path in parts + (seen if runs.looks else []):
        path.unlink()


def _run_seed(runs: TaskRuns, encoder: AnyEncoder, data: TransferData, seed: int) -> None:
    logger.info("%s: fine-tuning, seed %s of %s", runs.task, seed + 1, runs.num_runs)
    kept = runs.output.with_suffix(f".f{seed}.state")
    seen: list[dict[str, Any]] = []

    def looked(
        plan: ModelPlan, looks: Sequence[Look], told: Mapping[str, Sequence[Verdict]]
    ) -> None:
        doctor = {
            name: [dataclasses.asdict(verdict) for verdict in verdicts]
            for name, verdicts in told.items()
            if verdicts
        }
        seen.append(
            {
                "task": runs.task,
                "finetune_seed": seed,
                "train": [str(part) for part in plan.train],
                "looks": [look.written() for look in looks],
                "doctor": doctor,
            }
        )

    rows = transfer.run(encoder, data, config=runs.finetune, seed=seed, folder=kept, looked=looked)
    if task_sets.section(runs.task) == "glue":
        rows = glue.told_apart(data, rows)
    if path := runs.seen(seed):
        storage.write_jsonl(path, seen)
    named = [dataclasses.replace(row, **runs.names) for row in rows]
    storage.write_jsonl(runs.part(seed), [dataclasses.asdict(row) for row in named])
    shutil.rmtree(kept)


def _gather(parts: Sequence[Path], whole: Path) -> None:
    storage.write_jsonl(whole, [row for part in parts for row in storage.read_jsonl(part)])
