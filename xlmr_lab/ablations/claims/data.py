"""F5: CommonCrawl against Wikipedia (XLM-R Sec. 5.1, Figure 3)."""

import dataclasses

from xlmr_lab.ablations.claims.pairs import pairs
from xlmr_lab.ablations.grid import Cell, Claim, Contrast, Outcome, Scale
from xlmr_lab.ablations.scales import languages_of, tiers_of

ENCYCLOPAEDIA = "encyclopaedia"
"""Source of Babel, or of one's own text, that stands for Wikipedia."""


def source(scale: Scale) -> Claim:
    """Return F5: more and broader text than an encyclopaedia's helps, low-resource languages
    most; by scores, since held-out text of the two is not the same."""
    ner = dataclasses.replace(scale.base.ner, protocols=("each",))
    base = dataclasses.replace(scale.base, evaluated=("ner",), ner=ner)
    corpus = dataclasses.replace(base.corpus, sources=(ENCYCLOPAEDIA,))
    small = dataclasses.replace(base, corpus=corpus)
    f1 = Outcome(kind="score", task="ner", metric="span_f1", protocol="each")
    _, low = tiers_of(base)
    return Claim(
        id="F5",
        title="More and broader data (CommonCrawl) beats Wikipedia, most for low-resource "
        "languages",
        section="5.1, Figure 3",
        cells=(
            Cell(name="NER of each", config=base, evaluated=True),
            Cell(name=ENCYCLOPAEDIA, config=small, evaluated=True),
        ),
        contrasts=(
            Contrast(
                id="F5-all",
                says="web pages and encyclopaedia are better than the encyclopaedia alone",
                pairs=pairs("NER of each", ENCYCLOPAEDIA, languages_of(base), f1),
                paper="XNLI 76.2 and 71.8, read off Figure 3",
            ),
            Contrast(
                id="F5-low",
                says="so they are for low-resource languages",
                pairs=pairs("NER of each", ENCYCLOPAEDIA, low, f1),
                paper="XNLI 69 and 62, read off Figure 3",
            ),
        ),
        stand_in="an encyclopaedia of equal size in every language; NER learned in each language "
        "for XNLI",
    )
