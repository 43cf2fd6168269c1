"""Where the sets of a task may lie: names of files below its folder, as each publisher has them.

A task's folder holds our `<split>-<language>.tsv`, or files as they were published. Which, is found
by looking: a task lists the places where a set may be, and the first that is there is read. Two
publishers' files for one set are an error, and one that is not found names every place that was
looked for. A place is a pattern like `multinli.train.{language}.tsv`, in which a language stands
as the publisher writes it; a file that holds all languages has no `{language}`. Left out: archives
that are not unpacked.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.protocols import TaskSet
from xlmr_lab.evaluate.task_files import (
    IMPLIED_SCRIPTS,
    SUFFIXES,
    Form,
    ScoredSplit,
    Split,
    iso_part,
)

_LANGUAGE = "[A-Za-z][A-Za-z0-9_-]*?"


class Place(NamedTuple):
    """Where the sets of a split may lie."""

    pattern: str
    """Name below the task's folder: `{language}` stands for a language, * for anything."""
    kind: str
    """How the file is read."""
    publisher: str
    """Whose name it is; of one publisher's places that are there the first is read."""
    languages: Mapping[str, str] | None = None
    """The languages that it may have, by key, as the publisher writes them; None: any, by its key
    or ISO 639 code."""
    within: Sequence[str] = ("",)
    """Folders below the task's in which it may stand, each ending in /."""
    parts: bool = False
    """Whether a set may be several files, read in the order of their names."""

    def codes(self, language: str) -> Sequence[str]:
        """Return how a language may be written here."""
        if self.languages is not None:
            return [self.languages[language]] if language in self.languages else []
        iso = iso_part(language)
        return [language, iso] if language == IMPLIED_SCRIPTS.get(iso) else [language]


class Source(NamedTuple):
    """What holds a set."""

    paths: tuple[Path, ...]
    """Files that are read one after another; mostly one."""
    kind: str
    """How they are read."""
    code: str
    """The language, as it is written there."""

    def __str__(self) -> str:
        return " and ".join(map(str, self.paths))


Places = Callable[[Split, Form], Sequence[Place]]
"""The places of a task for the sets of a split and form, our own first."""


def find(places: Places, folder: Path, part: TaskSet) -> Source | None:
    """Return what holds a set, or None.

    zh-Hans is read from `dev-zh.tsv` where there is no `dev-zh-Hans.tsv`, for zh alone means that;
    zh-Hant and other scripts need a file of their own.

    Raises:
        UserError: the folder is missing, or holds the set more than once.
    """
    if not folder.is_dir():
        raise UserError(f"no task folder {folder}; it should hold files such as train-en.tsv")
    found: dict[str, Source] = {}
    for place in places(part.split, part.form):
        if place.publisher not in found and (source := _at(folder, place, part.language)):
            found[place.publisher] = source
    if len(found) > 1:
        raise UserError(_twice(folder, [path for source in found.values() for path in source[0]]))
    return next(iter(found.values()), None)


def require(places: Places, folder: Path, part: TaskSet) -> Source:
    """Return what holds a set; a missing one is an error that names what was looked for.

    Raises:
        UserError: there is no such set.
    """
    source = find(places, folder, part)
    if source is None:
        start = f"{part.split}.{part.form}" if part.form else part.split
        listed = ", ".join(languages(places, folder, part.split, part.form)) or "none"
        raise UserError(
            f"no {looked_for(places, part)} in {folder}; languages with a {start} file: {listed}"
        )
    return source


def scored_split(places: Places, folder: Path, language: str) -> ScoredSplit:
    """Return the split that scores a language: test, or dev where there is no test file.

    Raises:
        UserError: the language has neither.
    """
    splits: tuple[ScoredSplit, ...] = ("test", "dev")
    for split in splits:
        if find(places, folder, TaskSet(split, language)):
            return split
    names = " and ".join(f"no {looked_for(places, TaskSet(split, language))}" for split in splits)
    listed = sorted({key for split in splits for key in languages(places, folder, split)})
    raise UserError(f"{names} in {folder}; languages with one: {', '.join(listed) or 'none'}")


def languages(places: Places, folder: Path, split: Split, form: Form = "") -> list[str]:
    """Return the languages that have a set of a split and form, sorted."""
    return sorted({key for place in places(split, form) for key in _languages(folder, place)})


def looked_for(places: Places, part: TaskSet) -> str:
    """Return the names under which a set is looked for."""
    names = [
        place.pattern.format(language=code)
        for place in places(part.split, part.form)
        for code in place.codes(part.language)[:1]
    ]
    return ", ".join(names[:-1]) + f" or {names[-1]}" if len(names) > 1 else names[0]


def _at(folder: Path, place: Place, language: str) -> Source | None:
    """Return what a place holds of a language."""
    for code in place.codes(language):
        for within in place.within:
            paths = _files(folder, within + place.pattern.format(language=code))
            if len(paths) > 1 and not place.parts:
                raise UserError(_twice(folder, paths))
            if paths:
                return Source(tuple(paths), place.kind, code)
    return None


def _files(folder: Path, pattern: str) -> list[Path]:
    """Return what is there under a pattern, plain or packed."""
    found = (path for suffix in SUFFIXES for path in folder.glob(pattern + suffix))
    return sorted(path for path in found if path.is_file())


def _languages(folder: Path, place: Place) -> Iterator[str]:
    """Yield the languages that a place may hold, by the names of what is there."""
    if place.languages is not None:
        yield from (key for key in place.languages if _at(folder, place, key))
        return
    packed = "|".join(map(re.escape, SUFFIXES))
    for within in place.within:
        before, _, after = (within + place.pattern).partition("{language}")
        name = f"{_expression(before)}({_LANGUAGE}){_expression(after)}({packed})"
        for path in _files(folder, f"{before}*{after}"):
            if match := re.fullmatch(name, path.relative_to(folder).as_posix()):
                yield match[1]


def _expression(pattern: str) -> str:
    return re.escape(pattern).replace(r"\*", "[^/]*")


def _twice(folder: Path, paths: Collection[Path]) -> str:
    names = " and ".join(path.relative_to(folder).as_posix() for path in paths)
    return f"{folder} holds {names}: keep one of them"
