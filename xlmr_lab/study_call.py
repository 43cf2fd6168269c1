"""How a study is called up again: its preset and the settings that differ from it, kept in its run
folder, so that a reader of an unfinished one can be told the very command that goes on with it.

Paths are as they were typed, seen from where the study ran. A folder that was moved, copied or
renamed since is named as it is now.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import storage

CALL_NAME = "call.json"

MAKERS = {
    "shards": "pretrain",
    "pairs": "pretrain",
    "blocks.jsonl": "pretrain",
    "arms.json": "pretrain",
    "heldout.jsonl": "pretrain",
    "scores.jsonl": "evaluate",
    "findings.jsonl": "study",
}
"""The verb that makes a stage or a file of the run folder; those not named here are `vocab`'s."""


def keep(folder: Path, preset: str, settings: Sequence[str]) -> None:
    """Have a run folder hold the preset and the `section.field=value` settings of its study, where
    it lies, and the folder that paths in the settings are seen from, which is the present one.
    """
    call: dict[str, Any] = {"preset": preset, "settings": list(settings)}
    call |= {"folder": str(folder.resolve()), "seen_from": str(Path.cwd())}
    storage.write_json(folder / CALL_NAME, call)


def told(folder: Path, verb: str) -> str:
    """Return the command of a verb for the study of a run folder; a folder that does not say how
    it was made has that of the default preset.

    >>> told(Path("nowhere"), "pretrain")
    './lab pretrain'
    """
    place = folder / CALL_NAME
    held = storage.read_json(place) if place.is_file() else {}
    preset, settings = held.get("preset"), held.get("settings", [])
    if "folder" in held:
        settings = _placed(settings, Path(held["folder"]), folder.resolve())
    return shlex.join(["./lab", verb, *(["--preset", preset] if preset else []), *settings])


def maker(folder: Path, made: str) -> str:
    """Return the command that makes a stage or a file of a study's run folder."""
    return told(folder, MAKERS.get(made, "vocab"))


def remade(folder: Path, stage: str) -> str:
    """Say how a stage that a study's run folder names, and that is gone, is had again."""
    return f"`{maker(folder, stage)}` makes it again; add data_dir=FOLDER if it was moved"


def _placed(settings: Sequence[str], kept: Path, now: Path) -> list[str]:
    """Return settings that name the folder `now`, of those that named it as it was `kept`.

    >>> _placed(["name=a", "seeds=4"], Path("/lab/runs/a"), Path("/lab/runs/b"))
    ['name=b', 'seeds=4']
    >>> _placed(["seeds=4"], Path("/lab/runs/tiny"), Path("/disk/tiny"))
    ['runs_dir=/disk', 'seeds=4']
    """
    moved = {}
    if now.name != kept.name:
        moved["name"] = now.name
    if now.parent != kept.parent:
        moved["runs_dir"] = str(now.parent)
    rest = [setting for setting in settings if setting.partition("=")[0] not in moved]
    return [*(f"{name}={value}" for name, value in moved.items()), *rest]
