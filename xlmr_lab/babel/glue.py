"""GLUE-like sets (XLM-R Sec. 4, Table 4) in every language: CoLA's acceptability, SST-2's
sentiment, MRPC's paraphrase, STS-B's similarity and QNLI's question-answer entailment.

Files are `<set>/<split>-<language>.tsv` in the columns of GLUE's published train and dev files;
unlike those, test files have their labels too. CoLA's have no header. Left out: MNLI and RTE, which
NLI is, QQP and WNLI.
"""

import dataclasses
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from xlmr_lab import storage
from xlmr_lab.babel import (
    acceptability,
    paraphrase,
    question_entailment,
    questions,
    sentiment,
    similarity,
)
from xlmr_lab.babel.speakers import Speakers
from xlmr_lab.babel.tongues import Tongue
from xlmr_lab.errors import UserError

SPLITS = ("train", "dev", "test")
HEADERS: dict[str, Sequence[str]] = {
    "cola": (),
    "sst2": ("sentence", "label"),
    "mrpc": ("Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"),
    "stsb": (
        *("index", "genre", "filename", "year", "old_index", "source1", "source2"),
        *("sentence1", "sentence2", "score"),
    ),
    "qnli": ("index", "question", "sentence", "label"),
}
"""The columns of each set, where its files name them."""
SOURCE = "babel"
"""What stands in the columns that name a source."""

ItemT = TypeVar("ItemT", bound=tuple[Any, ...])
Row = Sequence[str | int]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class GlueConfig:
    """How many examples each of the GLUE-like sets has in each language."""

    train: int = 4000
    """Training examples of a set."""
    dev: int = 400
    """Development examples of a set."""
    test: int = 800
    """Test examples of a set."""

    def __post_init__(self) -> None:
        for split in SPLITS:
            if getattr(self, split) < 1:
                raise UserError(
                    f"tasks.glue.{split} must be at least 1, got {getattr(self, split)}"
                )


def write(folder: Path, cast: Speakers, config: GlueConfig) -> None:
    """Write a folder for each set."""
    world = cast.world

    def acceptable(rng: np.random.Generator, count: int) -> list[acceptability.Item]:
        return acceptability.draw(world, rng, count, cast.tongues)

    _write_set(folder / "cola", cast, config, acceptable, _cola)
    _write_set(folder / "sst2", cast, config, partial(sentiment.draw, world), _sst2)
    paraphrases = partial(paraphrase.draw, world)
    _write_set(folder / "mrpc", cast, config, paraphrases, _mrpc, told=lambda item: item[:2])
    _write_set(folder / "stsb", cast, config, partial(similarity.draw, world), _stsb)
    _write_set(folder / "qnli", cast, config, partial(question_entailment.draw, world), _qnli)


def _write_set(
    folder: Path,
    cast: Speakers,
    config: GlueConfig,
    draw: Callable[[np.random.Generator, int], list[ItemT]],
    row: Callable[[Tongue, int, ItemT], Row],
    *,
    told: Callable[[ItemT], Hashable] = tuple,
) -> None:
    """Write the files of a set; nothing is `told` that an earlier split tells."""
    header = [HEADERS[folder.name]] if HEADERS[folder.name] else []
    seen: set[Hashable] = set()
    for split in SPLITS:
        count, rng = getattr(config, split), cast.stream("glue", folder.name, split)
        items: list[ItemT] = []
        while len(items) < count:
            items += [item for item in draw(rng, count) if told(item) not in seen]
        del items[count:]
        seen.update(told(item) for item in items)
        for tongue in cast.tongues:
            rows = [row(tongue, number, item) for number, item in enumerate(items)]
            lines = "".join("\t".join(map(str, cells)) + "\n" for cells in (*header, *rows))
            storage.write_text(folder / f"{split}-{tongue.code}.tsv", lines)


def _cola(tongue: Tongue, number: int, item: acceptability.Item) -> Row:
    whole = not item[1]
    sentence = tongue.write(acceptability.words(tongue, item)).rstrip()
    return SOURCE, int(whole), "" if whole else "*", sentence


def _sst2(tongue: Tongue, number: int, item: sentiment.Item) -> Row:
    events, label = item
    return tongue.join([tongue.sentence(event) for event in events]), label


def _mrpc(tongue: Tongue, number: int, item: paraphrase.Item) -> Row:
    first, second, stressed, label = item
    said = [tongue.sentence(e, at) for e, at in zip((*first, *second), stressed, strict=True)]
    return label, 2 * number, 2 * number + 1, tongue.join(said[:2]), tongue.join(said[2:])


def _stsb(tongue: Tongue, number: int, item: similarity.Item) -> Row:
    first, second, score = item
    sentences = [questions.sentence(tongue, event) for event in (first, second)]
    origin = (SOURCE, SOURCE, 0, number, SOURCE, SOURCE)
    return number, *origin, *sentences, f"{score:.3f}"


def _qnli(tongue: Tongue, number: int, item: question_entailment.Item) -> Row:
    question, sentence, label = item
    said = [questions.sentence(tongue, event) for event in (question, sentence)]
    return number, *said, label
