"""Train a vocabulary on an alpha-sampled part of the text (XLM-R Sec. 3): unigram, BPE, WordPiece.

The texts are read twice: once to count (see `text_counts`), once to sample (see `sample`). Between
the two stands the plan: how much is sampled, which letters must have a piece, how much memory that
takes (see `memory`); one that cannot succeed is refused before training starts. Coverage is per
language, so a rare script keeps its letters. Same text, settings and seed give the same bytes, and
what made them is written beside the model, with a checksum of the sample. `memory_bytes` changes
nothing that is made and is left out. Not done: vocabularies grown from another.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
import tokenizers

from xlmr_lab import configs, machine_memory, storage
from xlmr_lab.machine_memory import told
from xlmr_lab.sampling import exponent
from xlmr_lab.vocabulary import (
    memory,
    preprocessed,
    sample,
    sentencepiece_trainer,
    text_counts,
    wordpiece_trainer,
)
from xlmr_lab.vocabulary.load import RECORD_NAME
from xlmr_lab.vocabulary.sample import MOST_PASSES, Sample, Texts, TextSize
from xlmr_lab.vocabulary.settings import LEAST_SIZE, VocabularyConfig
from xlmr_lab.vocabulary.sizes import too_small
from xlmr_lab.vocabulary.text_counts import TextCounts
from xlmr_lab.vocabulary.tokenizer import MODEL_NAME, Tokenizer
from xlmr_lab.vocabulary.wordpiece import WORDPIECE_NAME, WordPieceTokenizer

logger = logging.getLogger(__name__)

MOST_TOLD = 3
"""So many languages a warning names; the rest are counted."""
SHARES_TOLD = 8
"""So many shares the log names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is decided between counting and training."""

    shares: Mapping[str, float]
    """Share of each language in the bytes of the sample."""
    passes: Mapping[str, float]
    """How often each language's text stands in the sample."""
    counts: Mapping[str, TextCounts]
    letters: set[str]
    """Characters that must have a piece."""
    options: Mapping[str, Any]
    """What training is called with, besides the text."""
    least_size: int
    """The smallest vocabulary that has a piece for each of the letters (ids)."""
    memory_bytes: int
    """What training will take, besides what is held before it."""


def train(
    texts: Texts,
    sizes: Mapping[str, float],
    folder: Path,
    *,
    config: VocabularyConfig,
    seed: int,
) -> None:
    """Write `sentencepiece.model` or `wordpiece.json`, and `vocabulary.json`, into `folder`.

    `texts` are raw, `config.preprocessing` is applied here, and read twice; `sizes` are in the unit
    of `config.basis`.

    Raises:
        UserError: a language without text, a size that the text or its letters do not support, or
            too little memory.
    """
    made = plan(texts, sizes, config)
    _warn_of_repeats(made, config)
    logger.info(
        "training %s ids with up to %s of memory",
        f"{config.size:,}",
        told(made.memory_bytes, up=True),
    )
    logger.info("share q of the bytes of its sample: %s", _shares_told(made.shares))
    lines = Sample(texts, made.passes, config.preprocessing, seed)
    model: Tokenizer | WordPieceTokenizer
    if config.model == "wordpiece":
        content = wordpiece_trainer.train(lines, made.options)
        name, model = WORDPIECE_NAME, WordPieceTokenizer(content)
    else:
        content = sentencepiece_trainer.train(lines, made.options)
        name, model = MODEL_NAME, Tokenizer(content)
    record = {"size": model.size, "fingerprint": model.fingerprint}
    storage.write_bytes(folder / name, content)
    storage.write_json(folder / RECORD_NAME, record | _record(made, lines, config, seed))


def plan(texts: Texts, sizes: Mapping[str, float], config: VocabularyConfig) -> Plan:
    """Count the texts, and decide how they are sampled and what training is called with.

    Raises:
        UserError: as `train`, for whatever can be known before training starts.
    """
    shares = exponent.probabilities({key: sizes[key] for key in sorted(texts)}, config.alpha)
    counts = {language: _count(texts, language, config) for language in shares}
    letters = set[str]().union(
        *(text_counts.alphabet(found.characters, config.coverage) for found in counts.values())
    )
    size_bytes = sample.size_bytes({key: c.size for key, c in counts.items()}, shares, config)
    text = memory.SampledText(counts, shares)
    if config.model == "wordpiece":
        options = wordpiece_trainer.options(config, letters)
        least = wordpiece_trainer.least_size(options)
    else:
        options = sentencepiece_trainer.options(config, letters, text.num_characters(size_bytes))
        least = sentencepiece_trainer.least_size(options)
    if config.size < least:
        raise too_small(config.size, least)
    needed = memory.require(
        text, config, size_bytes, least_size=least, available=machine_memory.available_bytes()
    )
    return Plan(
        shares=shares,
        passes=text.passes(size_bytes),
        counts=counts,
        letters=letters,
        options=options,
        least_size=max(LEAST_SIZE, least),
        memory_bytes=needed,
    )


def effective(config: VocabularyConfig) -> dict[str, Any]:
    """Return the settings that something in the vocabulary depends on."""
    settings = configs.to_dict(config)
    del settings["memory_bytes"]
    return settings


def _count(texts: Texts, language: str, config: VocabularyConfig) -> TextCounts:
    """Count a language's text as the vocabulary will see it."""
    trainer = wordpiece_trainer if config.model == "wordpiece" else sentencepiece_trainer
    lines = sample.prepared(texts[language](), language, config.preprocessing)
    return text_counts.count(lines, language, trainer.Normalizer())


def _shares_told(shares: Mapping[str, float]) -> str:
    """Tell the largest shares; the record has all.

    >>> _shares_told({"sw": 0.172, "en": 0.828})
    'en 82.8 %, sw 17.2 %'
    """
    most = sorted(shares, key=lambda key: (-shares[key], key))
    told = ", ".join(f"{key} {100 * shares[key]:.1f} %" for key in most[:SHARES_TOLD])
    more = len(most) - SHARES_TOLD
    return told + (f" and {more} smaller ones ({RECORD_NAME} has all)" if more > 0 else "")


def _warn_of_repeats(made: Plan, config: VocabularyConfig) -> None:
    """Tell which texts are repeated too often, and a sample in which none is, with a size that it
    surely supports.
    """
    over = {key: times for key, times in made.passes.items() if times > MOST_PASSES + 1e-6}
    if not over:
        return
    most = sorted(over, key=lambda key: (-over[key], key))
    text = memory.SampledText(made.counts, made.shares)
    enough = MOST_PASSES / max(text.passes(1.0).values())
    sample_bytes = memory.rounded(int(enough))
    size = max(made.least_size, text.num_ids(sample_bytes))
    logger.warning(
        "%d of %d languages stand more than %d times in the sample of the vocabulary, which then "
        "knows them by heart: %s%s; set vocabulary.sample_bytes=%d%s%s",
        len(over),
        len(made.passes),
        MOST_PASSES,
        ", ".join(f"{key} {over[key]:.0f}" for key in most[:MOST_TOLD]),
        f" and {len(over) - MOST_TOLD} more" if len(over) > MOST_TOLD else "",
        sample_bytes,
        f", of which vocabulary.size={size} can surely be made" if size < config.size else "",
        "; a larger vocabulary.alpha repeats less too" if config.alpha < 1 else "",
    )


def _record(made: Plan, lines: Sample, config: VocabularyConfig, seed: int) -> dict[str, Any]:
    """Return what made a vocabulary, without what changes nothing in it."""
    return {
        "config": effective(config),
        "seed": seed,
        "versions": _versions(config),
        "options": dict(made.options),
        "planned_memory_bytes": made.memory_bytes,
        "sample": lines.record(),
        "languages": {key: _language(made, lines.drawn[key], key) for key in made.counts},
    }


def _language(made: Plan, drawn: TextSize, language: str) -> dict[str, Any]:
    counts = made.counts[language]
    return {
        "probability": made.shares[language],
        "text_bytes": counts.size.num_bytes,
        "text_sentences": counts.size.num_sentences,
        "sample_bytes": drawn.num_bytes,
        "sample_sentences": drawn.num_sentences,
        "passes": drawn.num_bytes / counts.size.num_bytes,
        **text_counts.losses(counts.characters, made.letters),
    }


def _versions(config: VocabularyConfig) -> dict[str, str]:
    """Return the versions of the libraries that can change what is made."""
    trainer = tokenizers if config.model == "wordpiece" else sentencepiece
    return {
        trainer.__name__: trainer.__version__,
        "numpy": np.__version__,
        **(preprocessed.versions() if config.preprocessing != "none" else {}),
    }
