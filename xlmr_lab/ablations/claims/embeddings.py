"""F14: no language embeddings (XLM-R Sec. 3)."""

import dataclasses

from xlmr_lab.ablations.claims.pairs import pairs
from xlmr_lab.ablations.grid import Cell, Claim, Contrast, Scale
from xlmr_lab.ablations.scales import languages_of

MARGIN = 0.01
"""Bits per byte that leaving out the embeddings may cost."""


def language_embeddings(scale: Scale) -> Claim:
    """Return F14: without language embeddings a model is as good."""
    base = scale.base
    other = dataclasses.replace(
        base, model=dataclasses.replace(base.model, language_embeddings=True)
    )
    languages = languages_of(base)
    return Claim(
        id="F14",
        title="No language embeddings: as good, and better on code-switched text",
        section="3",
        cells=(Cell(name="base", config=base), Cell(name="language embeddings", config=other)),
        contrasts=(
            Contrast(
                id="F14-heldout",
                says=f"a model without language embeddings is as good, to {MARGIN:g} bits per byte",
                pairs=pairs("base", "language embeddings", languages),
                margin=MARGIN,
            ),
        ),
        stand_in="the same two; code-switched text is scored by the protocol of that name of NLI",
    )
