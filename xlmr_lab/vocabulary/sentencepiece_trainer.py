"""Train a SentencePiece vocabulary, unigram (XLM-R Sec. 3) or BPE, on a stream of paragraphs.

The paper says only "unigram, on raw text"; the options that users had to guess are decided here and
written beside the model: normalisation nmt_nfkc and a space before each text as in the released
model, one thread (more threads change the sums and so the bytes), no sampling inside SentencePiece,
pieces of at most its own 16 characters. All letters are required one by one, since SentencePiece's
own coverage is a share of the whole sample, and drops the letters of rare scripts. Scores are
rounded so that every implementation adds them up alike (see `exact_sums`).

A tab, U+2581 and a line end are spaces to it. NUL and U+2585, which it keeps for itself, never get
a piece and become `<unk>`; SentencePiece would drop a paragraph with U+2585 silently, so training
sees a space in its place.
"""

import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import sentencepiece

from xlmr_lab.vocabulary import exact_sums, sizes
from xlmr_lab.vocabulary.settings import LOWEST_COVERAGE, VocabularyConfig
from xlmr_lab.vocabulary.special_tokens import (
    NUM_ADDED_IDS,
    SENTENCEPIECE_BOS,
    SENTENCEPIECE_EOS,
    SENTENCEPIECE_UNK,
)

NORMALIZATION = "nmt_nfkc"
NUM_SPECIALS = 3
"""Pieces that stand for no text: `<unk>`, `<s>`, `</s>`."""
NUM_BYTE_PIECES = 256
SEEDS_PER_ID, LEAST_SEEDS_PER_ID, MOST_SEEDS = 10, 3, 1_000_000
"""Candidates per id that unigram training starts from: at most SentencePiece's own million, which
makes small vocabularies slow to train, unless that is too few to choose from."""
LARGEST_INDEX = 2_000_000_000
"""A text of more characters needs SentencePiece's 64-bit indices."""
UNKNOWN = "\u2585"
"""LOWER FIVE EIGHTHS BLOCK: what stands for unknown characters inside SentencePiece."""
RESERVED = frozenset(f" \u2581{UNKNOWN}\t\0")
"""Characters that SentencePiece keeps for itself; they cannot be required."""


class Normalizer:
    """Text as the vocabulary will see it."""

    reserved: Collection[str] = RESERVED

    def __init__(self) -> None:
        self._normalizer = sentencepiece.SentencePieceNormalizer(rule_name=NORMALIZATION)

    def __call__(self, lines: list[str]) -> list[str]:
        """Return each line normalised."""
        normalized: list[str] = self._normalizer.normalize(lines)
        return normalized


def num_seeds(config: VocabularyConfig) -> int:
    """Return the number of candidates that training starts from; BPE starts from letters."""
    if config.model != "unigram":
        return 0
    return max(min(MOST_SEEDS, SEEDS_PER_ID * config.size), LEAST_SEEDS_PER_ID * config.size)


def needs_large_indices(config: VocabularyConfig, num_characters: float) -> bool:
    """Return whether a text is too large for unigram training with 32-bit indices."""
    return config.model == "unigram" and num_characters > LARGEST_INDEX


def options(
    config: VocabularyConfig, letters: Iterable[str], num_characters: float
) -> dict[str, Any]:
    """Return what SentencePiece is called with, besides a text of so many characters."""
    extra: dict[str, Any] = {}
    if config.model == "unigram":
        extra["seed_sentencepiece_size"] = num_seeds(config)
    if config.byte_fallback:
        extra["byte_fallback"] = True
    if needs_large_indices(config, num_characters):
        extra["train_extremely_large_corpus"] = True
    return {
        "model_type": config.model,
        "vocab_size": config.size - NUM_ADDED_IDS,
        "character_coverage": LOWEST_COVERAGE,
        "required_chars": "".join(sorted(letters)),
        "normalization_rule_name": NORMALIZATION,
        "add_dummy_prefix": True,
        "unk_id": SENTENCEPIECE_UNK,
        "bos_id": SENTENCEPIECE_BOS,
        "eos_id": SENTENCEPIECE_EOS,
        "pad_id": -1,
        "input_sentence_size": 0,
        "shuffle_input_sentence": False,
        "num_threads": 1,
        "minloglevel": 2,
        **extra,
    }


def least_size(chosen: Mapping[str, Any]) -> int:
    """Return the smallest vocabulary (ids) that has a piece for each letter, and for the space."""
    num_bytes = NUM_BYTE_PIECES if "byte_fallback" in chosen else 0
    return NUM_SPECIALS + num_bytes + 1 + len(chosen["required_chars"]) + NUM_ADDED_IDS


def train(lines: Iterable[str], chosen: Mapping[str, Any]) -> bytes:
    """Return the model of a text, read once and held by SentencePiece alone.

    Raises:
        UserError: the text does not support so many pieces.
    """
    writer, source = io.BytesIO(), _Source(lines)
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(source), model_writer=writer, **chosen
        )
    except RuntimeError as error:
        raise source.error or _translated(error, chosen["vocab_size"] + NUM_ADDED_IDS) from None
    return exact_sums.with_exact_scores(writer.getvalue())


class _Source:
    """Lines for SentencePiece, which reports an error of its source as its own; it is kept here."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self.error: BaseException | None = None

    def __iter__(self) -> Iterator[str]:
        try:
            for line in self._lines:
                yield line.replace(UNKNOWN, " ")
        except BaseException as error:
            self.error = error
            raise


def _translated(error: RuntimeError, size: int) -> Exception:
    """Return SentencePiece's complaint about the size in terms of `VocabularyConfig`; any other
    error unchanged."""
    message = str(error)
    if found := re.search(r"smaller than required_chars\. \d+ vs (\d+)", message):
        return sizes.too_small(size, int(found[1]) + NUM_ADDED_IDS)
    if found := re.search(r"too high .* <= (\d+)", message):
        return sizes.too_large(size, int(found[1]) + NUM_ADDED_IDS)
    return error
