"""The files that a plan of models reads: found before anything is trained, each missing one named.

The dev sets that selections look at are among them, and no set is both looked at and scored: its
score would be the best of several looks.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import task_files
from xlmr_lab.evaluate.protocols import ModelPlan, TaskSet
from xlmr_lab.evaluate.selection import Selection, rules

Require = Callable[[Path, TaskSet], Path]
"""Returns the file of a set in a task's folder, or raises a UserError."""


def lines_file(folder: Path, part: TaskSet) -> Path:
    """Return the file of a set of a task whose files are of lines (see task_files.py)."""
    return task_files.require(folder, part.split, part.language, part.form)


def scored(
    folder: Path,
    languages: Sequence[str],
    split: task_files.ScoredSplit | None,
    scored_split: Callable[[Path, str], task_files.ScoredSplit] = task_files.scored_split,
) -> list[tuple[str, task_files.ScoredSplit]]:
    """Return each language with the split that scores it: `split`, or if None test before dev.

    Raises:
        UserError: no language, or a language without a file.
    """
    if not languages:
        raise UserError("no language to score; name at least one")
    return [
        (language, split or scored_split(folder, language)) for language in dict.fromkeys(languages)
    ]


def training(
    folder: Path, models: Sequence[ModelPlan], require: Require = lines_file
) -> dict[TaskSet, Path]:
    """Return the file of each training set.

    Raises:
        UserError: one is missing.
    """
    return {part: require(folder, part) for model in models for part in model.train}


def scoring(
    folder: Path,
    models: Sequence[ModelPlan],
    selections: Sequence[Selection],
    require: Require = lines_file,
) -> dict[TaskSet, Path]:
    """Return the file of each set that is scored or that a selection looks at.

    Raises:
        UserError: one is missing, or is both.
    """
    files = {cell.scored: require(folder, cell.scored) for model in models for cell in model.cells}
    looked_at: dict[TaskSet, Path] = {}
    for part, selection in _looked_at(models, selections):
        if part in files:
            others = ("leave the language out", "use selections=last")
            raise UserError(
                f"selections={selection} would choose the step on {files[part]} and score it there "
                f"too; add {part._replace(split='test')}, {', or '.join(others)}"
            )
        looked_at[part] = require(folder, part)
    return files | looked_at


def _looked_at(
    models: Sequence[ModelPlan], selections: Sequence[Selection]
) -> Iterator[tuple[TaskSet, Selection]]:
    for model in models:
        for rule in rules(model, selections):
            yield from ((part, rule.selection) for part in rule.looked_at)
