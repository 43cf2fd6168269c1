"""Masking: an exact small case, what may never happen, frequencies over many tokens, speed.

Run with: pytest tests/batches/test_masking.py
"""

import numpy as np
import pytest

from xlmr_lab.batches.masking import IGNORE_INDEX, mask, num_masked
from xlmr_lab.batches.stream import BatchConfig
from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.special_tokens import FIRST_PIECE_ID, mask_id

VOCAB_SIZE = 1000
MASK_ID = mask_id(VOCAB_SIZE)


def batch(num_blocks: int, block_tokens: int, seed: int = 0) -> np.ndarray:
    """Return blocks of ordinary pieces behind `<s>`, with an `</s>` here and there."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(FIRST_PIECE_ID, MASK_ID, (num_blocks, block_tokens), dtype=np.int32)
    tokens[rng.random(tokens.shape) < 0.05] = 2
    tokens[:, 0] = 0
    return tokens


def masked(tokens: np.ndarray, fraction: float = 0.15, seed: int = 1):
    return mask(tokens, vocab_size=VOCAB_SIZE, fraction=fraction, rng=np.random.default_rng(seed))


def test_where_only_some_tokens_can_be_chosen_those_are():
    # K = round(0.4 * 5) = 2, and two ordinary pieces in each row.
    tokens = np.array([[0, 50, 2, 3, 60, 1], [0, 2, 70, 80, MASK_ID, 2]], dtype=np.int32)
    _, positions, targets = masked(tokens, fraction=0.4)
    assert positions.tolist() == [[1, 4], [2, 3]]
    assert targets.tolist() == [[50, 60], [70, 80]]


def test_a_block_with_too_few_pieces_ignores_the_rest():
    tokens = np.array([[0, 50, 2, 2, 2, 2], [0, 2, 2, 2, 2, 2]], dtype=np.int32)
    inputs, positions, targets = masked(tokens, fraction=0.4)
    assert sorted(targets[0].tolist()) == [IGNORE_INDEX, 50]
    assert targets[1].tolist() == [IGNORE_INDEX, IGNORE_INDEX]
    assert positions[0][targets[0] == 50] == 1
    np.testing.assert_array_equal(inputs[1], tokens[1])
    assert (np.diff(positions, axis=1) > 0).all()


@pytest.mark.parametrize(
    ("block_tokens", "fraction", "count"), [(512, 0.15, 77), (128, 0.15, 19), (4, 0.01, 1)]
)
def test_the_count_is_the_share_of_the_tokens_behind_bos(block_tokens, fraction, count):
    assert num_masked(block_tokens, fraction) == count
    assert masked(batch(3, block_tokens), fraction).positions.shape == (3, count)


def test_inputs_differ_from_tokens_at_chosen_positions_only():
    tokens = batch(64, 128)
    before = tokens.copy()
    inputs, positions, targets = masked(tokens)
    np.testing.assert_array_equal(tokens, before)
    np.testing.assert_array_equal(np.take_along_axis(tokens, positions, 1), targets)
    rest = np.ones(tokens.shape, bool)
    np.put_along_axis(rest, positions, False, 1)
    np.testing.assert_array_equal(inputs[rest], tokens[rest])
    assert inputs.dtype == np.int32
    assert positions.dtype == targets.dtype == np.int64


def test_positions_ascend_without_repetition():
    assert (np.diff(masked(batch(64, 128)).positions, axis=1) > 0).all()


def test_specials_are_never_chosen_and_replacements_are_ordinary_pieces():
    tokens = batch(200, 128)
    tokens[:, 5], tokens[:, 6], tokens[:, 7] = 1, 3, MASK_ID
    inputs, positions, targets = masked(tokens)
    assert (targets >= FIRST_PIECE_ID).all()
    assert (targets < MASK_ID).all()
    assert not np.isin(positions, [0, 5, 6, 7]).any()
    seen = np.take_along_axis(inputs, positions, 1)
    assert (seen >= FIRST_PIECE_ID).all()


def test_frequencies_are_80_10_10_and_even_over_positions():
    inputs, positions, targets = masked(batch(6000, 128))
    seen = np.take_along_axis(inputs, positions, 1)
    assert seen.size > 100_000
    assert (seen == MASK_ID).mean() == pytest.approx(0.8, abs=0.005)
    assert (seen == targets).mean() == pytest.approx(0.1, abs=0.005)
    replaced = seen[(seen != MASK_ID) & (seen != targets)]
    assert replaced.size / seen.size == pytest.approx(0.1, abs=0.005)
    assert len(np.unique(replaced)) > 0.99 * (MASK_ID - FIRST_PIECE_ID)
    chosen = np.bincount(positions.ravel(), minlength=128)[1:] / 6000
    assert chosen.mean() == pytest.approx(0.15, abs=0.001)
    assert chosen.std() < 0.007  # binomial: 0.0046


def test_equal_generators_mask_alike_and_others_do_not():
    tokens = batch(8, 64)
    for a, b in zip(masked(tokens, seed=4), masked(tokens, seed=4), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (masked(tokens, seed=4).positions != masked(tokens, seed=5).positions).any()


def test_a_mask_is_pinned():
    # A changed draw would make a resumed run differ from the run it resumes.
    tokens = np.arange(10, 26, dtype=np.int32)[None]
    inputs, positions, _ = masked(tokens, fraction=0.4, seed=0)
    assert positions[0].tolist() == [3, 4, 5, 6, 7, 8]
    assert inputs[0, positions[0]].tolist() == [999, 14, 846, 999, 92, 999]  # of 10 up to 25


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.2, float("nan")])
def test_a_fraction_out_of_range_is_refused(fraction):
    with pytest.raises(UserError, match=f"mask_fraction must be between 0 and 1, got {fraction}"):
        BatchConfig(mask_fraction=fraction)
