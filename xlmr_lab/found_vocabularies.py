"""Vocabularies to set beside a study's own: those of other studies and campaigns whose stages lie
in the same folder, and any that are named, of the lab or published.

A vocabulary is known by its folder; what it is called says how it was made.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import polars as pl

from xlmr_lab import results, stage_folders, storage, vocabulary_results
from xlmr_lab.errors import UserError
from xlmr_lab.results import Study
from xlmr_lab.vocabulary.load import RECORD_NAME

OWN = "this vocabulary"
"""What the study's own is called."""

Cut = pl.DataFrame | str
"""Pieces as `MeasuredVocabulary.cut` has them, or why a text cannot be cut."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class FoundVocabularies:
    """Vocabularies by what they are called, the study's own first where it is at hand."""

    folders: Mapping[str, Path]
    """Where each lies."""

    @property
    def names(self) -> list[str]:
        """What they are called."""
        return list(self.folders)

    def cuts(self, text: str, language: str, names: Iterable[str] | None = None) -> dict[str, Cut]:
        """Return the pieces of a text by some of the vocabularies, or by all; for one that cannot
        cut it, why.

        Raises:
            UserError: there is no vocabulary of a name.
        """
        asked = self.names if names is None else list(names)
        if unknown := [name for name in asked if name not in self.folders]:
            known = "; ".join(self.names) or "none"
            raise UserError(f"there is no vocabulary {unknown[0]!r}; there are: {known}")
        return {name: _cut(self.folders[name], text, language) for name in asked}


def find(study: Study, places: Sequence[str] = ()) -> FoundVocabularies:
    """Find a study's own vocabulary, those that are made in the same folder, and those of `places`:
    run folders, folders of stages, folders or files of a vocabulary.

    Raises:
        UserError: there is nothing at a place, or no vocabulary.
    """
    named = [folder for place in places for folder in _at(Path(place).expanduser())]
    try:
        own = stage_folders.find(study, "vocabulary").resolve()
    except UserError:  # deleted since; the others can still be looked at
        return FoundVocabularies(folders=_called(list(dict.fromkeys(named))))
    found = dict.fromkeys([*named, *_stages(own.parent)])
    known = set(_record(own).get("languages", {}))
    others = _called([folder for folder in found if folder != own], known)
    return FoundVocabularies(folders={OWN: own, **others})


def _at(place: Path) -> list[Path]:
    """Return the vocabularies of a place."""
    if not place.exists():
        raise UserError(f"there is nothing at {place}; name a run, a vocabulary's folder or a file")
    if (place / "stages.json").is_file():
        return [stage_folders.find(results.open_study(place), "vocabulary").resolve()]
    found = _stages(place)
    if not found:
        vocabulary_results.loaded(place.resolve())
    return found or [place.resolve()]


def _stages(folder: Path) -> list[Path]:
    """Return the finished vocabularies that were made in a folder of stages."""
    return sorted(path.parent.resolve() for path in folder.glob(f"vocabulary-*/{RECORD_NAME}"))


def _called(folders: Sequence[Path], known: Set[str] = frozenset()) -> dict[str, Path]:
    """Name vocabularies by what tells them apart, the folder where two would be called the same;
    those of most languages that are `known` first, then the largest.
    """
    records = {folder: _record(folder) for folder in folders}
    told = {folder: _told(folder, record) for folder, record in records.items()}
    alike = [text for text in told.values() if list(told.values()).count(text) > 1]
    shared = {folder: len(known & set(own.get("languages", {}))) for folder, own in records.items()}
    order = sorted(folders, key=lambda f: (-shared[f], -int(records[f].get("size", 0)), told[f], f))
    marks = {f: f" ({f.name.rpartition('-')[2]})" if told[f] in alike else "" for f in folders}
    return {told[folder] + marks[folder]: folder for folder in order}


def _record(folder: Path) -> dict[str, Any]:
    file = folder / RECORD_NAME
    return dict(storage.read_json(file)) if file.is_file() else {}


def _told(folder: Path, record: Mapping[str, Any]) -> str:
    """Say what a vocabulary is; of a published one, where it lies."""
    if not record:
        return "/".join(folder.parts[-2:])
    config, languages = record["config"], list(record.get("languages", {}))
    first = "" if config["preprocessing"] == "none" else f" on {config['preprocessing']} text"
    kind = f"{record['size']:,} {config['model']}{first}"
    of = languages[0] if len(languages) == 1 else f"{len(languages)} languages"
    return f"{kind}, {of}, \u03b1 = {config['alpha']:g}" if languages else kind


def _cut(folder: Path, text: str, language: str) -> Cut:
    try:
        return vocabulary_results.cut(vocabulary_results.loaded(folder), text, language)
    except UserError as error:
        return str(error)
