"""NER without a pretrained encoder: BiLSTM-CRFs trained and scored as encoders are, for the same
tables (XLM-R Table 2's first row).

Plans, files, selections, span F1 and rows of scores are those of ner.py and transfer.py, so that a
row here stands beside a row there: `each`, a model a language, as Lample et al. (2016); `all`, one
model from all languages; `zero-shot`, from one language, which without anything shared but spelling
shows what pretraining adds. A word keeps its language's pretrained vector where files of them are
given; a model takes those of its training languages, for vectors of several languages share no
space. Left out: Flair (Akbik et al. 2018), whose package asks for transformers below version 5 and
does not go with ours; sentences in their documents; a grid of learning rates.
"""

import hashlib
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xlmr_lab import configs
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import bilstm_inputs, planned_files, word_vectors
from xlmr_lab.evaluate.bilstm_training import BilstmConfig, Training, vector_of
from xlmr_lab.evaluate.doctor.examine import examine_tags
from xlmr_lab.evaluate.doctor.tagger_runs import with_reloaded
from xlmr_lab.evaluate.doctor.verdict import Verdict
from xlmr_lab.evaluate.finetune_state import SAVE_SECONDS, KeptRun
from xlmr_lab.evaluate.formats import conll
from xlmr_lab.evaluate.looks import Look, Looked, Told, tell, told_of
from xlmr_lab.evaluate.metrics import span_f1
from xlmr_lab.evaluate.places import Source
from xlmr_lab.evaluate.planned_files import Planned
from xlmr_lab.evaluate.protocols import ModelPlan, Protocol, TaskSet, text_language
from xlmr_lab.evaluate.scores import Score
from xlmr_lab.evaluate.selection import Check, Rule, choose, is_over, rules
from xlmr_lab.evaluate.task_files import ScoredSplit, TaggedSentences
from xlmr_lab.evaluate.word_vectors import Vectors

logger = logging.getLogger(__name__)

ARM = "bilstm-crf"
BILSTM_VERSION = 1
"""Raised when the same settings start to give other scores."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BaselineData:
    """All that the baseline reads."""

    models: tuple[ModelPlan, ...]
    """What is trained and scored."""
    sets: Mapping[TaskSet, TaggedSentences]
    """Every training set of `models`, every set that is scored, and the dev sets looked at."""
    vectors: Mapping[str, Vectors]
    """Pretrained vectors of words by the key of their language."""


def load(
    folder: Path,
    *,
    train_language: str,
    languages: Sequence[str],
    config: BilstmConfig,
    protocols: Sequence[Protocol] = ("each",),
    split: ScoredSplit | None = None,
    vectors: Mapping[str, Path] = {},
) -> BaselineData:
    """Read the training sets and what is scored or looked at, as ner.py does, and the vectors of
    their words from a file of each language.

    Raises:
        UserError: a file is missing or not well-formed, has an entity type that the training sets
            lack, or holds vectors of another length than the network's.
    """
    planned = planned_files.planned(
        conll.places,
        folder,
        protocols=protocols,
        train_language=train_language,
        languages=languages,
        split=split,
        selections=config.selections,
    )
    sets = {part: _read(part, at, train_language) for part, at in planned.training.items()}
    kinds = _shared_kinds(planned, sets)
    for part, source in planned.scoring.items():
        sets[part] = _read(part, source, train_language, kinds)
    words = {word for found in sets.values() for sentence in found.words for word in sentence}
    spelled = bilstm_inputs.wanted(words, zero_digits=config.zero_digits)
    return BaselineData(
        models=planned.models,
        sets=sets,
        vectors={
            key: _vectors(path, spelled, config.shape.word_dim) for key, path in vectors.items()
        },
    )


def _read(
    part: TaskSet, source: Source, train_language: str, kinds: Sequence[str] | None = None
) -> TaggedSentences:
    return conll.read(source, text_language(part, train_language), kinds)


def _shared_kinds(planned: Planned, sets: Mapping[TaskSet, TaggedSentences]) -> list[str]:
    """Return the entity types of the training sets; each model must be able to learn all of them.

    Raises:
        UserError: a model's training sets have no entity, or lack a type that another's have.
    """
    every = bilstm_inputs.kinds(tags for part in planned.training for tags in sets[part].tags)
    for model in planned.models:
        own = bilstm_inputs.kinds(tags for part in model.train for tags in sets[part].tags)
        named = " and ".join(str(planned.training[part]) for part in model.train)
        if not own:
            raise UserError(f"{named} has no entity: all its tags are O")
        if missing := sorted(set(every) - set(own)):
            raise UserError(
                f"{named} has no entity of type {', '.join(missing)}, which other training sets "
                "have; leave its language out, or train it in a study of its own"
            )
    return every


def _vectors(path: Path, words: set[str], word_dim: int) -> Vectors:
    found, length = word_vectors.read(path, words)
    if length != word_dim:
        raise UserError(
            f"word_dim must be {length}, the length of the vectors in {path}, got {word_dim}"
        )
    return found


def run(
    data: BaselineData,
    *,
    config: BilstmConfig,
    seed: int,
    folder: Path | None = None,
    save_seconds: float = SAVE_SECONDS,
    looked: Looked | None = None,
) -> list[Score]:
    """Train BiLSTM-CRFs as planned and return the span F1 of every cell.

    With a `folder` each run keeps itself there every `save_seconds`, and the same call goes on with
    what it finds; the folder is the caller's to remove. `looked` is given what was seen of each
    model.

    Raises:
        UserError: the loss became infinite or not a number, or the disk is full.
    """
    rows: list[Score] = []
    for plan in data.models:
        model = _Model(data, plan, config, seed)
        place = folder / f"{ARM}-{model.name()}" if folder else None
        looks = _looks(model, place, save_seconds)
        told = model.told(looks)
        tell(told)
        if looked:
            looked(plan, looks, told)
        rows += model.rows(looks)
    return rows


class _Model:
    """One model of the plan, its lexicon, and what it is scored on."""

    def __init__(
        self, data: BaselineData, plan: ModelPlan, config: BilstmConfig, seed: int
    ) -> None:
        self.plan, self.config, self.seed = plan, config, seed
        self.rules: tuple[Rule, ...] = rules(plan, config.selections)
        self.training = _joined([data.sets[part] for part in plan.train])
        parts = [part for rule in self.rules for part in (rule.cell.scored, *rule.looked_at)]
        self.sets = {part: data.sets[part] for part in parts}
        self.vectors: dict[str, np.ndarray] = {}
        for part in plan.train:
            self.vectors = dict(data.vectors.get(part.language, {})) | self.vectors
        self.known = bilstm_inputs.lexicon(
            self.training,
            scheme=config.scheme,
            zero_digits=config.zero_digits,
            with_vectors=self._with_vectors(),
        )
        self.encoded = {part: bilstm_inputs.encode(s, self.known) for part, s in self.sets.items()}

    def _with_vectors(self) -> list[str]:
        """Return the words of scored sets that have a pretrained vector."""
        words = (word for found in self.sets.values() for own in found.words for word in own)
        seen = dict.fromkeys(
            bilstm_inputs.plain(word, zero_digits=self.config.zero_digits) for word in words
        )
        return [word for word in seen if vector_of(word, self.vectors) is not None]

    def name(self) -> str:
        """Return the fingerprint of all that its looks depend on."""
        vectors = hashlib.sha256()
        for word, vector in sorted(self.vectors.items()):
            vectors.update(word.encode("utf-8", "surrogatepass") + vector.tobytes())
        return configs.fingerprint(
            [BILSTM_VERSION, self.config, self.seed, _digest(self.training), vectors.hexdigest()],
            [[str(part), _digest(found)] for part, found in self.sets.items()],
            [[*map(str, rule.cell)] for rule in self.rules],
        )

    def started(self) -> Training:
        """Return a run that has taken no step."""
        encoded = bilstm_inputs.encode(self.training, self.known, with_labels=True)
        return Training(
            self.known, encoded, config=self.config, seed=self.seed, vectors=self.vectors
        )

    def place(self, rule: Rule, looks: Sequence[Look]) -> int:
        """Return the place of the look that a rule takes."""
        return choose([x.check for x in looks], rule.looked_at, patience=self.config.patience)

    def look(self, run: Training, before: Sequence[Look]) -> Look:
        """Score the dev sets, and each set that a rule would now score at this very step."""
        looked_at = dict.fromkeys(part for rule in self.rules for part in rule.looked_at)
        dev = {str(part): self.measured(part, run)[0] for part in looked_at}
        found = Check(learning_rate=self.config.learning_rate, step=run.step, dev=dev)
        logger.info("BiLSTM-CRF, %s", found)
        looks = [*before, Look(found, {}, {})]
        taken = [rule.cell.scored for rule in self.rules if self.place(rule, looks) == len(before)]
        scored = {str(part): self.measured(part, run) for part in dict.fromkeys(taken)}
        return Look(
            found,
            {name: {"span_f1": f1} for name, (f1, _) in scored.items()},
            {name: verdicts for name, (_, verdicts) in scored.items() if verdicts},
        )

    def measured(self, part: TaskSet, run: Training) -> tuple[float, list[Verdict]]:
        """Return the span F1 of a set, and the doctor's verdicts."""
        predicted, gold = run.predict(self.encoded[part]), self.sets[part].tags
        return span_f1(predicted, gold).f1, examine_tags(predicted, gold)

    def told(self, looks: Sequence[Look]) -> list[Told]:
        """Return what the doctor says of the scores that are taken."""
        taken = [(rule, looks[self.place(rule, looks)]) for rule in self.rules]
        return told_of(taken, looks, self.plan.train)

    def rows(self, looks: Sequence[Look]) -> list[Score]:
        """Return the rows of all cells."""
        return [self._row(rule, looks[self.place(rule, looks)]) for rule in self.rules]

    def _row(self, rule: Rule, look: Look) -> Score:
        scored = rule.cell.scored
        return Score(
            arm=ARM,
            seed=self.seed,
            finetune_seed=self.seed,
            task="ner",
            split=scored.split,
            language=scored.language,
            protocol=rule.cell.protocol,
            selection=rule.selection,
            metric="span_f1",
            value=look.scores[str(scored)]["span_f1"],
            num_examples=len(self.sets[scored].words),
            step=look.check.step,
            learning_rate=look.check.learning_rate,
        )


def _looks(model: _Model, folder: Path | None, save_seconds: float) -> list[Look]:
    """Train a model, or go on with training it, and return its looks."""
    kept = KeptRun(folder, save_seconds) if folder else None
    if kept and (ended := kept.ended()) is not None:
        return [Look.read(record) for record in ended]
    run = model.started()
    looks = [Look.read(record) for record in run.resume(folder)] if folder else []
    saved, patience = time.monotonic(), model.config.patience
    while run.step < run.steps and not is_over(
        [look.check for look in looks], model.rules, patience=patience
    ):
        run.advance()
        if run.is_check:
            looks.append(model.look(run, looks))
        if folder and time.monotonic() - saved >= save_seconds and run.step < run.steps:
            run.save(folder, [look.written() for look in looks])
            saved = time.monotonic()
    looks = with_reloaded(looks, run, model.encoded.values())
    if kept:
        kept.end([look.written() for look in looks])
    return looks


def _joined(parts: Sequence[TaggedSentences]) -> TaggedSentences:
    return TaggedSentences(
        [words for part in parts for words in part.words],
        [tags for part in parts for tags in part.tags],
    )


def _digest(sentences: TaggedSentences) -> str:
    """Return digits that name words and tags."""
    return hashlib.sha256(json.dumps([sentences.words, sentences.tags]).encode()).hexdigest()
