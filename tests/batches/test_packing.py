"""Blocks, and the keyed order they are drawn in.

Run with: pytest tests/batches/test_packing.py
"""

import itertools
from collections import Counter

import numpy as np
import pytest

from xlmr_lab.batches.packing import block, num_blocks, pass_keys, permuted


def order(size: int, seed: int = 1, language: str = "sw", number: int = 0) -> list[int]:
    """Return a whole pass."""
    return permuted(range(size), size, pass_keys(seed, language, number)).tolist()


def test_a_block_is_bos_and_the_next_tokens():
    tokens = np.arange(10, 20, dtype="<u2")
    assert num_blocks(len(tokens), 4) == 3
    assert block(tokens, 0, 4).tolist() == [0, 10, 11, 12]
    assert block(tokens, 2, 4).tolist() == [0, 16, 17, 18]  # 19 fills no block
    assert block(tokens, 0, 4).dtype == np.int32


def test_blocks_hold_every_token_once_in_order():
    tokens = np.arange(100, 100 + 7 * 63, dtype="<u4")
    every = np.stack([block(tokens, k, 64) for k in range(num_blocks(len(tokens), 64))])
    np.testing.assert_array_equal(every[:, 1:].ravel(), tokens)


@pytest.mark.parametrize("num_tokens", [0, 3, 4, 5, 8])
def test_num_blocks_counts_whole_blocks_only(num_tokens):
    assert num_blocks(num_tokens, 5) == num_tokens // 4


@pytest.mark.parametrize(
    "sizes", [range(1, 200), [255, 256, 257, 1000, 1021, 4095, 4096, 4097, 65_537, 100_003]]
)
def test_a_pass_is_a_bijection(sizes):
    for size in sizes:
        for number in range(2):
            assert sorted(order(size, number=number)) == list(range(size)), size


def test_a_pass_is_pinned():
    # A changed order would make a resumed run see other data than the run it resumes.
    assert order(12, seed=3, language="ur", number=2) == [0, 5, 11, 9, 8, 10, 7, 3, 6, 2, 4, 1]


def test_an_image_does_not_depend_on_what_is_asked_with_it():
    whole = order(1000)
    other = order(30, language="ur")
    keys = [pass_keys(1, language, 0) for language in ("sw", "ur", "sw")]
    mixed = permuted([7, 29, 999], [1000, 30, 1000], keys)
    assert mixed.tolist() == [whole[7], other[29], whole[999]]


def test_seed_language_and_pass_each_change_the_order():
    orders = [order(500), order(500, seed=2), order(500, language="ur"), order(500, number=1)]
    for a, b in itertools.combinations(orders, 2):
        same = sum(x == y for x, y in zip(a, b, strict=True))
        assert same < 10  # one is expected of independent orders


def test_small_orders_are_all_reached_about_equally():
    counts = Counter(tuple(order(4, number=n)) for n in range(4800))
    assert len(counts) == 24
    assert min(counts.values()) > 140  # 200 expected, standard deviation 14
    assert max(counts.values()) < 260


def test_neighbours_are_scattered():
    places = np.array(order(10_000))
    steps = np.abs(np.diff(places))
    # Of a random order the mean step is a third of the size; of the identity it is one.
    assert abs(steps.mean() / 10_000 - 1 / 3) < 0.02
    assert abs(np.corrcoef(np.arange(10_000), places)[0, 1]) < 0.04


def test_large_sizes_need_no_memory():
    size = 10**12 + 39
    found = permuted(range(1000), size, pass_keys(1, "en", 0))
    assert len(set(found.tolist())) == 1000
    assert 0 <= found.min()
    assert found.max() < size
