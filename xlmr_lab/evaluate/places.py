"""Where the sets of a task may lie: names of files below its folder, as each publisher has them.

A task's folder holds our `<split>-<language>.tsv`, or files as they were published. Which, is found
by looking: a task lists the places where a set may be, and the first that is there is read. Two
publishers' files for one set are an error, and one that is not found names every place that was
looked for. A place is a pattern like `multinli.train.{language}.tsv`, in which a language stands
as the publisher writes it, or two of a mixed set with a hyphen between them; a file that holds all
languages has no `{language}`. Left out: archives that are not unpacked.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.language_keys import is_language, spellings
from xlmr_lab.evaluate.protocols import TaskSet
from xlmr_lab.evaluate.task_files import SUFFIXES, Form, ScoredSplit, Split, languages_of

_LISTED = 3
"""Missing files that an error lists."""
_PART = re.compile(r"-(\d+)-of-(\d+)[-.]")
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
        return ["-".join(codes) for codes in product(*map(spellings, languages_of(language)))]


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

    zh-Hans is read from `dev-zh.tsv` or `dev-zh-CN.tsv` as well, which mean that.

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
    """Return the languages that have a set of a split and form, sorted; what stands in the place of
    one in a name and is none (`train-dev.tsv`) is left out."""
    return [key for key in _written(places, folder, split, form) if _is_known(key, form)]


def unknown(places: Places, folder: Path, split: Split, form: Form = "") -> list[str]:
    """Return the words that stand in the place of a language and are none, sorted."""
    return [key for key in _written(places, folder, split, form) if not _is_known(key, form)]


def _written(places: Places, folder: Path, split: Split, form: Form) -> list[str]:
    return sorted({key for place in places(split, form) for key in _languages(folder, place)})


def _is_known(key: str, form: Form) -> bool:
    """Tell whether a set is of a language; of mixed sets planned_files.py refuses other names."""
    return form in ("switched", "crossed") or is_language(key)


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
    found = []
    for code in place.codes(language):
        name = place.pattern.format(language=code)
        there = filter(None, (_files(folder, within + name) for within in place.within))
        if paths := next(there, None):
            found.append(Source(tuple(paths), place.kind, code))
    paths = [path for source in found for path in source.paths]
    if len(found) > 1 or (len(paths) > 1 and not place.parts):
        raise UserError(_twice(folder, paths))
    if place.parts:
        _require_whole(folder, paths)
    return found[0] if found else None


def _require_whole(folder: Path, paths: Sequence[Path]) -> None:
    """Refuse a set of which a file is missing, by what the names of the others count."""
    counted = {path: match for path in paths if (match := _PART.search(path.name))}
    totals = sorted({match[2] for match in counted.values()})
    if len(totals) > 1:
        raise UserError(
            f"{folder} holds files of {' and of '.join(totals)} for one set, such as "
            f"{' and '.join(path.relative_to(folder).as_posix() for path in list(counted)[:2])}: "
            "keep those of one"
        )
    there = {int(match[1]) for match in counted.values()}
    for path, match in list(counted.items())[:1]:
        before, after, digits = (
            path.name[: match.start(1)],
            path.name[match.end(1) :],
            len(match[1]),
        )
        missing = [f"{n:0{digits}}" for n in range(int(match[2])) if n not in there]
        if missing:
            names = ", ".join(f"{before}{number}{after}" for number in missing[:_LISTED])
            more = f" and {len(missing) - _LISTED:,} more" * (len(missing) > _LISTED)
            raise UserError(f"{path.parent} lacks {names}{more}; fetch all files of the set")


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
