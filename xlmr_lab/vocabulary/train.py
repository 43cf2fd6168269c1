"""Train a SentencePiece unigram vocabulary on an alpha-sampled part of the text (XLM-R Sec. 3).

The paper says only "unigram, on raw text"; the options that users had to guess are decided here and
written beside the model: normalisation nmt_nfkc and a space before each text as in the released
model, one thread (more threads change the sums and so the bytes), no sampling inside SentencePiece.
Same text, settings and seed give the same bytes.

Sampling is by paragraph: a language whose share of `sample_bytes` is larger than its text is
repeated, as XLM did, so the share is kept at any size. Coverage is per language: SentencePiece's
own figure is a share of the whole sample, and drops the letters of rare scripts. The sample is held
in memory, never on disk. Left out: BPE and vocabularies grown from another.
"""

import io
import itertools
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece

from xlmr_lab import configs, sampling, seeds, storage
from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.settings import LOWEST_COVERAGE, VocabularyConfig
from xlmr_lab.vocabulary.special_tokens import (
    NUM_ADDED_IDS,
    SENTENCEPIECE_BOS,
    SENTENCEPIECE_EOS,
    SENTENCEPIECE_UNK,
)
from xlmr_lab.vocabulary.tokenizer import MODEL_NAME, Tokenizer

logger = logging.getLogger(__name__)

RECORD_NAME = "vocabulary.json"
NORMALIZATION = "nmt_nfkc"
STARTING_PIECES = 10
"""Candidates per id that training starts from, up to SentencePiece's own million, which makes small
vocabularies slow to train."""
LINE_CHARACTERS = 1000
"""Longer paragraphs are cut at a space: SentencePiece silently drops those above 4192 bytes."""
MANY_REPEATS = 10
"""A language whose text stands in the sample more often than this is warned of."""
RESERVED = frozenset(" \u2581\u2585\t\0")
"""Characters that SentencePiece keeps for itself; they cannot be required."""

Texts = Mapping[str, Callable[[], Iterator[str]]]


def train(
    texts: Texts,
    sizes: Mapping[str, float],
    folder: Path,
    *,
    config: VocabularyConfig,
    seed: int,
) -> None:
    """Write `sentencepiece.model` and `vocabulary.json` into `folder`.

    `texts` are read twice, once to measure and once to sample; `sizes` are in the unit of
    `config.basis`.

    Raises:
        UserError: a language without text, or a size that the text does not support.
    """
    probabilities = sampling.probabilities({key: sizes[key] for key in sorted(texts)}, config.alpha)
    samples, records = [], {}
    for language, probability in probabilities.items():
        lines, record = _sample_language(texts[language], language, probability, config, seed)
        samples.append(lines)
        records[language] = record
    alphabets = [alphabet(lines, config.coverage) for lines in samples]
    required = set().union(*(kept for kept, _ in alphabets))
    for record, (_, counts) in zip(records.values(), alphabets, strict=True):
        record |= _characters(counts, required)
    options = _options(config, "".join(sorted(required)))
    num_lines = sum(map(len, samples))
    logger.info("training %s pieces on %s paragraphs", options["vocab_size"], f"{num_lines:,}")
    model = _run(itertools.chain.from_iterable(samples), options)
    storage.write_bytes(folder / MODEL_NAME, model)
    storage.write_json(folder / RECORD_NAME, _record(model, config, seed, options, records))


def paragraphs(text: str) -> Iterator[str]:
    """Yield the lines of a text that are not blank, cut at a space where longer than
    `LINE_CHARACTERS`."""
    for line in text.split("\n"):
        if not line or line.isspace():
            continue
        start = 0
        while len(line) - start > LINE_CHARACTERS:
            cut = line.rfind(" ", start + 1, start + LINE_CHARACTERS)
            end = cut if cut > 0 else start + LINE_CHARACTERS
            yield line[start:end]
            start = end
        yield line[start:]


def sample(texts: Iterator[str], *, rate: float, rng: np.random.Generator) -> Iterator[str]:
    """Yield each paragraph `rate` times in expectation: its whole part always, the rest by chance.

    >>> list(sample(iter(["one", "two"]), rate=2.0, rng=np.random.default_rng(0)))
    ['one', 'one', 'two', 'two']
    """
    whole, rest = divmod(rate, 1.0)
    for text in texts:
        lines = list(paragraphs(text))
        extra = rng.random(len(lines)) < rest
        for line, one_more in zip(lines, extra, strict=True):
            yield from itertools.repeat(line, int(whole) + int(one_more))


def alphabet(lines: Sequence[str], coverage: float) -> tuple[set[str], Counter[str]]:
    """Return the most frequent characters that make up `coverage` of the normalised lines, and all
    counts.

    Of equally frequent ones the lower code point comes first.
    """
    normalizer = sentencepiece.SentencePieceNormalizer(rule_name=NORMALIZATION)
    counts: Counter[str] = Counter()
    for start in range(0, len(lines), 10_000):
        counts.update("".join(normalizer.normalize(list(lines[start : start + 10_000]))))
    for character in RESERVED:
        del counts[character]
    enough = coverage * counts.total()
    kept, covered = set(), 0
    for character in sorted(counts, key=lambda c: (-counts[c], c)):
        if covered >= enough:
            break
        kept.add(character)
        covered += counts[character]
    return kept, counts


def _sample_language(
    texts: Callable[[], Iterator[str]],
    language: str,
    probability: float,
    config: VocabularyConfig,
    seed: int,
) -> tuple[list[str], dict[str, Any]]:
    text_bytes = sum(_num_bytes(text) for text in texts() if not text.isspace())
    if not text_bytes:
        raise UserError(
            f"no text for {language} to train a vocabulary on; add some or leave it out"
        )
    rate = probability * config.sample_bytes / text_bytes
    rng = seeds.generator(seed, "vocabulary", language)
    lines = list(sample(texts(), rate=rate, rng=rng))
    if not lines:
        raise UserError(
            f"sample_bytes={config.sample_bytes} leaves nothing of {language} in the sample; "
            f"raise it (the languages hold {text_bytes:,} bytes or more)"
        )
    sample_bytes = sum(map(_num_bytes, lines)) + len(lines)
    logger.info("%s: %s of %s bytes sampled", language, f"{sample_bytes:,}", f"{text_bytes:,}")
    if sample_bytes > MANY_REPEATS * text_bytes:
        logger.warning(
            "%s: its text stands %.0f times in the sample of the vocabulary, which then knows it "
            "by heart; lower vocabulary.sample_bytes, or raise vocabulary.alpha",
            language,
            sample_bytes / text_bytes,
        )
    return lines, {
        "probability": probability,
        "text_bytes": text_bytes,
        "sample_bytes": sample_bytes,
        "passes": sample_bytes / text_bytes,
    }


def _characters(counts: Counter[str], required: set[str]) -> dict[str, Any]:
    lost = [character for character in counts if character not in required]
    return {
        "num_characters": len(counts),
        "num_characters_lost": len(lost),
        "share_lost": sum(counts[c] for c in lost) / max(1, counts.total()),
    }


def _options(config: VocabularyConfig, required: str) -> dict[str, Any]:
    """Return what SentencePiece is called with, besides the text."""
    return {
        "model_type": "unigram",
        "vocab_size": config.size - NUM_ADDED_IDS,
        "character_coverage": LOWEST_COVERAGE,
        "required_chars": required,
        "normalization_rule_name": NORMALIZATION,
        "add_dummy_prefix": True,
        "unk_id": SENTENCEPIECE_UNK,
        "bos_id": SENTENCEPIECE_BOS,
        "eos_id": SENTENCEPIECE_EOS,
        "pad_id": -1,
        "seed_sentencepiece_size": min(1_000_000, STARTING_PIECES * config.size),
        "input_sentence_size": 0,
        "shuffle_input_sentence": False,
        "num_threads": 1,
        "minloglevel": 2,
    }


def _run(lines: Iterator[str], options: Mapping[str, Any]) -> bytes:
    writer = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=lines, model_writer=writer, **options
        )
    except RuntimeError as error:
        raise _translated(error, options["vocab_size"] + NUM_ADDED_IDS) from None
    return writer.getvalue()


def _translated(error: RuntimeError, size: int) -> Exception:
    """Return SentencePiece's complaint about the size in terms of `VocabularyConfig`; any other
    error unchanged."""
    message = str(error)
    if found := re.search(r"too high .* <= (\d+)", message):
        largest = int(found[1]) + NUM_ADDED_IDS
        return UserError(
            f"vocabulary size {size} is more than this text supports; "
            f"set it to {largest} or less, or sample more text"
        )
    if found := re.search(r"smaller than required_chars\. \d+ vs (\d+)", message):
        least = int(found[1]) + NUM_ADDED_IDS
        return UserError(
            f"vocabulary size {size} is too small for the characters of this text; "
            f"set it to more than {least}, or lower coverage"
        )
    return error


def _record(
    model: bytes,
    config: VocabularyConfig,
    seed: int,
    options: Mapping[str, Any],
    languages: Mapping[str, Any],
) -> dict[str, Any]:
    tokenizer = Tokenizer(model)
    return {
        "size": tokenizer.size,
        "fingerprint": tokenizer.fingerprint,
        "config": configs.to_dict(config),
        "seed": seed,
        "sentencepiece_version": sentencepiece.__version__,
        "sentencepiece_options": dict(options),
        "languages": dict(languages),
    }


def _num_bytes(line: str) -> int:
    return len(line.encode("utf-8"))
