"""What was seen of fine-tuned models and what the doctor says of them, collected in a run folder.

Each model's own verdicts come from its looks. Those on the spread of seeds are made here, where the
scores of all seeds are: of an arm beside the same network without pretraining, whether the gain of
a language is more than seeds alone do; of one that stands alone, whether its seeds tell scores
apart that differ by `TOLD_APART`.
"""

import dataclasses
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import storage
from xlmr_lab.ablations.task_runs import TaskRuns
from xlmr_lab.evaluate.doctor.records import DOCTOR_NAME, LOOKS_NAME
from xlmr_lab.evaluate.doctor.runs import seed_spread
from xlmr_lab.evaluate.doctor.verdict import Verdict
from xlmr_lab.evaluate.protocols import TaskSet, scored_form
from xlmr_lab.evaluate.scores import Score

TOLD_APART = 0.02
"""Scores that differ by this much are told apart by enough seeds (a fraction, as scores are): what
models side by side in XLM-R's tables differ by."""

NAMES = ("study", "run", "task", "arm", "seed", "finetune_seed")
"""What a verdict on a model says of it."""
PLACE = ("protocol", "selection", "split", "language", "question_language")
"""What tells the cells of a task apart."""

Record = dict[str, Any]
Values = dict[int | None, list[float]]
"""Scores by pretraining seed."""


def collect(
    folder: Path, everything: Sequence[TaskRuns], scores: Sequence[Score], *, without: str = ""
) -> list[Record]:
    """Write `looks.jsonl` and `doctor.jsonl` into a run folder and return the verdicts.

    `without` names the arm that has no pretraining, if there is one. Runs that were finished before
    the doctor's verdicts were kept have none.
    """
    seen = [row for runs in everything for row in _seen(runs)]
    found = _verdicts(seen)
    learned = {runs.task: runs.train_language for runs in everything}
    found += spreads(scores, without=without, learned=learned)
    kept = ({name: value for name, value in row.items() if name != "told"} for row in seen)
    storage.write_jsonl(folder / LOOKS_NAME, kept)
    storage.write_jsonl(folder / DOCTOR_NAME, found)
    return found


def verdicts(runs: TaskRuns) -> list[Record]:
    """Return what the doctor said of some runs' fine-tuned models; nothing where it is not kept."""
    return _verdicts(_seen(runs))


def _seen(runs: TaskRuns) -> list[Record]:
    if not (runs.looks and runs.looks.is_file()):
        return []
    return [row for row in storage.read_jsonl(runs.looks) if "told" in row]


def _verdicts(seen: Sequence[Record]) -> list[Record]:
    return [{name: row[name] for name in NAMES} | told for row in seen for told in row["told"]]


def spreads(scores: Sequence[Score], *, without: str, learned: Mapping[str, str]) -> list[Record]:
    """Return a verdict for each cell of each arm whose seeds spread too widely to conclude from;
    `learned` has the language of each task's training set."""
    found = []
    for (task, *place), arms in _by_cell(scores).items():
        base = arms.get(without, {})
        for arm, values in arms.items():
            if arm == without or not (verdict := _spread(values, base, without)):
                continue
            cell = dict(zip(PLACE, place, strict=True))
            _, _, split, language, asked_in = place
            about = next(x for x in scores if x.arm == arm)
            form = scored_form(cell["protocol"], learned.get(task, ""), language)
            part = TaskSet(split, language, form, asked_in)
            names = {"study": about.study, "run": "", "task": task, "arm": arm}
            seeds = {"seed": None, "finetune_seed": None}
            found.append(
                {**names, **seeds, **cell, "set": str(part), **dataclasses.asdict(verdict)}
            )
    return found


def _by_cell(scores: Sequence[Score]) -> Mapping[tuple[Any, ...], dict[str, Values]]:
    """Return the scores of each cell by arm and pretraining seed, in the measure that selects."""
    found: dict[tuple[Any, ...], dict[str, Values]] = defaultdict(dict)
    selects: dict[str, str] = {}
    for row in scores:
        if row.finetune_seed is None or row.metric != selects.setdefault(row.task, row.metric):
            continue
        key = (row.task, *(getattr(row, name) for name in PLACE))
        found[key].setdefault(row.arm, {}).setdefault(row.seed, []).append(row.value)
    return found


def _spread(values: Values, base: Values, without: str) -> Verdict | None:
    """Return what seeds leave open of an arm's scores, or of its gain over the scores of the same
    seeds without pretraining."""
    means = {seed: _mean(own) for seed, own in values.items()}
    shared = [seed for seed in means if seed in base]
    if not shared:
        runs = list(means.values()) if len(means) > 1 else next(iter(values.values()))
        return seed_spread(runs, claimed=TOLD_APART)
    found = seed_spread([means[seed] - _mean(base[seed]) for seed in shared])
    return found and dataclasses.replace(found, line=f"against {without}, {found.line}")


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
