"""Proofs that surgery on a vocabulary changed no number that it should not have.

A logit is a sum of D products and a bias. Which order the sum is taken in is the choice of the
matrix library, which may choose by the number of rows, and then the last bits differ (seen with MKL
on a CPU: often for a single row of hidden states, else for narrow vocabularies at width 1024).
`ordered_logits` takes the sum in one fixed order, so that a logit depends on its hidden state, row
and bias alone; there the logits of kept ids are equal bit for bit. How the model's own matrix
product does is told beside it.

The loss on text without new ids is compared as training computes it: equal to rounding, which is
`LOSS_TOLERANCE`.

Shapes: B sequences, T positions, N rows of hidden states, V ids, D model width.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from xlmr_lab.errors import UserError
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.model.surgery import Ids

LOSS_TOLERANCE = 2.0**-21
"""Relative difference of two losses that are equal to rounding: four units in the last place of 32
bits."""

MOST_PRODUCTS = 5 * 10**9
"""Products that the ordered logits of one model may take, about ten seconds; the rows of hidden
states that are compared are as many as that allows, spread over the text."""

_CHUNK_IDS = 4096


class LogitProof(NamedTuple):
    """Two models on the same text."""

    num_ids: int
    """Ids whose logits were compared."""
    num_rows: int
    """Positions at which they were."""
    is_equal: bool
    """Whether rows, biases, hidden states and ordered logits are equal bit for bit."""
    largest_difference: float
    """Between logits of the models' own matrix products; 0 where those are equal too."""


class Masked(NamedTuple):
    """Blocks of a language with hidden tokens, as `batches.masking` makes them."""

    inputs: npt.NDArray[np.integer]
    """[B, T]"""
    positions: npt.NDArray[np.int64]
    """[B, P]"""
    targets: npt.NDArray[np.int64]
    """[B, P]"""


class Losses(NamedTuple):
    """Masked-LM loss of a language in nats per masked token."""

    before: float
    after: float

    @property
    def is_equal(self) -> bool:
        """Whether they are equal to rounding."""
        return math.isclose(self.before, self.after, rel_tol=LOSS_TOLERANCE)


@torch.inference_mode()
def same_logits(
    old: MaskedLM, new: MaskedLM, ids: npt.NDArray[np.int64], old_ids: Ids
) -> LogitProof:
    """Compare the logits of `new` on `ids` [B, T] with those of `old` on the same text.

    `old_ids` [V] is the old id of each id of `new`, which are all compared.
    """
    kept, text = torch.from_numpy(old_ids), torch.from_numpy(ids)
    before, after = (
        torch.cat([m.head.transform(m.encoder(block)) for block in batch.split(8)]).flatten(0, 1)
        for m, batch in ((old, kept[text]), (new, text))
    )
    weights = [(m.encoder.token_embedding.weight, m.head.bias) for m in (old, new)]
    most = max(1, MOST_PRODUCTS // weights[0][0].numel())
    rows = torch.linspace(0, len(before) - 1, min(most, len(before))).long()
    ordered = [
        ordered_logits(hidden[rows], *parts)
        for hidden, parts in zip((before, after), weights, strict=True)
    ]
    own = [
        torch.nn.functional.linear(hidden[rows], *parts)
        for hidden, parts in zip((before, after), weights, strict=True)
    ]
    pairs = [(before, after), (ordered[0][:, kept], ordered[1])]
    pairs += [(theirs[kept], ours) for theirs, ours in zip(*weights, strict=True)]
    return LogitProof(
        num_ids=len(kept),
        num_rows=len(rows),
        is_equal=all(bit_equal(*pair) for pair in pairs),
        largest_difference=float((own[0][:, kept] - own[1]).abs().max()),
    )


@torch.inference_mode()
def same_losses(
    old: MaskedLM, new: MaskedLM, blocks: Mapping[str, Masked], new_ids: Ids
) -> dict[str, Losses]:
    """Compare the loss of both models on the same hidden tokens of each language.

    `blocks` are in the ids of `old`; `new_ids` [V] is the new id of each of those.

    Raises:
        UserError: a loss is not what it was.
    """
    found = {}
    for language, masked in blocks.items():
        targets = np.where(masked.targets < 0, masked.targets, new_ids[masked.targets.clip(min=0)])
        moved = Masked(new_ids[masked.inputs], masked.positions, targets)
        losses = Losses(_loss(old, masked), _loss(new, moved))
        if not losses.is_equal:
            raise UserError(
                f"the loss of {language} was {losses.before} and is {losses.after}; the weights "
                "may hold values that are no numbers, or are of a precision below 32 bits"
            )
        found[language] = losses
    return found


def ordered_logits(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return `hidden @ weight.T + bias` [N, V], each logit summed in the order of the D products.

    Multiplication and addition are separate operations on each element, so that neither the number
    of rows nor an instruction that fuses the two makes a difference. `hidden` [N, D], `weight` [V,
    D], `bias` [V].
    """
    parts = []
    for start in range(0, len(weight), _CHUNK_IDS):
        columns = weight[start : start + _CHUNK_IDS].T.contiguous()  # D v
        total = bias[start : start + _CHUNK_IDS].expand(len(hidden), -1).clone()  # N v
        for x, row in zip(hidden.T[:, :, None], columns, strict=True):  # N 1, v
            total += x * row
        parts.append(total)
    return torch.cat(parts, dim=1)


def bit_equal(one: Tensor, other: Tensor) -> bool:
    """Tell whether two tensors hold the same bits; unlike equality, 0 and -0 differ."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    whole = {2: torch.int16, 4: torch.int32, 8: torch.int64}[one.element_size()]
    return torch.equal(one.contiguous().view(whole), other.contiguous().view(whole))


def _loss(model: MaskedLM, masked: Masked) -> float:
    """Return the mean loss over all hidden tokens, 8 blocks at a time."""
    total, count = 0.0, 0
    for start in range(0, len(masked.inputs), 8):
        inputs, positions, targets = (
            torch.from_numpy(part[start : start + 8].astype(np.int64)) for part in masked
        )
        counted = int((targets >= 0).sum())
        total += float(model.loss(inputs, positions, targets)) * counted
        count += counted
    return total / max(1, count)
