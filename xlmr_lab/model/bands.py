"""Bands of ids, into which an adaptive softmax cuts its output (see adaptive.py), as plain numbers.

The first band is scored at every position, with one entry more for each further band; a further
band only where the target lies in it, from vectors `WIDTH_DIVISOR` times narrower than those of the
band before. The full softmax is one band that holds all ids.
"""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from xlmr_lab.errors import UserError

WIDTH_DIVISOR = 4
"""How many times narrower each band is than the one before (Grave et al. 2017, Sec. 4.3)."""


class Band(NamedTuple):
    """Ids that are scored together."""

    num_ids: int
    """How many there are."""
    num_scores: int
    """Logits of a position: those of the ids, and in the first band one for each further band."""
    width: int
    """Numbers of the vector of each."""


def check_cutoffs(cutoffs: Sequence[int], hidden_size: int) -> None:
    """Refuse cutoffs that are not in ascending order, or that make a band of no width.

    Raises:
        UserError: names the value.
    """
    shown = ",".join(map(str, cutoffs))
    if any(low >= high for low, high in itertools.pairwise((0, *cutoffs))):
        raise UserError(f"adaptive_cutoffs must be above 0 and ascend, got {shown}")
    if WIDTH_DIVISOR ** len(cutoffs) > hidden_size:
        raise UserError(
            f"adaptive_cutoffs makes {len(cutoffs)} bands each {WIDTH_DIVISOR} times narrower than "
            f"the one before, too many for hidden_size {hidden_size}; got {shown}"
        )


def bands(vocab_size: int, hidden_size: int, cutoffs: Sequence[int]) -> list[Band]:
    """Return the bands that begin at 0 and at each of `cutoffs`.

    Raises:
        UserError: a cutoff that leaves a band without ids.

    >>> [tuple(band) for band in bands(250, 64, (10, 100))]
    [(10, 12, 64), (90, 90, 16), (150, 150, 4)]
    """
    if cutoffs and cutoffs[-1] >= vocab_size:
        raise UserError(
            f"model.adaptive_cutoffs must be below the vocabulary's {vocab_size} ids, got "
            f"{cutoffs[-1]}"
        )
    sizes = [end - start for start, end in itertools.pairwise((0, *cutoffs, vocab_size))]
    entries = [len(cutoffs)] + [0] * len(cutoffs)
    return [
        Band(size, size + more, hidden_size // WIDTH_DIVISOR**place)
        for place, (size, more) in enumerate(zip(sizes, entries, strict=True))
    ]


def fitting(cutoffs: Sequence[int], vocab_size: int, hidden_size: int) -> tuple[int, ...]:
    """Return those cutoffs that a vocabulary and a width have room for.

    >>> fitting((20_000, 200_000), 150_000, 768), fitting((20, 200), 300, 8)
    ((20000,), (20,))
    """
    below = [cutoff for cutoff in cutoffs if cutoff < vocab_size]
    while WIDTH_DIVISOR ** len(below) > hidden_size:
        below.pop()
    return tuple(below)


def zipf_shares(vocab_size: int, cutoffs: Sequence[int]) -> tuple[float, ...]:
    """Return the shares of text in each further band by Zipf's law, the id in place r being as
    frequent as 1 / r: a rough guide, since vocabularies of many languages have more rare ids.

    >>> [round(share, 2) for share in zipf_shares(250_000, (20_000, 100_000))]
    [0.13, 0.07]
    """
    edges = (*cutoffs, vocab_size)
    return tuple(math.log(b / a) / math.log(vocab_size) for a, b in itertools.pairwise(edges))
