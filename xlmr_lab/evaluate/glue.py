"""GLUE's tasks, and PAWS-X (XLM-R Sec. 5.3, Table 4): one sentence or two, a class or a number.

A sentence or a pair is laid out as the encoder has it and labelled at the token of the whole row.
STS-B is regression, of similarities divided by 5 as in RoBERTa's code, which leaves correlations as
they are. MNLI is learned once and scored on both dev sets: rows of `glue-mnli` and `glue-mnli-mm`.
Table 4 is of dev sets, as GLUE keeps the labels of its test sets; with `predictions` those are
predicted at the step that the selection takes, as the leaderboard reads it (glue_submission.py).
Left out: starting MRPC, RTE and STS-B from a model fine-tuned on MNLI, as RoBERTa does.
"""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import glue_metrics, glue_submission, nli, places, planned_files
from xlmr_lab.evaluate.doctor.sets import of_rows
from xlmr_lab.evaluate.doctor.verdict import Verdict
from xlmr_lab.evaluate.examples import Examples, concatenate
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.formats import glue
from xlmr_lab.evaluate.formats.glue import GlueSet
from xlmr_lab.evaluate.metrics import accuracy
from xlmr_lab.evaluate.places import Source
from xlmr_lab.evaluate.protocols import Protocol, TaskSet, plan, text_language
from xlmr_lab.evaluate.scores import Score
from xlmr_lab.evaluate.task_files import Pairs, ScoredSplit
from xlmr_lab.evaluate.text import TextEncoder
from xlmr_lab.evaluate.transfer import Target, TransferData

logger = logging.getLogger(__name__)

MISMATCHED = "accuracy, mismatched"
"""What MNLI's second accuracy is called until its rows are told apart."""
TEST = TaskSet("test", "en")
"""The set whose predictions GLUE's leaderboard takes."""


def load(
    text: TextEncoder,
    folder: Path,
    *,
    task: str,
    train_language: str,
    languages: Sequence[str],
    config: FinetuneConfig,
    protocols: Sequence[Protocol] = ("zero-shot",),
    split: ScoredSplit | None = None,
    predictions: Path | None = None,
) -> TransferData:
    """Read and encode the training sets and what is scored, looked at or predicted.

    Raises:
        UserError: a file is missing or not well-formed, or predictions are asked for of several
            steps.
    """
    classes, task_places = glue.get(task).classes, glue.task_places(task)
    if predictions and len(config.selections) > 1:
        raise UserError(
            f"predictions are of one step, and selections={','.join(config.selections)} take "
            "several; name one"
        )
    chosen: list[tuple[str, ScoredSplit]] = []
    if languages or not predictions:
        split_of = partial(places.scored_split, task_places)
        chosen += planned_files.scored(folder, languages, split, split_of)
    if predictions and (TEST.language, "test") not in chosen:
        chosen.append((TEST.language, "test"))
    models = plan(protocols, train_language, chosen)
    reader = _Reader(text, folder, task, train_language, config.max_tokens, predictions)
    training = planned_files.training(folder, models, reader.require)
    scoring = planned_files.scoring(folder, models, config.selections, reader.require)
    return TransferData(
        task=f"glue-{task}",
        objective="classification" if classes else "regression",
        num_labels=len(classes) or 1,
        vocab_size=text.size,
        models=models,
        train={part: reader.examples(part, source) for part, source in training.items()},
        targets={part: reader.target(part, source) for part, source in scoring.items()},
        found=reader.found,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Reader:
    """Turns the sets of a task into examples and targets."""

    text: TextEncoder
    folder: Path
    task: str
    train_language: str
    max_tokens: int
    predictions: Path | None
    found: dict[TaskSet, list[Verdict]] = dataclasses.field(default_factory=dict)
    """What the doctor says of each set."""

    def require(self, folder: Path, part: TaskSet) -> Source:
        """Return what holds a set."""
        if part == TEST and self.predictions:
            return glue.unlabelled_source(folder, self.task)
        return places.require(glue.task_places(self.task), folder, part)

    def examples(self, part: TaskSet, source: Source) -> Examples:
        """Return the examples of a set with labels."""
        return self._encoded(part, glue.read(source, self.task))

    def target(self, part: TaskSet, source: Source) -> Target:
        """Return a set with its scores, or the test set with what writes its predictions; of MNLI
        both sets in one."""
        if part == TEST and self.predictions:
            return self._predicted(source, self.predictions)
        examples = self.examples(part, source)
        parts = [examples]
        if self.task == "mnli" and (other := glue.mismatched_source(self.folder, part)):
            parts.append(self.examples(part, other))
        score = partial(_scores, self.task, [own.labels for own in parts])
        return Target(examples=concatenate(parts), num_examples=len(examples), score=score)

    def _predicted(self, source: Source, predictions: Path) -> Target:
        sources = {self.task: source}
        if self.task == "mnli":
            sources["mnli-mm"] = glue.unlabelled_source(self.folder, self.task, mismatched=True)
        found = {name: glue.read(own, self.task, labelled=False) for name, own in sources.items()}
        parts = [self._encoded(TEST, own) for own in found.values()]
        indices = {name: own.indices for name, own in found.items()}
        write = partial(_write, predictions, indices)
        return Target(examples=concatenate(parts), num_examples=len(parts[0]), score=write)

    def _encoded(self, part: TaskSet, found: GlueSet) -> Examples:
        language = text_language(part, self.train_language)
        made = encode(self.text, found, self.task, language=language, max_tokens=self.max_tokens)
        told = of_rows(made, self.max_tokens)
        self.found[part] = [*self.found.get(part, ()), *told]
        return made


def encode(
    text: TextEncoder, found: GlueSet, task: str, *, language: str, max_tokens: int
) -> Examples:
    """Encode the examples of a set; those without labels get 0."""
    if len(found.texts) == 2:
        blank = Pairs(*found.texts, labels=[0] * len(found.indices))
        examples = nli.encode(text, blank, language=language, max_tokens=max_tokens)
    else:
        examples = _singles(text, found.texts[0], language, max_tokens)
    labels = np.array(found.labels or [0] * len(examples))
    if glue.TASKS[task].classes:
        return dataclasses.replace(examples, labels=labels.astype(np.int64))
    return dataclasses.replace(examples, labels=(labels / glue.HIGHEST).astype(np.float32))


def _singles(text: TextEncoder, sentences: list[str], language: str, max_tokens: int) -> Examples:
    """Encode sentences alone, cut at their ends, with labels of 0."""
    layout = text.layout
    room = max_tokens - layout.num_specials_single
    encoded = text.encode(sentences, language)
    if num_cut := sum(len(ids) > room for ids in encoded):
        logger.info(
            "%s of %s sentences are longer than %s tokens and are cut",
            f"{num_cut:,}",
            f"{len(encoded):,}",
            f"{max_tokens:,}",
        )
    rows = [layout.single(ids[:room]) for ids in encoded]
    positions = [np.array([row.label_at]) for row in rows]
    blank = np.zeros(len(rows), dtype=np.int64)
    whole = [len(ids) + layout.num_specials_single for ids in encoded]
    return Examples.of(
        rows, positions, blank, language=language, layout=layout, whole_lengths=whole
    )


def told_apart(data: TransferData, rows: Sequence[Score]) -> list[Score]:
    """Return scores of which MNLI's second accuracy is a row of a task of its own."""
    sizes: dict[tuple[str, str], int] = {
        (part.split, part.language): len(target.examples) - target.num_examples
        for part, target in data.targets.items()
    }
    return [
        dataclasses.replace(
            row,
            task="glue-mnli-mm",
            metric="accuracy",
            num_examples=sizes[row.split, row.language],
        )
        if row.metric == MISMATCHED
        else row
        for row in rows
    ]


def _predictions(task: str, logits: np.ndarray) -> np.ndarray:
    """Return class ids, or numbers as labels are."""
    found: np.ndarray = logits.argmax(-1) if glue.TASKS[task].classes else logits[:, 0]
    return found


def _scores(task: str, gold: Sequence[np.ndarray], logits: np.ndarray) -> dict[str, float]:
    """Return the metrics of a set, and of MNLI's mismatched one behind it."""
    predicted = np.split(_predictions(task, logits), [len(gold[0])])
    found = glue_metrics.score(task, predicted[0], gold[0])
    if len(gold) > 1:
        found[MISMATCHED] = accuracy(predicted[1], gold[1])
    return found


def _write(
    folder: Path, indices: Mapping[str, Sequence[str]], logits: np.ndarray
) -> dict[str, float]:
    """Write the predictions of a test set, or of MNLI's two; there is nothing to score."""
    ends = np.cumsum([len(own) for own in indices.values()])
    predicted = np.split(_predictions(next(iter(indices)), logits), ends[:-1])
    for (name, own), values in zip(indices.items(), predicted, strict=True):
        glue_submission.write(folder, name, own, values)
    return {}
