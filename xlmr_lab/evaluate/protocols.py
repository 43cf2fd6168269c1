"""Protocols: which languages' data an encoder is fine-tuned on, and which it is scored on.

`zero-shot` is what XLM-R calls cross-lingual transfer: one model, fine-tuned on one language's
training set, scored on the test set of every language (XLM-R Sec. 4.2 and Table 1 for XNLI; the row
`en` of Table 2 for NER). The training language's own score is part of it. Task data is read and
encoded once, and serves any number of encoders and seeds. Left out so far: translate-test,
translate-train and translate-train-all; NER trained on each language or on all.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import task_files
from xlmr_lab.evaluate.examples import Examples
from xlmr_lab.evaluate.finetune import FinetuneConfig, finetune, predict, task_model
from xlmr_lab.evaluate.scores import Score
from xlmr_lab.model.encoder import Encoder

Protocol = Literal["zero-shot"]
"""`zero-shot`: fine-tuned on one language, scored on each."""


class TaskFile(NamedTuple):
    """A file that scores one language."""

    language: str
    split: task_files.ScoredSplit
    path: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One language's encoded split, with the function that scores predictions for it."""

    language: str
    """Key of the language."""
    split: task_files.ScoredSplit
    """Split that the examples come from."""
    examples: Examples
    """What is predicted."""
    num_examples: int
    """Pairs or sentences (a sentence may be more than one of `examples`)."""
    score: Callable[[np.ndarray], float]
    """From the predicted labels, in the order of `examples.labels`, to the measure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferData:
    """All that a transfer experiment reads, encoded with one vocabulary."""

    task: str
    """Name of the task: nli or ner."""
    kind: Literal["sequence", "token"]
    """Whether a label belongs to a sequence or to a token."""
    metric: str
    """Name of the measure."""
    num_labels: int
    """Number of classes."""
    vocab_size: int
    """Size of the vocabulary, ids."""
    train: Examples
    """The training language's training examples."""
    dev: Target | None
    """The training language's dev split, where the selection asks for it."""
    targets: tuple[Target, ...]
    """What is scored, by language."""


def zero_shot(
    encoder: Encoder, data: TransferData, *, config: FinetuneConfig, seed: int
) -> list[Score]:
    """Fine-tune a copy of the encoder on the training data and score every target.

    Raises:
        UserError: the encoder has another vocabulary size than the data, takes only shorter
            sequences, or lacks the embedding of a language.
    """
    check(encoder, data, config)
    model = task_model(
        copy.deepcopy(encoder), data.kind, data.num_labels, dropout=config.dropout, seed=seed
    )
    dev = data.dev if config.selection == "train-dev" else None
    dev_score = (lambda: dev.score(predict(model, dev.examples))) if dev else None
    finetune(model, data.train, config=config, seed=seed, dev_score=dev_score)
    return [
        Score(
            finetune_seed=seed,
            task=data.task,
            split=target.split,
            language=target.language,
            protocol="zero-shot",
            selection=config.selection,
            metric=data.metric,
            value=target.score(predict(model, target.examples)),
            num_examples=target.num_examples,
        )
        for target in data.targets
    ]


def check(encoder: Encoder, data: TransferData, config: FinetuneConfig) -> None:
    """Refuse an encoder that the data or the settings do not fit."""
    if encoder.vocab_size != data.vocab_size:
        raise UserError(
            f"the encoder has {encoder.vocab_size:,} ids and the vocabulary {data.vocab_size:,}; "
            "give the vocabulary that the encoder was pretrained with"
        )
    if config.max_tokens > encoder.config.max_tokens:
        raise UserError(
            f"max_tokens must be at most {encoder.config.max_tokens}, what the encoder takes, "
            f"got {config.max_tokens}"
        )
    encoder.language_ids([data.train.language, *(target.language for target in data.targets)])


def scored_files(
    folder: Path, languages: Sequence[str], split: task_files.ScoredSplit | None
) -> list[TaskFile]:
    """Find the file that scores each language: of `split`, or if None test before dev.

    Raises:
        UserError: no language, or a language without a file.
    """
    if not languages:
        raise UserError("no language to score; name at least one")
    found = []
    for language in dict.fromkeys(languages):
        chosen = split or task_files.scored_split(folder, language)
        path = task_files.require(folder, chosen, language)
        found.append(TaskFile(language, chosen, path))
    return found


def dev_file(
    folder: Path, train_language: str, scored: Sequence[TaskFile], config: FinetuneConfig
) -> TaskFile | None:
    """Return the file that the selection looks at, if it does.

    Raises:
        UserError: there is none, or the same file is also scored: its score would be the best of
            several looks.
    """
    if config.selection == "last":
        return None
    path = task_files.require(folder, "dev", train_language)
    if any(file.path == path for file in scored):
        raise UserError(
            f"selection=train-dev would choose the step on {path} and score it there too; "
            f"add test-{train_language}.tsv, leave {train_language} out, or use selection=last"
        )
    return TaskFile(train_language, "dev", path)
