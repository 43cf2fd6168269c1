"""A run between two steps: model, optimizer, place in the stream; what a checkpoint holds.

A step is a function of (weights, optimizer state, seed, step, draws per language): the batch comes
from the stream's counters, masks and dropout from streams of random numbers named by the step. So a
run resumed from a checkpoint repeats the uninterrupted one bit for bit, on a CPU of the same
machine with the same number of threads. On a GPU inputs and random numbers are the same, but the
fused kernels of attention add up gradients in no fixed order unless
`torch.use_deterministic_algorithms` is on, which nothing here turns on; and which kernel torch
takes, precision and width of a head decide, unseen.
"""

import logging
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from xlmr_lab import configs, seeds
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.batches.splits import SPLITS
from xlmr_lab.batches.stream import BlockStream, StreamState
from xlmr_lab.errors import UserError
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.pretrain import checkpoint, distributed
from xlmr_lab.pretrain.checkpoint_writer import CheckpointWriter
from xlmr_lab.pretrain.distributed import ALONE, Processes
from xlmr_lab.pretrain.optimizer import build_optimizer
from xlmr_lab.pretrain.precision import resolve
from xlmr_lab.pretrain.prepared import PreparedBatches
from xlmr_lab.pretrain.schedule import learning_rate
from xlmr_lab.pretrain.settings import PretrainRun, decisive, sampling_phases
from xlmr_lab.pretrain.step import Objective, StepResult, train_step
from xlmr_lab.sampling import meter

logger = logging.getLogger(__name__)


class _Taken(NamedTuple):
    """A step whose result is still on the device."""

    step: int
    languages: list[str]
    result: StepResult


class Training:
    """A pretraining run that can take a step, save itself and go on from what was saved."""

    def __init__(
        self,
        run: PretrainRun,
        shards: TokenShards,
        *,
        device: torch.device,
        processes: Processes = ALONE,
    ) -> None:
        """Stand before the first step."""
        self.run = run
        self.device = device
        self.processes = processes
        self._shards = shards
        generator = torch.Generator().manual_seed(seeds.integer(run.seed, "model"))
        model = MaskedLM(run.model, shards.vocab_size, languages=run.languages, generator=generator)
        self.model = model.to(device).train()
        self.model.encoder.checkpointed = run.pretrain.activation_checkpointing
        self.precision = resolve(run.pretrain.precision, device)
        self.objective = distributed.shared(
            Objective(self.model, self.precision),
            self.model.encoder.layers,
            run.pretrain.parallel,
            processes,
        )
        self.optimizer = build_optimizer(self.model, weight_decay=run.pretrain.weight_decay)
        self._phases = sampling_phases(run, shards)
        self._stream = BlockStream(shards, self._phases, config=run.batches, seed=run.seed)
        self._state = self._stream.start()
        self._batches = PreparedBatches(
            run, shards, self._stream, processes=processes, device=device
        )
        self._loss_sum = torch.zeros((), device=device)
        self._in_band = np.zeros(1 + len(run.model.adaptive_cutoffs), dtype=np.int64)
        self._unseen: list[_Taken] = []
        self._gradient_norm = math.nan

    @property
    def step(self) -> int:
        """Steps taken so far."""
        return self._state.step

    @property
    def vocab_size(self) -> int:
        """Ids of the vocabulary."""
        return self._shards.vocab_size

    @property
    def sequences_at_once(self) -> int:
        """Sequences that go through the model together."""
        own = self.run.batches.batch_sequences // self.processes.size
        return self.run.pretrain.micro_sequences or own

    @property
    def is_asynchronous(self) -> bool:
        """Whether the device still works on a step when `advance` returns."""
        return self.device.type != "cpu"

    def advance(self) -> None:
        """Take one step."""
        settings, step = self.run.pretrain, self.step + 1
        batch = self._batches.after(self._state, ahead=self.is_asynchronous)
        self._state = batch.state
        self._in_band += batch.by_band
        result = train_step(
            self.objective,
            self.optimizer,
            batch.own.to(self.device),
            learning_rate=self._learning_rate(step),
            clip_norm=settings.clip_norm,
            dropout_seed=seeds.integer(self.run.seed, "dropout", step),
            micro_sequences=settings.micro_sequences,
            num_targets=torch.full((), batch.num_targets, device=self.device),
            processes=self.processes,
        )
        self._loss_sum += result.loss
        self._unseen.append(_Taken(step, batch.languages, result))

    def record(self) -> dict[str, Any]:
        """Return the record of the steps since the record before: their mean loss and the last
        step's gradient norm before clipping."""
        steps = (self.step - 1) % self.run.pretrain.log_steps + 1
        loss = float(self._loss_sum) / steps
        self._loss_sum.zero_()
        return {
            "kind": "step",
            "step": self.step,
            "loss": loss,
            "learning_rate": self._learning_rate(self.step),
            "gradient_norm": self._gradient_norm,
            **self._apart("draws", self._state.draws),
        }

    def band_shares(self) -> list[float]:
        """Return the share of the targets since the call before, or since the run was opened, in
        each further band of an adaptive softmax; none with the full one."""
        shares = self._in_band[1:] / max(1, self._in_band.sum())
        self._in_band[:] = 0
        return [float(share) for share in shares]

    def repetition(self) -> dict[str, Any]:
        """Return the record of what was drawn so far of each language, and pair: its share, the
        passes over its text, and the passes to be expected at the end."""
        draws = self._state.draws
        at_end = meter.expected_at_end(self._phases, self.run.length, draws, after=self.step)
        return {
            "kind": "passes",
            "step": self.step,
            **self._apart("shares", meter.shares(draws)),
            **self._apart("passes", self._stream.passes(self._state)),
            **self._apart("passes_at_end", meter.passes(at_end, self._stream.num_blocks)),
        }

    def require_finite(self, writer: CheckpointWriter) -> None:
        """Wait for the steps taken since this was asked before, and stop where the loss or the
        gradient of one is infinite or not a number.

        Raises:
            UserError: names the first such step, the languages of its batch and the last
                checkpoint.
        """
        taken, self._unseen = self._unseen, []
        results = torch.stack([torch.stack(step.result) for step in taken]).tolist()
        self._gradient_norm = results[-1][1]
        for (loss, norm), (step, languages, _) in zip(results, taken, strict=True):
            if not (math.isfinite(loss) and math.isfinite(norm)):
                raise self._not_finite(loss, norm, step, languages, writer)

    def _not_finite(
        self, loss: float, norm: float, step: int, languages: list[str], writer: CheckpointWriter
    ) -> UserError:
        mix = ", ".join(f"{key} {count}" for key, count in Counter(languages).most_common(10))
        return UserError(
            f"loss {loss} and gradient norm {norm} at step {step:,}, in a batch of {mix} "
            f"blocks; last good checkpoint: {writer.last_good()}; lower "
            f"pretrain.peak_learning_rate ({self.run.pretrain.peak_learning_rate}) or lengthen "
            "the warm-up, in a new folder"
        )

    def save(self, writer: CheckpointWriter, heldout_loss: float | None) -> None:
        """Have a checkpoint written, with the mean held-out loss if this step has measured it."""
        measured = {} if heldout_loss is None else {checkpoint.HELDOUT_LOSS: heldout_loss}
        state = {
            "draws": dict(self._state.draws),
            "loss_sum": float(self._loss_sum),
            **measured,
            **self._processor(),
            **self.identity(),
        }
        content = checkpoint.tensors(self.model, self.optimizer)
        writer.save(content, step=self.step, state=state)

    def resume(self, path: Path, state: dict[str, Any]) -> None:
        """Stand where a checkpoint was written."""
        then = {name: state.get(name) for name in self._processor()}
        if then != self._processor():
            logger.warning(
                "going on with %s after %s: results can differ by rounding and dropout",
                _changed(self._processor(), then),
                _changed(then, self._processor()),
            )
        checkpoint.load(path, self.model, self.optimizer, step=state["step"])
        self._state = StreamState(state["step"], dict(state["draws"]))
        self._loss_sum.fill_(state["loss_sum"])
        logger.info("going on from %s", path)

    def identity(self) -> dict[str, Any]:
        """Return what a checkpoint must share with the run that goes on from it."""
        return identity(self.run, self._shards)

    def num_parameters(self) -> int:
        """Return how many weights the model has."""
        return sum(p.numel() for p in self.model.parameters())

    def _apart(self, name: str, values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Return the values of languages under a name, and those of pairs, if any, beside it."""
        pairs = {key: value for key, value in values.items() if key in self._shards.pairs}
        single = {key: value for key, value in values.items() if key not in pairs}
        return {name: single} | ({f"pair_{name}": pairs} if pairs else {})

    def _learning_rate(self, step: int) -> float:
        settings = self.run.pretrain
        return learning_rate(
            step,
            steps=settings.steps,
            warmup_steps=settings.warmup_steps,
            peak=settings.peak_learning_rate,
            kind=settings.schedule,
            decay_steps=settings.decay_steps,
            power=settings.decay_power,
            end=settings.end_learning_rate,
        )

    def _processor(self) -> dict[str, Any]:
        """Return how the run is carried out, on which rounding and the draws of dropout depend;
        asked for inside `pretrain`, which sets the threads."""
        return {
            "device": self.device.type,
            "threads": torch.get_num_threads(),
            "precision": self.precision,
            "processes": self.processes.size,
            "micro_sequences": self.run.pretrain.micro_sequences,
        }


def _changed(ones: dict[str, Any], others: dict[str, Any]) -> str:
    """Tell those values that differ from the other ones."""
    return ", ".join(f"{name} {ones[name]}" for name in ones if ones[name] != others[name])


def identity(run: PretrainRun, shards: TokenShards) -> dict[str, Any]:
    """Return what a checkpoint must share with the run that goes on from it."""
    sums = {
        f"{key}.{name}": shards.counts(key, name)["checksum"]
        for key in (*run.languages, *shards.pairs)
        for name in SPLITS
    }
    return {
        "run": decisive(run),
        "shards": configs.fingerprint(sums),
        "vocab_size": shards.vocab_size,
        "vocabulary": shards.vocabulary_fingerprint,
    }
