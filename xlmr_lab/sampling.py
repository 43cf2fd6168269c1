r"""How often each language is seen: $q_l \propto p_l^\alpha$ with $p_l = n_l / \sum n$ (XLM Eq. 1).

XLM-R Sec. 3 sets alpha to 0.3, Sec. 5.1 varies it. What n_l counts is named, never assumed, because
the published sources disagree: the paper says sentences, the code released with it counts blocks of
tokens. White-space words are no basis: they put Chinese beside Telugu. "Epoch" has no meaning under
sampling, so repetition is counted in passes over each language's own text. Left out: schedules that
change alpha during a run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from xlmr_lab.errors import UserError

Basis = Literal["sentences", "blocks", "bytes", "pieces"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingConfig:
    """How languages are sampled while pretraining."""

    alpha: float = 0.3
    """Exponent of the language sampling, from 0 (every language alike) to 1 (by size); 0.3 in XLM-R
    Sec. 3."""

    basis: Basis = "blocks"
    """What the size of a language counts: sentences (XLM-R Sec. 5.1), blocks of tokens, bytes of
    text, or pieces."""

    def __post_init__(self) -> None:
        check_alpha(self.alpha)


def check_alpha(alpha: float) -> None:
    """Refuse an exponent outside [0, 1].

    Raises:
        UserError: alpha is out of range or not a number.
    """
    if not 0 <= alpha <= 1:
        raise UserError(
            f"alpha must be in [0, 1], got {alpha}; 0 samples every language alike, 1 by its size"
        )


def probabilities(sizes: Mapping[str, float], alpha: float) -> dict[str, float]:
    """Return the probability of each language; `alpha=1` gives the shares of the text.

    >>> {key: round(q, 3) for key, q in probabilities({"en": 900, "sw": 100}, 0.3).items()}
    {'en': 0.659, 'sw': 0.341}

    Raises:
        UserError: alpha out of range, no language, or a language with no text.
    """
    check_alpha(alpha)
    if not sizes:
        raise UserError("there is no language to sample from; name at least one")
    empty = sorted(key for key, size in sizes.items() if not size > 0)
    if empty:
        raise UserError(f"no text to sample from for {', '.join(empty)}; add text or leave it out")
    total = sum(sizes.values())
    weights = {key: (size / total) ** alpha for key, size in sizes.items()}
    scale = sum(weights.values())
    return {key: weight / scale for key, weight in weights.items()}


def passes(draws: Mapping[str, float], sizes: Mapping[str, float]) -> dict[str, float]:
    """Return how often each language's text has been gone through: draws over size, both in the
    same unit.

    For a run still to come, the draws expected of `total` are `total * q`.

    >>> passes({"en": 90, "sw": 60}, {"en": 900, "sw": 30})
    {'en': 0.1, 'sw': 2.0}
    """
    return {key: drawn / sizes[key] for key, drawn in draws.items()}
