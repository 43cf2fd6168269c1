"""The stream of training batches, and the fixed batches that held-out loss is measured on.

Each block of a batch has one language, drawn by its probability in the phase of the step; a batch
mixes languages. Parallel text is drawn alike: a pair of languages stands for one (see pairs.py).
The order is a pure function of (seed, step, blocks drawn per language): the languages of step s
come from a stream named by s, and draw d of a language is place d modulo n of the keyed order of
pass d // n over its n blocks. So a run resumes from a hundred integers, every block of a language
is seen once before any is seen again, and batches do not depend on workers or devices.

Held-out batches depend on the shards and the block length alone, never on a run's seed, so that
runs compare.

Shapes: B blocks of a batch, N held-out blocks, T tokens of a block.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xlmr_lab import seeds
from xlmr_lab.batches import masking, packing
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.batches.splits import Split
from xlmr_lab.errors import UserError
from xlmr_lab.sampling import meter
from xlmr_lab.sampling.schedules import Phase

HELDOUT_SEED = 0
"""Seed of the held-out blocks and masks of every run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchConfig:
    """The shape of a batch and what is hidden of it."""

    block_tokens: int = 512
    """Tokens of a block, `<s>` included; 512 in the released models."""

    batch_sequences: int = 8192
    """Blocks of a batch, all devices together; 8192 in XLM-R Sec. 5.2."""

    mask_fraction: float = 0.15
    """Share of a block's tokens to predict; 0.15 in BERT Sec. 3.1."""

    heldout_fraction: float = 0.01
    """Share of the documents of each language that are never trained on."""

    def __post_init__(self) -> None:
        masking.check_fraction(self.mask_fraction)
        if self.block_tokens < 2:
            raise UserError(f"block_tokens must be at least 2, got {self.block_tokens}")
        if self.batch_sequences < 1:
            raise UserError(f"batch_sequences must be at least 1, got {self.batch_sequences}")
        if not 0 < self.heldout_fraction < 1:
            raise UserError(
                f"heldout_fraction must be between 0 and 1, got {self.heldout_fraction}"
            )


@dataclass(frozen=True, slots=True)
class StreamState:
    """Where a stream stands; plain numbers, so that JSON holds it."""

    step: int
    """Batches drawn so far."""
    draws: dict[str, int]
    """Blocks drawn so far of each language."""


class Batch(NamedTuple):
    """Blocks as they stand in the text, not yet masked."""

    tokens: npt.NDArray[np.int32]
    """[B, T]"""
    languages: list[str]
    """Language of each block, or pair of languages (see pairs.py)."""
    blocks: npt.NDArray[np.int64]
    """[B] which block of its language's text each is."""


class BlockStream:
    """The training batches of a run."""

    def __init__(
        self,
        shards: TokenShards,
        phases: Sequence[Phase],
        *,
        config: BatchConfig,
        seed: int,
    ) -> None:
        """Map the token files of the languages that the phases of the run name.

        Raises:
            UserError: a language without shards, or with fewer tokens than one block.
        """
        assert phases[0].first_step == 1, "the first phase begins with the first step"
        self.languages = sorted({key for phase in phases for key in phase.probabilities})
        self.num_blocks = {
            key: _require_blocks(shards, key, config.block_tokens) for key in self.languages
        }
        self._sizes = np.array([self.num_blocks[key] for key in self.languages])
        self._tokens = [shards.tokens(key, "train") for key in self.languages]
        self._first_steps = [phase.first_step for phase in phases]
        self._upper_edges = [upper_edges(phase, self.languages) for phase in phases]
        self._require_ids = shards.require_ids
        self._config = config
        self._seed = seed

    def start(self) -> StreamState:
        """Return the state before the first batch."""
        return StreamState(0, dict.fromkeys(self.languages, 0))

    def next(self, state: StreamState) -> tuple[Batch, StreamState]:
        """Return the batch that follows a state, and the state after it.

        Raises:
            UserError: a block holds an id which the vocabulary has not.
        """
        edges = self._upper_edges[bisect_right(self._first_steps, state.step + 1) - 1]
        chosen = draw_languages(
            edges, state.step, seed=self._seed, count=self._config.batch_sequences
        )
        counts = np.bincount(chosen, minlength=len(self.languages))
        before = np.array([state.draws[key] for key in self.languages])
        indices = self.block_indices(chosen, before[chosen] + _occurrence(chosen, counts))
        tokens = np.empty((len(chosen), self._config.block_tokens), dtype=np.int32)
        for row, language, index in zip(tokens, chosen, indices, strict=True):
            packing.fill(row, self._tokens[language], index)
        draws = dict(zip(self.languages, (before + counts).tolist(), strict=True))
        languages = [self.languages[i] for i in chosen]
        self._require_ids(tokens, languages)
        return Batch(tokens, languages, indices), StreamState(state.step + 1, draws)

    def block_indices(
        self, languages: npt.NDArray[np.int64], draws: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Return which block each draw takes; a language is its place in `self.languages`."""
        sizes = self._sizes[languages]
        numbers, places = np.divmod(draws, sizes)
        passes, which = np.unique(numbers * len(self.languages) + languages, return_inverse=True)
        named = [divmod(place, len(self.languages)) for place in passes.tolist()]
        keys = [packing.pass_keys(self._seed, self.languages[key], number) for number, key in named]
        return packing.permuted(places, sizes, np.array(keys)[which])

    def passes(self, state: StreamState) -> dict[str, float]:
        """Return how often each language's blocks have been gone through."""
        return meter.passes(state.draws, self.num_blocks)


def upper_edges(phase: Phase, languages: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return where each language's part of the line of probabilities ends; a language that is not
    in the phase has a part without width.
    """
    return np.cumsum([phase.probabilities.get(key, 0.0) for key in languages])


def draw_languages(
    edges: npt.NDArray[np.float64], step: int, *, seed: int, count: int
) -> npt.NDArray[np.int64]:
    """Return the place of each of `count` languages of the batch after `step` batches, drawn with
    the probabilities that `edges` are made of.
    """
    rng = seeds.generator(seed, "languages", step)
    return np.searchsorted(edges, rng.random(count) * edges[-1], side="right")


def heldout_blocks(
    shards: TokenShards, language: str, config: BatchConfig, max_blocks: int
) -> npt.NDArray[np.int32]:
    """Return at most `max_blocks` held-out blocks of a language, spread over its held-out text:
    int32 [N, T].

    Raises:
        UserError: a language without shards, with fewer held-out tokens than one block, or with an
            id in them which the vocabulary has not.
    """
    size = _require_blocks(shards, language, config.block_tokens, "heldout")
    keys = packing.pass_keys(HELDOUT_SEED, language, 0)
    indices = np.sort(packing.permuted(range(min(max_blocks, size)), size, keys))
    tokens = shards.tokens(language, "heldout")
    blocks = np.stack([packing.block(tokens, k, config.block_tokens) for k in indices])
    shards.require_ids(blocks, [language] * len(blocks))
    return blocks


def heldout_masked(
    shards: TokenShards, language: str, config: BatchConfig, max_blocks: int
) -> masking.Masked:
    """Return the held-out blocks of a language with masks that are the same in every run."""
    return masking.mask(
        heldout_blocks(shards, language, config, max_blocks),
        vocab_size=shards.vocab_size,
        fraction=config.mask_fraction,
        rng=seeds.generator(HELDOUT_SEED, "heldout", language),
    )


def _require_blocks(
    shards: TokenShards, language: str, block_tokens: int, name: Split = "train"
) -> int:
    size = shards.num_blocks(language, block_tokens, name)
    if not size:
        raise UserError(
            f"{language} has {shards.counts(language, name)['tokens']} tokens in its {name} part, "
            f"fewer than one block of {block_tokens}; add text, use shorter blocks"
            + (" or hold out more" if name == "heldout" else " or leave the language out")
        )
    return size


def _occurrence(
    values: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return how often each value has come before it in the array."""
    before = np.empty(len(values), dtype=np.int64)
    in_order = np.argsort(values, kind="stable")
    starts = np.cumsum(counts) - counts
    before[in_order] = np.arange(len(values)) - np.repeat(starts, counts)
    return before
