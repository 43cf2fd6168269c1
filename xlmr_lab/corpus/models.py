"""What a cleaning learns before it measures anything: the identifiers, their thresholds, the
encyclopaedia models. All of it is kept in one folder.
"""

import dataclasses
import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import polars as pl

from xlmr_lab import storage
from xlmr_lab.corpus import agreement, executors, identify, labelled, ngram_identifier, perplexity
from xlmr_lab.corpus.executors import Call, Executor
from xlmr_lab.corpus.identifiers import FASTTEXT_NAME, NGRAM_NAME, Identifiers, label
from xlmr_lab.corpus.perplexity import PerplexityConfig, Scorer
from xlmr_lab.corpus.portions import Portion
from xlmr_lab.errors import UserError

logger = logging.getLogger(__name__)

IDENTIFIERS_NAME = "identifiers.json"
"""File that says what the identifiers know, how they confuse languages, and the least scores."""

PERPLEXITY_NAME = "perplexity"

MIN_LANGUAGES = 2
"""Languages that an identifier must have to choose from."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class MeasureConfig:
    """What is read, and what the models that measure it learn from."""

    max_bytes_per_language: int = 0
    """Text to read of each language, a document from each source in turn, and of each file that
    names no language (bytes; 0: all)."""
    main_content: bool = False
    """Whether menus and the like are taken from the HTML of web archives before all else."""
    labelled_sources: tuple[str, ...] = ()
    """Sources whose languages are to be trusted: the identifiers are trained and measured on them;
    empty: all sources.
    """
    identifier_share: float = 0.8
    """Share of the labelled documents, chosen by hash, that the identifiers may learn from; the
    others measure them.
    """
    identifier_bytes: int = 100_000
    """Text the identifiers are trained on, for each language (bytes of UTF-8)."""
    identifier_path: str | None = None
    """A fastText model to use instead of training one, such as the published lid.176.bin (CCNet
    Sec. 3.3)."""
    second_identifier: bool = True
    """Whether a second identifier, of another kind, must agree with fastText (XLM-R Sec. 3)."""
    target_precision: float = 0.99
    """Precision on held-back labelled text that each language's least score is set for, with two
    identifiers (share; 0: `clean.agreement.min_score` for all)."""
    encyclopaedia_sources: tuple[str, ...] = ()
    """Sources that text of quality looks like: the language models of perplexity are trained on
    them (CCNet Sec. 3.4: Wikipedia); empty: no perplexity.
    """
    perplexity: PerplexityConfig = PerplexityConfig()
    """The language models of perplexity."""

    def __post_init__(self) -> None:
        if not 0 < self.identifier_share < 1:
            raise UserError(
                f"measure.identifier_share must be between 0 and 1, got {self.identifier_share}"
            )
        if self.identifier_bytes < 1000:
            raise UserError(
                f"measure.identifier_bytes must be at least 1000, got {self.identifier_bytes}"
            )
        if not self.second_identifier and self.target_precision != 0.99:
            raise UserError("measure.target_precision has no effect without second_identifier")
        if not self.encyclopaedia_sources and self.perplexity != PerplexityConfig():
            raise UserError("measure.perplexity has no effect without encyclopaedia_sources")
        if self.max_bytes_per_language < 0:
            raise UserError(
                "measure.max_bytes_per_language must be at least 0, "
                f"got {self.max_bytes_per_language}"
            )
        if not 0 <= self.target_precision < 1:
            raise UserError(
                "measure.target_precision must be at least 0 and less than 1, "
                f"got {self.target_precision}"
            )


class Models(NamedTuple):
    """What measuring needs."""

    identifiers: Identifiers
    scorer: Scorer | None


def learn(
    portions: Sequence[Portion],
    folder: Path,
    *,
    config: MeasureConfig,
    seed: int,
    jobs: int,
    executor: Executor,
) -> None:
    """Train what is not trained yet into `folder`.

    Raises:
        UserError: no labelled text, or none of a language.
    """
    if not (folder / IDENTIFIERS_NAME).is_file():
        _learn_identifiers(portions, folder, config, seed)
    _learn_perplexity(portions, folder, config, jobs, executor)


def _learn_identifiers(
    portions: Sequence[Portion], folder: Path, config: MeasureConfig, seed: int
) -> None:
    texts = _labelled_texts(portions, config, seed)
    own_model = config.identifier_path is None
    if own_model and not (folder / FASTTEXT_NAME).is_file():
        logger.info("training the language identifier on %s languages", len(texts))
        identify.train({k: t.learn for k, t in texts.items()}, folder / FASTTEXT_NAME, seed=seed)
    if config.second_identifier and len(texts) < MIN_LANGUAGES:
        logger.warning("no second identifier: there is no labelled text to train it on")
    elif config.second_identifier and not (folder / NGRAM_NAME).is_file():
        logger.info("training the second language identifier on %s languages", len(texts))
        learned = {key: text.learn for key, text in texts.items()}
        ngram_identifier.train(learned, folder / NGRAM_NAME)
    _measure_identifiers(texts, folder, config)


@cache
def load(folder: Path, identifier_path: str | None, mark: str) -> Models:
    """Load what `learn` left; once in a process for each `mark`, which names the measuring."""
    given = Path(identifier_path) if identifier_path else None
    texts = folder / PERPLEXITY_NAME
    return Models(Identifiers.load(folder, given), Scorer(texts) if texts.is_dir() else None)


def _labelled_texts(
    portions: Sequence[Portion], config: MeasureConfig, seed: int
) -> dict[str, labelled.Text]:
    trusted = labelled.trusted(
        portions, config.labelled_sources, setting="measure.labelled_sources"
    )
    if len(trusted) < MIN_LANGUAGES and config.identifier_path is None and _is_unlabelled(portions):
        raise UserError(
            "text without a language needs labelled text of at least two languages beside it, "
            "<source>/<language>.txt, or measure.identifier_path, a fastText model"
        )
    return {
        language: labelled.collect(
            portion,
            share=config.identifier_share,
            num_bytes=config.identifier_bytes,
            max_bytes=config.max_bytes_per_language,
            seed=seed,
        )
        for language, portion in trusted.items()
    }


def _is_unlabelled(portions: Sequence[Portion]) -> bool:
    return any(portion.language is None for portion in portions)


def _measure_identifiers(
    texts: dict[str, labelled.Text], folder: Path, config: MeasureConfig
) -> None:
    """Write what the identifiers know, their confusion of held-back paragraphs and, with two of
    them, each language's least score.
    """
    given = Path(config.identifier_path) if config.identifier_path else None
    identifiers = Identifiers.load(folder, given)
    rows = [(key, text) for key, own in texts.items() for text in own.measure]
    gold = pl.Series("gold", [key for key, _ in rows], dtype=pl.String)
    measured = identifiers.measure(pl.Series("text", [t for _, t in rows], dtype=pl.String))
    known, two = identifiers.known(), identifiers.lab is not None
    calibration = (
        agreement.calibrate(
            measured.with_columns(gold), target_precision=config.target_precision, known=known
        ).to_dicts()
        if two and config.target_precision
        else []
    )
    predicted = measured.select(label=label(known, two=two))["label"]
    storage.write_json(
        folder / IDENTIFIERS_NAME,
        {
            "lid": sorted(known.lid),
            "lab": sorted(known.lab) if two else None,
            "calibration": calibration,
            "confusion": agreement.confusion(gold, predicted).to_dicts(),
        },
    )


def _learn_perplexity(
    portions: Sequence[Portion],
    folder: Path,
    config: MeasureConfig,
    jobs: int,
    executor: Executor,
) -> None:
    if not config.encyclopaedia_sources:
        return
    setting = "measure.encyclopaedia_sources"
    names = config.encyclopaedia_sources
    sources = labelled.trusted(portions, names, setting=setting, every=False)
    target = folder / PERPLEXITY_NAME
    target.mkdir(exist_ok=True)
    calls = [
        Call(
            train_perplexity,
            {
                "portion": portion,
                "folder": target / language,
                "config": config.perplexity,
                "max_bytes": config.max_bytes_per_language,
            },
        )
        for language, portion in sources.items()
        if not (target / language).is_dir()
    ]
    executors.run(calls, label="language models", unit="language", jobs=jobs, executor=executor)


def train_perplexity(
    portion: Portion, folder: Path, config: PerplexityConfig, max_bytes: int
) -> None:
    """Train the language model of one language on what its encyclopaedia says."""
    frames = labelled.plausible(portion, 1_000_000, max_bytes=max_bytes)
    perplexity.train_language((t for frame in frames for t in frame["text"]), folder, config=config)
