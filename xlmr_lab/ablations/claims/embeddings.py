"""F14: no language embeddings (XLM-R Sec. 3)."""

import dataclasses
from collections.abc import Sequence

from xlmr_lab.ablations.claims.pairs import pairs
from xlmr_lab.ablations.grid import Cell, Claim, Contrast, Outcome, Scale
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.ablations.variants import languages_of

MARGIN = 0.01
"""Bits per byte that leaving out the embeddings may cost."""
NLI_MARGIN = 0.01
"""Accuracy that leaving them out may cost in zero-shot transfer: one point."""
NLI, NLI_TOLD = "NLI switched", "NLI switched, language embeddings"
"""The cells that are scored; those of held-out loss need no files of NLI."""


def language_embeddings(scale: Scale) -> Claim:
    """Return F14: without language embeddings a model is as good, and better where a sentence mixes
    languages, of which a model with embeddings can be told but one."""
    base = scale.base
    scored = dataclasses.replace(
        base,
        evaluated=("nli",),
        nli=dataclasses.replace(base.nli, protocols=("zero-shot", "code-switched")),
    )
    languages = languages_of(base)
    return Claim(
        id="F14",
        title="No language embeddings: as good, and better on code-switched text",
        section="3",
        cells=(
            Cell(name="base", config=base),
            Cell(name="language embeddings", config=_told(base)),
            Cell(name=NLI, config=scored, evaluated=True),
            Cell(name=NLI_TOLD, config=_told(scored), evaluated=True),
        ),
        contrasts=(
            Contrast(
                id="F14-heldout",
                says=f"a model without language embeddings is as good, to {MARGIN:g} bits per byte",
                pairs=pairs("base", "language embeddings", languages),
                margin=MARGIN,
            ),
            *_of_nli(languages, base.nli.train_language or languages[0]),
        ),
        stand_in="models as they are and with an embedding of the language at every position; in "
        "code-switched NLI one language has the grammar and some words of the other stand in it, "
        "and a model with embeddings is told the first",
    )


def _of_nli(languages: Sequence[str], learned: str) -> tuple[Contrast, Contrast]:
    """Return the contrasts in zero-shot transfer and on text that mixes the language learned with
    another, either having the grammar.

    A model with embeddings is told the language of the grammar. Where that is not the one learned,
    fine-tuning never showed it that embedding, nor does it in zero-shot transfer. So what is taken
    off is the difference in plain text of the language that is told.
    """
    others = [key for key in languages if key != learned]
    orders = [order for key in others for order in ((learned, key), (key, learned))]
    zero = Outcome(kind="score", task="nli", metric="accuracy")
    switched = dataclasses.replace(zero, protocol="code-switched")
    return (
        Contrast(
            id="F14-nli",
            says=f"it is as good in zero-shot transfer, to {100 * NLI_MARGIN:g} point",
            pairs=pairs(NLI, NLI_TOLD, others, zero),
            margin=NLI_MARGIN,
        ),
        Contrast(
            id="F14-code-switched",
            says="it gains more by that on code-switched text than on plain text of the language "
            "that has the grammar",
            pairs=pairs(NLI, NLI_TOLD, ["-".join(order) for order in orders], switched),
            less=pairs(NLI, NLI_TOLD, [grammar for grammar, _ in orders], zero),
        ),
    )


def _told(config: StudyConfig) -> StudyConfig:
    """Return a study whose model is told the language of its input."""
    model = dataclasses.replace(config.model, language_embeddings=True)
    return dataclasses.replace(config, model=model)
