"""How often pairs of languages are seen: the parallel text of the TLM arm (XLM Sec. 3.4).

A share of the blocks is of parallel text, the same at every step; which pair a block is of follows
the exponent over the sizes of the pairs, as languages follow theirs (XLM Eq. 1). XLM-R has no such
text (Sec. 3), so the arm is off by default.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from xlmr_lab.errors import UserError
from xlmr_lab.sampling.exponent import check_alpha, probabilities
from xlmr_lab.sampling.schedules import Length, Phase

PAIR_MARK = "+"
"""Stands between the two languages of a pair; no key of a language holds it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairSampling:
    """How pairs are sampled while pretraining."""

    share: float | None = None
    """Share of the blocks that are of parallel text; None: there is none."""

    alpha: float | None = None
    """Exponent of the sampling of pairs; None: there are none."""

    def __post_init__(self) -> None:
        if (self.share is None) != (self.alpha is None):
            raise UserError(
                f"share and alpha of pairs go together, got {self.share} and {self.alpha}"
            )
        if self.share is not None and self.alpha is not None:
            check_share(self.share)
            check_alpha(self.alpha, "tlm.alpha")


def check_share(share: float) -> None:
    """Refuse a share of the blocks that leaves no text of single languages.

    Raises:
        UserError: the share is out of range or not a number.
    """
    if not 0 <= share < 1:
        raise UserError(
            f"tlm.share must be in [0, 1), got {share}; with 0.25 a quarter of the blocks are of "
            "parallel text"
        )


def pair_key(first: str, second: str) -> str:
    """Return the key of a pair.

    >>> pair_key("en", "sw")
    'en+sw'
    """
    return f"{first}{PAIR_MARK}{second}"


def languages_of(pair: str) -> tuple[str, str]:
    """Return the languages of a pair.

    >>> languages_of("en+sw")
    ('en', 'sw')
    """
    first, _, second = pair.partition(PAIR_MARK)
    return first, second


def all_pairs(languages: Sequence[str], pivot: str = "") -> list[str]:
    """Return the pairs of languages in their order; with a pivot those that have it.

    >>> all_pairs(["en", "fr", "sw"]), all_pairs(["en", "fr", "sw"], "fr")
    (['en+fr', 'en+sw', 'fr+sw'], ['en+fr', 'fr+sw'])
    """
    couples = itertools.combinations(languages, 2)
    return [pair_key(*couple) for couple in couples if not pivot or pivot in couple]


def single_length(length: Length, config: PairSampling) -> Length:
    """Return how much of a run is drawn of single languages, to be expected.

    >>> single_length(Length(10, 32), PairSampling(share=0.25, alpha=0.3))
    Length(steps=10, step_blocks=24.0)
    """
    return length._replace(step_blocks=length.step_blocks * (1 - (config.share or 0)))


def with_pairs(
    phases: Iterable[Phase], sizes: Mapping[str, float], config: PairSampling
) -> list[Phase]:
    """Return the phases of a run with the share of parallel text in each; a pair is drawn in the
    phases that have both of its languages.

    >>> half = PairSampling(share=0.5, alpha=1.0)
    >>> with_pairs([Phase(1, {"en": 0.75, "sw": 0.25})], {"en+sw": 10}, half)[0].probabilities
    {'en': 0.375, 'sw': 0.125, 'en+sw': 0.5}

    Raises:
        UserError: a phase has both languages of no pair, or a pair has no text.
    """
    if config.share is None or config.alpha is None:
        return list(phases)
    found = []
    for phase in phases:
        present = {
            pair: size
            for pair, size in sizes.items()
            if all(key in phase.probabilities for key in languages_of(pair))
        }
        if not present:
            raise UserError(
                f"no pair of parallel text has both its languages at step {phase.first_step}, "
                f"there are {', '.join(sizes)}; have them join earlier or set tlm.share=0"
            )
        single = {key: q * (1 - config.share) for key, q in phase.probabilities.items()}
        pairs = {key: q * config.share for key, q in probabilities(present, config.alpha).items()}
        found.append(Phase(phase.first_step, single | pairs))
    return found
