"""What guessing by the frequencies of pieces would lose: the yardstick of a masked LM that has
learned nothing of context.

Frequencies are those of the language's training text, with a share for pieces that are not in it
(Witten and Bell 1991: as likely as a new one was so far). Of long texts some blocks are counted,
spread over all of it.
"""

import numpy as np
import numpy.typing as npt

from xlmr_lab.batches import packing
from xlmr_lab.batches.masking import IGNORE_INDEX, is_maskable
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.batches.stream import BatchConfig, heldout_masked

COUNTED_TOKENS = 5_000_000
"""So many tokens of a language are counted, at most."""


def frequency_loss(
    shards: TokenShards, language: str, config: BatchConfig, max_blocks: int
) -> float:
    """Return the mean loss, in nats a piece, of the targets of a language's held-out blocks where
    each is guessed by the frequency of its piece."""
    targets = heldout_masked(shards, language, config, max_blocks).targets
    counts = piece_counts(shards, language, config.block_tokens)
    return guessing_loss(counts, targets[targets != IGNORE_INDEX])


def guessing_loss(counts: npt.NDArray[np.int64], targets: npt.NDArray[np.int64]) -> float:
    """Return the mean loss of targets, by how often each id was seen.

    >>> round(guessing_loss(np.array([2, 2, 0, 0]), np.array([0, 1])), 3)
    0.875
    """
    distinct = np.count_nonzero(counts)
    shares = (counts + distinct / len(counts)) / (counts.sum() + distinct)
    return float(-np.log(shares[targets]).mean())


def piece_counts(shards: TokenShards, language: str, block_tokens: int) -> npt.NDArray[np.int64]:
    """Return how often each ordinary piece stands in the training text of a language."""
    tokens, counts = shards.tokens(language), np.zeros(shards.vocab_size, dtype=np.int64)
    number = packing.num_blocks(len(tokens), block_tokens)
    chosen = min(number, max(1, COUNTED_TOKENS // block_tokens))
    for place in np.unique(np.linspace(0, number - 1, chosen, dtype=np.int64)):
        block = packing.block(tokens, int(place), block_tokens)
        counts += np.bincount(block, minlength=shards.vocab_size)
    ids = np.arange(shards.vocab_size, dtype=np.int32)
    return np.where(is_maskable(ids, shards.vocab_size), counts, 0)
