"""How many operations a token of training takes, by part of the masked language model.

Counted are matrix products, a multiplication and an addition as two, forward and backward: 6 for
each weight that a position goes through, and 12 S H a layer for attention over S tokens at width H.
They are counted as our model computes them: the last layer's queries and feed-forward part, and the
head, at masked positions only. Left out: norms, activations, dropout and the optimizer, which are
bound by memory, and what activation checkpointing computes a second time.

The work of an adaptive softmax depends on how many targets lie in each further band (see bands.py).
"""

import dataclasses
from collections.abc import Sequence

from xlmr_lab.model.bands import Band, bands


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Operations:
    """Operations for a token of training, forward and backward, by part."""

    layers: float
    """Products with the weights of the layers."""
    attention: float
    """Attention scores and what they weigh, which grow with the block."""
    head: float
    """The dense layer of the head."""
    logits: float
    """The product with the embedding or with the bands of an adaptive softmax, which grows with the
    vocabulary."""

    @property
    def total(self) -> float:
        """All of them."""
        return self.layers + self.attention + self.head + self.logits


def count(
    vocab_size: int,
    *,
    num_layers: int,
    hidden_size: int,
    ffn_size: int,
    block_tokens: int,
    masked_share: float,
    adaptive_cutoffs: Sequence[int] = (),
    band_shares: Sequence[float] = (),
) -> Operations:
    """Return the operations for a token in blocks of `block_tokens`, of which `masked_share` (above
    0, at most 1: everything at all positions) goes through the head; `band_shares` of these have
    their target in each of the further bands that `adaptive_cutoffs` make.

    >>> base = {"num_layers": 12, "hidden_size": 768, "ffn_size": 3072, "block_tokens": 512}
    >>> round(count(250_002, **base, masked_share=1.0).total / 1e9, 3)
    1.722
    """
    first, *further = bands(vocab_size, hidden_size, adaptive_cutoffs)
    whole = num_layers - 1
    narrow = 2 * hidden_size**2 + 2 * hidden_size * ffn_size  # queries, output, feed-forward
    wide = 2 * hidden_size**2  # keys and values, which every position gives
    return Operations(
        layers=6 * (whole * (narrow + wide) + masked_share * narrow + wide),
        attention=12 * (whole + masked_share) * block_tokens * hidden_size,
        head=6 * masked_share * hidden_size**2,
        logits=6 * masked_share * _output(first, further, band_shares),
    )


def _output(first: Band, further: Sequence[Band], shares: Sequence[float]) -> float:
    """Return the weights that a masked position goes through after the head."""
    inside = (
        share * (first.width * band.width + band.width * band.num_scores)
        for share, band in zip(shares, further, strict=True)
    )
    return first.width * first.num_scores + sum(inside)
