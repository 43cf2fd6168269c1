"""Encoded examples and their batches: flat arrays, gathered into padded tensors of similar lengths.

A task is encoded once, into rows of token ids laid end to end, and in each row the positions that
carry a label. Rows may be of several languages, each with its key, as encoders with embeddings of
languages ask for. A batch is then one gather, without work for each example in Python. Batches hold
sequences of similar length, so little is padding. Nothing here knows of models.

Shapes: N examples, B sequences in a batch, T positions, P labelled positions.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from xlmr_lab import seeds
from xlmr_lab.evaluate.text import Layout, Row
from xlmr_lab.model.losses import IGNORE_INDEX

BUCKET_BATCHES = 32
"""Batches cut from one sorted run of shuffled examples: more of them pad less and mix less."""


class Ragged(NamedTuple):
    """Rows of different lengths laid end to end: row i is `values[starts[i]:starts[i + 1]]`."""

    values: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, rows: Sequence[np.ndarray], dtype: npt.DTypeLike) -> "Ragged":
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
        filled = np.where(present, self.values[np.where(present, index, 0)], fill)
        return filled.astype(self.values.dtype, copy=False), present


@dataclass(frozen=True, kw_only=True, slots=True)
class Examples:
    """N rows of token ids, and in each the positions that have a label, with their labels."""

    tokens: Ragged
    """int32."""
    positions: Ragged
    """int64; each row has at least one."""
    labels: np.ndarray
    """One for each of `positions.values`: int64, or floats where numbers are predicted (see
    objectives.py)."""
    languages: tuple[str, ...]
    """Keys of the languages that occur."""
    row_languages: np.ndarray
    """int64 [N], places in `languages`."""
    pad_id: int
    """Id that fills rows in a batch."""
    segments: Ragged | None = None
    """int32, the segment of each token, for encoders that have segments."""
    whole_lengths: np.ndarray | None = None
    """int64 [N], the length of each row (tokens) before it was cut; None where none is cut."""

    @classmethod
    def of(
        cls,
        rows: Sequence[Row],
        positions: Sequence[np.ndarray],
        labels: npt.ArrayLike,
        *,
        language: str,
        layout: Layout,
        whole_lengths: Sequence[int] | None = None,
    ) -> "Examples":
        """Lay rows of one language end to end, with the labelled positions of each."""
        segments = None
        if layout.has_segments:
            segments = Ragged.of([row.segments for row in rows], np.int32)
        return cls(
            tokens=Ragged.of([row.ids for row in rows], np.int32),
            positions=Ragged.of(positions, np.int64),
            labels=np.asarray(labels),
            languages=(language,),
            row_languages=np.zeros(len(rows), dtype=np.int64),
            pad_id=layout.pad_id,
            segments=segments,
            whole_lengths=None if whole_lengths is None else np.array(whole_lengths),
        )

    def first(self, count: int) -> "Examples":
        """Return the first `count` rows, or all where there are no more."""
        end = min(count, len(self))
        positions = _first(self.positions, end)
        return dataclasses.replace(
            self,
            tokens=_first(self.tokens, end),
            positions=positions,
            labels=self.labels[: len(positions.values)],
            row_languages=self.row_languages[:end],
            segments=None if self.segments is None else _first(self.segments, end),
            whole_lengths=None if self.whole_lengths is None else self.whole_lengths[:end],
        )

    def __len__(self) -> int:
        return len(self.tokens.starts) - 1


def concatenate(parts: Sequence[Examples]) -> Examples:
    """Lay the examples of several sets behind each other; one alone is returned as it is."""
    if len(parts) == 1:
        return parts[0]
    assert len({(part.pad_id, part.segments is None) for part in parts}) == 1, "several encoders"
    languages = tuple(dict.fromkeys(key for part in parts for key in part.languages))
    moved = [
        np.array([languages.index(key) for key in part.languages])[part.row_languages]
        for part in parts
    ]
    segments = [part.segments for part in parts if part.segments is not None]
    lengths = [
        part.tokens.lengths if part.whole_lengths is None else part.whole_lengths for part in parts
    ]
    return Examples(
        tokens=_joined([part.tokens for part in parts]),
        positions=_joined([part.positions for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        languages=languages,
        row_languages=np.concatenate(moved),
        pad_id=parts[0].pad_id,
        segments=_joined(segments) if segments else None,
        whole_lengths=np.concatenate(lengths),
    )


def _first(rows: Ragged, count: int) -> Ragged:
    return Ragged(rows.values[: rows.starts[count]], rows.starts[: count + 1])


def _joined(parts: Sequence[Ragged]) -> Ragged:
    lengths = np.concatenate([part.lengths for part in parts])
    values = np.concatenate([part.values for part in parts])
    return Ragged(values, np.concatenate([[0], np.cumsum(lengths)]))


class Batch(NamedTuple):
    """One batch; `mask` is None if nothing is padded, labels are IGNORE_INDEX where padded."""

    ids: Tensor  # B T
    mask: Tensor | None  # B T
    positions: Tensor  # B P
    labels: Tensor  # B P
    languages: list[str]  # B
    segments: Tensor | None  # B T


def collate(examples: Examples, rows: np.ndarray, device: torch.device) -> Batch:
    """Gather some examples into one batch, padded to the longest."""
    ids, present = examples.tokens.padded(rows, examples.pad_id)
    positions, labelled = examples.positions.padded(rows, 0)
    labels, _ = Ragged(examples.labels, examples.positions.starts).padded(rows, IGNORE_INDEX)
    assert labelled.any(axis=1).all(), "an example without a label"
    segments = None if examples.segments is None else examples.segments.padded(rows, 0)[0]
    return Batch(
        _on(ids, device),
        None if present.all() else _on(present, device),
        _on(positions, device),
        _on(labels, device),
        [examples.languages[place] for place in examples.row_languages[rows].tolist()],
        None if segments is None else _on(segments, device),
    )


def _on(array: np.ndarray, device: torch.device) -> Tensor:
    """Return an array as a tensor; the way to a GPU does not stop the work there."""
    tensor = torch.from_numpy(array)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def batches(
    lengths: np.ndarray, batch_sequences: int, *, seed: int, start: int = 0
) -> Iterator[np.ndarray]:
    """Yield rows of examples for one batch after another, without end, but for the first `start`.

    Each pass shuffles all examples and leaves out the few that do not fill a batch, so that all
    examples count alike; runs of `BUCKET_BATCHES` batches are sorted by length, and the batches
    come in random order.
    """
    size = min(batch_sequences, len(lengths))
    epoch, skipped = divmod(start, len(lengths) // size)
    while True:
        rng = seeds.generator(seed, "finetune", "batches", epoch)
        rows = rng.permutation(len(lengths))[: len(lengths) // size * size]
        cut: list[np.ndarray] = []
        for start in range(0, len(rows), size * BUCKET_BATCHES):
            run = rows[start : start + size * BUCKET_BATCHES]
            run = run[np.argsort(lengths[run], kind="stable")]
            cut.extend(run.reshape(-1, size))
        yield from (cut[i] for i in rng.permutation(len(cut))[skipped:])
        epoch, skipped = epoch + 1, 0


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
