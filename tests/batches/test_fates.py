"""What became of each token is told from the batch before and after masking."""

import numpy as np

from xlmr_lab.batches.fates import FATES, fates
from xlmr_lab.batches.masking import IGNORE_INDEX, Masked, mask, num_masked

VOCAB_SIZE = 50
MASK = VOCAB_SIZE - 1


def test_every_fate_by_hand() -> None:
    tokens = np.array([[0, 3, 10, 11, 12, 13, 2]], dtype=np.int32)
    inputs = np.array([[0, 3, MASK, 20, 12, 13, 2]], dtype=np.int32)
    masked = Masked(inputs, np.array([[2, 3, 4]]), np.array([[10, 11, 12]]))
    found = [FATES[place] for place in fates(tokens, masked, VOCAB_SIZE)[0]]
    assert found == ["special", "seen", "masked", "random", "kept", "seen", "special"]


def test_a_position_that_does_not_count_stays_what_it_was() -> None:
    tokens = np.array([[0, 10, 2, 2]], dtype=np.int32)
    inputs = np.array([[0, MASK, 2, 2]], dtype=np.int32)
    masked = Masked(inputs, np.array([[1, 2]]), np.array([[10, IGNORE_INDEX]]))
    found = [FATES[place] for place in fates(tokens, masked, VOCAB_SIZE)[0]]
    assert found == ["special", "masked", "special", "special"]


def test_as_many_are_chosen_as_masking_says() -> None:
    rng = np.random.default_rng(0)
    tokens = rng.integers(4, MASK, (20, 64), dtype=np.int32)
    masked = mask(tokens, vocab_size=VOCAB_SIZE, fraction=0.3, rng=rng)
    chosen = np.isin(fates(tokens, masked, VOCAB_SIZE), [2, 3, 4]).sum(axis=1)
    assert set(chosen.tolist()) == {num_masked(64, 0.3)}
