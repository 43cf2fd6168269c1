"""How a study is called up again: its preset and the settings that differ from it, kept in its run
folder, so that a reader of an unfinished one can be told the very command that goes on with it.

Unlike the command in `provenance.json`, which is for others to read, it names paths in full.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path

from xlmr_lab import storage

CALL_NAME = "call.json"

MAKERS = {
    "shards": "pretrain",
    "blocks.jsonl": "pretrain",
    "arms.json": "pretrain",
    "heldout.jsonl": "pretrain",
    "scores.jsonl": "evaluate",
    "findings.jsonl": "study",
}
"""The verb that makes a stage or a file of the run folder; those not named here are `vocab`'s."""


def keep(folder: Path, preset: str, settings: Sequence[str]) -> None:
    """Have a run folder hold the preset and the `section.field=value` settings of its study."""
    storage.write_json(folder / CALL_NAME, {"preset": preset, "settings": list(settings)})


def told(folder: Path, verb: str) -> str:
    """Return the command of a verb for the study of a run folder; a folder that does not say how
    it was made has that of the default preset.

    >>> told(Path("nowhere"), "pretrain")
    './lab pretrain'
    """
    place = folder / CALL_NAME
    held = storage.read_json(place) if place.is_file() else {}
    preset, settings = held.get("preset"), held.get("settings", [])
    return shlex.join(["./lab", verb, *(["--preset", preset] if preset else []), *settings])


def maker(folder: Path, made: str) -> str:
    """Return the command that makes a stage or a file of a study's run folder."""
    return told(folder, MAKERS.get(made, "vocab"))
