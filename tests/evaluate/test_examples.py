"""Encoded examples and their batches: `pytest tests/evaluate/test_examples.py`."""

import itertools

import numpy as np
import pytest
import torch

from xlmr_lab.evaluate.examples import (
    BUCKET_BATCHES,
    Examples,
    batches,
    collate,
    concatenate,
    prediction_batches,
)
from xlmr_lab.evaluate.text import XLMR, Layout

CPU = torch.device("cpu")


BERT = Layout(
    begin=(8,),
    between=(9,),
    end=(9,),
    pad_id=0,
    unk_id=7,
    label_at="first",
    segments=(0, 1, 0),
)


def examples_of(rows, positions, labels, language="qaa", layout=XLMR):
    return Examples.of(
        [layout.single(row) for row in rows],
        [np.array(p) for p in positions],
        labels,
        language=language,
        layout=layout,
    )


def test_a_batch_by_hand():
    examples = examples_of([[5, 6], [9], [7]], [[1, 2], [1], [1]], [3, 4, 5, 6])
    batch = collate(examples, np.array([2, 0]), CPU)
    assert batch.ids.tolist() == [[0, 7, 2, 1], [0, 5, 6, 2]]
    assert batch.mask.tolist() == [[True, True, True, False], [True] * 4]
    assert batch.positions.tolist() == [[1, 0], [1, 2]]
    assert batch.labels.tolist() == [[6, -100], [3, 4]]
    assert batch.languages == ["qaa", "qaa"]
    assert (batch.ids.dtype, batch.labels.dtype) == (torch.int32, torch.int64)


def test_a_batch_of_equal_lengths_has_no_mask():
    examples = examples_of([[9], [7]], [[0], [0]], [1, 0])
    assert collate(examples, np.array([0, 1]), CPU).mask is None


def test_padding_and_segments_are_those_of_the_layout():
    rows = [BERT.pair([5, 6], [4]), BERT.pair([5], [4])]
    firsts = [np.array([0]), np.array([0])]
    examples = Examples.of(rows, firsts, [1, 0], language="qaa", layout=BERT)
    batch = collate(examples, np.array([0, 1]), CPU)
    assert batch.ids.tolist() == [[8, 5, 6, 9, 4, 9], [8, 5, 9, 4, 9, 0]]
    assert batch.segments.tolist() == [[0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0]]
    assert batch.mask.tolist() == [[True] * 6, [True] * 5 + [False]]


def test_sets_of_several_languages_are_laid_behind_each_other():
    first = examples_of([[5, 6], [9]], [[1, 2], [1]], [3, 4, 5], "qab")
    second = examples_of([[7]], [[0]], [6], "qaa")
    both = concatenate([first, second, first])
    assert both.languages == ("qab", "qaa")
    assert both.row_languages.tolist() == [0, 0, 1, 0, 0]
    assert both.labels.tolist() == [3, 4, 5, 6, 3, 4, 5]
    batch = collate(both, np.array([2, 3]), CPU)
    assert batch.ids.tolist() == [[0, 7, 2, 1], [0, 5, 6, 2]]
    assert batch.positions.tolist() == [[0, 0], [1, 2]]
    assert batch.labels.tolist() == [[6, -100], [3, 4]]
    assert batch.languages == ["qaa", "qab"]
    assert concatenate([first]) is first


def test_labels_may_be_numbers():
    examples = examples_of([[5, 6], [9]], [[0], [0]], [0.5, 4.75])
    assert collate(examples, np.array([1, 0]), CPU).labels.tolist() == [[4.75], [0.5]]


@pytest.mark.parametrize("start", [0, 1, 3, 7, 20])
def test_batches_may_begin_later(start):
    lengths = np.random.default_rng(0).integers(1, 50, 30)
    whole = list(itertools.islice(batches(lengths, 8, seed=1), 30))
    later = list(itertools.islice(batches(lengths, 8, seed=1, start=start), 30 - start))
    assert [rows.tolist() for rows in whole[start:]] == [rows.tolist() for rows in later]


@pytest.mark.parametrize(("num", "size"), [(10, 3), (1000, 7), (3, 8), (1, 1)])
def test_a_pass_shows_each_example_at_most_once_and_misses_less_than_a_batch(num, size):
    lengths = np.random.default_rng(0).integers(1, 50, num)
    in_pass = max(1, num // size)
    drawn = list(itertools.islice(batches(lengths, size, seed=1), 2 * in_pass))
    for rows in (drawn[:in_pass], drawn[in_pass:]):
        seen = np.concatenate(rows)
        assert len(set(seen.tolist())) == len(seen) == num - (num % size if num > size else 0)
    assert all(len(rows) == min(size, num) for rows in drawn)


def test_every_example_comes_up_sooner_or_later():
    rows = itertools.islice(batches(np.arange(1, 12), 4, seed=3), 40)
    assert set(np.concatenate(list(rows)).tolist()) == set(range(11))


def test_batches_depend_on_the_seed_alone():
    def drawn(seed):
        return [rows.tolist() for rows in itertools.islice(batches(np.ones(50), 8, seed=seed), 20)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_bucketed_batches_are_nearly_free_of_padding():
    lengths = np.random.default_rng(0).integers(5, 60, 32 * BUCKET_BATCHES)
    drawn = list(itertools.islice(batches(lengths, 32, seed=1), BUCKET_BATCHES))
    padded = sum(lengths[rows].max() * len(rows) for rows in drawn)
    assert padded / lengths.sum() < 1.05


def test_the_order_of_batches_does_not_follow_their_lengths():
    lengths = np.random.default_rng(0).integers(5, 60, 32 * BUCKET_BATCHES)
    drawn = [
        lengths[rows].mean()
        for rows in itertools.islice(batches(lengths, 32, seed=1), BUCKET_BATCHES)
    ]
    assert abs(np.corrcoef(drawn, np.arange(BUCKET_BATCHES))[0, 1]) < 0.5


def test_prediction_batches_hold_each_row_once_within_the_limit():
    lengths = np.array([3, 90, 4, 4, 200, 1])
    drawn = list(prediction_batches(lengths, 100))
    assert [rows.tolist() for rows in drawn] == [[4], [1], [2, 3, 0, 5]]
    assert sorted(np.concatenate(drawn).tolist()) == list(range(6))
