"""A task's model: an encoder with the head of an objective, and what it predicts.

Predictions are logits in the order of the examples' labels, whatever batches they came in; what a
measure makes of them is the task's own. Batches of prediction hold like lengths, longest first.

Shapes: B sequences in a batch, T positions, P labelled positions, C outputs of the head.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from xlmr_lab import seeds
from xlmr_lab.evaluate import objectives
from xlmr_lab.evaluate.encoders import AnyEncoder
from xlmr_lab.evaluate.examples import Batch, Examples, collate, prediction_batches
from xlmr_lab.evaluate.objectives import Objective
from xlmr_lab.model.initial_weights import initialize
from xlmr_lab.pretrain.precision import Computed, Precision, resolve

PREDICT_TOKENS = 4096
"""Tokens in one batch of prediction, padding included."""


class TaskModel(nn.Module):
    """An encoder with the head of an objective."""

    def __init__(
        self, encoder: AnyEncoder, head: nn.Module, objective: Objective, precision: Computed
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.objective: Objective = objective
        self.precision: Computed = precision

    def forward(
        self,
        ids: Tensor,
        mask: Tensor | None,
        positions: Tensor,
        languages: Tensor | None = None,
        segments: Tensor | None = None,
    ) -> Tensor:
        """Return logits [B, P, C] at `positions` [B, P] of `ids` [B, T]; `languages` and `segments`
        as the encoder takes them."""
        more: dict[str, Any] = {} if segments is None else {"segments": segments}
        logits: Tensor = self.head(self.encoder(ids, mask, positions, languages, **more))
        return logits

    def on(self, batch: Batch) -> Tensor:
        """Return logits [B, P, C] of a batch, in 32 bits."""
        languages = self.encoder.language_ids(batch.languages)
        narrow = self.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=narrow):
            logits = self(batch.ids, batch.mask, batch.positions, languages, batch.segments)
        wide: Tensor = logits.float() if narrow else logits
        return wide

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device


def task_model(
    encoder: AnyEncoder,
    objective: Objective,
    num_labels: int,
    *,
    dropout: float,
    seed: int,
    precision: Precision = "auto",
) -> TaskModel:
    """Put a freshly drawn head on an encoder, which the model then owns."""
    head = objectives.head(objective, encoder.hidden_size, num_labels, dropout)
    generator = torch.Generator().manual_seed(seeds.integer(seed, "finetune", "head"))
    initialize(head, std=encoder.init_std, generator=generator)
    device = next(encoder.parameters()).device
    return TaskModel(encoder, head.to(device), objective, resolve(precision, device))


@torch.inference_mode()
def predict(model: TaskModel, examples: Examples) -> np.ndarray:
    """Return the logits, float32 [len(labels), C], at each of `examples.labels` in their order."""
    model.eval()
    logits = np.empty((0, 0), dtype=np.float32)
    for rows in prediction_batches(examples.tokens.lengths, PREDICT_TOKENS):
        found = model.on(collate(examples, rows, model.device)).cpu().numpy()  # B P C
        if not logits.size:
            logits = np.empty((len(examples.labels), found.shape[-1]), dtype=np.float32)
        index, present = examples.positions.places(rows)
        logits[index[present]] = found[present]
    return logits
