"""Natural language inference: accuracy from one language to others (XNLI; XLM-R Sec. 4.2).

A pair is laid out as the encoder has it (`<s> premise </s></s> hypothesis </s>` in XLM-R) and
classified at the token of the whole row. Pairs that are too long lose pieces at the end of the
longer sentence first; how many is logged. Code-switched pairs are read as text of the language
whose grammar they have; crossed ones have premises in one language and hypotheses in another.
"""

import functools
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xlmr_lab.evaluate import planned_files, task_files
from xlmr_lab.evaluate.doctor.sets import of_rows
from xlmr_lab.evaluate.doctor.verdict import Verdict
from xlmr_lab.evaluate.examples import Examples
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.formats import xnli
from xlmr_lab.evaluate.metrics import accuracy
from xlmr_lab.evaluate.places import Source
from xlmr_lab.evaluate.protocols import Protocol, TaskSet, text_language
from xlmr_lab.evaluate.task_files import languages_of
from xlmr_lab.evaluate.text import TextEncoder
from xlmr_lab.evaluate.transfer import Target, TransferData

logger = logging.getLogger(__name__)


def load(
    text: TextEncoder,
    folder: Path,
    *,
    train_language: str,
    languages: Sequence[str],
    config: FinetuneConfig,
    protocols: Sequence[Protocol] = ("zero-shot",),
    split: task_files.ScoredSplit | None = None,
    label_order: Sequence[str] = (),
    mixed_languages: Sequence[str] = (),
) -> TransferData:
    """Read and encode the training sets and what is scored or looked at.

    The folder holds our files or XNLI's as they were published (see formats/xnli.py); `label_order`
    names the classes of numbered labels that do not tell; `mixed_languages` are those that mixed
    test sets may be of beside the training language, any if it is empty.

    Raises:
        UserError: a file is missing or not well-formed.
    """
    planned = planned_files.planned(
        xnli.places,
        folder,
        protocols=protocols,
        train_language=train_language,
        languages=languages,
        split=split,
        selections=config.selections,
        mixed_languages=mixed_languages,
    )
    found: dict[TaskSet, list[Verdict]] = {}

    def examples(part: TaskSet, source: Source) -> Examples:
        pairs, spoken = xnli.read(source, label_order), _languages(part, train_language)
        made = encode(text, pairs, **spoken, max_tokens=config.max_tokens)
        found[part] = of_rows(made, config.max_tokens)
        return made

    return TransferData(
        task="nli",
        objective="classification",
        num_labels=len(task_files.NLI_LABELS),
        vocab_size=text.size,
        models=planned.models,
        train={part: examples(part, source) for part, source in planned.training.items()},
        targets={part: _target(examples(part, source)) for part, source in planned.scoring.items()},
        found=found,
    )


def _languages(part: TaskSet, train_language: str) -> dict[str, str]:
    """Return the languages that `encode` is told of a set."""
    language = text_language(part, train_language)
    second = languages_of(part.language)[-1] if part.form == "crossed" else language
    return {"language": language, "hypothesis_language": second}


def encode(
    text: TextEncoder,
    pairs: task_files.Pairs,
    *,
    language: str,
    max_tokens: int,
    hypothesis_language: str = "",
) -> Examples:
    """Encode pairs of a language into examples with one label each; the hypotheses may be of
    another language."""
    layout = text.layout
    room = max_tokens - layout.num_specials_pair
    rows, num_cut = [], 0
    premises = text.encode(pairs.premises, language)
    hypotheses = text.encode(pairs.hypotheses, hypothesis_language or language)
    for premise, hypothesis in zip(premises, hypotheses, strict=True):
        kept = fit(len(premise), len(hypothesis), room)
        num_cut += kept != (len(premise), len(hypothesis))
        rows.append(layout.pair(premise[: kept[0]], hypothesis[: kept[1]]))
    if num_cut:
        logger.info(
            "%s of %s pairs are longer than %s tokens and are cut",
            f"{num_cut:,}",
            f"{len(rows):,}",
            f"{max_tokens:,}",
        )
    positions = [np.array([row.label_at]) for row in rows]
    return Examples.of(
        rows,
        positions,
        pairs.labels,
        language=language,
        layout=layout,
        whole_lengths=[
            len(premise) + len(hypothesis) + layout.num_specials_pair
            for premise, hypothesis in zip(premises, hypotheses, strict=True)
        ],
    )


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


def _target(examples: Examples) -> Target:
    score = functools.partial(_accuracy, gold=examples.labels)
    return Target(examples=examples, num_examples=len(examples), score=score)


def _accuracy(logits: np.ndarray, gold: np.ndarray) -> dict[str, float]:
    return {"accuracy": accuracy(logits.argmax(-1), gold)}
