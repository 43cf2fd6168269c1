"""What an evaluation of one given encoder is to do: settings, encoder, files, and what is made of
them.

All that can be wrong is looked for here, before anything is trained: tasks that are not named,
folders and files that are missing, an encoder that is none or cannot be fetched, sequences and
languages that it does not take. Languages are those that a task has files of, unless they are
named; what is learned in is en, or the only language with a training set.
"""

import dataclasses
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import configs
from xlmr_lab.ablations import baseline_runs, evaluation_config, sentence_runs, task_sets
from xlmr_lab.ablations.baseline_runs import BaselineRuns
from xlmr_lab.ablations.evaluation_config import EvaluationConfig
from xlmr_lab.ablations.sections import TransferConfig
from xlmr_lab.ablations.task_runs import TaskRuns
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import encoders, glue_submission, transfer
from xlmr_lab.evaluate.encoders import FOREIGN, Opened
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.finetune_state import digest
from xlmr_lab.evaluate.formats import glue as glue_files
from xlmr_lab.evaluate.protocols import MIXED, Protocol
from xlmr_lab.evaluate.selection import MIXED_VERSION
from xlmr_lab.pretrain.distributed import chosen_device
from xlmr_lab.pretrain.precision import resolve

logger = logging.getLogger(__name__)

EVALUATION_VERSION = 1
ENGLISH = "en"
PREDICTIONS_NAME = "predictions"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """An encoder, opened, and what is to be done with it."""

    source: str
    """The encoder as it was named."""
    place: Path
    """Folder of its files."""
    label: str
    """What it is called in scores and tables."""
    opened: Opened
    fingerprint: str
    """Digits that name its weights and how it sees text."""
    preset: str
    """How it is fine-tuned, but for the settings that were given."""
    config: EvaluationConfig

    @property
    def folder(self) -> Path:
        """The run folder."""
        plain = re.sub(r"[^\w.=-]+", "-", self.label)
        return Path(self.config.runs_dir) / (self.config.name or f"evaluate-{plain}")


def open_evaluation(source: str, given: Sequence[str], preset: str | None) -> Evaluation:
    """Open the encoder and check the settings and every file that the tasks need.

    Raises:
        UserError: something is wrong or missing.
    """
    first = evaluation_config.settings(preset or "published", given)
    _require_tasks(first)
    place, named = encoders.locate(source), first.vocabulary
    foreign = source.startswith(FOREIGN)
    opened = encoders.open_encoder(
        f"{FOREIGN}{place}" if foreign else place, vocabulary=Path(named) if named else None
    )
    module, text = opened
    chosen = preset or evaluation_config.chosen(module.hidden_size)
    work = Evaluation(
        source=source,
        place=place,
        label=_label(source, place),
        opened=opened,
        fingerprint=configs.fingerprint(digest(module), text.fingerprint),
        preset=chosen,
        config=evaluation_config.settings(chosen, given, module.max_tokens),
    )
    _require_files(work)
    module.to(chosen_device(work.config.device))
    return work


def planned(work: Evaluation) -> list[TaskRuns]:
    """Return the fine-tuning runs of every task.

    Raises:
        UserError: a task has no language to learn in or to score.
    """
    found = []
    for section in _sections(work.config):
        settings: TransferConfig = getattr(work.config, section)
        folder = Path(str(settings.path))
        named = work.config.glue.tasks if section == "glue" else ()
        for task in task_sets.tasks_of(section, folder, named):
            found.append(_runs(work, task, settings, folder))
    return found


def beside(work: Evaluation, everything: Sequence[TaskRuns]) -> list[BaselineRuns]:
    """Return the baselines that stand beside the encoder's runs, with its seeds.

    Raises:
        UserError: word vectors that were named are not there.
    """
    settings = work.config.ner
    return [
        plan
        for runs in everything
        if runs.task == "ner"
        for plan in baseline_runs.beside(
            settings, runs, data=Path(work.config.runs_dir), of_seeds=[({}, runs.seeds)]
        )
    ]


def names(work: Evaluation) -> dict[str, Any]:
    """Return what scores say of the encoder."""
    name = work.folder.name
    return {"study": name, "run": name, "arm": work.label, "seed": None}


def predicted(runs: TaskRuns) -> list[str]:
    """Return the names of the test sets that are predicted for GLUE's leaderboard."""
    if "predictions" not in runs.reading:
        return []
    name = task_sets.glue_name(runs.task)
    return [name, "mnli-mm"] if name == "mnli" else [name]


def _sections(config: EvaluationConfig) -> list[str]:
    """Return the sections of tasks whose path is given."""
    return [x for x in evaluation_config.SECTIONS if getattr(config, x).path is not None]


def _require_tasks(config: EvaluationConfig) -> None:
    """Refuse an evaluation without a task, or a path that is no folder."""
    sections = [*_sections(config), *(["retrieval"] if config.retrieval.path is not None else [])]
    if not sections:
        names = ", ".join(f"{x}.path" for x in (*evaluation_config.SECTIONS, "retrieval"))
        raise UserError(f"no task to evaluate on; name folders of task files by {names}=FOLDER")
    for section in sections:
        path = getattr(config, section).path
        if not Path(path).is_dir():
            raise UserError(
                f"{section}.path is no folder: {path}; give the folder of the task's files"
            )


def _require_files(work: Evaluation) -> None:
    """Refuse what would fail after hours: missing files, sequences or languages that the encoder
    does not take."""
    everything = planned(work)
    beside(work, everything)
    for runs in everything:
        section = task_sets.section(runs.task)
        if runs.finetune.max_tokens > work.opened.module.max_tokens:
            raise UserError(
                f"{section}.finetune.max_tokens must be at most {work.opened.module.max_tokens}, "
                f"what the encoder takes, got {runs.finetune.max_tokens}"
            )
        spoken = task_sets.require(
            runs.task,
            runs.folder,
            protocols=runs.protocols,
            train_language=runs.train_language,
            languages=runs.languages,
            selections=runs.finetune.selections,
            mixed_languages=runs.reading.get("mixed_languages", ()),
        )
        work.opened.module.language_ids(spoken)
        for name in predicted(runs):
            glue_files.unlabelled_source(
                runs.folder, task_sets.glue_name(runs.task), mismatched=name == "mnli-mm"
            )
    names = {
        (runs.folder, x) for runs in everything for x in task_sets.unknown(runs.task, runs.folder)
    }
    for folder, name in sorted(names):
        logger.warning("%s: %s is of no language (an ISO 639 code) and is left out", folder, name)
    config = work.config.retrieval
    if config.path is not None:
        found = sentence_runs.groups(config, Path(config.path), work.config.languages).groups
        work.opened.module.language_ids(sorted({key for group in found for key in group}))


def _runs(work: Evaluation, task: str, settings: TransferConfig, folder: Path) -> TaskRuns:
    train = _train_language(task, settings, folder)
    languages = _languages(work.config, task, folder, settings.protocols)
    reading = task_sets.reading(task, settings, work.config.languages)
    is_predicted = work.config.predictions and _is_asked_for(task)
    mark = configs.fingerprint(
        EVALUATION_VERSION,
        transfer.FINETUNE_VERSION,
        work.fingerprint,
        task,
        task_sets.signatures(folder, Path(work.config.runs_dir)),
        [_computed(work, settings.finetune), settings.protocols, settings.seeds],
        [reading, train, languages],
        is_predicted,
        *([MIXED_VERSION] if "mixed_languages" in reading else []),
    )
    output = work.folder / "scores" / f"{task}-{mark}.jsonl"
    if is_predicted:
        reading["predictions"] = output.with_suffix(f".{PREDICTIONS_NAME}")
    return TaskRuns(
        task=task,
        folder=folder,
        finetune=settings.finetune,
        reading=reading,
        train_language=train,
        protocols=settings.protocols,
        languages=languages,
        seeds=tuple(range(settings.seeds)),
        names=names(work),
        output=output,
        looks=work.folder / "looks" / output.name,
    )


def _computed(work: Evaluation, finetune: FinetuneConfig) -> FinetuneConfig:
    """Return settings with the precision that they come to. That is all that a device does to a
    score: it belongs to the key of finished scores, and the device does not."""
    precision = resolve(finetune.precision, chosen_device(work.config.device))
    return dataclasses.replace(finetune, precision=precision)


def _is_asked_for(task: str) -> bool:
    """Tell whether GLUE's leaderboard takes predictions of a task."""
    name = task_sets.glue_name(task)
    return bool(name) and glue_submission.file_name(name) in glue_submission.SIZES


def _train_language(task: str, settings: TransferConfig, folder: Path) -> str:
    """Return the language that a task is learned in: the one named, en, or the only one."""
    if settings.train_language:
        return settings.train_language
    found = task_sets.languages(task, folder, "train")
    if ENGLISH in found or len(found) != 1:
        return ENGLISH
    return found[0]


def _languages(
    config: EvaluationConfig, task: str, folder: Path, protocols: Sequence[Protocol]
) -> tuple[str, ...]:
    """Return the languages that a task is scored in, none if only mixed sets are scored."""
    if set(protocols) <= set(MIXED):
        return ()
    there = {key for split in task_sets.SCORED for key in task_sets.languages(task, folder, split)}
    there |= {key for key in config.languages if task_sets.is_scored(task, folder, key)}
    if config.languages:
        section = task_sets.section(task)
        missing = [key for key in config.languages if key not in there]
        if missing and section != "glue":
            raise UserError(
                f"{section}.path has no dev or test file of {', '.join(missing)}: {folder}; "
                f"languages with one: {', '.join(sorted(there)) or 'none'}"
            )
    chosen = tuple(key for key in config.languages or sorted(there) if key in there)
    if not chosen:
        named = f" of {', '.join(config.languages)}" if config.languages else ""
        raise UserError(f"{task} has no dev or test file{named} in {folder}; nothing to score")
    return chosen


def _label(source: str, place: Path) -> str:
    """Return what an encoder is called: its name on the hub, or that of its folder."""
    if source.startswith(FOREIGN):
        name = source.removeprefix(FOREIGN)
        return place.resolve().name if Path(name).expanduser().exists() else name
    whole = place.resolve()
    return f"{whole.parent.parent.name}-{whole.name}"
