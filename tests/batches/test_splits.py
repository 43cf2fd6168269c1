"""The held-out split: by hash, never too small, every document on one side.

Run with: pytest tests/batches/test_splits.py
"""

import numpy as np
import pytest

from xlmr_lab.batches.splits import Document, rank, split


def document(rank: float, num_tokens: int = 10) -> Document:
    return Document(rank, np.zeros(num_tokens, np.uint16), 1, num_tokens)


def sides(ranks, *, fraction, least_tokens=0):
    """Return the ranks of each split."""
    found = {"train": [], "heldout": []}
    for name, each in split(map(document, ranks), fraction=fraction, least_tokens=least_tokens):
        found[name].append(each.rank)
    return found


def test_documents_under_the_fraction_are_held_out():
    found = sides([0.5, 0.05, 0.9, 0.1, 0.0], fraction=0.1)
    assert found["heldout"] == [0.05, 0.0]
    assert sorted(found["train"]) == [0.1, 0.5, 0.9]


def test_the_smallest_ranks_fill_a_split_that_would_be_too_small():
    # Ten tokens a document; 25 are asked for and one document is under the fraction.
    found = sides([0.5, 0.3, 0.9, 0.01, 0.4, 0.7], fraction=0.1, least_tokens=25)
    assert sorted(found["heldout"]) == [0.01, 0.3, 0.4]
    assert sorted(found["train"]) == [0.5, 0.7, 0.9]


def test_the_split_does_not_depend_on_the_order():
    ranks = np.random.default_rng(0).random(200)
    wanted = sides(ranks, fraction=0.02, least_tokens=95)
    assert len(wanted["heldout"]) == 10
    assert len(wanted["train"]) == 190
    for seed in range(5):
        shuffled = np.random.default_rng(seed).permutation(ranks)
        found = sides(shuffled, fraction=0.02, least_tokens=95)
        assert {key: sorted(side) for key, side in found.items()} == {
            key: sorted(side) for key, side in wanted.items()
        }


def test_memory_holds_no_more_than_the_least_part():
    ranks = np.random.default_rng(0).random(500)
    waiting = peak = 0

    def counted():
        nonlocal waiting
        for each in ranks:
            waiting += 1
            yield document(each)

    for _ in split(counted(), fraction=0.001, least_tokens=100):
        waiting -= 1
        peak = max(peak, waiting)
    assert peak <= 11


def test_too_little_text_is_all_held_out():
    assert sides([0.5, 0.6], fraction=0.1, least_tokens=100)["train"] == []


def test_ranks_are_even_and_pinned():
    ranks = np.array([rank(f"doc-{i}") for i in range(20_000)])
    assert (ranks < 0.1).mean() == pytest.approx(0.1, abs=0.006)
    assert 0 <= ranks.min()
    assert ranks.max() < 1
    # SHA-256 of "a" begins with ca978112ca1b.
    assert rank("a") == 0xCA978112CA1B / 2**48
