"""Fewer ids or more of them in a trained masked LM: its embedding rows and output biases by a map
of ids.

**Fewer.** Rows and biases are copied, so hidden states are the same bits, and so is a logit, which
is a function of a hidden state, a row and a bias; how a matrix library rounds it is another matter
(see `surgery_proofs`).

**More.** A new row is the mean of the rows that stood for the new piece before (the default; FVT,
Gee et al. 2022), the mean of all ordinary rows with noise, or random. Its bias makes the new pieces
together at most `MASS` of the probability, for any hidden state at all, so the loss on text without
them is what it was, to rounding. For a mean of rows, with the mean of their biases, the logit is a
mean of logits, so at most the largest, which is at most log sum exp of all; what rows that are no
mean can add to that is bounded by the layer norm of the head, and they start lower by as much.
Training lifts new pieces all the same, since the gradient of a target without probability is the
largest there is: on Babel to the level of old ones within 200 to 500 steps, from a mean of their
old pieces the soonest.

Shapes: V ids, k new ids, D model width.
"""

import copy
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from xlmr_lab import seeds
from xlmr_lab.errors import UserError
from xlmr_lab.model.masked_lm import MaskedLM

Start = Literal["pieces", "mean", "random"]
"""Where new rows start: the mean of the rows of their old pieces, the mean of all ordinary rows
with noise, or random rows; noise and random rows have the deviation of the ordinary rows."""

Ids = npt.NDArray[np.int64]

MASS = 2.0**-25
"""Probability that all new ids together get at most: half of what 32 bits can add to 1."""

NUM_SPECIALS = 4
"""Ids before the ordinary ones, which end before the last, `<mask>`."""


def gather(model: MaskedLM, old_ids: Ids) -> MaskedLM:
    """Return the model of the ids `old_ids` [V], in their order; the old one stays as it is.

    Raises:
        UserError: an id that the model does not have, or an adaptive softmax.
    """
    if model.head.adaptive is not None:
        raise UserError(
            "a vocabulary can be cut or extended only where each id has one row; this model has an "
            "adaptive softmax, take one pretrained with model.adaptive_cutoffs= (empty)"
        )
    size = model.encoder.vocab_size
    if len(old_ids) == 0 or old_ids.min() < 0 or old_ids.max() >= size:
        raise UserError(f"ids must be in [0, {size}), the model's; the vocabulary is of another")
    rows = model.encoder.token_embedding.weight.detach()[torch.from_numpy(old_ids)]
    return _with_rows(model, rows, model.head.bias.detach()[torch.from_numpy(old_ids)])


def extend(
    model: MaskedLM,
    old_ids: Ids,
    sources: Sequence[Sequence[int]],
    *,
    start: Start = "pieces",
    seed: int = 0,
) -> MaskedLM:
    """Return the model with rows for new ids, where `old_ids` [V] is negative.

    `sources` are the old ids that stood for each new one, in the same order; where there are none,
    the mean of all ordinary rows takes their place.
    """
    new = old_ids < 0
    count = int(np.count_nonzero(new))
    assert count == len(sources), f"{count} new ids, {len(sources)} sources"
    grown = gather(model, np.maximum(old_ids, 0))
    generator = torch.Generator().manual_seed(seeds.integer(seed, "surgery"))
    rows, offsets = _new_rows(model, sources, start, generator)
    places = torch.from_numpy(new)
    with torch.no_grad():
        grown.encoder.token_embedding.weight[places] = rows
        grown.head.bias[places] = offsets + math.log(MASS / max(1, count))
    return grown


def _with_rows(model: MaskedLM, rows: Tensor, bias: Tensor) -> MaskedLM:
    """Return a copy of the model with other embedding rows [V, D] and output biases [V]."""
    embedding = model.encoder.token_embedding
    # deepcopy takes what the memo holds for these two, so the old ones are never copied.
    memo = {
        id(embedding.weight): torch.nn.Parameter(rows),
        id(model.head.bias): torch.nn.Parameter(bias),
    }
    made = copy.deepcopy(model, memo=memo)
    made.encoder.vocab_size = made.encoder.token_embedding.num_embeddings = len(rows)
    return made


def _new_rows(
    model: MaskedLM, sources: Sequence[Sequence[int]], start: Start, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return the new rows [k, D], and [k] by how much each logit without its bias can be above log
    sum exp of the old logits, negated.
    """
    weight, bias = (x.detach() for x in (model.encoder.token_embedding.weight, model.head.bias))
    ordinary = weight[NUM_SPECIALS:-1]
    mean, mean_bias = ordinary.mean(0), bias[NUM_SPECIALS:-1].mean()
    if start == "pieces":
        ids = [torch.tensor([int(i) for i in row], dtype=torch.int64) for row in sources]
        rows = [weight[row].mean(0) if len(row) else mean for row in ids]
        biases = [bias[row].mean() if len(row) else mean_bias for row in ids]
        return torch.stack(rows), torch.stack(biases)
    noise = torch.empty(len(sources), weight.shape[1], dtype=torch.float32)
    noise.normal_(0.0, float(ordinary.float().std()), generator=generator)
    rows_ = noise.to(weight) + (mean if start == "mean" else 0)
    return rows_, mean_bias - _reach(model, rows_ - mean)


def _reach(model: MaskedLM, rows: Tensor) -> Tensor:
    """Return [k] the most that a row can score: what comes out of a layer norm is gain * z + shift
    with a z of mean 0 and of length sqrt(D) at most.
    """
    gain, shift = model.head.norm.weight.detach(), model.head.norm.bias.detach()
    scaled = (rows * gain).double()
    centred = scaled - scaled.mean(1, keepdim=True)
    most = centred.norm(dim=1) * math.sqrt(rows.shape[1]) + rows.double() @ shift.double()
    return most.to(rows)
