"""The one fine-tuning loop that every task shares: sequences in, labels at some positions out.

A task is reduced to sequences of token ids with labels at some positions (see objectives.py): a
pair has one, at `<s>`; a tagged sentence has one at the first piece of each word. So all run
through the same code, and the last layer computes only those positions. Everything is encoded once,
up front; a batch is one gather from flat arrays, of sequences of similar length, padded to the
longest. Linear warm-up and decay as in RoBERTa (Sec. 5.1). XLM-R gives few settings; its authors
fine-tuned XNLI at 5e-6 with batches of 128, and stopped when the dev set had not improved for 5
checks (fairseq#1367). Which step is scored is selection.py's. Left out: gradient accumulation,
several GPUs.

Shapes: N examples, B sequences in a batch, T positions, P labelled positions, D model width, C
labels.
"""

import contextlib
import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from xlmr_lab import seeds
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import objectives
from xlmr_lab.evaluate.encoders import AnyEncoder
from xlmr_lab.evaluate.examples import Examples, batches, collate
from xlmr_lab.evaluate.protocols import check_names
from xlmr_lab.evaluate.selection import Selection
from xlmr_lab.evaluate.task_model import TaskModel
from xlmr_lab.pretrain.optimizer import build_optimizer
from xlmr_lab.pretrain.precision import Precision
from xlmr_lab.pretrain.schedule import learning_rate

LOOK_STEPS = 50
"""Steps between two looks at the losses on a GPU, which has to stop for them."""

STEPS, CHECKS = 400, 5
"""Steps and checks of a run by default."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FinetuneConfig:
    """How a pretrained encoder is fine-tuned on a task."""

    steps: int = STEPS
    """Optimizer steps, at most; examples are passed over as often as that takes."""
    passes: float = 0.0
    """Passes over the training examples of each model, which say its steps; 0: `steps` does."""
    batch_sequences: int = 32
    """Sequences in a batch (BERT Sec. A.3: 16 or 32)."""
    peak_learning_rate: float = 5e-4
    """Learning rate after the warm-up; for the tiny preset (XLM-R on XNLI: 5e-6, fairseq#1367)."""
    other_learning_rates: tuple[float, ...] = ()
    """Learning rates that are tried besides, each a run of its own (RoBERTa Sec. 5.1 tries three);
    each selection chooses among all on its dev sets."""
    warmup_fraction: float = 0.1
    """Share of the steps over which the learning rate rises from 0 (RoBERTa Table 10: 0.06)."""
    weight_decay: float = 0.01
    """Decoupled weight decay on matrices (BERT Sec. A.2)."""
    clip_norm: float = 1.0
    """Largest norm of the gradient; 0 leaves it as it is."""
    dropout: float = 0.1
    """Probability of dropping an element of the head's input (BERT Sec. A.3)."""
    frozen_layers: int = 0
    """Layers that stay as they are, from the bottom, the embeddings being the first: what is
    aligned across languages is not torn apart by training in one (Wu and Dredze 2019, Sec. 4.2)."""
    max_tokens: int = 128
    """Longest sequence in tokens, specials included; longer pairs are cut, sentences split."""
    precision: Precision = "auto"
    """fp32, or bf16 for matrix products; auto: bf16 on GPUs that have it."""
    selections: tuple[Selection, ...] = ("last",)
    """Which step is scored, each from the same run: last; train-dev, the best on the dev sets of
    the training languages; joint-dev, the best on the mean of all dev sets; per-language-dev, for
    each language the best on its own (XLM-R Sec. 4.2)."""
    selection_checks: int = CHECKS
    """Steps, evenly spread and ending with the last, at which dev sets are scored."""
    patience: int = 0
    """Checks without a better one after which a selection stops looking, and the run ends when all
    have (5 in fairseq#1367); 0: the run goes through all its steps."""

    def __post_init__(self) -> None:
        for name, least in (("steps", 1), ("batch_sequences", 1), ("selection_checks", 1)):
            if getattr(self, name) < least:
                raise UserError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if self.max_tokens < 8:
            raise UserError(f"max_tokens must be at least 8, got {self.max_tokens}")
        for rate in self.learning_rates:
            if not (rate > 0 and math.isfinite(rate)):
                is_peak = rate == self.peak_learning_rate
                name = "peak_learning_rate" if is_peak else "other_learning_rates"
                raise UserError(f"{name} must be above 0, got {rate}")
        for name in ("warmup_fraction", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"{name} must be in [0, 1), got {getattr(self, name)}")
        for name in ("passes", "weight_decay", "clip_norm", "frozen_layers", "patience"):
            if not getattr(self, name) >= 0:
                raise UserError(f"{name} must not be negative, got {getattr(self, name)}")
        _check_selections(self)

    @property
    def learning_rates(self) -> tuple[float, ...]:
        """The peak learning rates of all runs, in their order."""
        return (self.peak_learning_rate, *self.other_learning_rates)

    def for_examples(self, num_examples: int) -> "FinetuneConfig":
        """Return the settings with the steps that `passes` over so many examples take.

        >>> FinetuneConfig(passes=2.0, batch_sequences=8).for_examples(25).steps
        7
        """
        if not self.passes:
            return self
        steps = math.ceil(self.passes * num_examples / self.batch_sequences)
        return dataclasses.replace(self, passes=0.0, steps=max(1, steps))

    def is_check(self, step: int) -> bool:
        """Tell whether the model is looked at after a step; it is after the last."""
        checks = 1 if self.selections == ("last",) else self.selection_checks
        return is_check(step, self.steps, checks)


def _check_selections(config: FinetuneConfig) -> None:
    """Refuse selections that are none, and settings that have no effect on them or on steps."""
    if config.passes and config.steps != STEPS:
        raise UserError(f"steps has no effect with passes={config.passes:g}; set passes=0")
    check_names("selections", config.selections)
    check_names("other_learning_rates", [f"{rate:g}" for rate in config.learning_rates])
    looking = "train-dev, joint-dev or per-language-dev"
    taken_out = f"take last out of selections, or have {looking} in its place"
    if "last" in config.selections and config.other_learning_rates:
        raise UserError(
            "other_learning_rates must be empty where selections has last, which looks at no dev "
            f"set to choose one; {taken_out}"
        )
    if "last" in config.selections and config.patience:
        raise UserError(
            "patience must be 0 where selections has last, the end of all steps, got "
            f"{config.patience}; {taken_out}"
        )
    if config.selections == ("last",) and config.selection_checks != CHECKS:
        raise UserError(f"selection_checks has no effect with selections=last; add {looking}")
    if config.patience and config.patience >= config.selection_checks - 1:
        raise UserError(
            f"patience must be below selection_checks - 1, {config.selection_checks - 1}, to end a "
            f"run before its last check, got {config.patience}"
        )


class Finetuning:
    """A fine-tuning run between two steps; equal seeds give equal weights.

    A step is a function of (weights, optimizer state, random state, step): all that
    finetune_state.py keeps, so that a run goes on from it bit for bit.
    """

    def __init__(
        self,
        model: TaskModel,
        examples: Examples,
        *,
        config: FinetuneConfig,
        seed: int,
        peak_learning_rate: float,
    ) -> None:
        """Stand before the first step of training `model`, in place."""
        self.model = model
        self.config = config
        self.step = 0
        self.losses: list[Tensor] = []
        """The loss of each step, before it."""
        self._examples = examples
        self._seed = seed
        self._peak = peak_learning_rate
        freeze(model.encoder, config.frozen_layers)
        self.optimizer = build_optimizer(model, weight_decay=config.weight_decay)
        self._devices = [model.device] if model.device.type == "cuda" else []
        with torch.random.fork_rng(devices=self._devices):
            torch.manual_seed(seeds.integer(seed, "finetune", "dropout"))
            self.random = self._random_state()
        self.go_on_from(0)

    def go_on_from(self, step: int) -> None:
        """Take the batches after `step` next."""
        lengths, size = self._examples.tokens.lengths, self.config.batch_sequences
        self.step = step
        self._order = batches(lengths, size, seed=self._seed, start=step)

    def advance(self) -> None:
        """Take one step.

        Raises:
            UserError: the loss became infinite or not a number.
        """
        self.step += 1
        self.model.train()
        batch = collate(self._examples, next(self._order), self.model.device)
        with self._own_random_numbers():
            loss = objectives.loss(self.model.objective, self.model.on(batch), batch.labels)
            self.losses.append(loss.detach())
            if not self._devices or self.step % LOOK_STEPS == 0 or self.config.is_check(self.step):
                self._check_losses()
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
        if self.config.clip_norm:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate()
        self.optimizer.step()

    def _learning_rate(self) -> float:
        return learning_rate(
            self.step,
            steps=self.config.steps,
            warmup_steps=round(self.config.warmup_fraction * self.config.steps),
            peak=self._peak,
        )

    def _check_losses(self) -> None:
        recent = torch.stack(self.losses[-LOOK_STEPS:] if self._devices else self.losses[-1:])
        for step, value in enumerate(recent.tolist(), self.step - len(recent) + 1):
            if not math.isfinite(value):
                raise UserError(
                    f"the fine-tuning loss is {value} at step {step}; lower "
                    f"peak_learning_rate (now {self._peak}) or check the checkpoint"
                )

    @contextlib.contextmanager
    def _own_random_numbers(self) -> Iterator[None]:
        """Draw from the run's own stream, and leave torch's generators as they were."""
        with torch.random.fork_rng(devices=self._devices):
            for name, state in self.random.items():
                if name == "cpu":
                    torch.set_rng_state(state)
                else:
                    torch.cuda.set_rng_state(state, self.model.device)
            yield
            self.random = self._random_state()

    def _random_state(self) -> dict[str, Tensor]:
        states = {"cpu": torch.get_rng_state()}
        if self._devices:
            states["cuda"] = torch.cuda.get_rng_state(self.model.device)
        return states


def finetune(
    model: TaskModel, examples: Examples, *, config: FinetuneConfig, seed: int
) -> list[float]:
    """Train a model in place through all steps and return the loss of each."""
    config = config.for_examples(len(examples))
    run = Finetuning(
        model, examples, config=config, seed=seed, peak_learning_rate=config.peak_learning_rate
    )
    while run.step < config.steps:
        run.advance()
    model.eval()
    return torch.stack(run.losses).tolist()


def freeze(encoder: AnyEncoder, num_layers: int) -> None:
    """Keep the lowest layers of an encoder from training: the embeddings first, then the layers."""
    for module in encoder.lowest(num_layers):
        module.requires_grad_(False)


def is_check(step: int, steps: int, checks: int) -> bool:
    """Tell whether a step of 1..steps is one of `checks` evenly spread ones, the last included.

    >>> [step for step in range(1, 11) if is_check(step, 10, 3)]
    [4, 7, 10]
    """
    return step * checks // steps > (step - 1) * checks // steps
