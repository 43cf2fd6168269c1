"""What decides how often each language is seen while pretraining; a setting without effect is
refused."""

import itertools
import math
from dataclasses import dataclass
from typing import Literal

from xlmr_lab.errors import UserError
from xlmr_lab.sampling.exponent import check_alpha

Basis = Literal["sentences", "blocks", "bytes", "pieces"]
Schedule = Literal["constant", "annealed", "capped"]

MMBERT = (
    "sampling.schedule=annealed sampling.alpha=0.7 sampling.later_alphas=0.5,0.3 "
    "sampling.changes=0.77,0.97"
)
"""The annealing of mmBERT, as it is typed."""
CAPPED = "sampling.schedule=capped sampling.alpha=0 sampling.max_passes=5"
"""One of UniMax's caps, as it is typed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingConfig:
    """How languages are sampled while pretraining."""

    alpha: float = 0.3
    """Exponent of the language sampling, from 0 (every language alike) to 1 (by size); 0.3 in XLM-R
    Sec. 3. Annealed: that of the first phase; capped: 0."""

    basis: Basis = "blocks"
    """What the size of a language counts: sentences (XLM-R Sec. 5.1), blocks of tokens, bytes of
    text, or pieces."""

    schedule: Schedule = "constant"
    """How the sampling changes over a run: constant (XLM-R), annealed (mmBERT, arXiv 2509.06888) or
    capped (UniMax, arXiv 2304.09151: as even as `max_passes` lets it be)."""

    later_alphas: tuple[float, ...] = ()
    """Annealed: exponents of the phases after the first; mmBERT goes from 0.7 to 0.5 and 0.3."""

    changes: tuple[float, ...] = ()
    """Annealed: where each of them begins, as a fraction of the run's steps; mmBERT: 0.77,0.97."""

    starts: tuple[str, ...] = ()
    """Annealed: languages that join later, each with the fraction of the steps before it, such as
    sw:0.5."""

    max_passes: float | None = None
    """Capped: passes over its own blocks that a run gives a language at most, in expectation;
    UniMax tries 1, 5 and 10."""

    def __post_init__(self) -> None:
        check_alpha(self.alpha, "sampling.alpha")
        for alpha in self.later_alphas:
            check_alpha(alpha, "sampling.later_alphas")
        self._refuse_without_effect()
        if self.schedule == "annealed":
            self._check_phases()
        if self.schedule == "capped":
            self._check_cap()

    def joins(self) -> dict[str, float]:
        """Return the languages that join later, each with the fraction of the steps before it."""
        return dict(_join(start) for start in self.starts)

    def name(self) -> str:
        """Return what tells this sampling from others, as a name of runs.

        >>> SamplingConfig(alpha=0.7).name()
        'alpha=0.7'
        """
        if self.schedule == "capped":
            return f"max_passes={self.max_passes:g}"
        alphas = "-".join(f"{alpha:g}" for alpha in (self.alpha, *self.later_alphas))
        return f"alpha={alphas}" + f"+{len(self.starts)}-later" * bool(self.starts)

    def _refuse_without_effect(self) -> None:
        of = {"later_alphas": "annealed", "changes": "annealed", "starts": "annealed"}
        for name, schedule in (of | {"max_passes": "capped"}).items():
            if getattr(self, name) not in ((), None) and self.schedule != schedule:
                raise UserError(
                    f"sampling.{name} has no effect with sampling.schedule={self.schedule}; "
                    f"set sampling.schedule={schedule} or leave it out"
                )

    def _check_phases(self) -> None:
        if not self.later_alphas and not self.starts:
            raise UserError(
                "sampling.schedule=annealed needs sampling.later_alphas or sampling.starts to say "
                f"what changes; mmBERT's is {MMBERT}"
            )
        if len(self.changes) != len(self.later_alphas):
            raise UserError(
                f"sampling.changes must hold one fraction for each of the {len(self.later_alphas)} "
                f"sampling.later_alphas, got {len(self.changes)}; mmBERT's are {MMBERT}"
            )
        edges = (0.0, *self.changes, 1.0)
        if not all(a < b for a, b in itertools.pairwise(edges)):
            told = ",".join(f"{change:g}" for change in self.changes)
            raise UserError(f"sampling.changes must rise from above 0 to below 1, got {told}")
        for before, after in itertools.pairwise((self.alpha, *self.later_alphas)):
            if before == after:
                raise UserError(
                    f"sampling.later_alphas has no effect where it follows the same exponent, got "
                    f"{after:g} after {before:g}; leave it out, with its part of sampling.changes"
                )
        if len(self.joins()) < len(self.starts):
            raise UserError(
                f"sampling.starts must name a language once, got {','.join(self.starts)}"
            )

    def _check_cap(self) -> None:
        if self.max_passes is None or not 0 < self.max_passes < math.inf:
            raise UserError(
                "sampling.max_passes must be a number above 0 with sampling.schedule=capped, got "
                f"{self.max_passes}; one of UniMax's is {CAPPED}"
            )
        if self.alpha:
            raise UserError(
                f"sampling.alpha has no effect with sampling.schedule=capped, got {self.alpha}; "
                "set sampling.alpha=0"
            )
        if self.basis != "blocks":
            raise UserError(
                "sampling.basis must be blocks with sampling.schedule=capped, which caps passes "
                f"over blocks, got {self.basis}; set sampling.basis=blocks"
            )


def _join(start: str) -> tuple[str, float]:
    """Return the language and the fraction of the steps before it joins.

    >>> _join("sw:0.5")
    ('sw', 0.5)
    """
    language, _, told = start.rpartition(":")
    try:
        fraction = float(told)
    except ValueError:
        fraction = 0.0
    if not language or not 0 < fraction < 1:
        raise UserError(
            "sampling.starts must be LANGUAGE:FRACTION with a fraction between 0 and 1, such as "
            f"sampling.starts=sw:0.5, got {start!r}"
        )
    return language, fraction
