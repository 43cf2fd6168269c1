"""How long runs take, measured: a few real steps of a run, and what it does beside them.

Each function is a job of its own and leaves its result in a file, so that as many are at work at
once as will be later: processes take memory and caches from each other. Pretraining is measured by
a short run on the study's own shards; fine-tuning by steps and scorings of an encoder that has
learned nothing, on the task's files, losses of words likewise; a BiLSTM-CRF by one pass and two of
its first model.
"""

import contextlib
import dataclasses
import math
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from xlmr_lab import storage
from xlmr_lab.ablations.baseline_runs import BaselineRuns
from xlmr_lab.ablations.transfer import Plan
from xlmr_lab.ablations.word_losses import Reading, read
from xlmr_lab.evaluate import baselines, masked_prediction
from xlmr_lab.evaluate.encoders import load_encoder
from xlmr_lab.evaluate.examples import concatenate
from xlmr_lab.evaluate.finetune import FinetuneConfig, Finetuning
from xlmr_lab.evaluate.protocols import ModelPlan, TaskSet
from xlmr_lab.evaluate.selection import rules
from xlmr_lab.evaluate.task_model import predict, task_model
from xlmr_lab.evaluate.text import of_vocabulary
from xlmr_lab.evaluate.transfer import TransferData
from xlmr_lab.pretrain.distributed import chosen_device
from xlmr_lab.pretrain.folder import TELEMETRY_NAME
from xlmr_lab.pretrain.loop import pretrain
from xlmr_lab.pretrain.settings import PretrainRun
from xlmr_lab.sampling.settings import SamplingConfig
from xlmr_lab.vocabulary.load import load

STEPS, LEAST_STEPS = 60, 8
"""Steps that are measured, and at least so many where a step is large."""
TOKENS = 2_000_000
"""Tokens beyond which fewer steps are measured."""
TUNING_STEPS = 40
"""Steps of fine-tuning that are measured, after as many as `LEAST_STEPS` that are not."""
SCORING_SECONDS = 2.0
"""How long sets are scored; the rest is taken to be as fast."""


def pretraining(run: PretrainRun, tokens: Path, pairs: Path | None, output: Path) -> None:
    """Write the seconds of a step, and of a run beside its steps, one look at held-out text with
    them."""
    per_step = run.batches.batch_sequences * run.batches.block_tokens
    steps = max(LEAST_STEPS, min(STEPS, TOKENS // per_step))
    with _scratch(output) as scratch:
        for number, count in enumerate((1, steps)):  # the first finds nothing loaded
            folder, short = scratch / str(number), _shortened(run, count)
            started = time.perf_counter()
            pretrain(folder, tokens, short, pairs_folder=pairs, threads=1, passes_warned=math.inf)
            whole = time.perf_counter() - started
        told = storage.read_jsonl(folder / TELEMETRY_NAME)
    first, last = told[0], told[-1]
    step = (last["seconds"] - first["seconds"]) / (last["step"] - first["step"])
    storage.write_json(output, {"step": step, "beside": max(0.0, whole - steps * step)})


def _shortened(run: PretrainRun, steps: int) -> PretrainRun:
    """Return a run of a few steps, all of them like its own; how languages are sampled makes no
    difference to speed."""
    short = dataclasses.replace(
        run.pretrain,
        steps=steps,
        warmup_steps=1,
        schedule="polynomial",
        decay_steps=0,
        log_steps=max(1, steps // 4),
        heldout_steps=steps,
        checkpoint_steps=steps,
        profile_steps=0,
    )
    sampling = SamplingConfig(alpha=0.3, basis=run.sampling.basis)
    return dataclasses.replace(run, pretrain=short, sampling=sampling)


def tuning(plan: Plan, output: Path) -> None:
    """Write the seconds that fine-tuning and scoring a plan's models take, over its seeds."""
    started = time.perf_counter()
    vocabulary = load(plan.vocabulary)
    data = plan.runs.load(of_vocabulary(vocabulary))
    encoder = load_encoder(
        None,
        config=plan.model,
        vocab_size=vocabulary.size,
        seed=plan.seed,
        languages=plan.pretrained,
    ).to(chosen_device(plan.device))
    config = plan.runs.finetune
    first = data.models[0]
    model = task_model(encoder, data.objective, data.num_labels, dropout=config.dropout, seed=0)
    beside = time.perf_counter() - started
    step = _step_seconds(
        Finetuning(
            model,
            concatenate([data.train[part] for part in first.train]),
            config=config,
            seed=0,
            peak_learning_rate=config.peak_learning_rate,
        )
    )
    scoring = _scoring_seconds(data, lambda part: predict(model, data.targets[part].examples))
    each = sum(_model_seconds(data, own, config, step, scoring) for own in data.models)
    storage.write_json(output, {"seconds": beside + len(plan.runs.seeds) * each})


def word_losses(plan: Reading, output: Path) -> None:
    """Write the seconds that reading held-out text takes, over its languages, measured on the first
    by a model that has learned nothing."""
    started = time.perf_counter()
    size = load(plan.vocabulary).size
    model = masked_prediction.untrained(plan.model, size, languages=plan.languages)
    beside = time.perf_counter() - started
    started = time.perf_counter()
    list(read(plan, model, plan.languages[:1]))
    each = time.perf_counter() - started
    storage.write_json(output, {"seconds": beside + len(plan.languages) * each})


def baseline(plan: BaselineRuns, output: Path) -> None:
    """Write the seconds that training and scoring a baseline's models take, over its seeds."""
    started, runs = time.perf_counter(), plan.runs
    data = baselines.load(
        runs.folder,
        train_language=runs.train_language,
        languages=runs.languages,
        config=plan.config,
        protocols=runs.protocols,
        vectors=plan.vectors,
    )
    beside = time.perf_counter() - started
    first = dataclasses.replace(data, models=data.models[:1])
    taken = []
    for passes in (1, 2):
        started = time.perf_counter()
        baselines.run(first, config=dataclasses.replace(plan.config, passes=passes), seed=0)
        taken.append(time.perf_counter() - started)
    one_pass = max(taken[1] - taken[0], 0.25 * taken[0])
    scoring = max(taken[0] - one_pass, 0.0)

    def sentences(model: ModelPlan) -> int:
        return sum(len(data.sets[part].words) for part in model.train)

    trained = sum(map(sentences, data.models)) / sentences(data.models[0])
    scored = sum(len(model.cells) for model in data.models) / len(data.models[0].cells)
    each = plan.config.passes * one_pass * trained + scoring * scored
    storage.write_json(output, {"seconds": beside + len(runs.seeds) * each})


@contextlib.contextmanager
def _scratch(output: Path) -> Iterator[Path]:
    """Yield a folder beside the output that is there no longer; what a killed process left of it
    goes first."""
    folder = output.with_suffix(".scratch")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _step_seconds(run: Finetuning) -> float:
    """Return the seconds of a step; reading the last loss waits for a GPU."""
    for _ in range(LEAST_STEPS):
        run.advance()
    float(run.losses[-1])
    started = time.perf_counter()
    for _ in range(TUNING_STEPS):
        run.advance()
    float(run.losses[-1])
    return (time.perf_counter() - started) / TUNING_STEPS


def _scoring_seconds(
    data: TransferData, score: Callable[[TaskSet], object]
) -> Mapping[TaskSet, float]:
    """Return the seconds of scoring each set, those beyond a while as fast as the ones before."""
    counts = {part: len(target.examples) for part, target in data.targets.items()}
    started, done = time.perf_counter(), 0
    for part in counts:
        score(part)
        done += counts[part]
        if time.perf_counter() - started > SCORING_SECONDS:
            break
    rate = (time.perf_counter() - started) / max(1, done)
    return {part: rate * count for part, count in counts.items()}


def _model_seconds(
    data: TransferData,
    model: ModelPlan,
    config: FinetuneConfig,
    step: float,
    scoring: Mapping[TaskSet, float],
) -> float:
    """Return what a model takes: its steps, its checks on dev sets, and scores at each check that
    might be taken."""
    steps = config.for_examples(sum(len(data.train[part]) for part in model.train)).steps
    chosen = rules(model, config.selections)
    looked_at = {part for rule in chosen for part in rule.looked_at}
    scored = {rule.cell.scored for rule in chosen}
    checks = min(steps, config.selection_checks) if looked_at else 1
    looks = sum(scoring[part] for part in looked_at | scored)
    return len(config.learning_rates) * (steps * step + checks * looks)
