"""The loss of guessing by frequencies: by hand, and what a model without context can reach."""

import numpy as np
import pytest

from xlmr_lab.batches import frequencies
from xlmr_lab.batches.frequencies import frequency_loss, guessing_loss, piece_counts
from xlmr_lab.batches.shards import TokenShards, encode
from xlmr_lab.batches.stream import BatchConfig


class Letters:
    """A piece for each byte, behind the specials."""

    size = 300
    fingerprint = "letters"

    def encode(self, texts, language=None):
        return [np.frombuffer(t.encode(), np.uint8).astype(np.int32) + 4 for t in texts]


@pytest.fixture(scope="module")
def shards(tmp_path_factory) -> TokenShards:
    folder = tmp_path_factory.mktemp("shards")
    texts = {"en": lambda: ((f"en-{i}", "abcb" * 8) for i in range(200))}
    encode(texts, Letters(), folder, heldout_fraction=0.2)
    return TokenShards.open(folder)


def test_it_is_the_entropy_of_pieces_that_come_as_often_in_both_parts(shards) -> None:
    """Half of the letters are b, a quarter a, a quarter c: 1.5 bits."""
    loss = frequency_loss(shards, "en", BatchConfig(block_tokens=16), 50)
    assert loss / np.log(2) == pytest.approx(1.5, abs=0.1)


def test_specials_are_not_counted(shards) -> None:
    counts = piece_counts(shards, "en", 16)
    assert set(np.flatnonzero(counts)) == {4 + ord(letter) for letter in "abc"}


def test_a_part_of_a_long_text_is_counted_all_over_it(shards, monkeypatch) -> None:
    whole = piece_counts(shards, "en", 16)
    monkeypatch.setattr(frequencies, "COUNTED_TOKENS", 640)
    part = piece_counts(shards, "en", 16)
    assert 500 < part.sum() <= 640
    assert part / part.sum() == pytest.approx(whole / whole.sum(), abs=0.05)


def test_a_piece_that_was_never_seen_costs_more_and_is_finite() -> None:
    counts = np.array([90, 10, 0, 0])
    assert guessing_loss(counts, np.array([1])) < guessing_loss(counts, np.array([2])) < 10
