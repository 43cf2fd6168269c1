"""F3: what the exponent of language sampling trades (XLM-R Sec. 5.1, Figure 5), and annealing it as
mmBERT does (arXiv 2509.06888).
"""

import dataclasses
from collections.abc import Sequence

from xlmr_lab.ablations.claims import printed
from xlmr_lab.ablations.claims.pairs import of_scores, pairs, scored
from xlmr_lab.ablations.grid import Cell, Claim, Contrast, Scale
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.ablations.variants import languages_of, tiers_of
from xlmr_lab.sampling.settings import SamplingConfig

ALPHAS = (0.01, 0.3, 0.7, 1.0)
"""Exponents of XLM-R Figure 5."""
ANNEALED = SamplingConfig(
    schedule="annealed", alpha=0.7, later_alphas=(0.5, 0.3), changes=(0.77, 0.97)
)
"""mmBERT's exponents and where they change."""


def alpha(scale: Scale) -> Claim:
    """Return F3: small exponents are for low-resource languages, large ones for high-resource."""
    cells = [_cell(scale, SamplingConfig(alpha=value), name(value)) for value in ALPHAS]
    return Claim(
        id="F3",
        title="Alpha trades high- against low-resource languages; 0.3 is best overall",
        section="5.1, Figure 5",
        cells=(*cells, _cell(scale, ANNEALED, "alpha annealed")),
        contrasts=of_scores(scale, _contrasts(scale)),
        stand_in="the same exponents",
    )


def _contrasts(scale: Scale) -> tuple[Contrast, ...]:
    high, low = tiers_of(scale.base)
    everyone = languages_of(scale.base)
    first, best, middle, last = map(name, ALPHAS)
    return (
        Contrast(
            id="F3-low",
            says="low-resource languages lose at \u03b1 = 1 against 0.01",
            pairs=pairs(first, last, low),
            paper=_printed("low", 0.01, 1.0),
        ),
        Contrast(
            id="F3-high",
            says="high-resource languages gain at \u03b1 = 1 against 0.01",
            pairs=pairs(last, first, high),
            paper=_printed("high", 0.01, 1.0),
        ),
        *(
            Contrast(
                id=f"F3-best-{value:g}",
                says=f"\u03b1 = 0.3 is better than {value:g} over all languages",
                pairs=pairs(best, other, everyone),
                paper=_printed("all", value, 0.3),
            )
            for value, other in zip((0.01, 0.7, 1.0), (first, middle, last), strict=True)
        ),
        _annealed(best, everyone),
    )


def name(value: float) -> str:
    """Return the name of a cell."""
    return f"alpha={value:g}"


def _cell(scale: Scale, sampling: SamplingConfig, called: str) -> Cell:
    config: StudyConfig = scale.base
    own = dataclasses.replace(sampling, basis=config.sampling.basis)
    return scored(scale, Cell(name=called, config=dataclasses.replace(config, sampling=own)))


def _printed(tier: str, before: float, after: float) -> str:
    return printed.figure(5, (f"alpha={before}", tier), (f"alpha={after}", tier))


def _annealed(best: str, languages: Sequence[str]) -> Contrast:
    return Contrast(
        id="F3-annealed",
        says="annealing \u03b1 from 0.7 to 0.3 is better than 0.3 throughout (mmBERT; not "
        "the paper's claim)",
        pairs=pairs("alpha annealed", best, languages),
        aside=True,
    )
