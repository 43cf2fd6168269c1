"""Pairs of values that contrasts are made of."""

import dataclasses
from collections.abc import Sequence

from xlmr_lab.ablations.grid import HELDOUT, Outcome, Pairs, Term


def pairs(
    better: str,
    worse: str,
    languages: Sequence[str],
    outcome: Outcome = HELDOUT,
    *,
    than: Outcome | None = None,
) -> Pairs:
    """Return for each language its value in the better and in the worse cell; `than` is the worse
    one's outcome, where it is another.

    >>> [(b.cell, w.cell, b.language) for b, w in pairs("a", "b", ["en", "sw"])]
    [('a', 'b', 'en'), ('a', 'b', 'sw')]
    """
    other = than or outcome
    return tuple(
        (
            Term(cell=better, language=language, outcome=outcome),
            Term(cell=worse, language=language, outcome=other),
        )
        for language in languages
    )


def without_pretraining(outcome: Outcome) -> Outcome:
    """Return the same outcome of the same networks that were not pretrained."""
    return dataclasses.replace(outcome, arm="no-pretraining")
