"""The parallel text of a study: from aligned files to token shards of pairs, beside those of its
languages. A study without it (`tlm.share=0`) has none of these stages.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from xlmr_lab.ablations import stages
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.babel import corpora
from xlmr_lab.babel import parallel as babel_parallel
from xlmr_lab.batches import shards
from xlmr_lab.batches.pairs import PairEncoder
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.corpus import parallel
from xlmr_lab.errors import UserError
from xlmr_lab.sampling.pairs import all_pairs, languages_of
from xlmr_lab.vocabulary.load import load

PARALLEL_VERSION = PAIRS_VERSION = 1


def files(config: StudyConfig) -> dict[str, Path]:
    """Return the files of parallel text by language; none where the study has none.

    Raises:
        UserError: the folder is missing, or has fewer than two languages, or not the pivot.
    """
    if not config.tlm.share:
        return {}
    folder = Path(config.tlm.path) if config.tlm.path else _of_babel(config)
    found = parallel.find(folder, config.tlm.languages)
    if config.tlm.pivot and config.tlm.pivot not in found:
        raise UserError(
            f"tlm.pivot must be a language of the parallel text, {', '.join(found)}, got "
            f"{config.tlm.pivot!r}"
        )
    return found


def check(config: StudyConfig) -> None:
    """Read the parallel text of a study, if it has any, before work that takes hours.

    Raises:
        UserError: what `files` raises, or its lines are not aligned.
    """
    if found := files(config):
        parallel.require_aligned(found)


def pair_shards(config: StudyConfig) -> Path | None:
    """Return the folder of the token shards of pairs; None where the study has no parallel text.

    Raises:
        UserError: a language that is not of the corpus, or too little text of a pair.
    """
    found = files(config)
    if not found:
        return None
    couples = all_pairs(_languages(config, found), config.tlm.pivot)

    def make(folder: Path) -> None:
        parallel.require_aligned(found)
        texts = {
            pair: partial(parallel.pairs, *(found[key] for key in languages_of(pair)))
            for pair in couples
        }
        encoder = PairEncoder(load(stages.vocabulary(config)))
        fraction = config.batches.heldout_fraction
        shards.encode(texts, encoder, folder, heldout_fraction=fraction, jobs=config.jobs)

    return stages.stage(Path(config.data_dir), "pairs", _parts(config, found), make)


def pairs_place(config: StudyConfig) -> Path | None:
    """Return where the folder of the token shards of pairs is or will be; None where the study has
    no parallel text.
    """
    found = files(config)
    return stages.place(Path(config.data_dir), "pairs", _parts(config, found)) if found else None


def training_shards(config: StudyConfig) -> TokenShards:
    """Return all token shards that a study trains on, those of pairs among them."""
    single, pairs = TokenShards.open(stages.token_shards(config)), pair_shards(config)
    return single if pairs is None else single.with_pairs(TokenShards.open(pairs))


def _of_babel(config: StudyConfig) -> Path:
    """Return the folder of Babel's parallel text."""
    spoken = [config.babel.seed, config.babel.codes(), config.babel.tongue]
    wanted, seed = config.tlm.sentences, config.babel.seed

    def make(folder: Path) -> None:
        world, grown = corpora.build(config.babel)
        babel_parallel.write(folder, world, grown, wanted, seed)

    parts = [PARALLEL_VERSION, spoken, wanted]
    return stages.stage(Path(config.data_dir), "parallel", parts, make)


def _parts(config: StudyConfig, found: Mapping[str, Path]) -> list[Any]:
    """Return all that the token shards of pairs depend on."""
    keys, data = _languages(config, found), Path(config.data_dir)
    signed = [[key, *stages.signature(found[key], data)] for key in keys]
    couples, fraction = all_pairs(keys, config.tlm.pivot), config.batches.heldout_fraction
    return [PAIRS_VERSION, stages.vocabulary(config).name, fraction, couples, signed]


def _languages(config: StudyConfig, found: Mapping[str, Path]) -> list[str]:
    """Return the languages of parallel text in the order of their keys.

    Raises:
        UserError: one is not among them.
    """
    known = [row["language"] for row in stages.sizes(config)]
    if unknown := sorted(set(found) - set(known)):
        raise UserError(
            f"parallel text of {', '.join(unknown)}, which the corpus has no text of (it has "
            f"{', '.join(known)}); name those to use in tlm.languages"
        )
    return sorted(found)
