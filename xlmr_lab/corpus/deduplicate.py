"""Exact paragraph deduplication: of paragraphs that read the same, the first is kept.

Two paragraphs are the same when they agree in CCNet's normal form (CCNet Sec. 3.2): lower case,
every digit 0, no listed punctuation, no control characters. The form is hashed to 64 bits of SHA-1,
so that keys are the same on every machine and in every version, and memory holds eight bytes a
paragraph and no text. At a hundred million paragraphs the chance that any two differing ones share
a key is about 3 in 10,000. Left out here: near-duplicates, and sets of keys larger than memory.
"""

import hashlib

import numpy as np
import numpy.typing as npt
import polars as pl

PUNCTUATION = (
    "\uff0c\u3002\u3001\u201e\u201d\u201c\u00ab\u00bb\uff11\u300d\u300c\u300a\u300b\u00b4\u2236\uff1a"
    "\uff1f\uff01\uff08\uff09\uff1b\u2013\u2014\uff0e\uff5e\u2019\u2026\u2501\u3008\u3009\u3010\u3011"
    "\uff05\u25ba"
)
"""The marks that CCNet drops: CJK punctuation, quotation marks, dashes; FULLWIDTH DIGIT ONE is a
slip of its table.
"""

_DROPPED = rf"[{PUNCTUATION}\x00-\x1f\x7f-\x9f]"


def normal_form(text: pl.Expr) -> pl.Expr:
    """Return paragraphs in the form in which duplicates are equal."""
    lowered = text.str.strip_chars().str.to_lowercase()
    return lowered.str.replace_all(r"\d", "0").str.replace_all(_DROPPED, "")


def paragraph_keys(paragraphs: pl.Series) -> pl.Series:
    """Return the 64-bit key of each paragraph, equal for duplicates."""
    name = paragraphs.name
    forms = paragraphs.to_frame().select(normal_form(pl.col(name))).to_series().to_list()
    digests = b"".join(
        [hashlib.sha1(form.encode("utf-8"), usedforsecurity=False).digest()[:8] for form in forms]
    )
    return pl.Series("key", np.frombuffer(digests, dtype="<u8"), dtype=pl.UInt64)


class SeenKeys:
    """A growing set of keys as sorted arrays, each more than twice as long as the next.

    Adding n keys costs O(n log n) in all, looking up one O(log² n), and memory is eight bytes a
    key.
    """

    def __init__(self) -> None:
        self._runs: list[npt.NDArray[np.uint64]] = []

    def __len__(self) -> int:
        return sum(map(len, self._runs))

    def add(self, keys: pl.Series) -> npt.NDArray[np.bool_]:
        """Add keys and return which of them are new; of equal ones among them, the first."""
        values = keys.to_numpy()
        new = keys.is_first_distinct().to_numpy() & ~self._contains(values)
        self._runs.append(np.sort(values[new]))
        while len(self._runs) > 1 and len(self._runs[-2]) <= 2 * len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]), kind="stable")
        return new

    def _contains(self, values: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        found = np.zeros(len(values), dtype=bool)
        for run in filter(len, self._runs):
            places = np.minimum(np.searchsorted(run, values), len(run) - 1)
            found |= run[places] == values
        return found
