"""The jobs of a study's tasks: encoders fine-tuned with and without pretraining, baselines trained.

Each job is one model on one task over its seeds. What is finished is found by the name of its file
of scores, which is the fingerprint of all it depends on, and is no job any more.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import configs
from xlmr_lab.ablations import baseline_runs, transfer
from xlmr_lab.ablations.arms import Arm
from xlmr_lab.ablations.baseline_runs import BaselineRuns
from xlmr_lab.ablations.jobs import Job
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.evaluate.text import of_vocabulary
from xlmr_lab.evaluate.transfer import FINETUNE_VERSION
from xlmr_lab.vocabulary.load import load

BASELINE = "no-pretraining"
"""The arm that is fine-tuned from fresh weights."""

TRANSFER_VERSION = 1

Plan = transfer.Plan | BaselineRuns


def planned(config: StudyConfig, main: Sequence[Arm], *, folder: Path, name: str) -> list[Plan]:
    """Return what is fine-tuned and trained on every task: the main arm, the same networks without
    pretraining, and baselines. `name` is the study's, `folder` its run folder."""
    found: list[Plan] = []
    for task in transfer.tasks(config):
        own = [
            transfer.plan(
                config,
                task,
                folder=folder,
                names=_names(arm, name, pretrained),
                checkpoint=arm.final if pretrained else None,
                parts=[*_versions(), arm.folder.name if pretrained else arm.run.seed],
            )
            for arm in main
            for pretrained in (True, False)
        ]
        found += own
        if task == "ner":
            seeds = [arm.run.seed for arm in main]
            found += baseline_runs.beside(
                config.ner,
                own[0].runs,
                data=Path(config.data_dir),
                of_seeds=[({"seed": seed}, [seed]) for seed in seeds],
            )
    return found


def require_readable(plans: Iterable[Plan]) -> None:
    """Read the files of plans that are not finished, so that one that cannot be read is told before
    anything is pretrained for it; those that many models are fine-tuned on are read once.

    Raises:
        UserError: a file is not well-formed; names its line.
    """
    seen = set()
    for plan in plans:
        if isinstance(plan, transfer.Plan) and not plan.runs.output.exists():
            runs = plan.runs
            own = (runs.protocols, runs.train_language, runs.languages, runs.finetune.selections)
            mark = configs.fingerprint(runs.task, str(runs.folder), runs.reading, *own)
            if mark not in seen:
                runs.load(of_vocabulary(load(plan.vocabulary)))
                seen.add(mark)


def waiting(plans: Sequence[Plan]) -> list[Job]:
    """Return the jobs of the plans that are not finished."""
    return [job(plan) for plan in plans if not plan.runs.output.exists()]


def job(plan: Plan) -> Job:
    """Return what does a plan, its seeds one after the other."""
    return Job(
        name=plan.runs.output.stem,
        function=transfer.run if isinstance(plan, transfer.Plan) else baseline_runs.run,
        arguments={"plan": plan},
        units=len(plan.runs.seeds),
        done=lambda: plan.runs.done,
    )


def _versions() -> list[int]:
    """Return the versions of what makes the scores. That of fine-tuning counts from 2 on, so that
    what was finished before it was a part of the key is found again."""
    return [TRANSFER_VERSION, *([FINETUNE_VERSION] if FINETUNE_VERSION > 1 else [])]


def _names(arm: Arm, study: str, pretrained: bool) -> Mapping[str, Any]:
    """Return what scores say of a model."""
    return {
        "study": study,
        "run": arm.folder.name if pretrained else BASELINE,
        "arm": arm.name if pretrained else BASELINE,
        "seed": arm.run.seed,
    }
