"""The masked-LM loss over the full vocabulary without ever holding all logits.

Logits of a chunk of rows are computed, turned into the loss and at once into gradients, and dropped
(the idea of Cut Cross-Entropy, arXiv 2411.09009, in plain torch). What stays in memory is one
chunk, not [masked, V]. Products of 16-bit numbers, or of what autocast makes 16-bit, have sums,
logits and gradients of the weights in 32 bits; gradients are never rounded to 16 bits where the
weights have 32. Equal to `torch.nn.functional.cross_entropy` up to rounding.

Shapes: N masked positions, n of them in a chunk, D model width, V vocabulary.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from xlmr_lab.model.tied import Tie

IGNORE_INDEX = -100
"""The target of a position that does not count."""

CPU_CHUNK = (256, 2**26)
"""Most positions, and most logits, that are held at once on a CPU: 256 MiB in 32 bits."""

CUDA_CHUNK = (4096, 2**29)
"""The same on a GPU, whose matrix products want many rows: 2 GiB."""


def masked_lm_loss(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor,
    targets: Tensor,
    *,
    chunk_rows: int | None = None,
    tie: Tie | None = None,
) -> Tensor:
    """Return the mean cross entropy in nats of `hidden @ weight.T + bias` against `targets`.

    `hidden` [N, D], `weight` [V, D], `bias` [V], `targets` int64 [N]; targets of IGNORE_INDEX do
    not count, and if none counts the loss is 0. `chunk_rows` positions are held at once, by default
    as many as the device has room for. The gradient is computed with the loss, so it can be taken
    once; that of `weight` is left at `tie` where one is given. Where gradients are off, none is.
    """
    kind = hidden.device.type
    narrow = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden.dtype
    chunk_rows = chunk_rows or rows_at_once(len(weight), kind)
    way = _Way(chunk_rows, narrow, tie, with_gradients=torch.is_grad_enabled())
    with torch.autocast(kind, enabled=False):
        loss: Tensor = _ChunkedCrossEntropy.apply(hidden, weight, bias, targets, way)
    return loss


def rows_at_once(vocab_size: int, device_type: str) -> int:
    """Return how many positions are held at once.

    >>> rows_at_once(250_002, "cpu"), rows_at_once(2_000_000, "cpu"), rows_at_once(250_002, "cuda")
    (256, 33, 2147)
    """
    most_rows, most_logits = CUDA_CHUNK if device_type == "cuda" else CPU_CHUNK
    return max(1, min(most_rows, most_logits // vocab_size))


class _Way(NamedTuple):
    """How the loss is computed."""

    chunk_rows: int
    """Positions at once."""
    narrow: torch.dtype
    """What matrix products take."""
    tie: Tie | None
    """Where the gradient of the weights is left, None: it is returned."""
    with_gradients: bool
    """Whether autograd is on; inside a function of autograd that cannot be asked any more."""


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, way: _Way
    ) -> Tensor:
        chunk_rows, narrow, ctx.tie, with_gradients = way
        wide = torch.promote_types(hidden.dtype, torch.float32)
        counted = (targets != IGNORE_INDEX)[:, None]
        shares = counted / counted.sum().clamp(min=1).to(wide)  # N 1, a row's weight in the mean
        labels = targets[:, None].where(counted, 0)  # N 1
        total = torch.zeros((), dtype=wide, device=hidden.device)
        wanted = with_gradients and any(ctx.needs_input_grad)
        gradients = _empty(hidden, weight, bias, wide) if wanted else None
        if wanted and ctx.tie is not None:
            ctx.tie.promise()
        matrix = _operand(weight, narrow, wide)
        for start in range(0, len(hidden), chunk_rows):
            chunk = slice(start, start + chunk_rows)
            rows, label, share = _operand(hidden[chunk], narrow, wide), labels[chunk], shares[chunk]
            scores = _logits(rows, matrix, bias, wide).log_softmax(-1)  # n V
            total -= (scores.gather(1, label) * share).sum()
            if gradients is not None:
                scores.exp_().scatter_add_(1, label, torch.full_like(share, -1.0))
                gradients[2].addmv_(scores.T, share[:, 0])
                scores = _operand(scores, narrow, wide)
                gradients[0][chunk] = (scores @ matrix) * share
                shared = _operand(rows * share, narrow, wide)
                _add_product(gradients[1], scores.T, shared, is_first=start == 0)
            del scores  # else the next chunk would be held beside it
        ctx.gradients = gradients
        return total

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        gradients, ctx.gradients = ctx.gradients, None
        assert gradients is not None, "the gradient of masked_lm_loss can be taken once"
        if upstream.is_cuda or upstream != 1:  # asking would stop a GPU
            torch._foreach_mul_(gradients, upstream)
        of_hidden, of_weight, of_bias = gradients
        if ctx.tie is not None:
            ctx.tie.put(of_weight)
        return of_hidden, None if ctx.tie is not None else of_weight, of_bias, None, None


def _operand(x: Tensor, narrow: torch.dtype, wide: torch.dtype) -> Tensor:
    """Return what a matrix product takes: `x` rounded to `narrow`; on a CPU then widened, since
    products of narrow numbers would round their results there.
    """
    rounded = x.to(narrow)
    return rounded if rounded.is_cuda else rounded.to(wide)


def _logits(rows: Tensor, matrix: Tensor, bias: Tensor, wide: torch.dtype) -> Tensor:
    """Return `rows @ matrix.T + bias` [n, V] with sums and result in `wide`."""
    if rows.dtype == wide:
        return torch.addmm(bias.to(wide), rows, matrix.T)
    return torch.mm(rows, matrix.T, out_dtype=wide).add_(bias)


def _add_product(total: Tensor, a: Tensor, b: Tensor, *, is_first: bool) -> None:
    """Add `a @ b` to `total` with sums in the type of `total`, which holds nothing yet where this
    `is_first`."""
    if a.dtype == total.dtype:
        total.addmm_(a, b, beta=0 if is_first else 1)
    elif is_first:
        total.copy_(torch.mm(a, b, out_dtype=total.dtype))
    else:
        total.add_(torch.mm(a, b, out_dtype=total.dtype))


def _empty(
    hidden: Tensor, weight: Tensor, bias: Tensor, wide: torch.dtype
) -> tuple[Tensor, Tensor, Tensor]:
    """Return room for the gradients; that of the weights is written by the first chunk."""
    of_weight = torch.empty_like if len(hidden) else torch.zeros_like
    return (
        torch.empty_like(hidden),
        of_weight(weight, dtype=wide),
        torch.zeros_like(bias, dtype=wide),
    )
