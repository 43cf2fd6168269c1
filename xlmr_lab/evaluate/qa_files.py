"""Where the questions of a language stand: file names of question answering.

A task is a folder of `<split>-context-<a>-question-<b>.json`, as MLQA names them, plain or packed
(.gz, .xz, .zst); `<split>-<a>.json` is short for questions in the language of their contexts.
Machine-translated sets are `train.translated-<a>.json` and `{dev,test}.translated-from-<a>.json`
(see task_files.py). Published files are found under their own names too (`names`): SQuAD's as
English, XQuAD's as test sets, TyDiQA-GoldP's, MLQA's translations. Left out: test sets without
answers.
"""

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.language_keys import WRITTEN, is_language, spellings
from xlmr_lab.evaluate.protocols import TaskSet
from xlmr_lab.evaluate.task_files import SUFFIXES, ScoredSplit, Split
from xlmr_lab.languages import LANGUAGES

_LISTED = 6
"""File names that an error lists."""


def names(part: TaskSet) -> list[str]:
    """Return the names that the file of a set may have, before `.json`, the first preferred.

    >>> names(TaskSet("test", "ar"))
    ['test-context-ar-question-ar', 'test-ar', 'tydiqa.goldp.ar.test', 'xquad.ar']
    >>> names(TaskSet("test", "zh-Hans", question_language="en"))[:2]
    ['test-context-zh-Hans-question-en', 'test-context-zh-question-en']
    """
    asked_in = part.question_language or part.language
    found: list[str] = []
    for context in spellings(part.language):
        same = asked_in == part.language
        for question in [context] if same else spellings(asked_in):
            found += _names(part, context, question)
    return found


def find(folder: Path, part: TaskSet) -> Path | None:
    """Return the file of a set, or None.

    Raises:
        UserError: the folder is missing, or holds the set twice.
    """
    if not folder.is_dir():
        raise UserError(
            f"no task folder {folder}; it should hold files such as train-en.json, "
            "test-context-de-question-de.json"
        )
    paths = [folder / f"{name}.json{suffix}" for name in names(part) for suffix in SUFFIXES]
    present = [path for path in paths if path.is_file()]
    if len(present) > 1:
        listed = " and ".join(path.name for path in present)
        raise UserError(f"{folder} holds {listed}: keep one of them")
    return present[0] if present else None


def require(folder: Path, part: TaskSet) -> Path:
    """Return the file of a set; a missing one is an error that names what is there.

    Raises:
        UserError: there is no such file.
    """
    path = find(folder, part)
    if path is None:
        raise UserError(f"no {' or '.join(_suggested(part))} in {folder}; {_holds(folder)}")
    return path


def scored_split(folder: Path, language: str) -> ScoredSplit:
    """Return the split that scores a language: test, or dev where there is no test file.

    Raises:
        UserError: the language has neither.
    """
    splits: tuple[ScoredSplit, ...] = ("test", "dev")
    for split in splits:
        if find(folder, TaskSet(split, language)):
            return split
    wanted = " and no ".join(_suggested(TaskSet(split, language))[0] for split in splits)
    raise UserError(f"no {wanted} in {folder}; {_holds(folder)}")


def languages(folder: Path, split: Split) -> list[str]:
    """Return the keys of the languages that a folder has questions of a split of, in themselves;
    what stands in the place of one in a name and is none (`train-dev.json`) is left out."""
    return [key for key in _written(folder, split) if is_language(key)]


def unknown(folder: Path, split: Split) -> list[str]:
    """Return the words that stand in the place of a language and are none, sorted."""
    return [key for key in _written(folder, split) if not is_language(key)]


def _written(folder: Path, split: Split) -> list[str]:
    there = [path.name for path in folder.glob("*.json*")]
    words = {part for name in there for part in re.split(r"[._]|-(?![A-Z])", name) if part}
    keys = {*LANGUAGES, *(word for word in words if word not in WRITTEN)}
    return [key for key in sorted(keys) if find(folder, TaskSet(split, key))]


def crossed(folder: Path, scored: Sequence[tuple[str, ScoredSplit]]) -> list[TaskSet]:
    """Return the sets whose contexts are of one of the scored languages and whose questions are of
    another, where there are files (MLQA's matrix).
    """
    keys = [language for language, _ in scored]
    parts = [
        TaskSet(split, language, "", asked_in)
        for (language, split), asked_in in itertools.product(scored, keys)
        if asked_in != language
    ]
    return [part for part in parts if find(folder, part)]


def _names(part: TaskSet, context: str, question: str) -> list[str]:
    split = part.split
    match part.form:
        case "translated":
            return [
                f"{split}.translated-{context}",
                f"{context}_squad-translate-train-{split}-v1.1",
            ]
        case "translated-from":
            published = f"translate-test-context-{context}-question-{context}"
            return [f"{split}.translated-from-{context}", *([published] * (split == "test"))]
    found = [f"{split}-context-{context}-question-{question}"]
    if context == question:
        found += [f"{split}-{context}", f"tydiqa.goldp.{context}.{split}"]
        found += [f"xquad.{context}"] * (split == "test")
        found += [f"{split}-v1.1"] * (context == "en" and split != "test")
    return found


def _suggested(part: TaskSet) -> list[str]:
    return [f"{name}.json" for name in names(part)[:2]]


def _holds(folder: Path) -> str:
    found = sorted(path.name for path in folder.glob("*.json*"))
    more = f" and {len(found) - _LISTED:,} more" * (len(found) > _LISTED)
    return f"it holds {', '.join(found[:_LISTED]) or 'no file of that kind'}{more}"
