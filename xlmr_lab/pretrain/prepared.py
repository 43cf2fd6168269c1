"""Batches made ready on the host: drawn, masked, and the share of this process cut out.

What the batch after a state of the stream is depends on that state alone. So where the device works
by itself the next batch is made in a thread meanwhile; on a CPU, which has better to do, each in
its turn. The batches are the same. Every process draws and masks all of a batch, as masks come from
one stream of random numbers for all of it, and copies its own sequences to its device.

Shapes: B sequences of this process, T tokens of a sequence.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from xlmr_lab import seeds
from xlmr_lab.batches.masking import IGNORE_INDEX, mask
from xlmr_lab.batches.pairs import LanguagePlaces
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.batches.stream import BlockStream, StreamState
from xlmr_lab.pretrain.distributed import Processes
from xlmr_lab.pretrain.settings import PretrainRun
from xlmr_lab.pretrain.step import TensorBatch, on_host


class Prepared(NamedTuple):
    """The batch of a step, on the host."""

    state: StreamState
    """Where the stream stands after it."""
    languages: list[str]
    """Those of all its sequences."""
    num_targets: int
    """How many targets of all its sequences count."""
    by_band: npt.NDArray[np.int64]
    """How many of them are in each band of ids."""
    own: TensorBatch
    """The sequences of this process."""


class PreparedBatches:
    """The batches of a run, for one of its processes."""

    def __init__(
        self,
        run: PretrainRun,
        shards: TokenShards,
        stream: BlockStream,
        *,
        processes: Processes,
        device: torch.device,
    ) -> None:
        """Make those of a stream ready for a device."""
        self._run, self._stream, self._processes = run, stream, processes
        self._vocab_size = shards.vocab_size
        self._is_pinned = device.type == "cuda"
        self._places = LanguagePlaces(
            run.languages,
            shards,
            shards.pairs if run.model.language_embeddings else (),
            run.batches.block_tokens,
        )
        self._thread = ThreadPoolExecutor(1, "batches")
        self._ahead: tuple[StreamState, Future[Prepared]] | None = None

    def after(self, state: StreamState, *, ahead: bool) -> Prepared:
        """Return the batch that follows a state; if `ahead`, begin with the one after it.

        Raises:
            UserError: a block holds an id which the vocabulary has not.
        """
        begun, self._ahead = self._ahead, None
        prepared = begun[1].result() if begun and begun[0] == state else self._prepare(state)
        if ahead and prepared.state.step < self._run.pretrain.steps:
            future = self._thread.submit(self._prepare, prepared.state)
            self._ahead = (prepared.state, future)
        return prepared

    def _prepare(self, state: StreamState) -> Prepared:
        batch, after = self._stream.next(state)
        masked = mask(
            batch.tokens,
            vocab_size=self._vocab_size,
            fraction=self._run.batches.mask_fraction,
            rng=seeds.generator(self._run.seed, "masks", after.step),
        )
        share = self._processes.part(len(batch.tokens))
        own = on_host(masked, self._places.of(batch)).rows(share)
        return Prepared(
            after,
            batch.languages,
            int((masked.targets != IGNORE_INDEX).sum()),
            by_band(masked.targets, self._run.model.adaptive_cutoffs),
            own.pinned() if self._is_pinned else own,
        )


def by_band(targets: npt.NDArray[np.int64], cutoffs: Sequence[int]) -> npt.NDArray[np.int64]:
    """Return how many targets are in each band of ids; one that does not count is in the first.

    >>> by_band(np.array([3, -100, 10, 40]), (10, 20)).tolist()
    [2, 1, 1]
    """
    band = np.searchsorted(np.array(cutoffs), targets.ravel(), side="right")
    return np.bincount(band, minlength=1 + len(cutoffs))
