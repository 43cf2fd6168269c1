"""The fine-tuning runs of one model on one task, over seeds, or the training runs of a baseline.

A finished seed leaves its scores, and all seeds together one file; a killed one goes on where it
was. What is left of runs goes once the scores that they led to are written, and never before, so
that a kill at any moment costs none of them (`tidy`). What was seen on the way (the looks of each
model, and what the doctor says of its scored sets) is kept where a folder for it is given.
"""

import dataclasses
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import storage
from xlmr_lab.ablations import task_sets
from xlmr_lab.evaluate import glue, transfer
from xlmr_lab.evaluate.encoders import AnyEncoder
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.looks import Look, Looked, Told
from xlmr_lab.evaluate.protocols import ModelPlan, Protocol
from xlmr_lab.evaluate.scores import Score
from xlmr_lab.evaluate.text import TextEncoder
from xlmr_lab.evaluate.transfer import TransferData

logger = logging.getLogger(__name__)

RunSeed = Callable[[int, Path, Looked], list[Score]]
"""Does all the runs of a seed: takes it, the folder in which they keep themselves, and what takes
what was seen; returns the scores."""


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
    seeds: tuple[int, ...]
    """Seeds, a run of each model for each."""
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
            return len(self.seeds)
        return sum(self.part(seed).exists() for seed in self.seeds)

    def part(self, seed: int) -> Path:
        """Return the file of one seed's scores."""
        return self.output.with_suffix(f".f{seed}.jsonl")

    def kept(self, seed: int) -> Path:
        """Return the folder in which one seed's runs keep themselves."""
        return self.output.with_suffix(f".f{seed}.state")

    def seen(self, seed: int) -> Path | None:
        """Return the file of what was seen of one seed."""
        return self.looks and self.looks.with_suffix(f".f{seed}.jsonl")


def run(runs: TaskRuns, encoder: AnyEncoder, text: TextEncoder) -> None:
    """Fine-tune and score over all seeds; finished ones are not done again."""
    data = runs.load(text)

    def tuned(seed: int, kept: Path, looked: Looked) -> list[Score]:
        rows = transfer.run(
            encoder, data, config=runs.finetune, seed=seed, folder=kept, looked=looked
        )
        return glue.told_apart(data, rows) if task_sets.section(runs.task) == "glue" else rows

    over_seeds(runs, tuned)


def over_seeds(runs: TaskRuns, run_seed: RunSeed) -> None:
    """Do the runs of each seed that is not finished, and gather what all of them gave."""
    for seed in runs.seeds:
        if not runs.part(seed).exists():
            _run_seed(runs, seed, run_seed)
    parts = [runs.part(seed) for seed in runs.seeds]
    seen = [path for seed in runs.seeds if (path := runs.seen(seed)) and path.exists()]
    if runs.looks:
        _gather(seen, runs.looks)
    _gather(parts, runs.output)
    tidy(runs)


def tidy(runs: TaskRuns) -> None:
    """Remove what a process that was killed left behind its finished work: what runs keep of
    themselves where the seed's scores are written, a seed's scores where those of all are."""
    is_whole = runs.output.is_file()  # which is written last
    for seed in runs.seeds:
        if is_whole or runs.part(seed).is_file():
            shutil.rmtree(runs.kept(seed), ignore_errors=True)
        if is_whole:
            for path in filter(None, (runs.seen(seed), runs.part(seed))):
                path.unlink(missing_ok=True)


def _run_seed(runs: TaskRuns, seed: int, run_seed: RunSeed) -> None:
    place = runs.seeds.index(seed) + 1
    logger.info("%s: %s, seed %s of %s", runs.task, runs.names["arm"], place, len(runs.seeds))
    seen: list[dict[str, Any]] = []

    def looked(plan: ModelPlan, looks: Sequence[Look], told: Sequence[Told]) -> None:
        names = {name: runs.names[name] for name in ("study", "run", "arm", "seed")}
        seen.append(
            {
                "task": runs.task,
                **names,
                "finetune_seed": seed,
                "train": [str(part) for part in plan.train],
                "scored": len(dict.fromkeys(cell.scored for cell in plan.cells)),
                "looks": [look.written() for look in looks],
                "told": [one.written() for one in told],
            }
        )

    rows = run_seed(seed, runs.kept(seed), looked)
    if path := runs.seen(seed):
        storage.write_jsonl(path, seen)
    named = [dataclasses.replace(row, **runs.names) for row in rows]
    storage.write_jsonl(runs.part(seed), [dataclasses.asdict(row) for row in named])
    shutil.rmtree(runs.kept(seed), ignore_errors=True)


def _gather(parts: Sequence[Path], whole: Path) -> None:
    storage.write_jsonl(whole, [row for part in parts for row in storage.read_jsonl(part)])
