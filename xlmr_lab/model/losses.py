"""The masked-LM loss over the full vocabulary without ever holding all logits.

Logits of a chunk of rows are computed, turned into the loss and at once into gradients, and dropped
(the idea of Cut Cross-Entropy, arXiv 2411.09009, in plain torch). What stays in memory is one
chunk, not [masked, V]. Sums run in at least 32 bits whatever the type of the weights. Equal to
`torch.nn.functional.cross_entropy` up to rounding.

Shapes: N masked positions, D model width, V vocabulary.
"""

from typing import Any

import torch
from torch import Tensor

IGNORE_INDEX = -100
"""The target of a position that does not count."""

CHUNK_ROWS = 256
"""Positions whose logits are held at once."""


def masked_lm_loss(
    hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, *, chunk_rows: int = CHUNK_ROWS
) -> Tensor:
    """Return the mean cross entropy in nats of `hidden @ weight.T + bias` against `targets`.

    `hidden` [N, D], `weight` [V, D], `bias` [V], `targets` int64 [N]; targets of IGNORE_INDEX do
    not count, and if none counts the loss is 0. The gradient is computed with the loss, so it can
    be taken once.
    """
    loss: Tensor = _ChunkedCrossEntropy.apply(hidden, weight, bias, targets, chunk_rows)
    return loss


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, chunk_rows: int
    ) -> Tensor:
        wide = torch.promote_types(hidden.dtype, torch.float32)
        counted = (targets != IGNORE_INDEX)[:, None]
        shares = counted / counted.sum().clamp(min=1).to(wide)  # N 1, a row's weight in the mean
        labels = targets[:, None].where(counted, 0)  # N 1
        total = torch.zeros((), dtype=wide, device=hidden.device)
        wanted = any(ctx.needs_input_grad)
        gradients = _zeros(hidden, weight, bias, wide) if wanted else None
        for start in range(0, len(hidden), chunk_rows):
            chunk = slice(start, start + chunk_rows)
            rows, label, share = hidden[chunk], labels[chunk], shares[chunk]
            scores = torch.addmm(bias, rows, weight.T).log_softmax(-1, dtype=wide)  # n V
            total -= (scores.gather(1, label) * share).sum()
            if gradients is not None:
                scores.exp_().scatter_add_(1, label, torch.full_like(share, -1.0))
                gradients[0][chunk] = (scores.to(weight.dtype) @ weight) * share
                gradients[1].addmm_(scores.T, rows * share)
                gradients[2].addmv_(scores.T, share[:, 0])
        ctx.gradients = gradients
        return total

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        gradients, ctx.gradients = ctx.gradients, None
        assert gradients is not None, "the gradient of masked_lm_loss can be taken once"
        return (*(gradient.mul_(upstream) for gradient in gradients), None, None)


def _zeros(
    hidden: Tensor, weight: Tensor, bias: Tensor, wide: torch.dtype
) -> tuple[Tensor, Tensor, Tensor]:
    return (
        torch.empty_like(hidden),
        torch.zeros_like(weight, dtype=wide),
        torch.zeros_like(bias, dtype=wide),
    )
