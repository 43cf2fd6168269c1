"""A study's run folder: it holds one set of settings, and only what was collected under them.

Settings that change no result (how many processes, where things lie) may differ. Results of other
text are not replaced; any other change replaces what the folder holds, which is said, with the name
that keeps both. `config.json` goes first then and is written last, so that a kill in between leaves
no study, and not half of two.
"""

import json
import logging
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlmr_lab import configs, provenance, storage, study_call
from xlmr_lab.ablations import diagnosis, studies
from xlmr_lab.ablations.arms import BLOCKS_NAME
from xlmr_lab.ablations.sections import SurgeryConfig
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.doctor.records import DOCTOR_NAME, LOOKS_NAME
from xlmr_lab.pretrain.settings import EXECUTION

logger = logging.getLogger(__name__)

CONFIG_NAME, PROVENANCE_NAME = "config.json", "provenance.json"
STAGES_NAME, SIZES_NAME, CLEANING_NAME = "stages.json", "sizes.jsonl", "cleaning.json"
FINDINGS_NAME = "findings.jsonl"
COLLECTED = (
    *("scores.jsonl", DOCTOR_NAME, LOOKS_NAME),
    *("heldout.jsonl", FINDINGS_NAME, "arms.json"),
)
"""Files that are made of the arms' and tasks' results."""
DERIVED = ("report", "notebooks", "export", "trimmed", "extended")
"""Folders that are made of those, or of the trained models."""
PREPARED = (STAGES_NAME, SIZES_NAME, CLEANING_NAME, BLOCKS_NAME)
"""Files of what is known of the text."""
CARRIED_OUT = tuple(f"pretrain.{name}" for name in EXECUTION)
"""Settings of how a machine trains, and of what it leaves besides the results."""
WITHOUT_EFFECT = {
    *("name", "jobs", "executor", "memory_bytes", "passes_warned"),
    *("runs_dir", "data_dir", "vocabulary.memory_bytes"),
    *CARRIED_OUT,
    *(f"surgery.{name}" for name in configs.leaves(SurgeryConfig)),
}
"""Settings that no result depends on."""
OF_TEXT = ("corpus.path", "corpus.languages")
"""Settings that say which text a study is of."""
PLACES = ("name", "runs_dir", "data_dir")
"""Those of them without which a study is not found again."""
MAX_TOLD = 3
"""So many differing settings are named; the rest are counted."""


def prepare(folder: Path, config: StudyConfig, preset: str) -> None:
    """Have the folder hold these settings, and nothing that was collected under others.

    Raises:
        UserError: it holds results of other text.
    """
    require_same_text(folder, config)
    folder.mkdir(parents=True, exist_ok=True)
    place, settings = folder / CONFIG_NAME, configs.to_dict(config)
    held = storage.read_json(place) if place.is_file() else None
    changed = {} if held is None else differences(held, settings)
    if changed and _is_collected(folder):
        logger.warning(
            "%s held a study with other settings, which is replaced: %s; name=NEW keeps both",
            folder,
            _told(changed),
        )
    if held is None or changed:
        _clear(folder)
    if not (folder / PROVENANCE_NAME).is_file():
        storage.write_json(folder / PROVENANCE_NAME, provenance.collect(preset=preset))
    study_call.keep(folder, preset, typed(config, preset))
    if held != settings:
        storage.write_json(place, settings)


def require_same_text(folder: Path, config: StudyConfig) -> None:
    """Check that the folder holds no results of other text than these settings name.

    Raises:
        UserError: it does; the message has both ways out.
    """
    place = folder / CONFIG_NAME
    if not place.is_file() or not _is_collected(folder):
        return
    changed = differences(storage.read_json(place), configs.to_dict(config))
    if held := [f"{name}={_typed(changed[name][0])}" for name in OF_TEXT if name in changed]:
        raise UserError(
            f"{folder} holds results of other text, {shlex.join(held)}; add name=NEW to keep both, "
            "or give that text again"
        )


def has_results(folder: Path, config: StudyConfig) -> bool:
    """Tell whether the folder holds results of these very settings."""
    place = folder / CONFIG_NAME
    return (
        place.is_file()
        and _is_collected(folder)
        and not differences(storage.read_json(place), configs.to_dict(config))
    )


def typed(config: StudyConfig, preset: str) -> list[str]:
    """Return the settings in which a study differs from a preset, as they are typed; of those that
    no result depends on only the places and how a machine trains.

    >>> typed(configs.override(studies.tiny(), ["seeds=4", "jobs=8", "name=four"]), "tiny")
    ['name=four', 'seeds=4']
    """
    own_text, told = config.corpus.path is not None, (*PLACES, *CARRIED_OUT)
    base = configs.flatten(studies.preset(preset, own_text=own_text)) if preset else _defaults()
    return [
        f"{name}={_typed(value)}"
        for name, value in configs.flatten(config).items()
        if value != base[name] and (name in told or name not in WITHOUT_EFFECT)
    ]


def is_free(folder: Path, config: StudyConfig) -> bool:
    """Tell whether these settings may have the folder without replacing what was collected under
    others.
    """
    place = folder / CONFIG_NAME
    if not place.is_file() or not differences(storage.read_json(place), configs.to_dict(config)):
        return True
    return not _is_collected(folder)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the settings, by dotted name, that differ and that results depend on.

    One that a side does not hold, as it was written before there was such a setting, is at its
    default there; one that there is none of is None.

    >>> differences({"seeds": 3, "jobs": 2}, {"seeds": 4, "jobs": 8, "nli": {"seeds": 1}})
    {'seeds': (3, 4), 'nli.seeds': (3, 1)}
    """
    default = json.loads(json.dumps(_defaults()))  # as settings are written: lists, no tuples
    before, after = default | dict(_flat(old, "")), default | dict(_flat(new, ""))
    names = [name for name in (*before, *after) if name not in WITHOUT_EFFECT]
    pairs = {name: (before.get(name), after.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def require_finished(folder: Path, config: StudyConfig) -> None:
    """Check that the folder holds the findings of these very settings.

    Raises:
        UserError: it does not.
    """
    place = folder / CONFIG_NAME
    if not (folder / FINDINGS_NAME).is_file() or not place.is_file():
        told = "has no findings yet"
    elif changed := differences(storage.read_json(place), configs.to_dict(config)):
        told = f"holds a study of other settings ({_told(changed)})"
    else:
        return
    raise UserError(f"{folder} {told}; run `./lab study` with these settings first")


def _typed(value: Any) -> str:
    """Write a value as the command line takes it.

    >>> _typed((0.3, 1.0)), _typed(True), _typed(None), _typed(())
    ('0.3,1', 'true', 'none', '')
    """
    if isinstance(value, tuple | list):
        return ",".join(map(_typed, value))
    if isinstance(value, float):
        return str(value).removesuffix(".0")
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _clear(folder: Path) -> None:
    """Remove what was written under other settings; runs and scores stay, whose names say which."""
    for name in (CONFIG_NAME, PROVENANCE_NAME, study_call.CALL_NAME, *COLLECTED, *PREPARED):
        (folder / name).unlink(missing_ok=True)
    for name in (*DERIVED, diagnosis.FOLDER_NAME):
        shutil.rmtree(folder / name, ignore_errors=True)


def _defaults() -> dict[str, Any]:
    """Return every setting's default, which need not fit each other as those of a preset do."""
    return {name: leaf.default for name, leaf in configs.leaves(StudyConfig).items()}


def _is_collected(folder: Path) -> bool:
    return any((folder / name).exists() for name in (*COLLECTED, *DERIVED))


def _told(changed: Mapping[str, tuple[Any, Any]]) -> str:
    first = [f"{name} {old} -> {new}" for name, (old, new) in list(changed.items())[:MAX_TOLD]]
    more = len(changed) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")


def _flat(values: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        inner = _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else None
        found += inner if inner is not None else [(prefix + name, value)]
    return found
