"""The runs of a campaign, training and measuring: each piece of work once, by seed, with the
seconds it took.

A run that several cells share is one piece: pretraining runs are named by all they depend on, and
so are files of scores. Every cell's first seed comes before anyone's second, so that an interrupted
campaign has whole grids of fewer seeds. A failure is told and stops no other run.
"""

import dataclasses
import functools
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from xlmr_lab import storage
from xlmr_lab.ablations import campaign_known, jobs, task_jobs, word_losses
from xlmr_lab.ablations.arms import Arm
from xlmr_lab.ablations.campaign import Campaign, Prepared
from xlmr_lab.ablations.jobs import Job
from xlmr_lab.ablations.run import pretraining
from xlmr_lab.ablations.task_jobs import Plan
from xlmr_lab.ablations.variants import languages_of
from xlmr_lab.ablations.word_losses import Reading
from xlmr_lab.corpus import executors
from xlmr_lab.corpus.executors import Call
from xlmr_lab.errors import UserError

logger = logging.getLogger(__name__)

Kind = Literal["pretraining", "word losses", "fine-tuning"]
KINDS: tuple[Kind, ...] = ("pretraining", "word losses", "fine-tuning")
UNITS: dict[Kind, str] = {"pretraining": "step", "word losses": "run", "fine-tuning": "run"}
WORDS_FOLDER = "words"
"""Folder of losses of whole words, below the run folder."""
TIMES_NAME = "times"
"""Folder of what runs took, a file for each, below the run folder."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """A run of a campaign."""

    kind: Kind
    name: str
    seed: int
    cells: tuple[str, ...]
    """Cells that it is for."""
    of: Arm | Reading | Plan
    """What is pretrained, read by, or fine-tuned and scored."""
    job: Job
    finished: Path
    """What is there when it is done."""
    known: bool = False
    """Whether its results were taken over from elsewhere and nothing waits for its weights."""

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do of it."""
        return self.known or self.finished.exists()

    @property
    def steps(self) -> int:
        """Optimizer steps of pretraining; of fine-tuning the number of its seeds."""
        return self.job.units


def everything(campaign: Campaign, prepared: Sequence[Prepared]) -> list[Work]:
    """Return all runs, pretraining first, each kind by seed; of what was taken over from elsewhere,
    files of scores are put in their places.
    """
    found: dict[Path, Work] = {}
    for own in prepared:
        for arm in own.arms:
            _add(found, _pretraining(own, arm))
        for reading in readings(campaign, own):
            _add(found, _reading(own, reading))
        for plan in plans(campaign, own):
            _add(found, _tuning(own, plan))
    work = _taken_over(campaign.folder, list(found.values()))
    return sorted(work, key=lambda one: (KINDS.index(one.kind), one.seed))


def readings(campaign: Campaign, own: Prepared) -> list[Reading]:
    """Return what is read of held-out text by a cell's runs, if a contrast asks for it: that of the
    base's languages, which are those that contrasts compare.
    """
    if not campaign.reads(own.cell.name):
        return []
    folder, compared = campaign.folder / WORDS_FOLDER, languages_of(campaign.scale.base)
    return [word_losses.reading(own.cell.config, arm, folder, compared) for arm in own.arms]


def plans(campaign: Campaign, own: Prepared) -> list[Plan]:
    """Return what is fine-tuned and scored of a cell's runs, whether they are pretrained or not."""
    if not own.cell.evaluated:
        return []
    name = campaign.folder.name
    found = task_jobs.planned(own.cell.config, own.arms, folder=campaign.folder, name=name)
    main = {arm.name for arm in own.arms}
    return [plan for plan in found if own.cell.baselines or plan.runs.names["arm"] in main]


def waiting(work: Iterable[Work], kind: Kind) -> list[Work]:
    """Return the runs of a kind that are not finished and have what they start from."""
    return [one for one in work if one.kind == kind and not one.is_done and _is_ready(one)]


def do(campaign: Campaign, work: Sequence[Work], kind: Kind) -> None:
    """Do the runs of a kind that are not done; what fails is told, and others go on."""
    wanted = [_timed(campaign.folder, one) for one in waiting(work, kind)]
    label = f"{kind}, {len(wanted)} run{'s' * (len(wanted) != 1)}"
    if campaign.executor == "ray":
        on_cpu = campaign.scale.base.pretrain.device == "cpu"
        _on_ray(wanted, label, UNITS[kind], gpus=0.0 if on_cpu else 1 / campaign.jobs)
        return
    try:
        jobs.run(wanted, workers=campaign.jobs, label=label, unit=UNITS[kind])
    except UserError as error:
        logger.warning("%s", error)
    except Exception:  # of whatever kind, it is one run's; a night of others is not given up for it
        logger.exception("a run of %s failed as none should", kind)


def _taken_over(folder: Path, work: Sequence[Work]) -> list[Work]:
    """Return the runs, those marked that are known from elsewhere."""
    known = campaign_known.read(folder)
    rows = {**known.scores, **known.words}
    needed = set()
    for one in work:
        if one.kind != "pretraining" and not one.finished.exists():
            if one.name in rows:
                storage.write_jsonl(one.finished, rows[one.name])
            else:
                needed.add(getattr(one.of, "checkpoint", None))
    return [
        dataclasses.replace(one, known=True)
        if one.kind == "pretraining" and one.name in known.heldout and one.finished not in needed
        else one
        for one in work
    ]


def seconds_taken(folder: Path, work: Work) -> float | None:
    """Return how long a run took; None: not known, or it was killed on the way."""
    place = folder / TIMES_NAME / f"{work.name}.json"
    seconds = storage.read_json(place)["seconds"] if place.is_file() else None
    return None if seconds is None else float(seconds)


def _is_ready(work: Work) -> bool:
    checkpoint = getattr(work.of, "checkpoint", None)
    return checkpoint is None or checkpoint.is_dir()


def _add(found: dict[Path, Work], work: Work) -> None:
    known = found.get(work.finished, work)
    cells = tuple(dict.fromkeys((*known.cells, *work.cells)))
    found[work.finished] = dataclasses.replace(known, cells=cells)


def _pretraining(own: Prepared, arm: Arm) -> Work:
    return Work(
        kind="pretraining",
        name=arm.folder.name,
        seed=arm.run.seed,
        cells=(own.cell.name,),
        of=arm,
        job=pretraining(arm, own.tokens, own.pairs),
        finished=arm.final,
    )


def _reading(own: Prepared, reading: Reading) -> Work:
    return Work(
        kind="word losses",
        name=reading.name,
        seed=reading.seed,
        cells=(own.cell.name,),
        of=reading,
        job=Job(
            name=reading.name,
            function=word_losses.run,
            arguments={"plan": reading},
            units=1,
            done=reading.output.is_file,
        ),
        finished=reading.output,
    )


def _tuning(own: Prepared, plan: Plan) -> Work:
    return Work(
        kind="fine-tuning",
        name=plan.runs.output.stem,
        seed=plan.runs.names["seed"],
        cells=(own.cell.name,),
        of=plan,
        job=task_jobs.job(plan),
        finished=plan.runs.output,
    )


def _timed(folder: Path, work: Work) -> Job:
    """Return a run's job that also writes how long it took."""
    arguments = {
        "function": work.job.function,
        "arguments": work.job.arguments,
        "place": folder / TIMES_NAME / f"{work.name}.json",
    }
    return dataclasses.replace(work.job, function=_run_timed, arguments=arguments)


def _run_timed(function: Callable[..., Any], arguments: dict[str, Any], place: Path) -> None:
    """Do a run and write how long it took; of one that goes on where it was killed nothing is known
    of its first part."""
    begun, started = place.with_suffix(".begun"), time.perf_counter()
    is_whole = not begun.exists()
    storage.write_text(begun, "")
    function(**arguments)
    seconds = round(time.perf_counter() - started, 3)
    storage.write_json(place, {"seconds": seconds if is_whole else None})
    begun.unlink()


def _on_ray(wanted: Sequence[Job], label: str, unit: str, *, gpus: float) -> None:
    """Do jobs as Ray's tasks, each on a share of a GPU; a failure is told and stops no other."""
    calls = [Call(job.function, job.arguments, job.units) for job in wanted]
    names = {id(call): job.name for call, job in zip(calls, wanted, strict=True)}
    failed = functools.partial(_tell, names)
    executors.run(calls, label=label, unit=unit, executor="ray", failed=failed, gpus=gpus)


def _tell(names: dict[int, str], call: Call, error: Exception) -> None:
    logger.warning("%s failed, others go on: %s", names[id(call)], error)
