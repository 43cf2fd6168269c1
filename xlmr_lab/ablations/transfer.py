"""The fine-tuning jobs of a study: one per model and task, over all fine-tuning seeds."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlmr_lab import configs
from xlmr_lab.ablations import baseline_runs, stages, task_runs, task_sets
from xlmr_lab.ablations.sections import NerConfig
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.ablations.task_runs import TaskRuns
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.encoders import load_encoder
from xlmr_lab.evaluate.protocols import TaskSet
from xlmr_lab.evaluate.selection import MIXED_VERSION
from xlmr_lab.evaluate.text import of_vocabulary
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.pretrain.distributed import chosen_device
from xlmr_lab.vocabulary.load import load


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """One model on one task: everything its process needs."""

    runs: TaskRuns
    """What is fine-tuned and scored."""
    vocabulary: Path
    checkpoint: Path | None
    """The model; None: fresh weights of `seed`."""
    model: EncoderConfig
    device: str
    pretrained: tuple[str, ...]
    """Languages that the model was, or would be, pretrained on."""
    seed: int


def tasks(config: StudyConfig) -> list[str]:
    """Return the tasks that a study has files of, each of GLUE's by itself.

    Raises:
        UserError: a task's folder is missing.
    """
    found = []
    for section in config.evaluated:
        folder = stages.task_folder(config, section)
        if folder is not None:
            named = config.glue.tasks if section == "glue" else ()
            found += task_sets.tasks_of(section, folder, named)
    return found


def check(config: StudyConfig, task: str) -> None:
    """Refuse a task that cannot be run, before anything is pretrained for it.

    Raises:
        UserError: a file that its protocols and selections need is missing, or no language has one
            that is scored.
    """
    section, folder = task_sets.section(task), _folder(config, task)
    settings, languages = getattr(config, section), scored_languages(config, task)
    if not languages:
        raise UserError(
            f"{section}.path has no dev or test file of any of the study's languages: {folder}"
        )
    task_sets.require(
        task,
        folder,
        protocols=settings.protocols,
        train_language=stages.train_language(config, section),
        languages=languages,
        selections=settings.finetune.selections,
        mixed_languages=_reading(config, task).get("mixed_languages", ()),
    )
    if isinstance(settings, NerConfig):
        baseline_runs.vector_files(settings, [stages.train_language(config, section), *languages])


def scored_languages(config: StudyConfig, task: str) -> list[str]:
    """Return the study's languages that the task has a dev or test file of."""
    folder = _folder(config, task)
    keys = [row["language"] for row in stages.sizes(config)]
    return [
        key
        for key in keys
        if any(task_sets.find(task, folder, TaskSet(split, key)) for split in task_sets.SCORED)
    ]


def plan(
    config: StudyConfig,
    task: str,
    *,
    folder: Path,
    names: Mapping[str, Any],
    checkpoint: Path | None,
    parts: list[Any],
) -> Plan:
    """Return the plan of one model on one task; its output, in the study's `folder`, is named by
    the fingerprint of all it depends on. `names` are what its scores say of it: study, run, arm,
    seed.
    """
    section, task_folder = task_sets.section(task), _folder(config, task)
    settings = getattr(config, section)
    vocabulary, scored = stages.vocabulary(config), scored_languages(config, task)
    train = stages.train_language(config, section)
    files = task_sets.signatures(task_folder, Path(config.data_dir))
    own, reading = settings.decisive, _reading(config, task)
    own |= {key: [x, MIXED_VERSION] for key, x in reading.items() if key == "mixed_languages"}
    decisive = [vocabulary.name, config.model, own, train, scored, parts]
    mark = configs.fingerprint(task, files, *decisive)
    runs = TaskRuns(
        task=task,
        folder=task_folder,
        finetune=settings.finetune,
        reading=reading,
        train_language=train,
        protocols=settings.protocols,
        languages=tuple(scored),
        seeds=tuple(range(settings.seeds)),
        names=names,
        output=folder / "scores" / f"{task}-{names['arm']}-s{names['seed']}-{mark}.jsonl",
        looks=folder / "looks" / f"{task}-{names['arm']}-s{names['seed']}-{mark}.jsonl",
    )
    return Plan(
        runs=runs,
        vocabulary=vocabulary,
        checkpoint=checkpoint,
        model=config.model,
        device=config.pretrain.device,
        pretrained=tuple(row["language"] for row in stages.sizes(config)),
        seed=names["seed"],
    )


def _reading(config: StudyConfig, task: str) -> dict[str, Any]:
    """Return how a task's files are read: mixed sets are of the study's languages."""
    languages = [row["language"] for row in stages.sizes(config)]
    return task_sets.reading(task, getattr(config, task_sets.section(task)), languages)


def _folder(config: StudyConfig, task: str) -> Path:
    folder = stages.task_folder(config, task_sets.section(task))
    assert folder is not None, "only tasks that the study has are asked for"
    return folder


def run(plan: Plan) -> None:
    """Fine-tune and score over the plan's fine-tuning seeds; finished ones are not done again."""
    vocabulary = load(plan.vocabulary)
    encoder = load_encoder(
        plan.checkpoint,
        config=plan.model,
        vocab_size=vocabulary.size,
        seed=plan.seed,
        languages=plan.pretrained,
    ).to(chosen_device(plan.device))
    task_runs.run(plan.runs, encoder, of_vocabulary(vocabulary))
