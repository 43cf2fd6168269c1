"""The repetition meter: passes over each language's text, made so far and to be expected of a run.

"Epoch" has no meaning under sampling, so repetition is counted in passes: what was drawn of a
language over what there is of it, both in one unit. What a run will draw follows from its phases
before the first step. Every draw is independent, so what is drawn differs from that by the sampling
error given here.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

from xlmr_lab.sampling.schedules import Length, Phase, spans

Key = TypeVar("Key", str, int)

PASSES_WARNED = 16.0
"""Passes over a language's text beyond which training warns.

Causal language models learn from up to 4 passes nearly as from new text, and from passes beyond
about 16 hardly more (Muennighoff et al. 2023, arXiv 2305.16264). A masked LM hides other tokens in
each pass, so it may bear more; nobody has measured how much. The paper's smallest languages were
passed hundreds of times.
"""

MOST_TOLD = 3
"""So many languages a line names; the rest are counted."""

PAPER_POSITIONS = 8192 * 512 * 1_500_000
"""Token positions of XLM-R's pretraining: batch, block and updates of Sec. 5.2; a block of 512 is
that of the released models."""


def passes(draws: Mapping[str, float], sizes: Mapping[str, float]) -> dict[str, float]:
    """Return how often each language's text has been gone through: draws over size, both in the
    same unit.

    >>> passes({"en": 90, "sw": 60}, {"en": 900, "sw": 30})
    {'en': 0.1, 'sw': 2.0}
    """
    return {key: drawn / sizes[key] for key, drawn in draws.items()}


def shares(draws: Mapping[str, float]) -> dict[str, float]:
    """Return each language's share of what was drawn.

    >>> shares({"en": 90, "sw": 60})
    {'en': 0.6, 'sw': 0.4}
    """
    total = sum(draws.values())
    return {key: drawn / total for key, drawn in draws.items()}


def expected_draws(found: Sequence[Phase], length: Length, *, after: int = 0) -> dict[str, float]:
    """Return what is to be expected of each language in the steps after step `after`.

    >>> found = [Phase(1, {"en": 1.0}), Phase(4, {"en": 0.5, "sw": 0.5})]
    >>> expected_draws(found, Length(5, 10)), expected_draws(found, Length(5, 10), after=4)
    ({'en': 40.0, 'sw': 10.0}, {'en': 5.0, 'sw': 5.0})
    """
    draws = dict.fromkeys((key for phase in found for key in phase.probabilities), 0.0)
    for phase, steps in spans(found, length.steps, after=after):
        for key, q in phase.probabilities.items():
            draws[key] += steps * length.step_blocks * q
    return draws


def sampling_error(found: Sequence[Phase], length: Length) -> dict[str, float]:
    """Return the standard deviation of the number of draws of each language over a run.

    >>> sampling_error([Phase(1, {"en": 0.5, "sw": 0.5})], Length(10, 10))
    {'en': 5.0, 'sw': 5.0}
    """
    variances = dict.fromkeys((key for phase in found for key in phase.probabilities), 0.0)
    for phase, steps in spans(found, length.steps):
        for key, q in phase.probabilities.items():
            variances[key] += steps * length.step_blocks * q * (1 - q)
    return {key: math.sqrt(variance) for key, variance in variances.items()}


def expected_at_end(
    found: Sequence[Phase], length: Length, draws: Mapping[str, float], *, after: int
) -> dict[str, float]:
    """Return the draws of a whole run, given those up to step `after`."""
    left = expected_draws(found, length, after=after)
    return {key: drawn + left[key] for key, drawn in draws.items()}


def above(counts: Mapping[Key, float], limit: float) -> dict[Key, float]:
    """Return the counts above a limit, most first; what rounding puts above it is not.

    >>> above({"en": 0.5, "sw": 17.0, "su": 16.000000000000004, "so": 99.0}, 16)
    {'so': 99.0, 'sw': 17.0}
    """
    over = {key: count for key, count in counts.items() if count > limit * (1 + 1e-9)}
    return dict(sorted(over.items(), key=lambda item: -item[1]))


def warning(at_end: Mapping[str, float], limit: float, *, things: str = "languages") -> str | None:
    """Return a line on the languages, or other `things`, whose text will be passed more than
    `limit` times, most first, or None where there is none.

    >>> warning({"en": 0.5, "sw": 160.0, "so": 1200.0}, 16)
    '2 of 3 languages will be gone through more than 16 times: so 1,200, sw 160'
    """
    over = above(at_end, limit)
    if not over:
        return None
    named = [f"{key} {_significant(count)}" for key, count in list(over.items())[:MOST_TOLD]]
    more = f" and {len(over) - MOST_TOLD} more" if len(over) > MOST_TOLD else ""
    return (
        f"{len(over)} of {len(at_end)} {things} will be gone through more than {limit:g} times: "
        f"{', '.join(named)}{more}"
    )


def reading(so_far: Mapping[str, float], at_end: Mapping[str, float]) -> str:
    """Return a line on passes so far and at the end: the most repeated languages and the least.

    >>> reading({"en": 0.1, "sw": 3.14}, {"en": 0.3, "sw": 9.0})
    'passes so far (at the end): sw 3.1 (9), en 0.1 (0.3)'
    """
    order = sorted(at_end, key=lambda key: (-at_end[key], key))
    told = [f"{key} {_significant(so_far[key])} ({_significant(at_end[key])})" for key in order]
    if len(told) > MOST_TOLD + 1:
        told = [*told[:MOST_TOLD], "...", told[-1]]
    return f"passes so far (at the end): {', '.join(told)}"


def _significant(value: float) -> str:
    """Write a number with two significant digits.

    >>> _significant(1234.0), _significant(9.47), _significant(0.0123)
    ('1,200', '9.5', '0.012')
    """
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 10 else f"{rounded:g}"
