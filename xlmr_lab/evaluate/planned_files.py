"""The files that a plan of models reads: found before anything is trained, each missing one named.

The dev sets that selections look at are among them, and no set is both looked at and scored: its
score would be the best of several looks.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import places
from xlmr_lab.evaluate.places import Places, Source
from xlmr_lab.evaluate.protocols import ModelPlan, Protocol, TaskSet, plan
from xlmr_lab.evaluate.selection import Selection, rules
from xlmr_lab.evaluate.task_files import ScoredSplit

FileT = TypeVar("FileT")
Require = Callable[[Path, TaskSet], FileT]
"""Returns what holds a set in a task's folder, or raises a UserError."""


class Planned(NamedTuple):
    """What a task fine-tunes and reads."""

    models: tuple[ModelPlan, ...]
    training: Mapping[TaskSet, Source]
    scoring: Mapping[TaskSet, Source]


def planned(
    task: Places,
    folder: Path,
    *,
    protocols: Sequence[Protocol],
    train_language: str,
    languages: Sequence[str],
    split: ScoredSplit | None,
    selections: Sequence[Selection],
) -> Planned:
    """Return the models of some protocols, and what holds their sets; `task` says where sets may
    lie in the folder.

    Raises:
        UserError: a set is missing, or both scored and looked at.
    """
    require = partial(places.require, task)
    chosen = scored(folder, languages, split, partial(places.scored_split, task))
    models = plan(protocols, train_language, chosen)
    return Planned(
        models, training(folder, models, require), scoring(folder, models, selections, require)
    )


def scored(
    folder: Path,
    languages: Sequence[str],
    split: ScoredSplit | None,
    scored_split: Callable[[Path, str], ScoredSplit],
) -> list[tuple[str, ScoredSplit]]:
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
    folder: Path, models: Sequence[ModelPlan], require: Require[FileT]
) -> dict[TaskSet, FileT]:
    """Return the file of each training set.

    Raises:
        UserError: one is missing.
    """
    return {part: require(folder, part) for model in models for part in model.train}


def scoring(
    folder: Path,
    models: Sequence[ModelPlan],
    selections: Sequence[Selection],
    require: Require[FileT],
) -> dict[TaskSet, FileT]:
    """Return the file of each set that is scored or that a selection looks at.

    Raises:
        UserError: one is missing, or is both.
    """
    files = {cell.scored: require(folder, cell.scored) for model in models for cell in model.cells}
    looked_at: dict[TaskSet, FileT] = {}
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
