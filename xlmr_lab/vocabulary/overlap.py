"""Which pieces languages share: how many are a language's own, and how alike two languages use
them.

Two figures for a pair, both from 0 to 1 and the same in both directions: of the pieces that either
uses, the share that both use (Jaccard); and weighted by use, the share of tokens that the two have
in common, sum over pieces of the smaller of the two relative frequencies. The first grows with the
amount of text, so compare it between languages measured on like amounts.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Counts = Mapping[str, npt.NDArray[np.int64]]
"""How often a language uses each id, [V]."""


def owned(counts: Counts) -> list[dict[str, Any]]:
    """Return one row per language: pieces that it uses, those that no other language uses, and the
    share of its tokens that these make up.
    """
    users = sum((used > 0).astype(np.int64) for used in counts.values())
    rows = []
    for language, used in counts.items():
        own = (used > 0) & (users == 1)
        rows.append(
            {
                "language": language,
                "pieces_used": int(np.count_nonzero(used)),
                "pieces_own": int(np.count_nonzero(own)),
                "own_use": float(used[own].sum() / max(1, used.sum())),
            }
        )
    return rows


def pairs(counts: Counts) -> Iterator[dict[str, Any]]:
    """Yield a row for each two languages: the share of their pieces that both use, and the share of
    their tokens that they have in common.
    """
    present = {language: used > 0 for language, used in counts.items()}
    shares = {
        language: (used / max(1, used.sum())).astype(np.float32)
        for language, used in counts.items()
    }
    for one, other in itertools.combinations(counts, 2):
        both = int(np.count_nonzero(present[one] & present[other]))
        either = int(np.count_nonzero(present[one] | present[other]))
        yield {
            "language": one,
            "other": other,
            "num_common": both,
            "of_pieces": both / max(1, either),
            "of_use": float(np.minimum(shares[one], shares[other]).sum()),
        }
