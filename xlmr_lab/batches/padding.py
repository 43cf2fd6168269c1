"""What padding would cost: documents as rows of their own, beside blocks cut from a stream.

A document that does not fit is cut into parts, each a row that begins with `<s>`. Rows are padded
to the length of a block, or to the longest of their batch, in random order. Blocks of a stream have
no padding.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from xlmr_lab.vocabulary.special_tokens import EOS_ID

Lengths = npt.NDArray[np.int64]


def document_lengths(tokens: npt.NDArray[Any]) -> Lengths:
    """Return how many tokens each whole document has, its `</s>` included.

    >>> document_lengths(np.array([5, 6, EOS_ID, 7, EOS_ID, 8])).tolist()
    [3, 2]
    """
    return np.diff(np.flatnonzero(tokens == EOS_ID), prepend=-1)


def row_lengths(lengths: Lengths, block_tokens: int) -> Lengths:
    """Return the lengths of the rows that the documents make, `<s>` included, whole ones first.

    >>> row_lengths(np.array([3, 9]), 5).tolist()
    [5, 5, 4, 2]
    """
    room = block_tokens - 1
    whole, rest = np.divmod(lengths, room)
    return np.concatenate([np.full(whole.sum(), room), rest[rest > 0]]) + 1


def to_block(rows: Lengths, block_tokens: int) -> float:
    """Return the share of the positions that is padding, where rows are padded to a block.

    >>> to_block(np.array([4, 5, 5, 1]), 5)
    0.25
    """
    return float(1 - rows.sum() / (len(rows) * block_tokens))


def to_longest(rows: Lengths, batch_sequences: int, rng: np.random.Generator) -> float:
    """Return the share of the positions that is padding, where rows are padded to the longest of
    their batch; the last batch may have fewer rows.
    """
    shuffled = rng.permutation(rows)
    batches = [shuffled[i : i + batch_sequences] for i in range(0, len(rows), batch_sequences)]
    return float(1 - rows.sum() / sum(len(batch) * batch.max() for batch in batches))
