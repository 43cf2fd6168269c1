"""The run folder of a made-up campaign: all fifteen claims at the scale of a laptop, with rows that
nothing was trained for. What is better in each contrast is made better by a fixed amount.
"""

import dataclasses
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from xlmr_lab import campaigns, storage
from xlmr_lab.ablations import campaign, paper_claims, scales
from xlmr_lab.ablations.campaign import Campaign
from xlmr_lab.ablations.grid import Cell, Term
from xlmr_lab.babel import tongues

SEEDS = 3


def write(folder: Path) -> None:
    """Write the folder."""
    scale = scales.laptop()
    whole = Campaign(scale=scale, claims=paper_claims.claims(scale), folder=folder, jobs=2)
    work = whole.limited([claim.id for claim in whole.claims], SEEDS)
    campaign.write_settings(work)
    cells = work.cells()
    files: dict[str, list[dict[str, Any]]] = {
        "sizes.jsonl": list(_sizes(cells)),
        "heldout.jsonl": [row for cell in cells for row in _heldout(cell)],
        "words.jsonl": [row for cell in cells if work.reads(cell.name) for row in _words(cell)],
        "scores.jsonl": list(_scores(work)),
        "missing.jsonl": [],
        "costs.jsonl": [
            {"kind": "pretraining", "name": f"{cell.name}-s{seed}", "cells": [cell.name]}
            | {"seed": seed, "steps": 1500, "predicted_seconds": 30.0, "seconds": 27.5}
            for cell in cells
            for seed in range(SEEDS)
        ],
    }
    for name, rows in files.items():
        storage.write_jsonl(folder / name, rows)
    campaigns.conclude(work)


def _languages(cell: Cell) -> list[str]:
    config = cell.config
    return [
        key
        for key in config.babel.codes()
        if not config.part.languages or key in config.part.languages
    ]


def _sizes(cells: list[Cell]) -> Iterator[dict[str, Any]]:
    for key in dict.fromkeys(key for cell in cells for key in _languages(cell)):
        size = round(20_000 * tongues.stands_for(key).size_gib)
        counts = {"size_bytes": size, "num_documents": 1 + size // 2000}
        counts |= {"num_paragraphs": 1 + size // 300, "num_words": 1 + size // 6}
        yield {"language": key} | counts | tongues.described(key)


def _heldout(cell: Cell) -> Iterator[dict[str, Any]]:
    """Yield losses that fall with width and ids, and rise with the number of languages."""
    config = cell.config
    ids, width = config.vocabulary.size, config.model.hidden_size
    level = 1.2 + 0.04 * np.log(len(_languages(cell))) - 0.1 * np.log2(width / 64)
    level -= 0.02 * np.log2(ids / 1400) + 0.05 * np.log(config.pretrain.steps / 1500)
    for seed in range(SEEDS):
        for step in (500, 1000, config.pretrain.steps):
            for place, key in enumerate(_languages(cell)):
                noise = np.random.default_rng(zlib.crc32(f"{cell.name}{seed}{key}".encode()))
                bits = level + 200 / step + 0.01 * place + noise.normal(0, 0.004)
                row = {"cell": cell.name, "run": f"{cell.name}-s{seed}", "seed": seed}
                row |= {"step": step, "language": key}
                yield row | {"loss": 2.5 * bits, "bits_per_byte": bits}


def _words(cell: Cell) -> Iterator[dict[str, Any]]:
    """Yield losses of whole words a little above those of masked pieces."""
    for row in _heldout(cell):
        if row["step"] == cell.config.pretrain.steps:
            told = {name: row[name] for name in ("cell", "seed", "language")}
            told |= {"reading": f"words-{row['run']}", "bits_per_byte": row["bits_per_byte"] + 0.1}
            yield told | {"num_bytes": 9000, "num_tokens": 2500, "num_unknown": 0}


def _levels(work: Campaign) -> dict[Term, float]:
    """Return about which score each value that a contrast needs has; what should be better is 0.03
    better. Of what is chosen by other dev sets than all, both are told, and the joint
    selection is lower."""
    found: dict[Term, float] = {}
    for contrast in (contrast for claim in work.claims for contrast in claim.contrasts):
        for better, worse in contrast.pairs:
            if better.outcome.kind == "score":
                found.setdefault(better, 0.63)
                found.setdefault(worse, 0.60)
        for term in contrast.terms:
            if term.outcome.kind == "score":
                found.setdefault(term, 0.6)
    for term, level in [*found.items()]:
        joint = dataclasses.replace(term.outcome, selection="joint-dev")
        found.setdefault(dataclasses.replace(term, outcome=joint), level - 0.1)
    return found


def _scores(work: Campaign) -> Iterator[dict[str, Any]]:
    """Yield a score for each value that a contrast needs."""
    for term, level in _levels(work).items():
        outcome = term.outcome
        for seed in range(SEEDS):
            for finetune_seed in (0, 1):
                noise = np.random.default_rng(zlib.crc32(f"{term}{seed}{finetune_seed}".encode()))
                yield {
                    "cell": term.cell,
                    "study": "made-up",
                    "run": f"{term.cell}-s{seed}",
                    "arm": outcome.arm or "alpha=0.3",
                    "seed": seed,
                    "finetune_seed": finetune_seed,
                    "task": outcome.task,
                    "split": "test",
                    "language": term.language or "qaa",
                    "protocol": outcome.protocol,
                    "selection": outcome.selection,
                    "metric": outcome.metric,
                    "value": level + noise.normal(0, 0.004),
                    "num_examples": 500,
                    "question_language": "",
                    "step": 200,
                    "learning_rate": 1e-3,
                }
