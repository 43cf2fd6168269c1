"""The files of a run folder besides the checkpoints: settings, provenance, metrics, telemetry.

`config.json` and `provenance.json` are written before the first step. `metrics.jsonl` holds what
the settings decide, the same in every repetition; what the clock decides goes to `telemetry.jsonl`.
When a run resumes, records after its checkpoint are dropped and written again.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xlmr_lab import configs, provenance, storage
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain.settings import PretrainRun, decisive

CONFIG_NAME = "config.json"
PROVENANCE_NAME = "provenance.json"
METRICS_NAME = "metrics.jsonl"
TELEMETRY_NAME = "telemetry.jsonl"
CHECKPOINTS_NAME = "checkpoints"
EVENTS_NAME = "tensorboard"
LOCK_NAME = "training.lock"
"""It is there while a process trains; one that was killed leaves it, not held."""


@contextlib.contextmanager
def held(folder: Path, run: PretrainRun) -> Iterator[None]:
    """Have the folder to this process alone, with the settings in it.

    Raises:
        UserError: the folder cannot be written, holds a run with other settings, or another process
            trains in it.
    """
    with contextlib.ExitStack() as stack:
        with _writing_to(folder):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(storage.locked(folder / LOCK_NAME, f"training in {folder}"))
            if (folder / CONFIG_NAME).exists():
                require_same(storage.read_json(folder / CONFIG_NAME), decisive(run), folder)
            else:
                storage.write_json(folder / CONFIG_NAME, configs.to_dict(run))
        yield


def add_provenance(folder: Path, **origin: Any) -> None:
    """Write where the run comes from, with `origin`; each time it resumes an entry is added.

    Raises:
        UserError: the folder, or that of the checkpoints, cannot be written.
    """
    path = folder / PROVENANCE_NAME
    now = provenance.collect(**origin)
    if path.exists():
        first = storage.read_json(path)
        now = {**first, "resumed": [*first.get("resumed", []), now]}
    with _writing_to(folder):
        storage.write_json(path, now)
    with _writing_to(folder / CHECKPOINTS_NAME):
        (folder / CHECKPOINTS_NAME).mkdir(exist_ok=True)


def require_same(stored: Mapping[str, Any], wanted: Mapping[str, Any], place: Path) -> None:
    """Refuse to go on with what was made under other settings than `wanted`; what else is `stored`
    does not matter.

    Raises:
        UserError: names the settings that differ, with both values.
    """
    there, here = dict(_flat(stored)), dict(_flat(wanted))
    names = [name for name in here if there.get(name) != here[name]]
    if names:
        found = "; ".join(
            f"{n} is {_shown(there.get(n))} there and {_shown(here.get(n))} here" for n in names[:3]
        )
        raise UserError(f"{place} has other settings: {found}; use those or another folder")


def append_record(path: Path, record: Mapping[str, Any]) -> None:
    """Append a record to a file of the folder.

    Raises:
        UserError: the disk is full.
    """
    try:
        storage.append_jsonl(path, [dict(record)])
    except OSError as error:
        raise UserError(
            f"cannot write to {path} ({error}); free some space and run again to go on from the "
            "last checkpoint"
        ) from None


def last_records(path: Path, size: int = 1 << 16) -> list[dict[str, Any]]:
    """Return the last whole records of a file, as many as there are in its last `size` bytes; none
    where there is no such file.
    """
    if not path.is_file():
        return []
    with path.open("rb") as file:
        start = max(0, path.stat().st_size - size)
        file.seek(start)
        lines = file.read().split(b"\n")
    return [json.loads(line) for line in lines[bool(start) : -1]]


def keep_records(folder: Path, step: int) -> None:
    """Drop the records of steps after `step`, and a line that a kill cut short."""
    for name in (METRICS_NAME, TELEMETRY_NAME):
        path = folder / name
        if path.exists():
            storage.write_jsonl(path, (r for r in storage.read_jsonl(path) if r["step"] <= step))


def seconds_so_far(folder: Path) -> float:
    """Return the training time that the telemetry has counted."""
    path = folder / TELEMETRY_NAME
    records = storage.read_jsonl(path) if path.exists() else []
    return float(records[-1]["seconds"]) if records else 0.0


def flush_records(folder: Path) -> None:
    """Have the metrics on the disk before the checkpoint that stands for them."""
    with (folder / METRICS_NAME).open("ab") as file:
        os.fsync(file.fileno())


@contextlib.contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write to {folder} ({error}); choose another folder") from None


def _flat(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in nested.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
