"""What can be told of a study before its text is read, from settings and machine alone.

Reading the text and making its vocabulary takes minutes to days; what is known before is said
before: a device or package that is not there, a model that does not fit into memory or its
vocabulary, how long pretraining takes at the very least, and a model that cannot be exported. A
study whose results are there already is not looked at: nothing may be left to do.
"""

import logging
import math
import os
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from xlmr_lab import durations
from xlmr_lab.ablations import folder as run_folder
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.errors import UserError
from xlmr_lab.model import convert
from xlmr_lab.pretrain import distributed, foresight
from xlmr_lab.pretrain.settings import PretrainRun

logger = logging.getLogger(__name__)


def check(config: StudyConfig, folder: Path) -> None:
    """Refuse what cannot be trained here, and tell what it will take.

    Raises:
        UserError: names the setting to change.
    """
    if run_folder.has_results(folder, config):
        return
    run = likely_run(config)
    foresight.check(run, config.vocabulary.size, runs=runs_at_once(config, config.seeds))
    logger.info("%s", length_told(config, foresight.matrix_rate(run)))
    try:
        convert.require_published_form(config.model)
    except UserError as error:
        logger.warning("%s", error)


def likely_run(config: StudyConfig) -> PretrainRun:
    """Return a run of the study as far as it is known without its text: the languages are those
    that the settings name."""
    of_text = config.corpus.languages if config.corpus.path else config.babel.codes()
    named = config.part.languages or of_text
    return PretrainRun(
        seed=config.seed,
        languages=tuple(named) or ("und",),
        sampling=config.sampling,
        batches=config.batches,
        model=config.model,
        pretrain=config.pretrain,
    )


def length_told(config: StudyConfig, rate: float) -> str:
    """Say how much an arm will train on, and how long that takes at least where each of the runs at
    work makes `rate` operations a second."""
    run, seeds = likely_run(config), config.seeds
    runs = f"{seeds} run{'s' * (seeds > 1)} of {config.pretrain.steps} steps"
    tokens = f"{tqdm.format_sizeof(foresight.num_tokens(run))} tokens{' each' * (seeds > 1)}"
    turns = math.ceil(seeds / min(config.jobs, _most_at_once()))
    seconds = turns * foresight.least_seconds(run, config.vocabulary.size, rate)
    return f"pretraining an arm is {runs}, {tokens}: at least {durations.told(seconds)}"


def check_memory(config: StudyConfig, waiting: Sequence[PretrainRun], vocab_size: int) -> None:
    """Refuse runs, alike in what they take, that do not fit into memory together.

    Raises:
        UserError: names the setting to change.
    """
    if waiting:
        runs = runs_at_once(config, len(waiting))
        foresight.require_memory(waiting[0], vocab_size, runs=runs)


def runs_at_once(config: StudyConfig, waiting: int) -> int:
    """Return how many of the runs that wait share the machine; under torchrun one comes after the
    other."""
    return 1 if distributed.started_with() > 1 else min(config.jobs, waiting)


def _most_at_once() -> int:
    """Return how many runs can be at work at once, whatever `jobs` says."""
    return 1 if distributed.started_with() > 1 else os.cpu_count() or 1
