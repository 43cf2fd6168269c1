"""What the doctor said of a run's scores, in lines: refusals first, each kind once with a count."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MARK = "!"
"""Stands behind a number that the doctor refuses."""
LEGEND = f"{MARK} refused by the evaluation doctor, see below"

Record = Mapping[str, Any]


def lines(found: Sequence[Record]) -> Iterator[str]:
    """Yield a line for each kind of verdict on a task, with how often it was found, where first,
    and what to do."""
    kinds: dict[tuple[str, str, str], list[Record]] = {}
    for record in sorted(found, key=lambda record: str(record["level"]) != "refuse"):
        kinds.setdefault((record["task"], record["level"], record["name"]), []).append(record)
    for (task, level, name), records in kinds.items():
        first, sets = records[0], len({record["set"] for record in records})
        told = f"doctor, {level}: {task}, {name}"
        if len(records) > 1:
            told += f" {len(records):,} times, in {sets:,} set{'s' * (sets > 1)}"
        yield f"{told}; {place(first)}: {first['line']}"


def place(record: Record) -> str:
    """Return what a verdict is about.

    >>> row = {"arm": "a", "seed": None, "finetune_seed": 2, "set": "test-sw"}
    >>> place({**row, "protocol": "zero-shot", "selection": ""})
    'test-sw, zero-shot, a, fine-tuning seed 2'
    """
    parts = [record["set"], record["protocol"], record["selection"], record["arm"]]
    if record["seed"] is not None:
        parts.append(f"seed {record['seed']}")
    if record["finetune_seed"] is not None:
        parts.append(f"fine-tuning seed {record['finetune_seed']}")
    return ", ".join(filter(None, parts))
