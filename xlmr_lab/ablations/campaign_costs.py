"""What a campaign will take, and what it took: each distinct shape measured once, as many at once
as will be at work later.

Measurements stay below the run folder, so that a campaign which goes on is predicted from them.
"""

import dataclasses
import itertools
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import configs, storage
from xlmr_lab.ablations import campaign_known, campaign_work, cost, jobs, measuring
from xlmr_lab.ablations.arms import Arm
from xlmr_lab.ablations.baseline_runs import BaselineRuns
from xlmr_lab.ablations.campaign import Campaign, Prepared
from xlmr_lab.ablations.campaign_work import Work
from xlmr_lab.ablations.cost import Part, Speed
from xlmr_lab.ablations.jobs import Job
from xlmr_lab.ablations.transfer import Plan as TuningPlan
from xlmr_lab.ablations.word_losses import Reading
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain.distributed import chosen_device

logger = logging.getLogger(__name__)

MEASURED_NAME, COSTS_NAME = "measured", "costs.jsonl"
TIMES = ("predicted_seconds", "seconds")
MEASURE_VERSION = 2
"""Raised when the same runs are measured otherwise."""

MEASURING: Mapping[type, Callable[..., None]] = {
    Reading: measuring.word_losses,
    TuningPlan: measuring.tuning,
    BaselineRuns: measuring.baseline,
}
"""What measures a run that starts from a model."""

Predicted = Mapping[str, float]
"""Seconds of runs by their names."""


def measure(campaign: Campaign, prepared: Sequence[Prepared], work: Sequence[Work]) -> Predicted:
    """Return what runs will take, by their names; what cannot be measured is told and left out."""
    shards = {own.cell.name: own for own in prepared}
    places = {one.name: _place(campaign, one, shards[one.cells[0]]) for one in work}
    wanted: dict[Path, Job] = {}
    for one in work:
        place = places[one.name]
        if not one.is_done and not place.exists():
            wanted.setdefault(place, _measuring(one, shards[one.cells[0]], place))
    found = list(wanted.values())
    beside = itertools.islice(itertools.cycle(found), max(0, campaign.jobs - len(found)))
    found += [_beside(job, number) for number, job in enumerate(beside)]
    try:
        jobs.run(found, workers=campaign.jobs, label="measuring", unit="shape")
    except UserError as error:
        logger.warning("%s", error)
    except Exception:  # it would fail later as well, and stop no other run then
        logger.exception("a run could not be measured")
    return _read(work, places)


def known(campaign: Campaign, prepared: Sequence[Prepared], work: Sequence[Work]) -> Predicted:
    """Return what is known without measuring anything."""
    shards = {own.cell.name: own for own in prepared}
    return _read(work, {one.name: _place(campaign, one, shards[one.cells[0]]) for one in work})


def parts(campaign: Campaign, work: Sequence[Work], predicted: Predicted) -> list[Part]:
    """Return the runs that are not finished with their costs and the claims that need them."""
    return [
        Part(
            kind=one.kind,
            seed=one.seed,
            claims=frozenset(claim for cell in one.cells for claim in campaign.claims_of(cell)),
            seconds=predicted.get(one.name, 0.0),
        )
        for one in work
        if not one.is_done
    ]


def write(campaign: Campaign, work: Sequence[Work], predicted: Predicted) -> list[dict[str, Any]]:
    """Write what each run was predicted to take and took, and return it; of a run that was made
    elsewhere, what it took there.
    """
    elsewhere = campaign_known.read(campaign.folder).costs
    rows = []
    for one in work:
        told = {
            "kind": one.kind,
            "name": one.name,
            "cells": list(one.cells),
            "seed": one.seed,
            "steps": one.steps,
            "predicted_seconds": predicted.get(one.name),
            "seconds": campaign_work.seconds_taken(campaign.folder, one),
        }
        if told["seconds"] is None and one.name in elsewhere:
            told |= {name: elsewhere[one.name][name] for name in TIMES}
        rows.append(told)
    storage.write_jsonl(campaign.folder / COSTS_NAME, rows)
    return rows


def _read(work: Sequence[Work], places: Mapping[str, Path]) -> Predicted:
    found = {}
    for one in work:
        place = places[one.name]
        if place.is_file():
            told = storage.read_json(place)
            if isinstance(one.of, Arm):
                found[one.name] = cost.pretraining_seconds(one.of.run, Speed(**told))
            else:
                found[one.name] = float(told["seconds"])
    return found


def _place(campaign: Campaign, work: Work, own: Prepared) -> Path:
    """Return the file of what is measured of a run, named by all that its speed depends on."""
    parts: list[Any] = [MEASURE_VERSION, campaign.jobs, work.kind]
    of = work.of
    if isinstance(of, Arm):
        run, shards = of.run, TokenShards.open(own.tokens)
        settings: list[Any] = [run.pretrain.precision, run.pretrain.micro_sequences]
        settings += [run.pretrain.activation_checkpointing, str(chosen_device(run.pretrain.device))]
        looked_at = [run.pretrain.heldout_blocks, len(run.languages), own.pairs is not None]
        parts += [run.model, run.batches, shards.vocab_size, settings, looked_at]
    elif isinstance(of, Reading):
        parts += [of.model, of.vocabulary.name, str(of.documents), of.languages]
    else:
        runs = of.runs
        models: list[Any] = [of.config] if isinstance(of, BaselineRuns) else _models(of)
        place = [str(runs.folder.resolve()), runs.reading]
        parts += [runs.task, place, runs.finetune, runs.protocols, models]
        parts += [runs.train_language, runs.languages, len(runs.seeds)]
    return campaign.folder / MEASURED_NAME / f"{configs.fingerprint(*parts)}.json"


def _models(plan: TuningPlan) -> list[Any]:
    return [plan.model, plan.vocabulary.name, str(chosen_device(plan.device))]


def _measuring(work: Work, own: Prepared, place: Path) -> Job:
    of = work.of
    arguments: dict[str, Any] = {"output": place}
    function: Any
    if isinstance(of, Arm):
        function = measuring.pretraining
        arguments |= {"run": of.run, "tokens": own.tokens, "pairs": own.pairs}
    else:
        function = MEASURING[type(of)]
        arguments |= {"plan": of}
    return Job(
        name=f"measuring {work.name}",
        function=function,
        arguments=arguments,
        units=1,
        done=place.is_file,
    )


def _beside(job: Job, number: int) -> Job:
    """Return a job that keeps another worker as busy as it will be, whose result counts nothing."""
    place = job.arguments["output"].with_suffix(f".beside-{number}.json")
    arguments = job.arguments | {"output": place}
    return dataclasses.replace(job, arguments=arguments, done=place.is_file)
