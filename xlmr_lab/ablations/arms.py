"""The pretraining runs of a study, one for each setting and seed, and the text they train on."""

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import configs, storage
from xlmr_lab.ablations import parallel_text, stages
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.pretrain import checkpoint, repetition
from xlmr_lab.pretrain.folder import CHECKPOINTS_NAME
from xlmr_lab.pretrain.settings import PretrainRun, decisive

logger = logging.getLogger(__name__)

PRETRAIN_VERSION = 1

BLOCKS_NAME = "blocks.jsonl"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """One pretraining run of a study."""

    name: str
    """The setting, such as alpha=0.3; runs that differ only in seed share it."""
    folder: Path
    """Its run folder."""
    run: PretrainRun
    """Its configuration."""

    @property
    def final(self) -> Path:
        """Its final checkpoint, which is there when the run is finished."""
        return checkpoint.checkpoint_path(self.folder / CHECKPOINTS_NAME, self.run.pretrain.steps)


def arms(config: StudyConfig, folder: Path, alphas: Sequence[float]) -> list[Arm]:
    """Return the runs of some sampling exponents, over all seeds, each in a folder below `folder`
    that is named by all it depends on."""
    tokens, pairs = stages.token_shards(config), parallel_text.pair_shards(config)
    languages = tuple(row["language"] for row in stages.sizes(config))
    found = []
    for seed in range(config.seed, config.seed + config.seeds):
        for alpha in alphas:
            sampling = dataclasses.replace(config.sampling, alpha=alpha)
            run = PretrainRun(
                seed=seed,
                languages=languages,
                sampling=sampling,
                batches=config.batches,
                model=config.model,
                pretrain=config.pretrain,
                tlm=config.tlm.sampling(),
            )
            mark = _mark(run, tokens, pairs)
            place = folder / f"{sampling.name()}-s{seed}-{mark}"
            found.append(Arm(name=sampling.name(), folder=place, run=run))
    return found


def _mark(run: PretrainRun, tokens: Path, pairs: Path | None) -> str:
    """Return the fingerprint of all that a run depends on; without parallel text nothing about
    pairs is part of it."""
    settings = decisive(run)
    if pairs is None:
        del settings["tlm"]
    more = [pairs.name] if pairs else []
    return configs.fingerprint(PRETRAIN_VERSION, tokens.name, settings, *more)


def warn(found: Sequence[Arm], shards: TokenShards, limit: float) -> None:
    """Tell, once for each setting, which languages will be gone through more than `limit` times."""
    for name, run in {arm.name: arm.run for arm in found}.items():
        for told in repetition.warnings(run, shards, limit):
            logger.warning("%s: %s", name, told)


def keep_training_text(folder: Path, shards: Path, block_tokens: int, *, counted: str) -> bool:
    """Have a run folder hold how much of each language there is to train on, and tell whether that
    is known: the token shards are there, or they are those which its rows are `counted` in.
    """
    if shards.is_dir():
        rows = training_text(TokenShards.open(shards), block_tokens)
        storage.write_jsonl(folder / BLOCKS_NAME, rows)
    elif Path(counted).name != shards.name:
        (folder / BLOCKS_NAME).unlink(missing_ok=True)
    return (folder / BLOCKS_NAME).is_file()


def training_text(shards: TokenShards, block_tokens: int) -> list[dict[str, Any]]:
    """Return how much of each language there is to train on, counted in every basis of sampling."""
    return [
        {
            "language": key,
            "num_blocks": shards.num_blocks(key, block_tokens),
            "num_pieces": shards.counts(key)["pieces"],
            "num_bytes": shards.counts(key)["bytes"],
            "num_sentences": shards.counts(key)["sentences"],
        }
        for key in shards.languages
    ]
