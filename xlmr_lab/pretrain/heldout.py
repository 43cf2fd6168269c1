"""Masked-LM loss per language on blocks that are never trained on.

Blocks and masks are the same at every step and in every run on the same shards, so that losses can
be compared within a run and between arms. It is a quantity to look at, never a reason to stop:
XLM-R Sec. 5.1 found that transfer improves long after it is flat. Records hold the loss of each
language in nats; its perplexity is the exponential of that and is not written a second time.
"""

import math
from collections.abc import Iterable

import torch
from torch import nn

from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.batches.stream import BatchConfig, heldout_masked
from xlmr_lab.pretrain.distributed import divide_again
from xlmr_lab.pretrain.step import TensorBatch, to_device

HeldoutSet = dict[str, TensorBatch]
"""The masked held-out blocks of each language."""


def heldout_set(
    shards: TokenShards,
    languages: Iterable[str],
    config: BatchConfig,
    *,
    max_blocks: int,
    device: torch.device,
) -> HeldoutSet:
    """Return at most `max_blocks` masked held-out blocks of each language; none if that is 0.
    `languages` are the run's, in its order.

    Raises:
        UserError: a language has no held-out block.
    """
    if max_blocks == 0:
        return {}
    held = {key: heldout_masked(shards, key, config, max_blocks) for key in languages}
    return {
        key: to_device(masked, device, [[place]] * len(masked.inputs))
        for place, (key, masked) in enumerate(held.items())
    }


@torch.no_grad()
def heldout_loss(
    objective: nn.Module, heldout: HeldoutSet, *, batch_sequences: int
) -> dict[str, float]:
    """Return the mean loss of each language in nats per masked token; the model is left in training
    mode. Every process measures all of it: they go through a divided model together."""
    objective.eval()
    losses = {key: _mean_loss(objective, batch, batch_sequences) for key, batch in heldout.items()}
    divide_again(objective)
    objective.train()
    return losses


def perplexity(loss: float) -> float:
    """Return the exponential of a loss in nats, infinite where that is no number.

    >>> round(perplexity(1.0), 3), perplexity(1e6)
    (2.718, inf)
    """
    try:
        return math.exp(loss)
    except OverflowError:
        return math.inf


def _mean_loss(objective: nn.Module, batch: TensorBatch, batch_sequences: int) -> float:
    total, count = 0.0, 0
    for part in batch.parts(batch_sequences):
        counted = int(part.num_targets())
        total += float(objective(*part)) * counted
        count += counted
    return total / count if count else 0.0
