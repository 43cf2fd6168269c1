"""Interpolated modified Kneser-Ney: an n-gram model estimated from ids (Chen and Goodman 1999, Sec.
3).

As KenLM computes it (Heafield et al. 2013): three discounts an order from the counts of counts,
lower orders counted by the distinct words on their left, n-grams that begin with `<s>` by their
occurrences, everything interpolated down to the uniform distribution over the vocabulary. N-grams
that are seen too seldom may be left out; what they had goes to the lower orders, so that all still
sums to one. Sorting and counting in NumPy, so the same ids give the same bytes.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from xlmr_lab.corpus.language_model import (
    Ids,
    LanguageModel,
    Table,
    Vocabulary,
    stream_of,
    unigram_slots,
)

LOG10_NEVER = -99.0
"""The log-probability of `<s>`, which is never predicted; what ARPA files write."""

FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)
"""Discounts where the counts of counts allow no estimate, as in texts of a few lines; KenLM's."""


def estimate(
    ids: Ids, lengths: Ids, *, vocabulary: Vocabulary, min_counts: Sequence[int]
) -> LanguageModel:
    """Estimate a model of as many orders as there are `min_counts` on texts one after the other.

    N-grams of order n that occur fewer than `min_counts[n - 1]` times are left out; these numbers
    do not fall, so that whatever is kept has its beginning and its end kept too.
    """
    assert list(min_counts) == sorted(min_counts), min_counts
    size = vocabulary.size
    orders = list(_counted(ids, lengths, vocabulary, len(min_counts)))
    predicted = np.arange(size) != vocabulary.bos
    orders[0] = orders[0]._replace(adjusted=orders[0].adjusted * predicted)
    shares, rest = _discounted(orders[0], predicted, np.zeros(size, dtype=np.int64), 1)
    probabilities = [(shares + rest[0] / np.count_nonzero(predicted)) * predicted]
    keeps, backoffs = [predicted], []
    for grams, lower, least in zip(orders[1:], orders, min_counts[1:], strict=False):
        keeps.append(grams.counts >= least)
        shares, rest = _discounted(grams, keeps[-1], grams.prefixes, len(lower.counts))
        probabilities.append(shares + rest[grams.prefixes] * probabilities[-1][grams.suffixes])
        backoffs.append(rest)
    backoffs.append(np.ones(len(orders[-1].counts)))
    return _assembled(vocabulary, orders, keeps, list(zip(probabilities, backoffs, strict=True)))


class _Grams(NamedTuple):
    """The distinct n-grams of one order, a row each; `prefixes` and `suffixes` are the rows of the
    first and last n - 1 words in the order below.

    `adjusted` is what they are estimated from: how many distinct words stand before one, or how
    often it occurs where it is of the highest order or begins with `<s>`.
    """

    prefixes: Ids
    suffixes: Ids
    words: Ids
    counts: Ids
    adjusted: Ids


def _counted(ids: Ids, lengths: Ids, vocabulary: Vocabulary, order: int) -> Iterator[_Grams]:
    """Yield the n-grams of each order."""
    stream, starts = stream_of(ids, lengths, vocabulary)
    rows, words = stream, np.arange(vocabulary.size)
    counts = np.bincount(stream, minlength=vocabulary.size)
    grams = _Grams(words, words, words, counts, counts)
    opening = words == vocabulary.bos
    positions = np.delete(np.arange(len(stream)), starts)
    for _ in range(1, order):
        keys = rows[positions - 1] * vocabulary.size + stream[positions]
        by_key = np.argsort(keys, kind="stable")
        is_new = np.diff(keys[by_key], prepend=-1) != 0
        last = positions[by_key[is_new]]
        prefixes, suffixes = rows[last - 1], rows[last]
        left = np.bincount(suffixes, minlength=len(grams.counts))
        yield grams._replace(adjusted=np.where(opening, grams.counts, left))
        counts = np.diff(np.append(np.flatnonzero(is_new), len(keys)))
        columns = (prefixes, suffixes, stream[last], counts, counts)
        grams = _Grams(*(column.astype(np.int32) for column in columns))
        opening = opening[prefixes]
        rows = np.full(len(stream), -1)
        rows[positions[by_key]] = np.cumsum(is_new) - 1
        positions = positions[rows[positions - 1] >= 0]
    yield grams


def _discounted(
    grams: _Grams, keep: npt.NDArray[np.bool_], contexts: Ids, num_contexts: int
) -> tuple[Any, Any]:
    """Return each n-gram's discounted share of its context, and what is left of each context."""
    counts = grams.adjusted
    totals = np.bincount(contexts, weights=counts, minlength=num_contexts)
    discounts = np.array([0.0, *discounts_of(counts)])
    shares = (counts - discounts[np.minimum(counts, 3)]) * keep / np.maximum(totals, 1)[contexts]
    return shares, 1 - np.bincount(contexts, weights=shares, minlength=num_contexts)


def discounts_of(counts: Ids) -> tuple[float, float, float]:
    """Return what is taken from the counts 1, 2, and 3 or more (Chen and Goodman 1999, Eq. 17).

    >>> discounts_of(np.array([1] * 6 + [2] * 3 + [3] * 2 + [4]))
    (0.5, 1.0, 2.0)
    """
    n = np.bincount(np.minimum(counts, 5), minlength=6).tolist()
    if 0 in n[1:4]:
        return FALLBACK_DISCOUNTS
    once = n[1] / (n[1] + 2 * n[2])
    first, second, third = (k - (k + 1) * once * n[k + 1] / n[k] for k in (1, 2, 3))
    if min(first, second, third) <= 0:
        return FALLBACK_DISCOUNTS
    return first, second, third


def _assembled(
    vocabulary: Vocabulary, orders: Sequence[_Grams], keeps: Sequence[Any], values: Sequence[Any]
) -> LanguageModel:
    """Put what is kept into tables; `values` are probabilities and back-offs of each order."""
    with np.errstate(divide="ignore"):
        logs = [np.maximum(np.log10(pair), LOG10_NEVER) for pair in values]
    slots, tables = orders[0].words, []
    for grams, keep, pair in zip(orders[1:], keeps[1:], logs[1:], strict=True):
        contexts, words = slots[grams.prefixes[keep]], grams.words[keep]
        kept = {"log10_probability": pair[0][keep], "log10_backoff": pair[1][keep]}
        tables.append(Table.build(contexts, words, vocabulary.size, **kept))
        slots = np.full(len(keep), -1)
        slots[keep] = tables[-1].find(contexts, words)
    return LanguageModel(vocabulary, unigram_slots(*logs[0]), tables)
