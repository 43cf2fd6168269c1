"""The fine-tuning jobs of a study: one per model and task, over all fine-tuning seeds; a killed one
goes on where it was.
"""

import dataclasses
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from xlmr_lab import configs, storage
from xlmr_lab.ablations import stages
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import ner, nli, places, planned_files, qa, qa_files, transfer
from xlmr_lab.evaluate.encoders import load_encoder
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.formats import conll, xnli
from xlmr_lab.evaluate.protocols import Protocol, TaskSet
from xlmr_lab.evaluate.task_files import ScoredSplit
from xlmr_lab.evaluate.text import of_vocabulary
from xlmr_lab.evaluate.transfer import TransferData
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.pretrain.distributed import chosen_device
from xlmr_lab.vocabulary.load import load

PLACES: dict[str, places.Places] = {"nli": xnli.places, "ner": conll.places}
"""Where the sets of a task may lie in its folder; qa_files.py says it of questions."""
LOADERS: dict[str, Callable[..., TransferData]] = {
    "nli": nli.load,
    "ner": ner.load,
    "qa": qa.load,
}
"""What reads a task."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """One model on one task: everything its process needs."""

    task: str
    task_folder: Path
    vocabulary: Path
    checkpoint: Path | None
    model: EncoderConfig
    device: str
    finetune: FinetuneConfig
    reading: Mapping[str, Any]
    """How the task's files are read, where that is to be said."""
    train_language: str
    protocols: tuple[Protocol, ...]
    languages: tuple[str, ...]
    """Those that are scored."""
    pretrained: tuple[str, ...]
    """Those that the model was, or would be, pretrained on."""
    study: str
    run: str
    arm: str
    seed: int
    num_runs: int
    output: Path
    """File of the finished scores; those of single fine-tuning seeds stand beside it until all are
    done, and what unfinished runs keep of themselves.
    """


def check(config: StudyConfig, task: str) -> None:
    """Refuse a task that cannot be run, before anything is pretrained for it.

    Raises:
        UserError: a file that its protocols and selections need is missing, or no language has one
            that is scored.
    """
    folder, settings = stages.task_folder(config, task), getattr(config, task)
    assert folder is not None, "only tasks that the study has are checked"
    language = stages.train_language(config, task)
    languages = scored_languages(config, task)
    if not languages:
        raise UserError(
            f"{task}.path has no dev or test file of any of the study's languages: {folder}"
        )
    find_all = qa.planned if task == "qa" else partial(planned_files.planned, PLACES[task])
    find_all(
        folder,
        protocols=settings.protocols,
        train_language=language,
        languages=languages,
        split=None,
        selections=settings.finetune.selections,
    )


def scored_languages(config: StudyConfig, task: str) -> list[str]:
    """Return the study's languages that the task has a dev or test file of."""
    folder = stages.task_folder(config, task)
    assert folder is not None, "only tasks that the study has are scored"
    keys = [row["language"] for row in stages.sizes(config)]
    find = qa_files.find if task == "qa" else partial(places.find, PLACES[task])
    splits: tuple[ScoredSplit, ...] = ("test", "dev")
    return [key for key in keys if any(find(folder, TaskSet(split, key)) for split in splits)]


def plan(
    config: StudyConfig,
    task: str,
    *,
    folder: Path,
    names: tuple[str, str],
    arm: str,
    seed: int,
    checkpoint: Path | None,
    parts: list[Any],
) -> Plan:
    """Return the plan of one model on one task; its output is named by the fingerprint of all it
    depends on.
    """
    settings = getattr(config, task)
    task_path = stages.task_folder(config, task)
    assert task_path is not None, "only tasks that the study has are planned"
    vocabulary, scored = stages.vocabulary(config), scored_languages(config, task)
    train = stages.train_language(config, task)
    files = _signatures(task_path, Path(config.data_dir))
    mark = configs.fingerprint(
        task, files, vocabulary.name, config.model, settings, train, scored, parts
    )
    return Plan(
        task=task,
        task_folder=task_path,
        vocabulary=vocabulary,
        checkpoint=checkpoint,
        model=config.model,
        device=config.pretrain.device,
        finetune=settings.finetune,
        reading=settings.reading,
        protocols=settings.protocols,
        train_language=train,
        languages=tuple(scored),
        pretrained=tuple(row["language"] for row in stages.sizes(config)),
        study=names[0],
        run=names[1],
        arm=arm,
        seed=seed,
        num_runs=settings.seeds,
        output=folder / f"{task}-{arm}-s{seed}-{mark}.jsonl",
    )


def _signatures(folder: Path, data: Path) -> list[list[Any]]:
    """Describe the files of a task."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [stages.signature(path, data) for path in paths]


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
    data = LOADERS[plan.task](
        of_vocabulary(vocabulary),
        plan.task_folder,
        train_language=plan.train_language,
        languages=plan.languages,
        config=plan.finetune,
        protocols=plan.protocols,
        **plan.reading,
    )
    for seed in range(plan.num_runs):
        part = _part(plan, seed)
        if part.exists():
            continue
        kept = plan.output.with_suffix(f".f{seed}.state")
        rows = transfer.run(encoder, data, config=plan.finetune, seed=seed, folder=kept)
        named = [
            dataclasses.replace(row, study=plan.study, run=plan.run, arm=plan.arm, seed=plan.seed)
            for row in rows
        ]
        storage.write_jsonl(part, [dataclasses.asdict(row) for row in named])
        shutil.rmtree(kept)
    parts = [_part(plan, seed) for seed in range(plan.num_runs)]
    storage.write_jsonl(plan.output, [row for part in parts for row in storage.read_jsonl(part)])
    for part in parts:
        part.unlink()


def runs_done(plan: Plan) -> int:
    """Return how many fine-tuning runs of a plan are finished."""
    if plan.output.exists():
        return plan.num_runs
    return sum(_part(plan, seed).exists() for seed in range(plan.num_runs))


def _part(plan: Plan, seed: int) -> Path:
    return plan.output.with_suffix(f".f{seed}.jsonl")
