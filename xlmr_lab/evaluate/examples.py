"""Encoded examples and their batches: flat arrays, gathered into padded tensors of similar lengths.

A task is encoded once, into rows of token ids laid end to end, and in each row the positions that
carry a label. A batch is then one gather, without work for each example in Python. Batches hold
sequences of similar length, so little is padding. Nothing here knows of models.

Shapes: N examples, B sequences in a batch, T positions, P labelled positions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from xlmr_lab import seeds
from xlmr_lab.model.losses import IGNORE_INDEX
from xlmr_lab.vocabulary.special_tokens import PAD_ID

BUCKET_BATCHES = 32
"""Batches cut from one sorted run of shuffled examples: more of them pad less and mix less."""


class Ragged(NamedTuple):
    """Rows of different lengths laid end to end: row i is `values[starts[i]:starts[i + 1]]`."""

    values: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, rows: list[np.ndarray], dtype: npt.DTypeLike) -> "Ragged":
        """Lay rows end to end."""
        lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        values = np.concatenate(rows).astype(dtype, copy=False)
        return cls(values, np.concatenate([[0], np.cumsum(lengths)]))

    @property
    def lengths(self) -> np.ndarray:
        """Length of each row."""
        return np.diff(self.starts)

    def places(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the index into `values` of each element of rows [B], and whether there is one.

        Both are [B, longest].
        """
        starts, ends = self.starts[rows], self.starts[rows + 1]
        index = starts[:, None] + np.arange(int((ends - starts).max()))
        return index, index < ends[:, None]

    def padded(self, rows: np.ndarray, fill: int) -> tuple[np.ndarray, np.ndarray]:
        """Return rows [B] padded with `fill`, and where they hold a value: both [B, longest]."""
        index, present = self.places(rows)
        return np.where(present, self.values[np.where(present, index, 0)], fill), present


@dataclass(frozen=True, slots=True)
class Examples:
    """N rows of token ids, and in each the positions that have a label, with their labels."""

    tokens: Ragged
    positions: Ragged
    labels: np.ndarray
    """int64, one for each of `positions.values`."""
    language: str
    """Key of the language of all rows."""

    def __len__(self) -> int:
        return len(self.tokens.starts) - 1


class Batch(NamedTuple):
    """One batch; `mask` is None if nothing is padded, labels are IGNORE_INDEX where padded."""

    ids: Tensor  # B T
    mask: Tensor | None  # B T
    positions: Tensor  # B P
    labels: Tensor  # B P
    languages: list[str]  # B


def collate(examples: Examples, rows: np.ndarray, device: torch.device) -> Batch:
    """Gather some examples into one batch, padded to the longest."""
    ids, present = examples.tokens.padded(rows, PAD_ID)
    positions, labelled = examples.positions.padded(rows, 0)
    labels, _ = Ragged(examples.labels, examples.positions.starts).padded(rows, IGNORE_INDEX)
    assert labelled.any(axis=1).all(), "an example without a label"
    return Batch(
        torch.from_numpy(ids).to(device),
        None if present.all() else torch.from_numpy(present).to(device),
        torch.from_numpy(positions).to(device),
        torch.from_numpy(labels).to(device),
        [examples.language] * len(rows),
    )


def batches(lengths: np.ndarray, batch_sequences: int, *, seed: int) -> Iterator[np.ndarray]:
    """Yield rows of examples for one batch after another, without end.

    Each pass shuffles all examples and leaves out the few that do not fill a batch, so that all
    examples count alike; runs of `BUCKET_BATCHES` batches are sorted by length, and the batches
    come in random order.
    """
    size = min(batch_sequences, len(lengths))
    epoch = 0
    while True:
        rng = seeds.generator(seed, "finetune", "batches", epoch)
        rows = rng.permutation(len(lengths))[: len(lengths) // size * size]
        cut: list[np.ndarray] = []
        for start in range(0, len(rows), size * BUCKET_BATCHES):
            run = rows[start : start + size * BUCKET_BATCHES]
            run = run[np.argsort(lengths[run], kind="stable")]
            cut.extend(run.reshape(-1, size))
        yield from (cut[i] for i in rng.permutation(len(cut)))
        epoch += 1


def prediction_batches(lengths: np.ndarray, max_tokens: int) -> Iterator[np.ndarray]:
    """Yield all rows once, longest first, in batches of at most `max_tokens` padded tokens.

    A row that is longer is a batch of its own.
    """
    rows = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(rows):
        size = max(1, max_tokens // int(lengths[rows[start]]))
        yield rows[start : start + size]
        start += size
