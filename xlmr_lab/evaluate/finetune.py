"""The one fine-tuning loop that every task shares: sequences in, labels at some positions out.

A task is reduced to sequences of token ids with labels at some positions: a pair has one, at `<s>`;
a tagged sentence has one at the first piece of each word. So pairs and words run through the same
code, and the last layer computes only those positions. Everything is encoded once, up front; a
batch is one gather from flat arrays, of sequences of similar length, padded to the longest. Linear
warm-up and decay as in RoBERTa (Sec. 5.1). XLM-R gives few settings; its authors fine-tuned XNLI at
5e-6 with batches of 128. Left out: mixed precision, gradient accumulation, resuming.

Shapes: N examples, B sequences in a batch, T positions, P labelled positions, D model width, C
labels.
"""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from xlmr_lab import seeds
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.examples import Batch, Examples, batches, collate, prediction_batches
from xlmr_lab.model.encoder import Encoder, initialize
from xlmr_lab.model.heads import ClassificationHead, TokenClassificationHead
from xlmr_lab.model.losses import IGNORE_INDEX
from xlmr_lab.pretrain.optimizer import build_optimizer
from xlmr_lab.pretrain.schedule import learning_rate

logger = logging.getLogger(__name__)

Selection = Literal["last", "train-dev"]
"""Which step is scored: `last`, the last one of the budget; `train-dev`, the best of several on the
dev file of the training language, so that no other language's labels are looked at."""

PREDICT_TOKENS = 4096
"""Tokens in one batch of prediction, padding included."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FinetuneConfig:
    """How a pretrained encoder is fine-tuned on a task."""

    steps: int = 400
    """Optimizer steps; examples are passed over as often as that takes."""
    batch_sequences: int = 32
    """Sequences in a batch (BERT Sec. A.3: 16 or 32)."""
    peak_learning_rate: float = 5e-4
    """Learning rate after the warm-up; for the tiny preset (XLM-R on XNLI: 5e-6, fairseq#1367)."""
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
    selection: Selection = "last"
    """Which step is scored: last, or train-dev for the best on the training language's dev file."""
    selection_checks: int = 5
    """Steps, evenly spread and ending with the last, at which train-dev looks at the dev file."""

    def __post_init__(self) -> None:
        for name, least in (("steps", 1), ("batch_sequences", 1), ("selection_checks", 1)):
            if getattr(self, name) < least:
                raise UserError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if self.max_tokens < 8:
            raise UserError(f"max_tokens must be at least 8, got {self.max_tokens}")
        if not (self.peak_learning_rate > 0 and math.isfinite(self.peak_learning_rate)):
            raise UserError(f"peak_learning_rate must be above 0, got {self.peak_learning_rate}")
        for name in ("warmup_fraction", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"{name} must be in [0, 1), got {getattr(self, name)}")
        for name in ("weight_decay", "clip_norm", "frozen_layers"):
            if not getattr(self, name) >= 0:
                raise UserError(f"{name} must not be negative, got {getattr(self, name)}")


class TaskModel(nn.Module):
    """An encoder with a classification head."""

    def __init__(
        self, encoder: Encoder, head: ClassificationHead | TokenClassificationHead
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(
        self,
        ids: Tensor,
        mask: Tensor | None,
        positions: Tensor,
        languages: Tensor | None = None,
    ) -> Tensor:
        """Return logits [B, P, C] at `positions` [B, P] of `ids` [B, T]; `languages` as the encoder
        takes them."""
        logits: Tensor = self.head(self.encoder(ids, mask, positions, languages))
        return logits

    def on(self, batch: Batch) -> Tensor:
        """Return logits [B, P, C] of a batch."""
        languages = self.encoder.language_ids(batch.languages)
        logits: Tensor = self(batch.ids, batch.mask, batch.positions, languages)
        return logits

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.encoder.token_embedding.weight.device


def task_model(
    encoder: Encoder,
    kind: Literal["sequence", "token"],
    num_labels: int,
    *,
    dropout: float,
    seed: int,
) -> TaskModel:
    """Put a freshly drawn head on an encoder, which the model then owns."""
    width = encoder.config.hidden_size
    head_class = ClassificationHead if kind == "sequence" else TokenClassificationHead
    head = head_class(width, num_labels, dropout)
    generator = torch.Generator().manual_seed(seeds.integer(seed, "finetune", "head"))
    initialize(head, std=encoder.config.init_std, generator=generator)
    return TaskModel(encoder, head.to(encoder.token_embedding.weight.device))


def finetune(
    model: TaskModel,
    examples: Examples,
    *,
    config: FinetuneConfig,
    seed: int,
    dev_score: Callable[[], float] | None = None,
) -> list[float]:
    """Train a model in place and return the loss of each step; equal seeds give equal weights.

    `dev_score` scores the model as it stands; it is needed by, and only by, the selection
    train-dev, which leaves the model with the best weights seen, the earlier of equals.

    Raises:
        UserError: the loss became infinite or not a number.
    """
    assert (dev_score is not None) == (config.selection == "train-dev"), (
        "dev_score is for train-dev"
    )
    freeze(model.encoder, config.frozen_layers)
    optimizer = build_optimizer(model, weight_decay=config.weight_decay)
    order = batches(examples.tokens.lengths, config.batch_sequences, seed=seed)
    losses: list[float] = []
    best = _Best(model, dev_score) if dev_score else None
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seeds.integer(seed, "finetune", "dropout"))
        for step in range(1, config.steps + 1):
            model.train()
            batch = collate(examples, next(order), model.device)
            losses.append(_step(model, batch, optimizer, config, step))
            if best and is_check(step, config.steps, config.selection_checks):
                best.look(step)
    model.eval()
    if best:
        best.restore()
    return losses


def freeze(encoder: Encoder, num_layers: int) -> None:
    """Keep the lowest layers of an encoder from training: the embeddings first, then the layers."""
    embeddings = [encoder.token_embedding, encoder.position_embedding, encoder.embedding_norm]
    if encoder.language_embedding is not None:
        embeddings.append(encoder.language_embedding)
    lowest = [*embeddings, *encoder.layers[: max(0, num_layers - 1)]] if num_layers else []
    for module in lowest:
        module.requires_grad_(False)


@torch.inference_mode()
def predict(model: TaskModel, examples: Examples) -> np.ndarray:
    """Return the most probable label, int64, for each of `examples.labels` in their order."""
    model.eval()
    predicted = np.empty(len(examples.labels), dtype=np.int64)
    for rows in prediction_batches(examples.tokens.lengths, PREDICT_TOKENS):
        batch = collate(examples, rows, model.device)
        best = model.on(batch).argmax(-1).cpu().numpy()  # B P
        index, present = examples.positions.places(rows)
        predicted[index[present]] = best[present]
    return predicted


def is_check(step: int, steps: int, checks: int) -> bool:
    """Tell whether a step of 1..steps is one of `checks` evenly spread ones, the last included.

    >>> [step for step in range(1, 11) if is_check(step, 10, 3)]
    [4, 7, 10]
    """
    return step * checks // steps > (step - 1) * checks // steps


def _step(
    model: TaskModel,
    batch: Batch,
    optimizer: torch.optim.Optimizer,
    config: FinetuneConfig,
    step: int,
) -> float:
    """Take one optimizer step and return the loss before it."""
    logits = model.on(batch)  # B P C
    loss = F.cross_entropy(logits.flatten(0, 1), batch.labels.flatten(), ignore_index=IGNORE_INDEX)
    value = float(loss.detach())
    if not math.isfinite(value):
        raise UserError(
            f"the fine-tuning loss is {value} at step {step}; lower peak_learning_rate "
            f"(now {config.peak_learning_rate}) or check the checkpoint"
        )
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    if config.clip_norm:
        nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
    rate = learning_rate(
        step,
        steps=config.steps,
        warmup_steps=round(config.warmup_fraction * config.steps),
        peak=config.peak_learning_rate,
    )
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    return value


class _Best:
    """The best weights seen on a dev file."""

    def __init__(self, model: TaskModel, dev_score: Callable[[], float]) -> None:
        self.model = model
        self.dev_score = dev_score
        self.score = -math.inf
        self.weights: dict[str, Tensor] = {}

    def look(self, step: int) -> None:
        """Score the model as it stands, and keep its weights if they are the best so far."""
        score = self.dev_score()
        logger.info("fine-tuning step %s: %.4f on the dev file", f"{step:,}", score)
        if score > self.score:
            self.score = score
            self.weights = {k: v.detach().clone() for k, v in self.model.state_dict().items()}

    def restore(self) -> None:
        """Give the model the best weights."""
        self.model.load_state_dict(self.weights)
