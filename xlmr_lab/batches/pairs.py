"""Parallel text as a stream of tokens: the arm of translation language modeling (XLM Sec. 3.4).

A pair of languages is a stream of its own, like a language: `first </s> </s> second </s>` for each
sentence, the form in which the released models see two sentences, one pair after another, and
blocks are cut from it as from any text (see packing.py). So a block holds several pairs, tokens of
both sides are hidden, and each side is seen while the other is predicted. The lines of the parallel
text are held out by their number, so a sentence is held out in all pairs or in none.

Left out: XLM counts the positions of the second sentence from the start again. A block of XLM is
one pair, so a position then names one place on either side; with several pairs in a block it would
name one in every sentence, and nothing would tell them apart.

Shapes: B blocks of a batch, N blocks of a stream, T tokens of a block.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from xlmr_lab.batches.encoding import Encodes
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.batches.stream import Batch
from xlmr_lab.sampling.pairs import languages_of
from xlmr_lab.vocabulary.special_tokens import EOS_ID

ENDS_OF_A_PAIR = 3
"""How many `</s>` a pair has."""
BLOCKS_AT_ONCE = 1 << 14


class PairEncoder:
    """Encodes the pairs of two languages, whose key is that of the pair; a text is the sentences of
    both, one a line. A pair that a side has no piece of is no text."""

    def __init__(self, vocabulary: Encodes) -> None:
        """Encode with a vocabulary."""
        self.vocabulary = vocabulary
        self.size = vocabulary.size
        self.fingerprint = vocabulary.fingerprint

    def encode(self, texts: Sequence[str], language: str) -> list[npt.NDArray[np.int32]]:
        """Return the ids of each pair, without the final `</s>`."""
        sides = zip(*(text.split("\n") for text in texts), strict=True)
        firsts, seconds = (
            self.vocabulary.encode(list(side), key)
            for side, key in zip(sides, languages_of(language), strict=True)
        )
        between = np.full(ENDS_OF_A_PAIR - 1, EOS_ID, dtype=np.int32)
        return [
            np.concatenate([first, between, second]) if len(first) and len(second) else first[:0]
            for first, second in zip(firsts, seconds, strict=True)
        ]


class LanguagePlaces:
    """The place of each token's language among those of a run, which language embeddings look at.

    A block of parallel text has two. Which side a token is on follows from how many `</s>` stand
    before it in the stream; those before each block are counted once.
    """

    def __init__(
        self, languages: Sequence[str], shards: TokenShards, pairs: Iterable[str], block_tokens: int
    ) -> None:
        """Count the ends of sentences in the text of `pairs`; none where no batch will have any, or
        where a block may count as its first language's."""
        self._places = {key: place for place, key in enumerate(languages)}
        self._before = {pair: ends_before(shards.tokens(pair), block_tokens) for pair in pairs}

    def of(self, batch: Batch) -> npt.NDArray[np.int64]:
        """Return the places of a batch: int64 [B, 1], or [B, T] where there is parallel text."""
        couples = [languages_of(key) for key in batch.languages]
        firsts = np.array([[self._places[first]] for first, _ in couples])
        if not self._before:
            return firsts
        seconds = np.array([[self._places[second or first]] for first, second in couples])
        before = [
            self._before[key][block] if key in self._before else 0
            for key, block in zip(batch.languages, batch.blocks.tolist(), strict=True)
        ]
        return np.where(on_second_side(batch.tokens, np.array(before)), seconds, firsts)


def ends_before(tokens: npt.NDArray[np.generic], block_tokens: int) -> npt.NDArray[np.int64]:
    """Return how many `</s>` of a stream stand before each of its blocks: int64 [N]."""
    step = block_tokens - 1
    rows = tokens[: len(tokens) // step * step].reshape(-1, step)
    parts = [
        np.count_nonzero(rows[k : k + BLOCKS_AT_ONCE] == EOS_ID, axis=1)
        for k in range(0, len(rows), BLOCKS_AT_ONCE)
    ]
    counts = np.concatenate([np.zeros(1, dtype=np.int64), *parts])
    return np.cumsum(counts)[:-1]


def on_second_side(
    tokens: npt.NDArray[np.int32], before: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Return which tokens [B, T] are of the second sentence of a pair; `before` [B] is how many
    `</s>` stand before each block."""
    ends = tokens == EOS_ID
    passed = before[:, None] + np.cumsum(ends, axis=1) - ends
    second: npt.NDArray[np.bool_] = passed % ENDS_OF_A_PAIR > 0
    return second
