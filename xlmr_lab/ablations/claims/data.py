"""F5: CommonCrawl against Wikipedia (XLM-R Sec. 5.1, Figure 3)."""

import dataclasses
from collections.abc import Sequence

from xlmr_lab.ablations.claims import printed
from xlmr_lab.ablations.claims.pairs import pairs
from xlmr_lab.ablations.grid import Cell, Claim, Contrast, Outcome, Scale
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.ablations.variants import is_babel, languages_of, tiers_of

ENCYCLOPAEDIA = "encyclopaedia"
"""Source of Babel, or of one's own text, that stands for Wikipedia."""


def source(scale: Scale) -> Claim:
    """Return F5: more and broader text than an encyclopaedia's helps, low-resource languages
    most; by scores, since held-out text of the two is not the same."""
    ner = dataclasses.replace(scale.base.ner, protocols=("each",))
    base = dataclasses.replace(scale.base, evaluated=("ner",), ner=ner)
    corpus = dataclasses.replace(base.corpus, sources=(ENCYCLOPAEDIA,))
    small = dataclasses.replace(base, corpus=corpus)
    return Claim(
        id="F5",
        title="More and broader data (CommonCrawl) beats Wikipedia"
        + ("" if is_babel(base) else ", most for low-resource languages"),
        section="5.1, Figure 3",
        cells=(
            Cell(name="NER of each", config=base, evaluated=True),
            Cell(name=ENCYCLOPAEDIA, config=small, evaluated=True),
        ),
        contrasts=_contrasts(base),
        stand_in="an encyclopaedia of equal size in every language, so that which languages gain "
        "most is not tested; NER learned in each language for XNLI"
        if is_babel(base)
        else "NER learned in each language for XNLI",
    )


def _contrasts(base: StudyConfig) -> tuple[Contrast, ...]:
    high, low = tiers_of(base)
    f1 = Outcome(kind="score", task="ner", metric="span_f1", protocol="each")
    return (
        Contrast(
            id="F5-all",
            says="web pages and encyclopaedia are better than the encyclopaedia alone",
            pairs=pairs("NER of each", ENCYCLOPAEDIA, languages_of(base), f1),
            paper=printed.figure(3, ("Wikipedia", "all"), ("CommonCrawl", "all")),
        ),
        Contrast(
            id="F5-low",
            says="so they are for low-resource languages",
            pairs=pairs("NER of each", ENCYCLOPAEDIA, low, f1),
            paper=printed.figure(3, ("Wikipedia", "low"), ("CommonCrawl", "low")),
        ),
        *([] if is_babel(base) else [_most(low, high, f1)]),
    )


def _most(low: Sequence[str], high: Sequence[str], f1: Outcome) -> Contrast:
    """Return the part of F5 that takes encyclopaedias of uneven size, as the real ones are."""
    told = (
        f"{tier} {printed.figure(3, ('Wikipedia', tier), ('CommonCrawl', tier))}"
        for tier in ("low", "high")
    )
    return Contrast(
        id="F5-most",
        says="low-resource languages gain more by it than high-resource ones",
        pairs=pairs("NER of each", ENCYCLOPAEDIA, low, f1),
        less=pairs("NER of each", ENCYCLOPAEDIA, high, f1),
        paper="; ".join(told),
    )
