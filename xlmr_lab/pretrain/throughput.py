"""How fast this trainer takes steps, and in how much memory, beside Hugging Face's: paired in one
run.

Both sides start from the same weights and get the same packed blocks of random ids; each masks them
itself, drops out, clips and updates alike. Steps alternate in short rounds, so that a busy machine
hurts both; speed is by the clock, and on a CPU also for each second of processor time, which says
more on a busy machine. Peak memory is that of a process for each side, less what it held before the
model was built, on a GPU what torch has allocated.
"""

import dataclasses
import logging
import multiprocessing
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from xlmr_lab import progress, seeds
from xlmr_lab.batches.masking import check_fraction, mask
from xlmr_lab.errors import UserError
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.pretrain import counterpart, memory_plan, throughput_memory
from xlmr_lab.pretrain.memory import keep_freed_memory
from xlmr_lab.pretrain.memory_plan import Shape
from xlmr_lab.pretrain.optimizer import build_optimizer
from xlmr_lab.pretrain.precision import Precision, resolve
from xlmr_lab.pretrain.step import Objective, to_device, train_step
from xlmr_lab.pretrain.telemetry import peak_memory
from xlmr_lab.vocabulary.special_tokens import FIRST_PIECE_ID

logger = logging.getLogger(__name__)

Side = Literal["transformers", "xlmr_lab"]
SIDES: tuple[Side, ...] = ("transformers", "xlmr_lab")
Step = Callable[[int], float]
"""Takes the step of a number and returns its loss."""

LEARNING_RATE, WEIGHT_DECAY, CLIP_NORM = 1e-4, 0.01, 1.0
ROUND_SECONDS = 1.0
"""How long a round of the slower side takes, if a step does not take longer."""
MEMORY_STEPS = 3
"""Steps after which memory is at its peak."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ThroughputConfig:
    """What is trained, on what, and how often it is timed."""

    model: EncoderConfig
    """The encoder."""

    vocab_size: int
    """Ids of the vocabulary, specials and `<mask>` included."""

    block_tokens: int = 128
    """Tokens of a block."""

    batch_sequences: int = 32
    """Blocks of a step."""

    mask_fraction: float = 0.15
    """Share of a block's tokens to predict (BERT Sec. 3.1)."""

    precision: Precision = "auto"
    """Bits of products on both sides: fp32, bf16, or auto (bf16 on GPUs that have it)."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where both sides run; auto: a GPU if there is one."""

    threads: int = 1
    """Threads on a CPU."""

    rounds: int = 5
    """Timed rounds of each side, after one that does not count."""

    def __post_init__(self) -> None:
        for name in ("batch_sequences", "threads", "rounds"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 2 <= self.block_tokens <= self.model.max_tokens:
            raise UserError(
                f"block_tokens must be between 2 and model.max_tokens, {self.model.max_tokens}, "
                f"got {self.block_tokens}"
            )
        if self.vocab_size < FIRST_PIECE_ID + 2:
            raise UserError(
                f"vocab_size must be at least {FIRST_PIECE_ID + 2}, got {self.vocab_size}"
            )
        check_fraction(self.mask_fraction)
        if self.model.language_embeddings or self.model.adaptive_cutoffs:
            raise UserError(
                "Hugging Face's model has neither language embeddings nor an adaptive softmax: "
                "leave out model.language_embeddings and model.adaptive_cutoffs"
            )
        if self.device == "cuda" and not torch.cuda.is_available():
            raise UserError("device is cuda, but torch finds no CUDA device here; use cpu")

    @property
    def place(self) -> torch.device:
        """The device that is meant."""
        on_gpu = self.device == "cuda" or (self.device == "auto" and torch.cuda.is_available())
        return torch.device("cuda" if on_gpu else "cpu")

    @property
    def shape(self) -> Shape:
        """What decides the memory of the lab's side."""
        return Shape(
            model=self.model,
            vocab_size=self.vocab_size,
            block_tokens=self.block_tokens,
            mask_fraction=self.mask_fraction,
            sequences=self.batch_sequences,
            at_once=self.batch_sequences,
            precision=resolve(self.precision, self.place),
            device="cuda" if self.place.type == "cuda" else "cpu",
        )

    @property
    def step_tokens(self) -> int:
        """Tokens of a step."""
        return self.block_tokens * self.batch_sequences


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """What one side did."""

    seconds: list[float]
    """Of a step by the clock, the mean of each round."""
    cpu_seconds: list[float]
    """Of a step's processor time, the mean of each round."""
    peak_bytes: int
    """The most memory, besides what the libraries take."""

    def tokens_per_second(self, step_tokens: int) -> float:
        """Return the tokens of a second by the clock, in the middle one of the rounds."""
        return step_tokens / statistics.median(self.seconds)

    def tokens_per_cpu_second(self, step_tokens: int) -> float:
        """Return the tokens of a second of processor time, in the middle one of the rounds."""
        return step_tokens / statistics.median(self.cpu_seconds)


def compare(config: ThroughputConfig) -> dict[Side, Measured]:
    """Measure both sides: memory in a process for each, then speed in turns in this one.

    Raises:
        UserError: transformers is not installed, or a side does not fit into memory.
    """
    counterpart.load_library()
    throughput_memory.require(config.shape, memory_plan.available_bytes(config.place))
    peaks = {side: _apart(side, config) for side in SIDES}
    before = torch.get_num_threads()
    torch.set_num_threads(config.threads)
    keep_freed_memory()
    try:
        with torch.random.fork_rng():
            lab = _model(config)
            other = counterpart.with_weights(counterpart.build(_on_meta(config)), lab)
            steps: dict[Side, Step] = {
                "transformers": other_step(config, other),
                "xlmr_lab": lab_step(config, lab),
            }
            times = paired(steps, config)
    finally:
        torch.set_num_threads(before)
    return {side: Measured(*times[side], peaks[side]) for side in SIDES}


def other_step(config: ThroughputConfig, model: torch.nn.Module) -> Step:
    """Return the step of Hugging Face's model."""
    train = counterpart.trainer(
        model.to(config.place),
        counterpart.collator(config.vocab_size, config.mask_fraction),
        precision=resolve(config.precision, config.place),
        learning_rate=LEARNING_RATE,
        weight_decay=WEIGHT_DECAY,
        clip_norm=CLIP_NORM,
    )
    return lambda number: train(torch.from_numpy(blocks(config, number)))


def lab_step(config: ThroughputConfig, model: MaskedLM) -> Step:
    """Return the step of the lab's model."""
    precision = resolve(config.precision, config.place)
    objective = Objective(model.to(config.place).train(), precision)
    optimizer = build_optimizer(model, weight_decay=WEIGHT_DECAY)

    def step(number: int) -> float:
        masked = mask(
            blocks(config, number),
            vocab_size=config.vocab_size,
            fraction=config.mask_fraction,
            rng=seeds.generator(0, "throughput masks", number),
        )
        result = train_step(
            objective,
            optimizer,
            to_device(masked, config.place),
            learning_rate=LEARNING_RATE,
            clip_norm=CLIP_NORM,
            dropout_seed=number,
        )
        return float(result.loss)

    return step


def blocks(config: ThroughputConfig, number: int) -> npt.NDArray[np.int32]:
    """Return the random blocks of a step: int32 [B, T]."""
    rng = seeds.generator(0, "throughput", number)
    shape = (config.batch_sequences, config.block_tokens)
    return rng.integers(FIRST_PIECE_ID, config.vocab_size - 1, size=shape, dtype=np.int32)


def paired(
    steps: dict[Side, Step], config: ThroughputConfig
) -> dict[Side, tuple[list[float], list[float]]]:
    """Return seconds and processor seconds of a step, the mean of each round, for each side; the
    sides take turns."""
    slowest = max(_timed(step, range(1))[0] for _ in range(2) for step in steps.values())
    round_steps = max(1, round(ROUND_SECONDS / slowest))
    times: dict[Side, tuple[list[float], list[float]]] = {side: ([], []) for side in steps}
    with progress.bar(config.rounds, "both in turns", unit="round") as bar:
        for number in range(config.rounds):
            numbers = range(1 + number * round_steps, 1 + (number + 1) * round_steps)
            for side, step in steps.items():
                for values, taken in zip(times[side], _timed(step, numbers), strict=True):
                    values.append(taken / round_steps)
            bar.update()
    return times


def peak(side: Side, config: ThroughputConfig) -> int:
    """Return the bytes that some steps of a side take at their peak; for a process of its own."""
    torch.set_num_threads(config.threads)
    if side == "transformers":
        counterpart.load_library()
    else:
        keep_freed_memory()
    before = 0 if config.place.type == "cuda" else peak_memory(config.place)
    if side == "transformers":
        step = other_step(config, counterpart.build(_on_meta(config)))
    else:
        step = lab_step(config, _model(config))
    for number in range(MEMORY_STEPS):
        step(number)
    return peak_memory(config.place) - before


def _apart(side: Side, config: ThroughputConfig) -> int:
    """Return what `peak` does, from a process of its own.

    Raises:
        UserError: the process was killed.
    """
    logger.info("memory of %s: %s steps in a process of its own", side, MEMORY_STEPS)
    spawn = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(1, mp_context=spawn) as pool:
            return pool.submit(peak, side, config).result()
    except BrokenProcessPool:
        raise UserError(
            f"the process that measures {side} was killed, most likely for memory; lower "
            f"batch_sequences, {config.batch_sequences} now"
        ) from None


def _model(config: ThroughputConfig) -> MaskedLM:
    return MaskedLM(config.model, config.vocab_size, generator=torch.Generator().manual_seed(0))


def _on_meta(config: ThroughputConfig) -> MaskedLM:
    with torch.device("meta"):
        return MaskedLM(config.model, config.vocab_size)


def _timed(step: Step, numbers: range) -> tuple[float, float]:
    """Return seconds and processor seconds of some steps; reading the loss waits for a GPU."""
    started, cpu_started = time.perf_counter(), time.process_time()
    for number in numbers:
        step(number)
    return time.perf_counter() - started, time.process_time() - cpu_started
