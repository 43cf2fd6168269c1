"""The files that a plan of models reads: found before anything is trained, each missing one named.

The dev sets that selections look at are among them, and no set is both looked at and scored: its
score would be the best of several looks.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import places
from xlmr_lab.evaluate.language_keys import key_of
from xlmr_lab.evaluate.places import Places, Source
from xlmr_lab.evaluate.protocols import MIXED, ModelPlan, Protocol, TaskSet, plan
from xlmr_lab.evaluate.selection import Selection, rules
from xlmr_lab.evaluate.task_files import ScoredSplit, languages_of

PAIR = ("en", "hi")
"""Languages that stand in the name of a mixed set where a message has no others to name."""
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
    mixed_languages: Sequence[str] = (),
) -> Planned:
    """Return the models of some protocols, and what holds their sets; `task` says where sets may
    lie in the folder. Mixed sets are all that there are of the training language and
    `mixed_languages`, or if that is empty of any languages.

    Raises:
        UserError: a set is missing, or both scored and looked at.
    """
    require = partial(places.require, task)
    chosen: list[tuple[str, ScoredSplit]] = []
    if not set(protocols) <= set(MIXED):
        chosen = scored(folder, languages, split, partial(places.scored_split, task))
    allowed = {train_language, *mixed_languages} if mixed_languages else set()
    pairs = [part for name in protocols for part in mixed(task, folder, name, split, allowed)]
    models = plan(protocols, train_language, chosen, pairs)
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


def mixed(
    task: Places,
    folder: Path,
    protocol: Protocol,
    split: ScoredSplit | None,
    allowed: Collection[str],
) -> list[TaskSet]:
    """Return the mixed sets that a protocol scores, none if it scores no such: all of two `allowed`
    languages, or if that is empty of any two.

    Raises:
        UserError: there is none, or a file's name is not of two languages.
    """
    if protocol not in MIXED:
        return []
    form, chosen = MIXED[protocol], split or "test"
    start = f"{chosen}.{form}-"
    known = places.languages(task, folder, chosen, form)
    pairs = {key: [key_of(x) for x in languages_of(key)] for key in known}
    for key, pair in pairs.items():
        if len(pair) != 2 or len(set(pair)) != 2:
            raise UserError(
                f"{folder / f'{start}{key}.tsv'} should be named by two languages, such as "
                f"{start}{'-'.join(PAIR)}.tsv, in lower case and with a hyphen between them"
            )
    found = dict.fromkeys("-".join(x) for x in pairs.values() if not allowed or {*x} <= {*allowed})
    if not found:
        two = sorted(allowed) if len(allowed) > 1 else PAIR
        of = f" of two of {', '.join(sorted(allowed))}" if allowed else ""
        others = ", ".join(f"{start}{key}.tsv" for key in known)
        raise UserError(
            f"{protocol} scores files such as {start}{two[0]}-{two[1]}.tsv, and {folder} has "
            f"none{of}{'; it has ' if others else ''}{others}"
        )
    return [TaskSet(chosen, key, form) for key in found]


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
