"""Transfer: fine-tune an encoder on the training sets of a plan and score what the plan asks for.

Task data is read and encoded once, and serves any number of encoders and seeds. Each model of the
plan is fine-tuned once for each learning rate; at its checks the dev sets are scored, and of the
sets to be scored those for which a selection would take that very step (a later check may replace
it), so that no weights need to be kept. Scores of test sets reach no rule that chooses
(selection.py is given dev sets alone). XLM-R Sec. 4.2.
"""

import copy
import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from xlmr_lab import configs
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.doctor.examine import examine
from xlmr_lab.evaluate.doctor.runs import reloaded
from xlmr_lab.evaluate.doctor.verdict import Verdict
from xlmr_lab.evaluate.encoders import AnyEncoder
from xlmr_lab.evaluate.examples import Examples, concatenate
from xlmr_lab.evaluate.finetune import FinetuneConfig, Finetuning
from xlmr_lab.evaluate.finetune_state import SAVE_SECONDS, KeptRun, digest
from xlmr_lab.evaluate.looks import Look, Looked, Told, tell, told_of, told_of_sets
from xlmr_lab.evaluate.objectives import Objective, check_labels
from xlmr_lab.evaluate.protocols import ModelPlan, TaskSet
from xlmr_lab.evaluate.scores import Score
from xlmr_lab.evaluate.selection import Check, Rule, choose, is_over, rules
from xlmr_lab.evaluate.task_model import TaskModel, predict, task_model

logger = logging.getLogger(__name__)

FINETUNE_VERSION = 1
"""Raised when the same settings start to give other scores."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One encoded set, with the function that scores predictions for it."""

    examples: Examples
    """What is predicted."""
    num_examples: int
    """Pairs, sentences or questions (which may be more than one of `examples` each)."""
    score: Callable[[np.ndarray], dict[str, float]]
    """From the logits [len(labels), C], in the order of `examples.labels`, to measures by name; the
    first is the one that selects."""
    scored_by: str = ""
    """Digits that name what `score` depends on beside logits and labels: a kept run is gone on with
    only where that is the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferData:
    """All that a transfer experiment reads, encoded for one encoder."""

    task: str
    """Name of the task: nli, ner or qa."""
    objective: Objective
    """What is learned."""
    num_labels: int
    """Outputs of the head."""
    vocab_size: int
    """Size of the vocabulary, ids."""
    models: tuple[ModelPlan, ...]
    """What is fine-tuned and scored."""
    train: Mapping[TaskSet, Examples]
    """Every training set of `models`."""
    targets: Mapping[TaskSet, Target]
    """Every set of `models` that is scored, and the dev sets that selections look at."""
    found: Mapping[TaskSet, Sequence[Verdict]] = field(default_factory=dict)
    """What the doctor says of sets as they were read and encoded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Model:
    """One model of the plan on its way."""

    encoder: AnyEncoder
    data: TransferData
    plan: ModelPlan
    rules: tuple[Rule, ...]
    config: FinetuneConfig
    seed: int

    def measures(self, part: TaskSet, model: TaskModel) -> tuple[dict[str, float], list[Verdict]]:
        """Return the measures of a set, the one that selects first, and the doctor's verdicts."""
        target, data = self.data.targets[part], self.data
        logits = predict(model, target.examples)
        verdicts = examine(data.objective, logits, target.examples, data.num_labels)
        return target.score(logits), verdicts

    def told(self, looks: Sequence[Look]) -> list[Told]:
        """Return what the doctor says of the model's sets, and of the scores that are taken."""
        data, train = self.data, self.plan.train
        scored = {part: target.examples for part, target in data.targets.items()}
        taken = [(rule, looks[self.place(rule, looks)]) for rule in self.rules]
        of_sets = told_of_sets(self.rules, train, data.found, scored)
        return [*of_sets, *told_of(taken, looks, train)]

    def place(self, rule: Rule, looks: Sequence[Look]) -> int:
        """Return the place of the look that a rule takes."""
        checks = [look.check for look in looks]
        return choose(checks, rule.looked_at, patience=self.config.patience)


def run(
    encoder: AnyEncoder,
    data: TransferData,
    *,
    config: FinetuneConfig,
    seed: int,
    folder: Path | None = None,
    save_seconds: float = SAVE_SECONDS,
    looked: Looked | None = None,
) -> list[Score]:
    """Fine-tune copies of the encoder as planned and return the scores of every cell.

    With a `folder` each run keeps itself there every `save_seconds`, and the same call goes on with
    what it finds; the folder is the caller's to remove. `looked` is given what was seen of each
    model.

    Raises:
        UserError: the encoder has another vocabulary size than the data, takes only shorter
            sequences, or lacks the embedding of a language; or the disk is full.
    """
    check(encoder, data, config)
    names = _names(encoder, data, config, seed) if folder else ()
    rows: list[Score] = []
    for number, plan in enumerate(data.models):
        model = _Model(
            encoder=encoder,
            data=data,
            plan=plan,
            rules=rules(plan, config.selections),
            config=config.for_examples(sum(len(data.train[part]) for part in plan.train)),
            seed=seed,
        )
        looks: list[Look] = []
        for rate in config.learning_rates:
            kept = KeptRun(folder / f"{names[number]}-{rate:g}", save_seconds) if folder else None
            looks += _looks(model, rate, looks, kept)
        told = model.told(looks)
        tell(told)
        if looked:
            looked(plan, looks, told)
        rows += _rows(model, looks)
    return rows


def _names(encoder: AnyEncoder, data: TransferData, config: FinetuneConfig, seed: int) -> list[str]:
    """Return a name for each model of the plan: the fingerprint of all that its looks depend on."""
    weights = digest(encoder)
    train = {part: digest(examples) for part, examples in data.train.items()}
    targets = {
        part: digest(target.examples) + target.scored_by for part, target in data.targets.items()
    }
    shared = [FINETUNE_VERSION, weights, config, seed, data.task, data.objective, data.num_labels]
    return [
        configs.fingerprint(
            shared,
            [[str(part), train[part]] for part in plan.train],
            [[*map(str, cell), targets[cell.scored], targets.get(cell.dev)] for cell in plan.cells],
        )
        for plan in data.models
    ]


def check(encoder: AnyEncoder, data: TransferData, config: FinetuneConfig) -> None:
    """Refuse an encoder that the data or the settings do not fit."""
    if encoder.vocab_size != data.vocab_size:
        raise UserError(
            f"the encoder has {encoder.vocab_size:,} ids and the vocabulary {data.vocab_size:,}; "
            "give the vocabulary that the encoder was pretrained with"
        )
    if config.max_tokens > encoder.max_tokens:
        raise UserError(
            f"max_tokens must be at most {encoder.max_tokens}, what the encoder takes, "
            f"got {config.max_tokens}"
        )
    encoded = [*data.train.values(), *(target.examples for target in data.targets.values())]
    encoder.language_ids(sorted({key for examples in encoded for key in examples.languages}))


def _looks(model: _Model, rate: float, earlier: Sequence[Look], kept: KeptRun | None) -> list[Look]:
    """Fine-tune a model at one learning rate and return its looks; `earlier` are those of other
    rates."""
    if kept and (ended := kept.ended()) is not None:
        return [Look.read(record) for record in ended]
    run = _start(model, rate)
    looks = [Look.read(record) for record in kept.resume(run)] if kept else []
    while run.step < model.config.steps and not is_over(
        [look.check for look in looks], model.rules, patience=model.config.patience
    ):
        run.advance()
        if model.config.is_check(run.step):
            looks.append(_look(model, run, rate, [*earlier, *looks]))
        if kept:
            kept.keep(run, [look.written() for look in looks])
    looks[-1] = looks[-1]._replace(model=_reloaded(model, run, kept))
    if kept:
        kept.end([look.written() for look in looks])
    return looks


def _reloaded(model: _Model, run: Finetuning, kept: KeptRun | None) -> list[Verdict]:
    """Return what the doctor says of a run's model once it was saved and loaded."""
    run.optimizer.state.clear()  # its room is that of a second model
    run.optimizer.zero_grad(set_to_none=True)
    examples = model.data.targets[model.rules[0].cell.scored].examples
    if kept:
        kept.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.folder if kept else None) as folder:
        found = reloaded(run.model, _fresh(model), examples, Path(folder))
    return [found] if found else []


def _start(model: _Model, rate: float) -> Finetuning:
    """Return a run of a copy of the encoder that has taken no step."""
    data, config = model.data, model.config
    examples = concatenate([data.train[part] for part in model.plan.train])
    check_labels(data.objective, examples, data.num_labels)
    fresh = _fresh(model)
    return Finetuning(fresh, examples, config=config, seed=model.seed, peak_learning_rate=rate)


def _fresh(model: _Model) -> TaskModel:
    """Return a copy of the encoder with a head that has learned nothing."""
    return task_model(
        copy.deepcopy(model.encoder),
        model.data.objective,
        model.data.num_labels,
        dropout=model.config.dropout,
        seed=model.seed,
        precision=model.config.precision,
    )


def _look(model: _Model, run: Finetuning, rate: float, before: Sequence[Look]) -> Look:
    """Score the dev sets, and each set that a rule would now score at this very step."""
    looked_at = dict.fromkeys(part for rule in model.rules for part in rule.looked_at)
    on_dev = {str(part): model.measures(part, run.model)[0] for part in looked_at}
    dev = {name: next(iter(measures.values())) for name, measures in on_dev.items()}
    found = Check(learning_rate=rate, step=run.step, dev=dev)
    logger.info("fine-tuning, %s", found)
    looks = [*before, Look(found, {}, {})]
    taken = [rule.cell.scored for rule in model.rules if model.place(rule, looks) == len(before)]
    scored = {str(part): model.measures(part, run.model) for part in dict.fromkeys(taken)}
    return Look(
        found,
        {name: measures for name, (measures, _) in scored.items()},
        {name: verdicts for name, (_, verdicts) in scored.items() if verdicts},
    )


def _rows(model: _Model, looks: Sequence[Look]) -> list[Score]:
    """Return the rows of all cells of a model."""
    rows: list[Score] = []
    for rule in model.rules:
        look, scored = looks[model.place(rule, looks)], rule.cell.scored
        rows += [
            Score(
                finetune_seed=model.seed,
                task=model.data.task,
                split=scored.split,
                language=scored.language,
                question_language=scored.question_language,
                protocol=rule.cell.protocol,
                selection=rule.selection,
                metric=metric,
                value=value,
                num_examples=model.data.targets[scored].num_examples,
                step=look.check.step,
                learning_rate=look.check.learning_rate,
            )
            for metric, value in look.scores[str(scored)].items()
        ]
    return rows
