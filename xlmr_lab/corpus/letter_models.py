"""Character language models of the languages that share a script, as one table of penalties.

Each language predicts every letter from those before it, with Dirichlet smoothing from order to
order; the logarithm of a probability counts half, and half the one from a context that is a letter
shorter, which stands text of other sources better. For a combination of letters, the penalty of a
language is what it loses against the one that expects the last letter most. The most frequent
combinations are kept; a rarer one is judged by its last letters. Penalties are small whole numbers,
so that their sums are the same on every machine.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

ORDER = 4
"""Letters that are looked at together, at most."""

MAX_ROWS = 131_072
"""Combinations of two letters and more that are kept for a script: the most frequent."""

MIN_COUNT = 3
"""How often a letter or a combination of letters must occur to be kept."""

STRENGTHS = (10.0, 40.0, 24.0, 16.0)
"""Dirichlet smoothing: how many letters the shorter context counts for, by order."""

STEPS_PER_NAT = 8
"""Unit of the penalties: steps in a factor of e."""

MAX_PENALTY = 32
"""Largest penalty for one letter, in steps."""

MAX_LETTERS = 65_535 // MAX_PENALTY
"""Letters whose penalties can be summed in 16 bits."""

SPACE, UNKNOWN = 0, 1
"""Numbers of what is no letter of the script, and of a letter that is too rare to be counted."""

_HELD_OUT_BLOCKS, _HELD_OUT_LETTERS = 50, 200
_HELD_OUT_LENGTHS = (10, 25, 50, 100, 200)
_MIDDLE = np.uint64(24)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)

Array = npt.NDArray[Any]


class Measured(NamedTuple):
    """Sums of penalties, numbers of letters, and the true languages of held-out text."""

    sums: Array
    sizes: Array
    gold: Array


class LetterModels:
    """The language models of the languages that are written in one script.

    A row of the table has a penalty for each language; rows of single letters stand at the letters'
    numbers, those of longer combinations behind them in the order of their keys, the last one is
    all zeros.
    """

    def __init__(self, keys: Array, penalties: Array) -> None:
        self._bits, self._order = _form(len(penalties) - len(keys))
        self._table = np.vstack([penalties, np.zeros_like(penalties[:1])]).astype(np.uint16)
        self._row_bits = np.uint32(len(penalties).bit_length())
        self._shift = np.uint64(64 - max(8, 3 + len(keys).bit_length()))
        self._slots = np.zeros(1 << (64 - int(self._shift)), np.uint32)
        numbers = np.arange(len(penalties) - len(keys), len(penalties), dtype=np.uint32)
        mixed = keys * _MULTIPLIER
        # Of keys that share a slot the first stays, which is the most frequent.
        marked = ((mixed >> _MIDDLE).astype(np.uint32) << self._row_bits | numbers)[::-1]
        self._slots[(mixed >> self._shift)[::-1]] = marked

    def penalties(self, ids: Array, lengths: Array) -> tuple[Array, Array]:
        """Return the sum of penalties of each text in each language, and the number of letters it
        is made of.
        """
        starts = np.cumsum(lengths) - lengths
        offsets = np.arange(len(ids)) - np.repeat(starts, lengths)
        rows = self._rows(ids, offsets)
        places = np.full((int(lengths.max()), len(lengths)), len(self._table) - 1)
        places[offsets, np.repeat(np.arange(len(lengths)), lengths)] = rows
        sums = np.zeros((len(lengths), self._table.shape[1]), np.uint16)
        taken = np.empty_like(sums)
        for row in places[1:]:
            np.take(self._table, row, axis=0, out=taken, mode="clip")
            sums += taken
        return sums, lengths - 1

    def _rows(self, ids: Array, offsets: Array) -> Array:
        """Return for each letter the row of the longest known combination that ends with it."""
        rows, wide = ids.astype(np.uint32), ids.astype(np.uint64)
        bits, codes = np.uint64(self._bits), wide.copy()
        mask = np.uint32((1 << int(self._row_bits)) - 1)
        for order in range(2, self._order + 1):
            codes[1:] = codes[:-1] << bits | wide[1:]
            mixed = (codes | np.uint64(1 << self._bits * order)) * _MULTIPLIER
            slots = self._slots[mixed >> self._shift]
            # A slot holds some bits of its key's product, and the row.
            known = (slots ^ (mixed >> _MIDDLE).astype(np.uint32) << self._row_bits) <= mask
            known &= offsets >= order - 1
            np.copyto(rows, slots & mask, where=known)
        return rows


def collapsed(ids: Array, lengths: Array) -> tuple[Array, Array]:
    """Return sequences, one behind the other, with single spaces, and their lengths."""
    keep = np.ones(len(ids), bool)
    keep[1:] = (ids[1:] != SPACE) | (ids[:-1] != SPACE)
    starts = np.cumsum(lengths) - lengths
    keep[starts] = True
    return ids[keep], np.add.reduceat(keep, starts, dtype=np.int64)


def learn(sequences: Sequence[Array], size: int) -> tuple[Array, Array]:
    """Return the keys of the letter combinations that are kept, the most frequent first, and the
    table of penalties.
    """
    if len(sequences) == 1:
        return np.zeros(0, np.uint64), np.zeros((size, 1), np.uint8)
    bits, order = _form(size)
    codes, languages = _sorted_codes(sequences, bits, order)
    shifts = [np.uint64(bits * (order - n)) for n in range(1, order + 1)]
    runs = [_starts(codes >> shift) for shift in shifts]
    totals = [np.diff(starts, append=len(codes)) for starts in runs]
    ranked = np.sort(np.concatenate(totals[1:]))[::-1]
    enough = max(MIN_COUNT, int(ranked[MAX_ROWS]) + 1 if len(ranked) > MAX_ROWS else 0)
    keys = np.arange(size, dtype=np.uint64)
    counts = _counted((codes >> shifts[0]).astype(np.int64), languages, size, len(sequences))
    share = (counts + STRENGTHS[0] / size) / (counts.sum(axis=0) + STRENGTHS[0])
    logs = np.log(share)
    tables, all_keys, all_totals = [_penalties(logs)], [keys[:0]], [totals[0][:0]]
    for n in range(2, order + 1):
        longer = codes[runs[n - 1]] >> shifts[n - 1]
        context, has_context = _find(keys, longer >> np.uint64(bits))
        suffix, has_suffix = _find(keys, longer & np.uint64((1 << bits * (n - 1)) - 1))
        keep = (totals[n - 1] >= enough) & has_context & has_suffix
        places = np.repeat(np.where(keep, np.cumsum(keep) - 1, -1), totals[n - 1])
        more = _counted(places[places >= 0], languages[places >= 0], keep.sum(), len(sequences))
        prior = STRENGTHS[n - 1] * share[suffix[keep]]
        share = (more + prior) / (counts[context[keep]] + STRENGTHS[n - 1])
        keys, counts = longer[keep], more
        logs = (np.log(share) + logs[suffix[keep]]) / 2
        tables.append(_penalties(logs))
        all_keys.append(keys | np.uint64(1 << bits * n))
        all_totals.append(totals[n - 1][keep])
    order_of = np.argsort(-np.concatenate(all_totals), kind="stable")
    return (
        np.concatenate(all_keys)[order_of],
        np.vstack([tables[0], np.vstack(tables[1:])[order_of]]),
    )


def _sorted_codes(sequences: Sequence[Array], bits: int, order: int) -> tuple[Array, Array]:
    """Return `order` letters from each place on as one number, sorted, and the languages."""
    letters = np.concatenate(sequences).astype(np.uint64)
    ahead = np.concatenate([letters, np.zeros(order, np.uint64)])
    codes = np.zeros_like(letters)
    for distance in range(order):
        codes = codes << np.uint64(bits) | ahead[distance : distance + len(letters)]
    by_code = np.argsort(codes, kind="stable")
    languages = np.repeat(np.arange(len(sequences), dtype=np.uint16), [len(s) for s in sequences])
    return codes[by_code], languages[by_code]


def _starts(values: Array) -> Array:
    """Return where runs of equal values begin."""
    return np.flatnonzero(np.diff(values, prepend=~values[:1]))


def _counted(places: Array, languages: Array, size: int, num: int) -> Array:
    counts = np.bincount(places * num + languages, minlength=size * num)
    return counts.reshape(-1, num).astype(np.float32)


def _find(keys: Array, wanted: Array) -> tuple[Array, Array]:
    """Return where wanted keys stand among sorted ones, and which are there."""
    if not len(keys):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return places, keys[places] == wanted


def _penalties(logs: Array) -> Array:
    """Return what each language loses against the best, in steps."""
    lost = (logs.max(axis=1, keepdims=True) - logs) * STEPS_PER_NAT
    return np.minimum(np.rint(lost), MAX_PENALTY).astype(np.uint8)


def measure(sequences: Sequence[Array], size: int) -> list[Measured]:
    """Learn from nine tenths of the text and return what the rest of it gets."""
    if len(sequences) == 1:
        return []
    blocks = [
        [s[i : i + _HELD_OUT_LETTERS] for i in range(0, len(s), _HELD_OUT_LETTERS)]
        for s in sequences
    ]
    seen = [np.concatenate([b for i, b in enumerate(own) if i % 10 != 9]) for own in blocks]
    models = LetterModels(*learn(seen, size))
    found = []
    for length in _HELD_OUT_LENGTHS:
        texts = [
            (k, b[:length]) for k, own in enumerate(blocks) for b in own[9::10][:_HELD_OUT_BLOCKS]
        ]
        gold = np.array([k for k, _ in texts])
        if len(texts):
            ids = np.concatenate([b for _, b in texts])
            sums, sizes = models.penalties(ids, np.array([len(b) for _, b in texts]))
            found.append(Measured(sums, sizes, gold))
    return found


def trust(measured: Sequence[Measured]) -> Array:
    """Return the scale and the power of the length by which sums of penalties become logarithms of
    probabilities: the pair under which the held-out text is likeliest.
    """
    if not measured:
        return np.array([1.0, 0.0])
    best, least = (1.0, 0.0), np.inf
    for power in np.arange(0, 1, 0.1).tolist():
        for scale in (2.0 ** np.arange(-4, 4.5, 0.5)).tolist():
            losses = [
                -log_probabilities(m.sums, m.sizes, np.array([scale, power]), m.gold)
                for m in measured
            ]
            loss = float(np.concatenate(losses).mean())
            if loss < least:
                best, least = (scale, power), loss
    return np.array(best)


def log_probabilities(sums: Array, sizes: Array, trust: Array, which: Array) -> Array:
    """Return the logarithm of the probability of one language of each text."""
    scale, power = trust
    factors = scale / STEPS_PER_NAT * np.maximum(sizes, 1) ** -power
    logits = -(sums - sums.min(axis=1, keepdims=True)).astype(np.float64) * factors[:, None]
    return logits[np.arange(len(sums)), which] - np.log(np.exp(logits).sum(axis=1))


def _form(size: int) -> tuple[int, int]:
    """Return the bits of a letter's number in an alphabet, and how many letters a key can hold."""
    bits = (size - 1).bit_length()
    return bits, min(ORDER, 63 // bits)
