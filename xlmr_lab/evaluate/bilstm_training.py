"""Training a BiLSTM-CRF, step by step, so that a kill at any moment changes no score.

As Lample et al. (2016, Sec. 5.1): stochastic gradient descent, a sentence at a time, with clipped
gradients; that takes its time, so `quick` is Adam on batches, which is ours. Batches, dropout and
what is unknown are drawn from streams named by seed and step: a step is a function of (weights,
moments of Adam, step), which is all that is kept. It runs on the CPU, for sentences are short and
states small. Equal seeds give equal weights on the same machine with as many threads. Left out:
a learning rate that falls, which made no difference to the paper.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from xlmr_lab import seeds
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import bilstm_inputs
from xlmr_lab.evaluate.bilstm_crf import BilstmCrf, BilstmShape
from xlmr_lab.evaluate.bilstm_inputs import Encoded, Lexicon, Scheme
from xlmr_lab.evaluate.examples import batches, prediction_batches
from xlmr_lab.evaluate.finetune import FinetuneConfig, is_check
from xlmr_lab.evaluate.protocols import check_names
from xlmr_lab.evaluate.selection import Selection
from xlmr_lab.pretrain import checkpoint

CHECKS = 20
"""Checks of a run by default."""
PREDICT_WORDS = 2048
"""Words in one batch of prediction, padding included."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class BilstmSettings:
    """How a BiLSTM-CRF is trained, whichever step is scored; by default as in the paper."""

    shape: BilstmShape = BilstmShape()
    """Sizes of the network."""
    scheme: Scheme = "iobes"
    """Tags that are learned (Sec. 2.4); whichever, IOB2 is scored."""
    zero_digits: bool = True
    """Whether every digit is read as 0 (Sec. 5.2, for English)."""
    unknown: float = 0.5
    """Probability that a word which occurs once is unknown, each time it is read (Sec. 4.1)."""
    optimizer: Literal["sgd", "adam"] = "sgd"
    """sgd (Sec. 5.1), or adam."""
    learning_rate: float = 0.01
    """Constant learning rate (Sec. 5.1)."""
    clip_norm: float = 5.0
    """Largest norm of the gradient (Sec. 5.1); 0 leaves it as it is."""
    batch_sentences: int = 1
    """Sentences in a batch (the authors' code)."""
    passes: int = 100
    """Passes over the training sentences, at most (the authors' code)."""

    def __post_init__(self) -> None:
        for name in ("batch_sentences", "passes"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.unknown <= 1:
            raise UserError(f"unknown must be in [0, 1], got {self.unknown}")
        if not (self.learning_rate > 0 and math.isfinite(self.learning_rate)):
            raise UserError(f"learning_rate must be above 0, got {self.learning_rate}")
        if not self.clip_norm >= 0:
            raise UserError(f"clip_norm must not be negative, got {self.clip_norm}")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class BilstmConfig(BilstmSettings):
    """How a BiLSTM-CRF is trained, and which of its steps are scored."""

    selections: tuple[Selection, ...] = ("last",)
    """Which step is scored, each from the same run: last; train-dev, the best on the dev sets of
    the training languages, as the authors' code; joint-dev; per-language-dev (selection.py)."""
    selection_checks: int = CHECKS
    """Steps, evenly spread and ending with the last, at which dev sets are scored."""
    patience: int = 0
    """Checks without a better one after which a selection stops looking, and the run ends when all
    have; 0: the run goes through all its steps."""

    def __post_init__(self) -> None:
        BilstmSettings.__post_init__(self)
        if self.selection_checks < 1:
            raise UserError(f"selection_checks must be at least 1, got {self.selection_checks}")
        if not self.patience >= 0:
            raise UserError(f"patience must not be negative, got {self.patience}")
        _check_selections(self)

    @classmethod
    def of(cls, settings: BilstmSettings, finetune: FinetuneConfig) -> "BilstmConfig":
        """Return settings with the selections of encoders that it stands beside; the number of
        checks is theirs too, unless none looks at a dev set."""
        own = {
            field.name: getattr(settings, field.name)
            for field in dataclasses.fields(BilstmSettings)
        }
        looks = finetune.selections != ("last",)
        return cls(
            **own,
            selections=finetune.selections,
            selection_checks=finetune.selection_checks if looks else CHECKS,
            patience=finetune.patience,
        )


def _check_selections(config: BilstmConfig) -> None:
    """Refuse selections that are none, and settings that have no effect on them."""
    check_names("selections", config.selections)
    if config.patience and "last" in config.selections:
        raise UserError(
            "patience must be 0 where selections has last, the end of all steps, got "
            f"{config.patience}; take last out of selections"
        )
    if config.selections == ("last",) and config.selection_checks != CHECKS:
        raise UserError("selection_checks has no effect with selections=last; add train-dev")
    if config.patience and config.patience >= config.selection_checks - 1:
        raise UserError(
            f"patience must be below selection_checks - 1, {config.selection_checks - 1}, to end a "
            f"run before its last check, got {config.patience}"
        )


def quick() -> BilstmSettings:
    """Return settings of ours, which learn in few passes: Adam, on batches of 16 sentences.

    One thread of a CPU reads about 200 sentences of WikiANN a second.
    """
    return BilstmSettings(optimizer="adam", learning_rate=2e-3, batch_sentences=16, passes=12)


class Training:
    """A run between two steps."""

    def __init__(
        self,
        known: Lexicon,
        encoded: Encoded,
        *,
        config: BilstmConfig,
        seed: int,
        vectors: Mapping[str, np.ndarray] = {},
    ) -> None:
        """Stand before the first step of training on encoded sentences; words that are spelled as
        `vectors` has them begin with those."""
        generator = torch.Generator().manual_seed(seeds.integer(seed, "bilstm", "weights"))
        self.model = BilstmCrf(
            config.shape,
            num_words=known.num_words,
            num_characters=known.num_characters,
            num_labels=len(known.labels),
            generator=generator,
            sparse=config.optimizer == "sgd",
        )
        begin_with(self.model.words.weight, known, vectors)
        self.known, self.config = known, config
        self.optimizer = _optimizer(self.model, config)
        self._encoded, self._seed = encoded, seed
        num = len(encoded.forms.lengths)
        self.steps = config.passes * (num // min(config.batch_sentences, num))
        self._go_on_from(0)

    def _go_on_from(self, step: int) -> None:
        lengths, size = self._encoded.forms.lengths, self.config.batch_sentences
        self.step = step
        self._order = batches(lengths, size, seed=self._seed, start=step)

    @property
    def is_check(self) -> bool:
        """Whether the model is looked at where it stands."""
        checks = 1 if self.config.selections == ("last",) else self.config.selection_checks
        return is_check(self.step, self.steps, min(checks, self.steps))

    def advance(self) -> float:
        """Take one step and return the loss before it.

        Raises:
            UserError: the loss became infinite or not a number.
        """
        self.step += 1
        rng = seeds.generator(self._seed, "bilstm", "unknown", self.step)
        batch = bilstm_inputs.training_batch(
            self._encoded, next(self._order), self.known.is_singleton, self.config.unknown, rng
        )
        dropping = torch.Generator()
        dropping.manual_seed(seeds.integer(self._seed, "bilstm", "dropout", self.step))
        loss = self.model.loss(batch, dropping)
        value = loss.item()
        if not math.isfinite(value):
            raise UserError(
                f"the loss of the BiLSTM-CRF is {value} at step {self.step}; lower learning_rate "
                f"(now {self.config.learning_rate})"
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self.config.clip_norm:
            clip(self.model.parameters(), self.config.clip_norm)
        self.optimizer.step()
        return value

    def predict(self, encoded: Encoded) -> list[list[str]]:
        """Return the IOB2 tags of sentences, in their order."""
        lengths = encoded.forms.lengths
        found: list[list[str]] = [[] for _ in lengths]
        for rows in prediction_batches(lengths, PREDICT_WORDS):
            best = self.model.best(bilstm_inputs.batch(encoded, rows)).tolist()
            for row, ids in zip(rows.tolist(), best, strict=True):
                own = (self.known.labels[i] for i in ids[: lengths[row]])
                found[row] = bilstm_inputs.iob2_tags(own)
        return found

    def save(self, folder: Path, looks: Sequence[Mapping[str, Any]]) -> None:
        """Write down where the run stands, in place of what was written before.

        Raises:
            UserError: the disk is full or the folder cannot be written.
        """
        moments: dict[str, Tensor] = {}
        if self.config.optimizer == "adam":
            moments = dict(
                checkpoint.tensors(self.model, self.optimizer)[checkpoint.OPTIMIZER_NAME]
            )
        held = {
            checkpoint.MODEL_NAME: self.model.state_dict(),
            checkpoint.OPTIMIZER_NAME: moments,
        }
        checkpoint.write(folder, held, step=self.step, state={"looks": list(looks)})
        checkpoint.remove_old(folder, self.step, keep=1)

    def resume(self, folder: Path) -> list[dict[str, Any]]:
        """Go on from what was written down, if anything was, and return the looks so far."""
        found = checkpoint.newest(folder)
        if found is None:
            return []
        path, state = found
        if self.config.optimizer == "adam":
            checkpoint.load(path, self.model, self.optimizer, step=state["step"])
        else:
            checkpoint.load_weights(path, self.model)
        self._go_on_from(state["step"])
        looks: list[dict[str, Any]] = state["looks"]
        return looks


def _optimizer(model: BilstmCrf, config: BilstmConfig) -> torch.optim.Optimizer:
    if config.optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), lr=config.learning_rate)
    return torch.optim.Adam(model.parameters(), lr=config.learning_rate)


@torch.no_grad()
def begin_with(weight: Tensor, known: Lexicon, vectors: Mapping[str, np.ndarray]) -> None:
    """Put pretrained vectors in the place of the embeddings of words that have one."""
    for word, number in known.words.items():
        if (vector := vector_of(word, vectors)) is not None:
            weight[number] = torch.from_numpy(vector)


def vector_of(word: str, vectors: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Return a word's vector, under the likeliest spelling that has one."""
    for spelling in bilstm_inputs.spellings(word):
        if spelling in vectors:
            return vectors[spelling]
    return None


@torch.no_grad()
def clip(parameters: Iterable[Tensor], norm: float) -> None:
    """Shorten the gradient of all parameters together to a norm; sparse ones count their rows."""
    gradients = []
    for parameter in parameters:
        if parameter.grad is not None and parameter.grad.is_sparse:
            parameter.grad = parameter.grad.coalesce()
            gradients.append(parameter.grad.values())
        elif parameter.grad is not None:
            gradients.append(parameter.grad)
    length = torch.stack([torch.linalg.vector_norm(g) for g in gradients]).norm()
    if length > norm:
        for gradient in gradients:
            gradient.mul_(norm / length)
