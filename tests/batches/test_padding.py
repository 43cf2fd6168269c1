"""What padding takes is counted exactly, on rows that one can count by hand."""

import numpy as np
import pytest

from xlmr_lab.batches import padding


def test_rows_hold_every_token_and_a_beginning_each() -> None:
    lengths = np.array([3, 8, 9, 1])
    rows = padding.row_lengths(lengths, 5)
    assert rows.sum() == lengths.sum() + len(rows)
    assert sorted(rows.tolist()) == [2, 2, 4, 5, 5, 5, 5]


def test_documents_that_fill_blocks_need_no_padding() -> None:
    rows = padding.row_lengths(np.array([4, 8]), 5)
    assert padding.to_block(rows, 5) == 0
    assert padding.to_longest(rows, 2, np.random.default_rng(0)) == 0


def test_padding_to_the_longest_of_a_batch() -> None:
    rows = np.array([10, 10, 4])
    rng = np.random.default_rng(0)
    assert padding.to_longest(rows, 3, rng) == pytest.approx(6 / 30)
    assert padding.to_longest(rows, 1, rng) == 0


def test_the_rest_behind_the_last_document_is_no_document() -> None:
    assert padding.document_lengths(np.array([9, 2, 9, 9, 2, 9])).tolist() == [2, 3]
    assert padding.document_lengths(np.array([9, 9])).tolist() == []
