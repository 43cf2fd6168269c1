"""One training step: forward, loss, backward, clip, update.

Dropout is a function of the seed given for the step, so a step depends on nothing but weights,
optimizer state, batch and that seed. The step seeds torch's default generator and leaves it seeded;
the loop puts back what was there before.

Shapes: B sequences, T tokens of a sequence, P masked positions of a sequence.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from xlmr_lab.batches.masking import Masked
from xlmr_lab.model.masked_lm import MaskedLM


class StepResult(NamedTuple):
    """What a step reports, still on the device."""

    loss: Tensor
    """Mean cross entropy over the masked positions before the update, in nats."""

    gradient_norm: Tensor
    """Norm of the whole gradient before clipping."""


class TensorBatch(NamedTuple):
    """A masked batch on the device."""

    inputs: Tensor
    """int32 [B, T]"""

    positions: Tensor
    """int64 [B, P]"""

    targets: Tensor
    """int64 [B, P]"""


def to_device(masked: Masked, device: torch.device) -> TensorBatch:
    """Return a masked batch as tensors on the device."""
    return TensorBatch(*(torch.from_numpy(array).to(device) for array in masked))


def train_step(
    model: MaskedLM,
    optimizer: torch.optim.Optimizer,
    batch: TensorBatch,
    *,
    learning_rate: float,
    clip_norm: float,
    dropout_seed: int,
) -> StepResult:
    """Update the model on one batch; `clip_norm` 0 leaves the gradient as it is."""
    seed_dropout(dropout_seed, batch.inputs.device)
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.zero_grad()
    loss = model.loss(*batch)
    loss.backward()
    largest = clip_norm if clip_norm > 0 else float("inf")
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), largest, foreach=True)
    optimizer.step()
    return StepResult(loss.detach(), norm)


def seed_dropout(seed: int, device: torch.device) -> None:
    """Seed the generators that dropout draws from.

    `torch.manual_seed` would do the same, but collects a stack trace for each call where CUDA has
    not started.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
