"""One gradient for a token embedding that stands at both ends of a model.

The embedding is looked up at the bottom and is the output matrix at the top, so autograd would make
two gradients [V, D] and add them up: at 250,000 ids as much memory as the rest of a Base model's
gradients, twice, for a few thousand rows of the lower one. Here the upper gradient, which comes
first in the backward pass, waits for the lower one, whose rows are added to it. That it comes first
is autograd's order, the reverse of the forward pass; the lower one makes sure of it.

Shapes: B sequences, T positions, D model width, V vocabulary.
"""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class Tie:
    """Where the gradient from the top waits for the bottom, in one forward and backward pass."""

    def __init__(self) -> None:
        self._gradient: Tensor | None = None
        self._is_promised = False

    def promise(self) -> None:
        """Say in the forward pass that a gradient will be put."""
        self._is_promised = True

    def put(self, gradient: Tensor) -> None:
        """Leave the gradient of the output matrix, [V, D] or that of its first rows."""
        assert self._gradient is None, "one output for one lookup"
        self._gradient = gradient

    def take(self, like: Tensor) -> Tensor:
        """Return what was left in the form of `like` [V, D], zeros where nothing was."""
        gradient, self._gradient = self._gradient, None
        assert gradient is not None or not self._is_promised, "the output's gradient must be first"
        if gradient is not None and len(gradient) == len(like):
            return gradient.to(like.dtype)
        total = torch.zeros_like(like)
        if gradient is not None:
            total[: len(gradient)] = gradient
        return total


def first_rows(weight: Tensor, count: int, tie: Tie | None) -> Tensor:
    """Return the first rows of a matrix [V, D]; in the backward pass their gradient is left at
    `tie` where one is given, and not made as large as the matrix.
    """
    if tie is None:
        return weight[:count]
    rows: Tensor = _FirstRows.apply(weight, count, tie)
    return rows


def lookup(embedding: nn.Embedding, ids: Tensor, tie: Tie) -> Tensor:
    """Return the rows [B, T, D] of an embedding [V, D] at `ids` [B, T]; in the backward pass its
    weight gets the gradient of the rows, but for those of padding, and what `tie` holds.
    """
    rows: Tensor = _Lookup.apply(ids, embedding.weight, embedding.padding_idx, tie)
    return rows


class _FirstRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, count: int, tie: Tie) -> Tensor:
        ctx.tie = tie
        if ctx.needs_input_grad[0]:
            tie.promise()
        return weight[:count]

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[None, None, None]:
        ctx.tie.put(upstream)
        return None, None, None


class _Lookup(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, ids: Tensor, weight: Tensor, padding_id: int, tie: Tie) -> Tensor:
        ctx.save_for_backward(ids, weight)
        ctx.padding_id, ctx.tie = padding_id, tie
        return F.embedding(ids, weight)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[None, Tensor, None, None]:
        ids, weight = ctx.saved_tensors
        total = ctx.tie.take(weight)
        if total.is_cuda:  # adding rows there one by one comes in no fixed order
            total += torch.ops.aten.embedding_dense_backward(
                upstream, ids, len(weight), ctx.padding_id, False
            )
        else:
            rows = upstream.masked_fill(ids.eq(ctx.padding_id)[..., None], 0).flatten(0, -2)
            total.index_add_(0, ids.flatten(), rows.to(total.dtype))
        return None, total, None, None
