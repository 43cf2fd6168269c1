"""Natural language inference: accuracy from one language to others (XNLI; XLM-R Sec. 4.2).

A pair is laid out as `<s> premise </s></s> hypothesis </s>` and classified at `<s>`, as in the
released models. Pairs that are too long lose pieces at the end of the longer sentence first; how
many is logged.
"""

import functools
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xlmr_lab.evaluate import task_files
from xlmr_lab.evaluate.examples import Examples, Ragged
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.metrics import accuracy
from xlmr_lab.evaluate.protocols import (
    Target,
    TaskFile,
    TransferData,
    dev_file,
    scored_files,
    zero_shot,
)
from xlmr_lab.evaluate.scores import Score
from xlmr_lab.model.encoder import Encoder
from xlmr_lab.vocabulary.load import Vocabulary
from xlmr_lab.vocabulary.special_tokens import BOS_ID, EOS_ID

logger = logging.getLogger(__name__)

BEGIN = np.array([BOS_ID], dtype=np.int32)
BETWEEN = np.array([EOS_ID, EOS_ID], dtype=np.int32)
END = np.array([EOS_ID], dtype=np.int32)
NUM_SPECIALS = len(BEGIN) + len(BETWEEN) + len(END)


def run(
    encoder: Encoder,
    vocabulary: Vocabulary,
    folder: Path,
    *,
    train_language: str,
    languages: Sequence[str],
    config: FinetuneConfig,
    seed: int,
    split: task_files.ScoredSplit | None = None,
) -> list[Score]:
    """Fine-tune a copy of the encoder on one language and return the accuracy in each.

    Each language is scored on `split`, or if None on its test file where there is one and its dev
    file elsewhere. To fine-tune more than once on the same data, call `load` once and
    `protocols.zero_shot` for each.
    """
    data = load(
        vocabulary,
        folder,
        train_language=train_language,
        languages=languages,
        config=config,
        split=split,
    )
    return zero_shot(encoder, data, config=config, seed=seed)


def load(
    vocabulary: Vocabulary,
    folder: Path,
    *,
    train_language: str,
    languages: Sequence[str],
    config: FinetuneConfig,
    split: task_files.ScoredSplit | None = None,
) -> TransferData:
    """Read and encode the training file and the file of every language.

    Raises:
        UserError: a file is missing or not well-formed.
    """
    scored = scored_files(folder, languages, split)
    dev = dev_file(folder, train_language, scored, config)
    train = task_files.read_nli(task_files.require(folder, "train", train_language))
    target = functools.partial(_target, vocabulary, config.max_tokens)
    return TransferData(
        task="nli",
        kind="sequence",
        metric="accuracy",
        num_labels=len(task_files.NLI_LABELS),
        vocab_size=vocabulary.size,
        train=encode(vocabulary, train, language=train_language, max_tokens=config.max_tokens),
        dev=target(dev) if dev else None,
        targets=tuple(target(file) for file in scored),
    )


def encode(
    vocabulary: Vocabulary, pairs: task_files.Pairs, *, language: str, max_tokens: int
) -> Examples:
    """Encode pairs of a language into examples with one label each, at `<s>`."""
    room = max_tokens - NUM_SPECIALS
    rows, num_cut = [], 0
    premises = vocabulary.encode(pairs.premises, language)
    hypotheses = vocabulary.encode(pairs.hypotheses, language)
    for premise, hypothesis in zip(premises, hypotheses, strict=True):
        kept = fit(len(premise), len(hypothesis), room)
        num_cut += kept != (len(premise), len(hypothesis))
        rows.append(
            np.concatenate([BEGIN, premise[: kept[0]], BETWEEN, hypothesis[: kept[1]], END])
        )
    if num_cut:
        logger.info(
            "%s of %s pairs are longer than %s tokens and are cut",
            f"{num_cut:,}",
            f"{len(rows):,}",
            f"{max_tokens:,}",
        )
    at_begin = Ragged(np.zeros(len(rows), dtype=np.int64), np.arange(len(rows) + 1))
    labels = np.array(pairs.labels, dtype=np.int64)
    return Examples(Ragged.of(rows, np.int32), at_begin, labels, language)


def fit(first: int, second: int, room: int) -> tuple[int, int]:
    """Return how many pieces of two sentences are kept so that they fit: the longer is cut first.

    >>> fit(3, 4, 10), fit(9, 4, 10), fit(9, 9, 11)
    ((3, 4), (6, 4), (6, 5))
    """
    if first + second <= room:
        return first, second
    half = room // 2
    if second <= half:
        return room - second, second
    if first <= room - half:
        return first, room - first
    return room - half, half


def _target(vocabulary: Vocabulary, max_tokens: int, file: TaskFile) -> Target:
    pairs = task_files.read_nli(file.path)
    examples = encode(vocabulary, pairs, language=file.language, max_tokens=max_tokens)
    return Target(
        language=file.language,
        split=file.split,
        examples=examples,
        num_examples=len(examples),
        score=functools.partial(accuracy, gold=examples.labels),
    )
