"""The files that a plan of models reads: found before anything is trained, each missing one named.

The dev sets that selections look at are among them, and no set is both looked at and scored: its
score would be the best of several looks.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import task_files
from xlmr_lab.evaluate.protocols import ModelPlan, TaskSet
from xlmr_lab.evaluate.selection import Selection, rules


def scored(
    folder: Path, languages: Sequence[str], split: task_files.ScoredSplit | None
) -> list[tuple[str, task_files.ScoredSplit]]:
    """Return each language with the split that scores it: `split`, or if None test before dev.

    Raises:
        UserError: no language, or a language without a file.
    """
    if not languages:
        raise UserError("no language to score; name at least one")
    return [
        (language, split or task_files.scored_split(folder, language))
        for language in dict.fromkeys(languages)
    ]


def training(folder: Path, models: Sequence[ModelPlan]) -> dict[TaskSet, Path]:
    """Return the file of each training set.

    Raises:
        UserError: one is missing.
    """
    return {part: _file(folder, part) for model in models for part in model.train}


def scoring(
    folder: Path, models: Sequence[ModelPlan], selections: Sequence[Selection]
) -> dict[TaskSet, Path]:
    """Return the file of each set that is scored or that a selection looks at.

    Raises:
        UserError: one is missing, or is both.
    """
    files = {cell.scored: _file(folder, cell.scored) for model in models for cell in model.cells}
    looked_at: dict[TaskSet, Path] = {}
    for part, selection in _looked_at(models, selections):
        if part in files:
            others = ("leave the language out", "use selections=last")
            test = part._replace(split="test")
            raise UserError(
                f"selections={selection} would choose the step on {files[part]} and score it there "
                f"too; add {test}.tsv, {', or '.join(others)}"
            )
        looked_at[part] = _file(folder, part)
    return files | looked_at


def _looked_at(
    models: Sequence[ModelPlan], selections: Sequence[Selection]
) -> Iterator[tuple[TaskSet, Selection]]:
    for model in models:
        for rule in rules(model, selections):
            yield from ((part, rule.selection) for part in rule.looked_at)


def _file(folder: Path, part: TaskSet) -> Path:
    return task_files.require(folder, part.split, part.language, part.form)
