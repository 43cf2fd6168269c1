"""Cut a language's tokens into blocks, and put the blocks in a keyed order without storing it.

A block is `<s>` and the next `block_tokens - 1` tokens of one language, documents separated by
`</s>`: no padding, and documents may be cut at a block's edge, as in the released training code
("full sentences", RoBERTa Sec. 4.2). The last tokens that fill no block are left out.

The order of a pass is a keyed permutation computed per index: a Feistel network on the smallest a *
b grid that holds the blocks, walked until it lands inside. Any block of any pass is found in
constant time and memory, whatever the size of the language.
"""

import functools
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from xlmr_lab import seeds
from xlmr_lab.vocabulary.special_tokens import BOS_ID

_ROUNDS = 6
_ONE = np.uint64(1)
_U64: TypeAlias = npt.NDArray[np.uint64]


def num_blocks(num_tokens: int, block_tokens: int) -> int:
    """Return how many whole blocks the tokens fill.

    >>> num_blocks(511 * 3 + 1, 512)
    3
    """
    return num_tokens // (block_tokens - 1)


def block(tokens: npt.NDArray[Any], k: int, block_tokens: int) -> npt.NDArray[np.int32]:
    """Return block k of a language's tokens: int32 [T], starting with `<s>`."""
    found = np.empty(block_tokens, dtype=np.int32)
    fill(found, tokens, k)
    return found


def fill(row: npt.NDArray[np.int32], tokens: npt.NDArray[Any], k: int) -> None:
    """Write block k of a language's tokens into `row` [T]."""
    step = len(row) - 1
    row[0] = BOS_ID
    row[1:] = tokens[k * step : (k + 1) * step]


@functools.lru_cache(maxsize=1024)
def pass_keys(seed: int, language: str, number: int) -> tuple[int, ...]:
    """Return the keys of the order in which pass `number` goes over a language's blocks."""
    return tuple(seeds.words(seed, "permutation", language, number)[:_ROUNDS])


def permuted(
    k: npt.ArrayLike, num_blocks: npt.ArrayLike, keys: npt.ArrayLike
) -> npt.NDArray[np.int64]:
    """Return which block comes k-th in a pass: int64 [N].

    `k` [N] is below `num_blocks` and `keys` [N, 6] are those of its language and pass; one number
    of blocks and one set of keys serve all. For fixed keys this is a permutation of
    range(num_blocks).

    >>> sorted(permuted(range(5), 5, pass_keys(1, "sw", 0)).tolist())
    [0, 1, 2, 3, 4]
    """
    images = np.array(k, dtype=np.uint64)
    sizes = np.broadcast_to(np.array(num_blocks, dtype=np.uint64), images.shape)
    by_round = np.broadcast_to(np.array(keys, dtype=np.uint64), (*images.shape, _ROUNDS)).T
    assert (images < sizes).all(), "an index beyond the number of blocks"
    rows = np.ceil(np.sqrt(sizes)).astype(np.uint64)
    columns = (sizes + rows - _ONE) // rows
    outside = np.ones(images.shape, dtype=bool)
    while outside.any():
        images[outside] = _feistel(
            images[outside], rows[outside], columns[outside], by_round[:, outside]
        )
        outside = images >= sizes
    return images.astype(np.int64)


def _feistel(values: _U64, rows: _U64, columns: _U64, by_round: _U64) -> _U64:
    """Permute range(rows * columns): a round adds a keyed hash of one coordinate to the other."""
    left, right = values // columns, values % columns
    for number, keys in enumerate(by_round):
        if number % 2:
            right = (right + _mixed(left, keys) % columns) % columns
        else:
            left = (left + _mixed(right, keys) % rows) % rows
    return left * columns + right


def _mixed(values: _U64, keys: _U64) -> _U64:
    """Hash each value with its key (the finaliser of SplitMix64; multiplication wraps around)."""
    mixed = values + (keys << np.uint64(32)) + keys + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
