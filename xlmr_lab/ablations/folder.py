"""A study's run folder: it holds one set of settings, and only what was collected under them."""

from pathlib import Path

from xlmr_lab import configs, provenance, storage
from xlmr_lab.ablations.studies import StudyConfig
from xlmr_lab.errors import UserError

CONFIG_NAME = "config.json"
FINDINGS_NAME = "findings.jsonl"
COLLECTED = ("scores.jsonl", "heldout.jsonl", FINDINGS_NAME, "arms.json")
"""Files that are made of the arms' and tasks' results."""


def prepare(folder: Path, config: StudyConfig, preset: str) -> None:
    """Have the folder hold these settings, and nothing that was collected under others."""
    folder.mkdir(parents=True, exist_ok=True)
    place, settings = folder / CONFIG_NAME, configs.to_dict(config)
    if place.is_file() and storage.read_json(place) == settings:
        return
    for name in COLLECTED:
        (folder / name).unlink(missing_ok=True)
    storage.write_json(place, settings)
    storage.write_json(folder / "provenance.json", provenance.collect(preset=preset))


def require_finished(folder: Path, config: StudyConfig) -> None:
    """Check that the folder holds the findings of these very settings.

    Raises:
        UserError: it does not.
    """
    place = folder / CONFIG_NAME
    if not (folder / FINDINGS_NAME).is_file() or not place.is_file():
        told = "has no findings yet"
    elif storage.read_json(place) != configs.to_dict(config):
        told = "holds a study of other settings"
    else:
        return
    raise UserError(f"{folder} {told}; run `./lab study` with these settings first")
