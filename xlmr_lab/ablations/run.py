"""Run a study: stages, pretraining arms, fine-tuning, and what is collected of them in the run
folder.

Everything found finished is left alone: a stage by its folder's fingerprint, a pretraining run by
its folder's, the scores of a model by theirs. What is collected (scores, held-out losses, findings)
is written anew each time from those, so a changed setting never leaves a row of the old one behind.
"""

import dataclasses
import functools
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from xlmr_lab import storage
from xlmr_lab.ablations import (
    arms,
    beforehand,
    diagnosis,
    examined,
    findings,
    jobs,
    parallel_text,
    stages,
    standing,
    task_jobs,
    task_runs,
    transfer,
)
from xlmr_lab.ablations import folder as run_folder
from xlmr_lab.ablations.arms import Arm
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.ablations.task_jobs import BASELINE
from xlmr_lab.evaluate import scores as score_tables
from xlmr_lab.evaluate.doctor import records
from xlmr_lab.evaluate.doctor.records import DOCTOR_NAME
from xlmr_lab.evaluate.scores import Score
from xlmr_lab.pretrain import distributed
from xlmr_lab.pretrain.loop import pretrain
from xlmr_lab.pretrain.settings import check
from xlmr_lab.tiers import tiers
from xlmr_lab.vocabulary.load import load

logger = logging.getLogger(__name__)

ELSEWHERE = {
    "tiny": "a larger and easier setting is tried in the small preset: "
    "`./lab study --preset small` (half an hour on 2 cores)"
}
"""Where transfer on Babel that a preset does not show is tried otherwise."""


class Study:
    """A study on its way: its configuration, its run folder, and the steps that fill the folder."""

    def __init__(self, config: StudyConfig, preset: str = "") -> None:
        self.config = config
        self.preset = preset
        self.name = config.run_name(preset or "study")
        self.folder = Path(config.runs_dir) / self.name

    def prepare(self) -> None:
        """Make every stage up to the token shards, and check what can be checked before hours of
        work.
        """
        run_folder.require_same_text(self.folder, self.config)
        beforehand.check(self.config, self.folder)
        parallel_text.check(self.config)
        stages.token_shards(self.config)
        for task in transfer.tasks(self.config):
            transfer.check(self.config, task)
        shards = parallel_text.training_shards(self.config)
        shards.require_vocabulary(load(stages.vocabulary(self.config)).fingerprint)
        main = self.arms([self.config.sampling.alpha])
        check(main[0].run, shards)
        task_jobs.require_readable(self._planned(main))
        self.prepare_vocabulary()

    def prepare_vocabulary(self) -> None:
        """Make every stage up to the measured vocabulary, and have the run folder hold what is
        known of text and vocabulary, and of the token shards if these settings have them already.

        What names the stages is written last: where it is, the rest is.
        """
        config = self.config
        diagnosis.diagnosis(config)
        run_folder.prepare(self.folder, config, self.preset)
        storage.write_jsonl(self.folder / run_folder.SIZES_NAME, stages.sizes(config))
        diagnosis.keep(config, self.folder)
        cleaning = storage.read_json(stages.cleaned(config) / "report.json")
        storage.write_json(self.folder / run_folder.CLEANING_NAME, cleaning)
        named, shards = self.folder / run_folder.STAGES_NAME, stages.shards_place(config)
        is_counted = arms.keep_training_text(
            self.folder,
            shards,
            config.batches.block_tokens,
            counted=storage.read_json(named).get("shards", "") if named.is_file() else "",
        )
        places = {
            "measured": stages.measured(config),
            "cleaned": stages.cleaned(config),
            "vocabulary": stages.vocabulary(config),
            "babel": stages.babel(config) if config.corpus.path is None else None,
            "shards": shards if is_counted else None,
            "pairs": parallel_text.pairs_place(config) if is_counted else None,
        }
        storage.write_json(named, {name: str(place) for name, place in places.items() if place})

    def arms(self, alphas: list[float]) -> list[Arm]:
        """Return the pretraining runs of some sampling exponents, over all seeds."""
        return arms.arms(self.config, self.folder / "arms", alphas)

    def pretrain(self, alphas: list[float]) -> list[Arm]:
        """Pretrain what is not pretrained yet."""
        found = self.arms(alphas)
        tokens, pairs = stages.token_shards(self.config), parallel_text.pair_shards(self.config)
        standing.refuse_idle(found)
        waiting = [arm for arm in found if not arm.final.is_dir()]
        for line in standing.begun(waiting) if distributed.is_first() else ():
            logger.info("%s", line)
        shards = parallel_text.training_shards(self.config)
        arms.warn(waiting, shards, self.config.passes_warned)
        beforehand.check_memory(self.config, [arm.run for arm in waiting], shards.vocab_size)
        work = [pretraining(arm, tokens, pairs) for arm in waiting]
        if distributed.started_with() > 1:
            for job in work:  # its processes are there already
                job.function(**job.arguments)
        else:
            label = f"pretraining, {len(waiting)} run{'s' * (len(waiting) > 1)}"
            try:
                jobs.run(work, workers=self.config.jobs, label=label)
            except KeyboardInterrupt as interruption:
                raise type(interruption)(standing.stopped(waiting)) from None
        if distributed.is_first():
            self._collect()
        return found

    def evaluate(self) -> list[Score]:
        """Fine-tune the main arm and the same networks without pretraining on every task, train the
        baselines, and return all scores.
        """
        config = self.config
        main = self.pretrain([config.sampling.alpha])
        wanted = self._planned(main)
        jobs.run(task_jobs.waiting(wanted), workers=config.jobs, label="fine-tuning", unit="run")
        for plan in wanted:
            task_runs.tidy(plan.runs)
        rows = [Score(**row) for plan in wanted for row in storage.read_jsonl(plan.runs.output)]
        examined.collect(self.folder, [plan.runs for plan in wanted], rows, without=BASELINE)
        score_tables.write(self.folder / "scores.jsonl", rows)
        return rows

    def _planned(self, main: list[Arm]) -> list[task_jobs.Plan]:
        """Return what the main arm's runs, and what is beside them, do on every task."""
        return task_jobs.planned(self.config, main, folder=self.folder, name=self.name)

    def doctor(self) -> list[dict[str, Any]]:
        """Return what the evaluation doctor says of sets and scores, a record for each verdict."""
        return storage.read_jsonl(self.folder / DOCTOR_NAME)

    def scores(self) -> pl.DataFrame:
        """Return all scores, those marked that the doctor refuses (column `refused`)."""
        found = score_tables.read(self.folder / "scores.jsonl")
        return records.marked(found, records.doctor(self.doctor()))

    def ablate(self) -> list[Arm]:
        """Pretrain every arm."""
        return self.pretrain(self.config.alphas())

    def conclude(self) -> list[findings.Finding]:
        """Turn scores and held-out losses into findings and write them down."""
        sizes = {row["language"]: row["size_bytes"] for row in stages.sizes(self.config)}
        scale = self._scale()
        heldout = storage.read_jsonl(self.folder / "heldout.jsonl")
        rows = self.scores().to_dicts()
        babel = self.config.corpus.path is None
        found = findings.alpha_tradeoff(heldout, tiers(sizes), scale=scale)
        for task in filter(findings.MEASURES.get, transfer.tasks(self.config)):
            chosen = getattr(self.config, task).finetune.selections[0]
            gain = findings.transfer_gain(
                _zero_shot(rows, task, chosen),
                task,
                arm=self.config.sampling.name(),
                baseline=BASELINE,
                train_language=stages.train_language(self.config, task),
                scale=scale,
                elsewhere=ELSEWHERE.get(self.preset, "") if babel else "",
            )
            found += [gain] if gain else []
        records = [
            {k: None if v != v else v for k, v in dataclasses.asdict(finding).items()}
            for finding in found
        ]
        storage.write_jsonl(self.folder / "findings.jsonl", records)
        return found

    def run(self) -> list[findings.Finding]:
        """Run the whole study and return its findings."""
        self.prepare()
        self.ablate()
        self.evaluate()
        return self.conclude()

    def _collect(self) -> None:
        """Write down which runs of these settings are finished, and their held-out losses."""
        found = [arm for arm in self.arms(self.config.alphas()) if arm.final.is_dir()]
        storage.write_jsonl(self.folder / "heldout.jsonl", list(_heldout(found)))
        storage.write_json(
            self.folder / "arms.json",
            [{"arm": a.name, "folder": f"arms/{a.folder.name}"} for a in found],
        )

    def _scale(self) -> str:
        config = self.config
        tokens = (
            config.pretrain.steps * config.batches.batch_sequences * config.batches.block_tokens
        )
        corpus = "Babel" if config.corpus.path is None else "real text"
        return (
            f"{corpus}, {len(stages.sizes(config))} languages, L{config.model.num_layers} "
            f"H{config.model.hidden_size}, {tokens / 1e6:.1f}M tokens a run, {config.seeds} seeds"
        )


def _zero_shot(rows: list[dict[str, Any]], task: str, selection: str) -> list[dict[str, Any]]:
    """Return the scores that the finding about transfer is about."""
    wanted = "zero-shot", selection, findings.MEASURES[task], ""
    names = "protocol", "selection", "metric", "question_language"
    return [r for r in rows if tuple(r[name] for name in names) == wanted]


def pretraining(arm: Arm, tokens: Path, pairs: Path | None) -> jobs.Job:
    """Return the job of one pretraining run on its token shards."""
    return jobs.Job(
        name=arm.folder.name,
        function=pretrain,
        arguments={
            "folder": arm.folder,
            "shards_folder": tokens,
            "pairs_folder": pairs,
            "run": arm.run,
            "threads": 1,
            "passes_warned": math.inf,  # told before, once for all seeds
        },
        units=arm.run.pretrain.steps,
        done=functools.partial(standing.steps_done, arm),
        noted="loss",
        note=functools.partial(standing.loss_told, arm),
    )


def _heldout(found: list[Arm]) -> Iterator[dict[str, Any]]:
    for arm in found:
        for record in storage.read_jsonl(arm.folder / "metrics.jsonl"):
            if record["kind"] == "heldout":
                for language, loss in record["loss_by_language"].items():
                    yield {
                        "arm": arm.name,
                        "seed": arm.run.seed,
                        "alpha": arm.run.sampling.alpha,
                        "step": record["step"],
                        "language": language,
                        "loss": loss,
                    }
