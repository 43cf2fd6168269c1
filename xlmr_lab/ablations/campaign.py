"""A campaign: the cells of several claims in one run folder, every piece of work done once.

Cells of different claims that bear one name are one cell. What two cells share (a corpus, a
vocabulary, token shards, a pretraining run, a fine-tuned model) has one fingerprint and is made
once; a killed campaign finds what is finished. Runs go by seed, every cell's first seed before
anyone's second, so that an interrupted campaign has whole grids of fewer seeds. A cell that fails
is told and does not stop the rest; what needs it is missing from the rows, which is said in the
conclusions.
"""

import dataclasses
import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import configs, provenance, storage
from xlmr_lab.ablations import arms, jobs, parallel_text, stages, task_jobs, transfer
from xlmr_lab.ablations.arms import Arm
from xlmr_lab.ablations.beforehand import likely_run
from xlmr_lab.ablations.grid import Cell, Claim, Scale
from xlmr_lab.ablations.jobs import Job
from xlmr_lab.ablations.run import pretraining
from xlmr_lab.ablations.task_jobs import Plan
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import foresight
from xlmr_lab.pretrain.settings import check
from xlmr_lab.vocabulary.load import load

logger = logging.getLogger(__name__)

CAMPAIGN_NAME, CELLS_NAME, MISSING_NAME = "campaign.json", "cells.jsonl", "missing.jsonl"
HELDOUT_NAME, SCORES_NAME = "heldout.jsonl", "scores.jsonl"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Campaign:
    """Claims at a scale, and where their results go."""

    scale: Scale
    claims: tuple[Claim, ...]
    folder: Path
    """Its run folder."""
    jobs: int
    """Processes at work at once, each with one thread."""

    def cells(self) -> list[Cell]:
        """Return each cell once.

        Raises:
            UserError: cells of one name differ.
        """
        found: dict[str, Cell] = {}
        for claim in self.claims:
            for cell in claim.cells:
                known = found.setdefault(cell.name, cell)
                if known.config != cell.config:
                    raise UserError(f"{claim.id}: another claim has a cell {cell.name!r} too")
                found[cell.name] = dataclasses.replace(
                    cell,
                    evaluated=cell.evaluated or known.evaluated,
                    baselines=cell.baselines or known.baselines,
                )
        return list(found.values())

    def claims_of(self, cell: str) -> list[str]:
        """Return the claims that have a cell of this name."""
        return [claim.id for claim in self.claims if cell in {own.name for own in claim.cells}]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A cell whose text, vocabulary and token shards are there."""

    cell: Cell
    arms: tuple[Arm, ...]
    """Its pretraining runs, one for each seed."""
    tokens: Path
    pairs: Path | None


def require(campaign: Campaign) -> None:
    """Refuse what cannot be run, before anything starts.

    Raises:
        UserError: names the cell and what to change.
    """
    for cell in campaign.cells():
        run = likely_run(cell.config)
        try:
            parallel_text.check(cell.config)
            foresight.check(run, cell.config.vocabulary.size, runs=campaign.jobs)
        except UserError as error:
            raise UserError(f"cell {cell.name} of {campaign.scale.name}: {error}") from None


def prepare(campaign: Campaign, missing: list[dict[str, Any]]) -> list[Prepared]:
    """Make the stages of every cell up to its token shards; a cell that fails goes to `missing`."""
    found = []
    for cell in campaign.cells():
        try:
            found.append(_prepared(campaign, cell))
        except UserError as error:
            logger.warning("cell %s failed, others go on: %s", cell.name, error)
            missing.append({"cell": cell.name, "stage": "text", "why": str(error)})
    return found


def pretrain(campaign: Campaign, prepared: Sequence[Prepared]) -> None:
    """Pretrain what is not pretrained yet, by seed; failures are told."""
    wanted: dict[Path, Job] = {}
    for place in range(max((len(own.arms) for own in prepared), default=0)):
        for own in prepared:
            for arm in own.arms[place : place + 1]:
                if not arm.final.is_dir():
                    wanted.setdefault(arm.folder, pretraining(arm, own.tokens, own.pairs))
    _run(campaign, list(wanted.values()), "pretraining", "step")


def finetune(campaign: Campaign, prepared: Sequence[Prepared]) -> None:
    """Fine-tune and score the models of evaluated cells that are pretrained."""
    wanted: dict[Path, Job] = {}
    for own in prepared:
        for job, plan in zip(*_waiting(campaign, own), strict=True):
            wanted.setdefault(plan.runs.output, job)
    _run(campaign, list(wanted.values()), "fine-tuning", "run")


def collect(
    campaign: Campaign, prepared: Sequence[Prepared], missing: list[dict[str, Any]]
) -> None:
    """Write what is there into the run folder: cells, held-out losses, scores, what is missing."""
    rows, scores = [], []
    for own in prepared:
        rows += list(_heldout(own))
        scores += list(_scores(campaign, own))
        missing += [
            {"cell": own.cell.name, "stage": "pretraining", "why": f"seed {arm.run.seed}"}
            for arm in own.arms
            if not arm.final.is_dir()
        ]
    folder = campaign.folder
    storage.write_jsonl(folder / HELDOUT_NAME, rows)
    storage.write_jsonl(folder / SCORES_NAME, scores)
    storage.write_jsonl(folder / MISSING_NAME, missing)


def run(campaign: Campaign) -> None:
    """Do all the work that is not done, and collect it.

    Raises:
        UserError: something cannot be run at all, which is told before anything starts.
    """
    require(campaign)
    write_settings(campaign)
    missing: list[dict[str, Any]] = []
    prepared = prepare(campaign, missing)
    pretrain(campaign, prepared)
    finetune(campaign, prepared)
    collect(campaign, prepared, missing)


def write_settings(campaign: Campaign) -> None:
    """Have the run folder say what it holds."""
    base = configs.flatten(campaign.scale.base)
    cells = [
        {
            "cell": cell.name,
            "claims": campaign.claims_of(cell.name),
            "evaluated": cell.evaluated,
            "changed": {
                name: value
                for name, value in configs.flatten(cell.config).items()
                if value != base[name]
            },
        }
        for cell in campaign.cells()
    ]
    storage.write_jsonl(campaign.folder / CELLS_NAME, cells)
    storage.write_json(
        campaign.folder / CAMPAIGN_NAME,
        {
            "scale": campaign.scale.name,
            "about": campaign.scale.about,
            "claims": [claim.id for claim in campaign.claims],
            "seeds": campaign.scale.base.seeds,
            "settings": configs.to_dict(campaign.scale.base),
        },
    )
    storage.write_json(campaign.folder / "provenance.json", provenance.collect())


def _prepared(campaign: Campaign, cell: Cell) -> Prepared:
    config = cell.config
    tokens, pairs = stages.token_shards(config), parallel_text.pair_shards(config)
    if cell.evaluated:
        for task in transfer.tasks(config):
            transfer.check(config, task)
    found = arms.arms(config, campaign.folder / "arms", [config.sampling.alpha])
    shards = parallel_text.training_shards(config)
    shards.require_vocabulary(load(stages.vocabulary(config)).fingerprint)
    check(found[0].run, shards)
    return Prepared(cell=cell, arms=tuple(found), tokens=tokens, pairs=pairs)


def _planned(campaign: Campaign, own: Prepared) -> list[Plan]:
    """Return what is fine-tuned of a cell's finished runs."""
    finished = [arm for arm in own.arms if arm.final.is_dir()]
    if not own.cell.evaluated or not finished:
        return []
    name = campaign.folder.name
    plans = task_jobs.planned(own.cell.config, finished, folder=campaign.folder, name=name)
    main = {arm.name for arm in finished}
    return [p for p in plans if own.cell.baselines or p.runs.names["arm"] in main]


def _waiting(campaign: Campaign, own: Prepared) -> tuple[list[Job], list[Plan]]:
    plans = [plan for plan in _planned(campaign, own) if not plan.runs.output.exists()]
    return task_jobs.waiting(plans), plans


def _run(campaign: Campaign, work: Sequence[Job], label: str, unit: str) -> None:
    told = f"{label}, {len(work)} run{'s' * (len(work) != 1)}"
    try:
        jobs.run(work, workers=campaign.jobs, label=told, unit=unit)
    except UserError as error:
        logger.warning("%s", error)


def _heldout(own: Prepared) -> Iterator[dict[str, Any]]:
    """Yield the held-out losses of a cell's finished runs, in nats a piece and bits per byte."""
    shards = TokenShards.open(own.tokens)
    density = {key: _pieces_per_byte(shards.counts(key, "heldout")) for key in shards.languages}
    for arm in own.arms:
        if not arm.final.is_dir():
            continue
        for record in storage.read_jsonl(arm.folder / "metrics.jsonl"):
            if record["kind"] == "heldout":
                for language, loss in record["loss_by_language"].items():
                    yield {
                        "cell": own.cell.name,
                        "seed": arm.run.seed,
                        "step": record["step"],
                        "language": language,
                        "loss": loss,
                        "bits_per_byte": loss / math.log(2) * density[language],
                    }


def _pieces_per_byte(counts: dict[str, int]) -> float:
    return counts["pieces"] / counts["bytes"]


def _scores(campaign: Campaign, own: Prepared) -> Iterator[dict[str, Any]]:
    for plan in _planned(campaign, own):
        if plan.runs.output.exists():
            for row in storage.read_jsonl(plan.runs.output):
                yield {"cell": own.cell.name, **row}
