"""The sets of every task by the task's name: where they lie, and which languages have them.

A task is named as its scores are: nli, ner, qa, and glue-<name> for each of GLUE's and for PAWS-X.
What one needs is looked for before anything is trained or fetched.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from xlmr_lab.ablations import stages
from xlmr_lab.ablations.sections import TransferConfig
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import glue, ner, nli, places, planned_files, qa, qa_files
from xlmr_lab.evaluate.formats import conll, xnli
from xlmr_lab.evaluate.formats import glue as glue_files
from xlmr_lab.evaluate.language_keys import key_of
from xlmr_lab.evaluate.places import Places
from xlmr_lab.evaluate.protocols import MIXED, Protocol, TaskSet, text_language
from xlmr_lab.evaluate.selection import Selection
from xlmr_lab.evaluate.task_files import ScoredSplit, Split
from xlmr_lab.evaluate.transfer import TransferData

READING_VERSION = 1
"""Raised when the same files start to give other examples. It is part of a key from 2 on, so that
what was finished before there was such a number is found again."""
SCORED: tuple[ScoredSplit, ...] = ("test", "dev")
"""Splits that score a language."""
LOADERS: dict[str, Callable[..., TransferData]] = {
    "nli": nli.load,
    "ner": ner.load,
    "qa": qa.load,
    "glue": glue.load,
}
"""What reads the tasks of a section of settings."""


def section(task: str) -> str:
    """Return the section of settings that a task belongs to.

    >>> section("nli"), section("glue-mnli")
    ('nli', 'glue')
    """
    return task.partition("-")[0]


def glue_name(task: str) -> str:
    """Return the name of a task among GLUE's; empty for others."""
    return task.partition("-")[2]


def tasks_of(section: str, folder: Path, named: Sequence[str] = ()) -> list[str]:
    """Return the tasks of a section: itself, or those of GLUE that are `named`, or all that the
    folder has a folder of.

    Raises:
        UserError: an unknown task of GLUE, or none is named and none found.
    """
    if section != "glue":
        return [section]
    known = glue_files.TASKS
    there = [
        name for name in known if any((folder / x).is_dir() for x in (name, known[name].folder))
    ]
    for name in named:
        glue_files.get(name)
    if not named and not there:
        raise UserError(
            f"{folder} has no folder of a task of GLUE, such as MNLI; name those that it holds "
            f"with glue.tasks (of {', '.join(known)})"
        )
    return [f"glue-{name}" for name in named or there]


def reading(task: str, settings: TransferConfig, languages: Sequence[str] = ()) -> dict[str, Any]:
    """Return how a task's files are read, by argument of its loader; `languages` are those that
    mixed sets may be of, any if it is empty."""
    found, name = dict(settings.reading), glue_name(task)
    if name:
        found["task"] = name
    if set(settings.protocols) & set(MIXED):
        found["mixed_languages"] = tuple(languages)
    return found


def find(task: str, folder: Path, part: TaskSet) -> object | None:
    """Return what holds a set of a task, or None.

    Raises:
        UserError: the folder is missing, or holds the set twice.
    """
    if task == "qa":
        return qa_files.find(folder, part)
    return places.find(_places(task), folder, part)


def languages(task: str, folder: Path, split: Split) -> list[str]:
    """Return the keys of the languages that a task has a file of a split of, sorted."""
    if task == "qa":
        found = qa_files.languages(folder, split)
    else:
        found = places.languages(_places(task), folder, split)
    return sorted(set(map(key_of, found)))


def is_scored(task: str, folder: Path, language: str) -> bool:
    """Tell whether a task has a dev or test file of a language."""
    return any(find(task, folder, TaskSet(split, language)) for split in SCORED)


def unknown(task: str, folder: Path) -> list[str]:
    """Return what stands in the place of a language in names of files and is none, with its split
    (`train-dev`)."""
    splits: tuple[Split, ...] = ("train", *SCORED)
    return [
        f"{split}-{word}"
        for split in splits
        for word in (
            qa_files.unknown(folder, split)
            if task == "qa"
            else places.unknown(_places(task), folder, split)
        )
    ]


def require(
    task: str,
    folder: Path,
    *,
    protocols: Sequence[Protocol],
    train_language: str,
    languages: Sequence[str],
    selections: Sequence[Selection],
    mixed_languages: Sequence[str] = (),
) -> list[str]:
    """Look for every file that a task's protocols and selections need, and return the languages
    that their text is in (see `protocols.text_language`).

    Raises:
        UserError: one is missing, or holds what is both scored and looked at.
    """
    planned: Callable[..., qa.Planned | planned_files.Planned] = qa.planned
    if task != "qa":
        own = partial(planned_files.planned, _places(task))
        planned = partial(own, mixed_languages=mixed_languages)
    found = planned(
        folder,
        protocols=protocols,
        train_language=train_language,
        languages=languages,
        split=None,
        selections=selections,
    )
    parts = [*found.training, *found.scoring]
    return sorted({text_language(part, train_language) for part in parts})


def signatures(folder: Path, data: Path) -> list[list[Any]]:
    """Describe the files of a task, and how they are read, so that what changed gets another
    fingerprint.

    `data` is the folder of stages, or of runs. What lies in it is no file of a task whose folder
    holds it: a run that writes there stays the same run.
    """
    inside, made = folder.resolve(), data.resolve()
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    if inside in made.parents:
        paths = [path for path in paths if made not in path.resolve().parents]
    found = [stages.signature(path, data) for path in paths]
    return [*found, ["reading", READING_VERSION]] if READING_VERSION > 1 else found


def _places(task: str) -> Places:
    match section(task):
        case "nli":
            return xnli.places
        case "ner":
            return conll.places
        case _:
            return glue_files.task_places(glue_name(task))
