"""Initial weights: BERT's normal distribution, or heads that first look at near tokens.

A small model of natural text stays near the entropy of single pieces for thousands of steps, since
attention that starts out even over a block has to find the neighbours of a masked piece first,
position by position; then the loss falls. With `look_at_neighbours` heads start where they would
have to get to: positions are waves of evenly spaced frequencies, of which any distance is a
rotation, and the query of a head is its key so rotated that it agrees with the key a fixed distance
away. The architecture stays the published one, and everything is learned from there on (compare
mimetic initialization, Trockman and Kolter 2023, arXiv 2305.09828). Not in the paper, off by
default.

Shapes: D model width, K head width, T positions.
"""

import itertools
import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

POSITION_SHARE = 0.8
"""Share of an embedded token's variance that is its position's, at first."""
PEAK = 6.0
"""Attention logit of the token looked at, where others have about 0. In a block of 64 six tenths of
the first layer's attention go there at width 64 with 2 heads, three quarters at 256 with 4; less in
narrower heads and longer blocks, and in later layers where `init_std` does not suit the width."""


@torch.no_grad()
def initialize(module: nn.Module, *, std: float, generator: torch.Generator | None = None) -> None:
    """Draw linear and embedding weights from N(0, std^2), set biases and padding rows to 0 (BERT's
    scheme)."""
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            part.weight.normal_(0.0, std, generator=generator)
        if isinstance(part, nn.Linear) and part.bias is not None:
            part.bias.zero_()
        if isinstance(part, nn.Embedding) and part.padding_idx is not None:
            part.weight[part.padding_idx].zero_()


def distances(num_heads: int) -> list[int]:
    """Return where the heads of a layer look first, in tokens from their own.

    >>> distances(6)
    [-1, 1, -2, 2, -3, 3]
    """
    ordered = (sign * n for n in itertools.count(1) for sign in (-1, 1))
    return list(itertools.islice(ordered, num_heads))


@torch.no_grad()
def look_at_neighbours(
    positions: nn.Embedding,
    attentions: Iterable[tuple[nn.Linear, nn.Linear]],
    *,
    num_heads: int,
    std: float,
) -> None:
    """Have each head look at the token a fixed distance away (see `distances`).

    `attentions` are the query [D, D] and the key and value [2 D, D] of each layer, whose query as
    `initialize` drew it says what a head's key looks at; `std` is the standard deviation of the
    token embeddings, which the positions' exceeds.
    """
    width = positions.embedding_dim
    gain = math.sqrt(POSITION_SHARE / (1 - POSITION_SHARE))
    positions.weight.copy_(waves(len(positions.weight), width) * std * gain)
    if positions.padding_idx is not None:
        positions.weight[positions.padding_idx].zero_()
    head_width = width // num_heads
    scale = math.sqrt(PEAK / (POSITION_SHARE * width * math.sqrt(head_width)))
    for query, key_value in attentions:
        drawn = query.weight * (scale / query.weight.std())
        key_value.weight[:width].copy_(drawn)
        for place, distance in enumerate(distances(num_heads)):
            rows = slice(place * head_width, (place + 1) * head_width)
            query.weight[rows].copy_(drawn[rows] @ rotation(distance, width))


def waves(num_positions: int, width: int) -> Tensor:
    """Return waves [T, D] over positions, of mean square 1: for each frequency its sine and its
    cosine; an odd width has a column of zeros."""
    angles = torch.arange(num_positions)[:, None] * _frequencies(width)  # T D/2
    found = torch.zeros(num_positions, width)
    half = width // 2
    found[:, :half], found[:, half : 2 * half] = angles.sin(), angles.cos()
    return found * math.sqrt(2)


def rotation(distance: int, width: int) -> Tensor:
    """Return the matrix [D, D] that takes the wave of each position to that of the position so far
    on.

    >>> turned = waves(5, 8)[1] @ rotation(2, 8).T
    >>> bool(torch.allclose(turned, waves(5, 8)[3], atol=1e-5))
    True
    """
    angles, half = distance * _frequencies(width), width // 2
    sines, cosines = torch.arange(half), torch.arange(half, 2 * half)
    found = torch.eye(width)
    found[sines, sines] = found[cosines, cosines] = angles.cos()
    found[sines, cosines], found[cosines, sines] = angles.sin(), -angles.sin()
    return found


def _frequencies(width: int) -> Tensor:
    """Return frequencies evenly spaced between 0 and half a turn a position [D/2]: waves of two
    positions then hardly agree, however near they are."""
    half = width // 2
    return math.pi * (torch.arange(half) + 0.5) / max(half, 1)
