"""What a campaign's run folder says: losses and scores of each cell, and what is missing.

Held-out loss is in nats a piece and in bits per byte of the held-out text; what that says across
vocabularies see grid.py.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from xlmr_lab import storage
from xlmr_lab.ablations import campaign_known, campaign_work, stages
from xlmr_lab.ablations.arms import Arm
from xlmr_lab.ablations.campaign import Campaign, Prepared
from xlmr_lab.ablations.campaign_known import HELDOUT_NAME, SCORES_NAME, WORDS_NAME, Known
from xlmr_lab.ablations.examined import verdicts
from xlmr_lab.ablations.task_runs import TaskRuns
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.evaluate import scores
from xlmr_lab.evaluate.doctor import records
from xlmr_lab.pretrain.folder import METRICS_NAME

MISSING_NAME, SIZES_NAME = "missing.jsonl", "sizes.jsonl"
DECIMALS = 5
"""Of losses: far below what they are known to."""


def collect(
    campaign: Campaign, prepared: Sequence[Prepared], missing: Sequence[dict[str, Any]]
) -> None:
    """Write what is there into the run folder: held-out losses, scores, and what is missing, with
    what is known to be `missing` already."""
    known = campaign_known.read(campaign.folder)
    heldout = [row for own in prepared for row in _heldout(own, known)]
    words = [row for own in prepared for row in _words(campaign, own)]
    scored = [row for own in prepared for row in _scores(campaign, own)]
    absent = [row for own in prepared for row in _absent(campaign, own, known)]
    storage.write_jsonl(campaign.folder / SIZES_NAME, _sizes(prepared))
    storage.write_jsonl(campaign.folder / HELDOUT_NAME, heldout)
    storage.write_jsonl(campaign.folder / WORDS_NAME, words)
    storage.write_jsonl(campaign.folder / SCORES_NAME, scored)
    storage.write_jsonl(campaign.folder / MISSING_NAME, [*missing, *absent])


def _sizes(prepared: Sequence[Prepared]) -> list[dict[str, Any]]:
    """Return the clean text of every language, as the first cell has it that has the language."""
    found: dict[str, dict[str, Any]] = {}
    for own in prepared:
        for row in stages.sizes(own.cell.config):
            found.setdefault(row["language"], row)
    return list(found.values())


def _heldout(own: Prepared, known: Known) -> Iterator[dict[str, Any]]:
    """Yield the held-out losses of a cell's finished runs, in nats a piece and bits per byte, both
    to 5 decimals.
    """
    shards = TokenShards.open(own.tokens)
    density = {key: _pieces_per_byte(shards.counts(key, "heldout")) for key in shards.languages}
    for arm in own.arms:
        for row in _losses(arm, known):
            loss, language = round(row["loss"], DECIMALS), row["language"]
            bits = round(loss / math.log(2) * density[language], DECIMALS)
            named = {"cell": own.cell.name, "run": arm.folder.name, "seed": arm.run.seed}
            told = {"step": row["step"], "language": language, "loss": loss}
            yield named | told | {"bits_per_byte": bits}


def _losses(arm: Arm, known: Known) -> Iterator[Mapping[str, Any]]:
    """Yield the held-out losses of a run that is finished, elsewhere or here.

    What is known from elsewhere stays: where such a run is made again for its weights, another
    machine rounds otherwise, and the losses of words and scores beside them are of the first.
    """
    if arm.folder.name in known.heldout or not arm.final.is_dir():
        yield from known.heldout.get(arm.folder.name, ())
        return
    for record in storage.read_jsonl(arm.folder / METRICS_NAME):
        if record["kind"] == "heldout":
            for language, loss in record["loss_by_language"].items():
                yield {"step": record["step"], "language": language, "loss": loss}


def _pieces_per_byte(counts: dict[str, int]) -> float:
    return counts["pieces"] / counts["bytes"]


def _words(campaign: Campaign, own: Prepared) -> Iterator[dict[str, Any]]:
    """Yield the losses of whole words of a cell's runs, as far as a contrast asks for them."""
    for reading in campaign_work.readings(campaign, own):
        if reading.output.exists():
            named = {"cell": own.cell.name, "reading": reading.name, "seed": reading.seed}
            for row in storage.read_jsonl(reading.output):
                yield named | row


def _scores(campaign: Campaign, own: Prepared) -> Iterator[dict[str, Any]]:
    for plan in campaign_work.plans(campaign, own):
        if plan.runs.output.exists():
            for row in _examined(plan.runs):
                yield {"cell": own.cell.name, "finetuning": plan.runs.output.stem, **row}


def _examined(runs: TaskRuns) -> list[dict[str, Any]]:
    """Return the scores of runs with the checks of the evaluation doctor that refuse each
    (`refused`, empty where none does); those of runs made elsewhere have it already, or were not
    examined.
    """
    rows = storage.read_jsonl(runs.output)
    if runs.looks is None or not runs.looks.is_file():
        return rows
    return records.marked(scores.read(runs.output), records.doctor(verdicts(runs))).to_dicts()


def _absent(campaign: Campaign, own: Prepared, known: Known) -> Iterator[dict[str, Any]]:
    """Yield what a cell should have and has not."""
    named = {"cell": own.cell.name}
    for arm in own.arms:
        if not arm.final.is_dir() and arm.folder.name not in known.heldout:
            yield named | {"stage": "pretraining", "why": f"seed {arm.run.seed}"}
    for reading in campaign_work.readings(campaign, own):
        if not reading.output.exists():
            yield named | {"stage": "word losses", "why": f"seed {reading.seed}"}
    for plan in campaign_work.plans(campaign, own):
        if not plan.runs.output.exists():
            told = f"{plan.runs.task} of {plan.runs.names['arm']}, seed {plan.runs.names['seed']}"
            yield named | {"stage": "fine-tuning", "why": told}
