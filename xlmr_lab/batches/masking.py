"""Choose the tokens that a masked LM must predict, and hide them (BERT Sec. 3.1, RoBERTa Sec. 4.1).

Of each block a fixed count is chosen, so every batch has the same shape; the paper's 15 % is met
for each block instead of on average. Of the chosen, 80 % become `<mask>`, 10 % a random ordinary
piece, 10 % stay. `<s>`, `<pad>`, `</s>`, `<unk>` and `<mask>` are never chosen. The result is a
function of the tokens and the generator alone: not of precision, workers or library. Left out:
whole-word masking and schedules of the fraction.

Shapes: B blocks, T tokens of a block, K chosen of a block.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.special_tokens import FIRST_PIECE_ID, mask_id

IGNORE_INDEX = -100
"""Target of a position that counts for nothing, as in torch's cross entropy."""
MASK_SHARE = 0.8
RANDOM_SHARE = 0.1
"""Of the chosen tokens; what is left stays as it is (BERT Sec. 3.1)."""

_POSITION_BITS = np.uint64(16)
_POSITION = np.uint64((1 << 16) - 1)
_NEVER = np.uint64(1 << 63)


class Masked(NamedTuple):
    """A masked batch."""

    inputs: npt.NDArray[np.int32]
    """[B, T] what the model sees."""
    positions: npt.NDArray[np.int64]
    """[B, K] chosen positions, ascending."""
    targets: npt.NDArray[np.int64]
    """[B, K] the tokens that stood there; IGNORE_INDEX where a block had fewer than K to choose
    from."""


def num_masked(block_tokens: int, fraction: float) -> int:
    """Return K: the share of the tokens behind `<s>`, rounded, at least one.

    >>> num_masked(512, 0.15)
    77
    """
    return max(1, round(fraction * (block_tokens - 1)))


def check_fraction(fraction: float) -> None:
    """Refuse a masked share that is not between 0 and 1.

    Raises:
        UserError: the fraction is out of range or not a number.
    """
    if not 0 < fraction < 1:
        raise UserError(f"mask_fraction must be between 0 and 1, got {fraction}; BERT's is 0.15")


def mask(
    tokens: npt.NDArray[np.int32],
    *,
    vocab_size: int,
    fraction: float,
    rng: np.random.Generator,
) -> Masked:
    """Hide `num_masked` tokens of each block; `tokens` [B, T] is left as it is.

    The draws have the same shapes whatever the tokens are, so equal generators choose alike.
    """
    block_tokens = tokens.shape[1]
    assert block_tokens <= _POSITION, f"blocks of {block_tokens} tokens"
    count = num_masked(block_tokens, fraction)
    maskable = is_maskable(tokens, vocab_size)
    positions = _choose(maskable, count, rng)
    chosen = np.take_along_axis(tokens, positions, axis=1)
    replaced = _corrupt(chosen, vocab_size, rng)
    counts = np.take_along_axis(maskable, positions, axis=1)
    inputs = tokens.astype(np.int32, copy=True)
    np.put_along_axis(inputs, positions, np.where(counts, replaced, chosen), axis=1)
    return Masked(inputs, positions, np.where(counts, chosen, IGNORE_INDEX).astype(np.int64))


def is_maskable(tokens: npt.NDArray[np.int32], vocab_size: int) -> npt.NDArray[np.bool_]:
    """Return where there are ordinary pieces, the only ones that are ever chosen."""
    maskable: npt.NDArray[np.bool_] = (tokens >= FIRST_PIECE_ID) & (tokens != mask_id(vocab_size))
    return maskable


def _choose(
    maskable: npt.NDArray[np.bool_], count: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return `count` positions of each row, ascending, maskable ones first to be chosen.

    Each position gets a random key that carries the position in its low bits: keys are distinct, so
    the smallest `count` are the same whatever way they are found.
    """
    block_tokens = maskable.shape[1]
    keys = rng.integers(0, 1 << 32, size=maskable.shape, dtype=np.uint64)
    keys = (keys << _POSITION_BITS) | np.arange(block_tokens, dtype=np.uint64)
    keys |= np.where(maskable, np.uint64(0), _NEVER)
    smallest = np.partition(keys, count - 1, axis=1)[:, :count] & _POSITION
    return np.sort(smallest.astype(np.int64), axis=1)


def _corrupt(
    chosen: npt.NDArray[np.int32], vocab_size: int, rng: np.random.Generator
) -> npt.NDArray[np.int32]:
    """Return what stands in the place of each chosen token [B, K]."""
    how = rng.random(chosen.shape)
    other = rng.integers(FIRST_PIECE_ID, mask_id(vocab_size), size=chosen.shape, dtype=np.int32)
    kept = np.where(how < MASK_SHARE + RANDOM_SHARE, other, chosen)
    return np.where(how < MASK_SHARE, np.int32(mask_id(vocab_size)), kept)
