"""Results of runs that were made elsewhere, and the small tables that hand one's own on.

Runs are named by all that they depend on, so what one machine measured is another's too: a campaign
that takes over the tables of one does only what is in none of them. Weights are not handed on. A
run of pretraining is made again where something is to be fine-tuned from it. Tables that were taken
over stay below the run folder, each in a folder named by what it holds.
"""

import dataclasses
import gzip
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import configs, storage
from xlmr_lab.errors import UserError

KNOWN_NAME, HANDED_ON_NAME = "known", "results"
HELDOUT_NAME, WORDS_NAME = "heldout.jsonl", "words.jsonl"
SCORES_NAME, COSTS_NAME = "scores.jsonl", "costs.jsonl"
PROVENANCE_NAME = "provenance.json"
TABLES = {
    HELDOUT_NAME: ("run", "step", "language", "loss"),
    WORDS_NAME: ("reading", "language", "bits_per_byte"),
    SCORES_NAME: (
        *("finetuning", "seed", "finetune_seed", "arm", "task", "split", "language"),
        *("protocol", "selection", "metric", "value"),
    ),
    COSTS_NAME: ("name", "seconds", "predicted_seconds"),
}
"""Tables that are taken over, and what their rows must have; the first names their run."""
PACKED = (*TABLES, "cells.jsonl")
"""Tables that are packed where they are handed on; the others are small."""
PLAIN = ("campaign.json", "sizes.jsonl", "missing.jsonl", "conclusions.jsonl", PROVENANCE_NAME)

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What is known of runs by their names."""

    heldout: Mapping[str, Sequence[Row]]
    """Held-out losses (step, language, loss) of pretraining runs."""
    words: Mapping[str, Sequence[Row]]
    """Losses of whole words, by the name of their reading."""
    scores: Mapping[str, Sequence[Row]]
    """Scores of what was fine-tuned, by the name of its file."""
    costs: Mapping[str, Row]
    """What runs were predicted to take and took."""

    def has(self, name: str) -> bool:
        """Tell whether the results of a run of this name are known."""
        return name in self.heldout or name in self.words or name in self.scores


def take_over(folder: Path, source: Path) -> None:
    """Copy the tables of another campaign's folder, plain or packed, below a run folder.

    Raises:
        UserError: there are none, or they do not name their runs.
    """
    wanted = [source / name for name in (*TABLES, PROVENANCE_NAME)]
    absent = [path.name for path in wanted if not storage.plain_or_packed(path).is_file()]
    if absent:
        raise UserError(
            f"from={source} has no {', '.join(absent)}; give a run folder of `ablate`, or the "
            f"folder {HANDED_ON_NAME} in one"
        )
    tables = {name: storage.read_jsonl(storage.plain_or_packed(source / name)) for name in TABLES}
    for name, rows in tables.items():
        if any(key not in row for row in rows for key in TABLES[name]):
            raise UserError(f"{source / name} does not say {', '.join(TABLES[name])}; make it anew")
    made_by = storage.read_json(source / PROVENANCE_NAME)
    target = folder / KNOWN_NAME / configs.fingerprint(*tables.values())
    for name, rows in tables.items():
        storage.write_jsonl(target / name, rows)
    storage.write_json(target / PROVENANCE_NAME, made_by)


def read(folder: Path) -> Known:
    """Return what was taken over into a run folder."""
    found: dict[str, dict[str, list[Row]]] = {name: {} for name in TABLES}
    for place in _taken(folder):
        for name, (key, *_) in TABLES.items():
            found[name] |= _by(storage.read_jsonl(place / name), key)
    return Known(
        heldout=found[HELDOUT_NAME],
        words=found[WORDS_NAME],
        scores=found[SCORES_NAME],
        costs={name: rows[-1] for name, rows in found[COSTS_NAME].items()},
    )


def provenances(folder: Path) -> list[Any]:
    """Return what the tables were made by that were taken over."""
    return [storage.read_json(place / PROVENANCE_NAME) for place in _taken(folder)]


def hand_on(folder: Path) -> Path:
    """Write the tables of a run folder, packed, into a folder below it, and return that: all that
    `take_over` needs, and what the pages show.
    """
    target = folder / HANDED_ON_NAME
    for name in PACKED:
        text = (folder / name).read_bytes()
        storage.write_bytes(target / f"{name}.gz", gzip.compress(text, mtime=0))
    for name in PLAIN:
        storage.write_bytes(target / name, (folder / name).read_bytes())
    return target


def _taken(folder: Path) -> list[Path]:
    return sorted(path.parent for path in (folder / KNOWN_NAME).glob(f"*/{PROVENANCE_NAME}"))


def _by(rows: Sequence[Row], key: str) -> dict[str, list[Row]]:
    """Return rows by a key, without it, each once: cells that share a run tell it twice.

    >>> _by([{"cell": "a", "run": "r", "step": 1}, {"cell": "b", "run": "r", "step": 1}], "run")
    {'r': [{'step': 1}]}
    """
    found: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        own = {name: value for name, value in row.items() if name not in ("cell", key)}
        found[row[key]][json.dumps(own, sort_keys=True)] = own
    return {name: list(own.values()) for name, own in found.items()}
