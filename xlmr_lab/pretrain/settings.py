"""What decides a pretraining run, and the checks across its parts that are made before the first
step."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from xlmr_lab import configs
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.batches.stream import BatchConfig
from xlmr_lab.errors import UserError
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.pretrain.distributed import Parallel
from xlmr_lab.pretrain.precision import Precision
from xlmr_lab.pretrain.schedule import Schedule
from xlmr_lab.sampling import schedules
from xlmr_lab.sampling.pairs import PairSampling, languages_of, single_length, with_pairs
from xlmr_lab.sampling.schedules import Length, Phase
from xlmr_lab.sampling.settings import SamplingConfig

Device = Literal["auto", "cpu", "cuda"]

NOT_NEGATIVE = (
    "warmup_steps",
    "heldout_blocks",
    "weight_decay",
    "clip_norm",
    "micro_sequences",
    "profile_steps",
)
EXECUTION = (
    "micro_sequences",
    "activation_checkpointing",
    "parallel",
    "device",
    "keep_checkpoints",
    "keep_best",
    "profile_steps",
    "tensorboard",
)
"""Settings of `PretrainConfig` that say how a machine carries a run out, and what it leaves besides
the results. They may change when it goes on: results then differ by rounding and by which elements
dropout drops, if at all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PretrainConfig:
    """How long and how fast the model learns, and what is written on the way.

    The paper gives the number of updates only; what else is not RoBERTa's comes from a public
    command of XLM-R's shape that its authors did not write (PerfKitBenchmarker,
    roberta_mmlm_benchmark.py).
    """

    steps: int = 1_500_000
    """Optimizer steps (XLM-R Sec. 5.2: 1.5 million updates)."""

    peak_learning_rate: float = 4e-4
    """Learning rate at the end of the warm-up; not in the paper, PerfKitBenchmarker's."""

    warmup_steps: int = 15_000
    """Optimizer steps over which the learning rate rises; not in the paper, PerfKitBenchmarker's.
    """

    schedule: Schedule = "polynomial"
    """Learning rate after the warm-up: polynomial falls until the end, wsd stays and falls over the
    last `decay_steps`, constant stays."""

    decay_steps: int = 0
    """Optimizer steps over which wsd falls, at the end of the run; 0 with the other schedules."""

    decay_power: float = 1.0
    """Shape of the fall of polynomial and wsd: 1 is a straight line, 2 falls faster at first (1 in
    RoBERTa's released code)."""

    end_learning_rate: float = 0.0
    """Learning rate that polynomial and wsd fall to."""

    weight_decay: float = 0.01
    """Decoupled weight decay on matrices, per step and unit of learning rate (RoBERTa Table 9)."""

    clip_norm: float = 1.0
    """Largest norm of the whole gradient; 0 leaves it as it is. Not in the paper,
    PerfKitBenchmarker's."""

    log_steps: int = 10
    """Optimizer steps between records of the training loss."""

    heldout_steps: int = 500
    """Optimizer steps between measurements of the held-out loss and records of the passes over each
    language's text; the last step is always measured."""

    heldout_blocks: int = 32
    """Held-out blocks of each language that are measured; 0 measures none."""

    checkpoint_steps: int = 500
    """Optimizer steps between checkpoints; the last step always leaves one."""

    keep_checkpoints: int = 2
    """Checkpoints that stay on the disk; with 2 a damaged one costs no more than
    `checkpoint_steps`."""

    precision: Precision = "auto"
    """Bits of matrix products: fp32, bf16 with weights in 32 bits, or auto: bf16 on GPUs that have
    it and fp32 elsewhere. CPUs with AMX are twice as fast in bf16."""

    micro_sequences: int = 0
    """Sequences that go through the model at once; gradients of a batch are added up. Less memory,
    the same mean over the batch; dropout is drawn for each part. 0: the whole batch at once."""

    device: Device = "auto"
    """Where the model is: cpu, cuda, or auto: a GPU if there is one."""

    parallel: Parallel = "ddp"
    """How processes of torchrun share a step: ddp keeps the model in each of them, fsdp divides it
    among them."""

    activation_checkpointing: bool = False
    """Whether only the input of each layer is kept and the rest computed again for the gradient:
    less memory, a third more work, the same numbers."""

    keep_best: bool = False
    """Whether the checkpoint of the lowest mean held-out loss also stays, as `checkpoints/best`. It
    is there to look at and never decides when to stop (XLM-R Sec. 5.1)."""

    tensorboard: bool = False
    """Whether the records are also written as TensorBoard's event files, into `tensorboard/` of the
    run's folder; needs the package `tensorboard`."""

    profile_steps: int = 0
    """Optimizer steps that are recorded by torch's profiler, soon after the start, as a trace for
    chrome://tracing or ui.perfetto.dev in the run's folder; 0 records none."""

    def __post_init__(self) -> None:
        for name in ("steps", "log_steps", "heldout_steps", "checkpoint_steps", "keep_checkpoints"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in NOT_NEGATIVE:
            if not 0 <= getattr(self, name) < math.inf:
                raise UserError(f"{name} must not be negative, got {getattr(self, name)}")
        if not 0 < self.peak_learning_rate < math.inf:
            raise UserError(f"peak_learning_rate must be above 0, got {self.peak_learning_rate}")
        if self.keep_best and (
            not self.heldout_blocks or self.checkpoint_steps % self.heldout_steps
        ):
            raise UserError(
                "keep_best needs a held-out loss at each checkpoint: heldout_blocks above 0, got "
                f"{self.heldout_blocks}, and checkpoint_steps a multiple of heldout_steps, got "
                f"{self.checkpoint_steps} and {self.heldout_steps}"
            )
        if self.warmup_steps > self.steps:
            raise UserError(
                f"warmup_steps must be at most steps, {self.steps}, got {self.warmup_steps}"
            )
        self._check_decay()

    def _check_decay(self) -> None:
        longest = self.steps - max(self.warmup_steps, 1) if self.schedule == "wsd" else 0
        shortest = min(1, longest)
        if not shortest <= self.decay_steps <= longest:
            raise UserError(
                f"decay_steps must be between {shortest} and {longest} with schedule "
                f"{self.schedule}, got {self.decay_steps}"
            )
        if not 0 < self.decay_power < math.inf:
            raise UserError(f"decay_power must be above 0, got {self.decay_power}")
        if not 0 <= self.end_learning_rate < self.peak_learning_rate:
            raise UserError(
                "end_learning_rate must be at least 0 and below peak_learning_rate, "
                f"{self.peak_learning_rate}, got {self.end_learning_rate}"
            )
        if self.schedule == "constant" and (self.decay_power, self.end_learning_rate) != (1, 0):
            raise UserError(
                "schedule constant does not fall: decay_power must be 1 and end_learning_rate 0, "
                f"got {self.decay_power} and {self.end_learning_rate}"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class PretrainRun:
    """Everything that decides a run, besides the token shards and the number of threads."""

    seed: int
    """Decides initial weights, order of the text, masks and dropout."""

    languages: tuple[str, ...]
    """Keys of the languages that are trained on."""

    sampling: SamplingConfig
    """How often each language is seen."""

    batches: BatchConfig
    """The shape of a batch and what is masked of it."""

    model: EncoderConfig
    """The encoder."""

    pretrain: PretrainConfig
    """How it is trained."""

    tlm: PairSampling = PairSampling()
    """How much of the text is parallel, and which; none unless asked for."""

    @property
    def length(self) -> Length:
        """How many steps there are, and blocks in each."""
        return Length(self.pretrain.steps, self.batches.batch_sequences)

    def __post_init__(self) -> None:
        if not self.languages:
            raise UserError("languages must name at least one language, got none")
        if len(set(self.languages)) < len(self.languages):
            raise UserError(f"languages must differ, got {', '.join(self.languages)}")
        micro, whole = self.pretrain.micro_sequences, self.batches.batch_sequences
        if micro > whole:
            raise UserError(
                f"pretrain.micro_sequences must be at most batches.batch_sequences, {whole}, got "
                f"{micro}; 0 takes the whole batch at once"
            )


def decisive(run: PretrainRun) -> dict[str, Any]:
    """Return, JSON-able, the settings that must stay as they are while a run goes on."""
    settings = configs.to_dict(run)
    for name in EXECUTION:
        del settings["pretrain"][name]
    return settings


def check(run: PretrainRun, shards: TokenShards) -> None:
    """Refuse settings that do not fit each other or the token shards.

    Raises:
        UserError: a block longer than the model's positions, a language without shards, or a
            schedule of sampling that does not fit the languages or the number of steps.
    """
    if run.batches.block_tokens > run.model.max_tokens:
        raise UserError(
            f"batches.block_tokens must be at most model.max_tokens, {run.model.max_tokens}, "
            f"got {run.batches.block_tokens}"
        )
    missing = sorted(set(run.languages) - set(shards.languages))
    if missing:
        raise UserError(
            f"no token shards for {', '.join(missing)} at {shards.folder}; there are "
            f"{', '.join(shards.languages)}: encode their documents or leave them out"
        )
    _check_pairs(run, shards)
    sampling_phases(run, shards)


def _check_pairs(run: PretrainRun, shards: TokenShards) -> None:
    """Refuse parallel text without a share of the blocks, or the reverse, or of other languages."""
    if (run.tlm.share is None) != (not shards.pairs):
        there = ", ".join(shards.pairs) or "none"
        raise UserError(
            f"tlm.share is {run.tlm.share} and the pairs of parallel text are {there}; give both "
            "or neither"
        )
    for pair in shards.pairs:
        if unknown := sorted(set(languages_of(pair)) - set(run.languages)):
            raise UserError(
                f"parallel text of {pair}, but {', '.join(unknown)} is none of the run's languages "
                f"({', '.join(run.languages)}); leave the pair out or add the language"
            )


def sampling_phases(run: PretrainRun, shards: TokenShards) -> list[Phase]:
    """Return the probabilities of drawing a block of each language or pair, by phase of the run."""
    sizes = shards.sizes(run.sampling.basis, run.batches.block_tokens)
    single = {key: sizes[key] for key in run.languages}
    phases = schedules.phases(run.sampling, single, single_length(run.length, run.tlm))
    return with_pairs(phases, {pair: sizes[pair] for pair in shards.pairs}, run.tlm)
