"""What a campaign says of each contrast of each claim, and of the claim as a whole.

Effects of scores are in points (hundredths of a share), those of held-out losses in bits per byte;
each is signed so that the claim as stated is positive. The verdict follows from the interval over
pretraining seeds alone; the one that treats languages as a sample too is told beside it. What is
missing is left out and said in the note; fewer than two seeds decide nothing. The verdict on a
claim (see `overall`) is by the contrasts that the paper's claim needs; asides are told beside them.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from xlmr_lab.ablations import contrasts, findings
from xlmr_lab.ablations.contrasts import Effect, Pair, Spread
from xlmr_lab.ablations.grid import Claim, Contrast, Pairs, Term
from xlmr_lab.ablations.outcomes import Measured
from xlmr_lab.errors import UserError

UNITS = {
    "heldout": ("bits per byte", 1.0),
    "words": ("bits per byte", 1.0),
    "score": ("points", 100.0),
}
"""The unit that effects of a kind are told in, and how many of it make one of the values."""

MIXED = "mixed"
"""Verdict of a claim of which one part is supported and another contradicted."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Conclusion:
    """One contrast of a claim and what the campaign says of it; unknown numbers are nan."""

    claim: str
    """Id of the claim, such as F3."""
    contrast: str
    """Id of the contrast, such as F3-low."""
    title: str
    """The claim in one sentence."""
    says: str
    """What the claim says of the contrast."""
    section: str
    """Section, figure or table of the paper."""
    effect: float
    """Mean difference, with the margin, in `unit`; positive as the claim says."""
    low: float
    """Lower bound over pretraining seeds (95 %), the languages at hand fixed."""
    high: float
    """Upper bound."""
    languages_low: float
    """Lower bound if languages are a sample too."""
    languages_high: float
    """Upper bound; the interval is never narrower than the first."""
    verdict: str
    """supported, contradicted or inconclusive, by `low` and `high`."""
    lean: str
    """Where an undecided effect leans, as `findings.lean` has it."""
    by_language: tuple[tuple[str, float], ...]
    """Effect of each language or task; their mean is `effect`."""
    detectable: float
    """Least effect that as many seeds would decide in four of five studies, in `unit`."""
    seeds_needed: int | None
    """Seeds that would decide an effect as large as the one seen; None: too many, or not known."""
    pretraining_std: float
    """Standard deviation of the effect from one pretraining seed to another, in `unit`; of scores
    freed of fine-tuning noise, which takes two fine-tuning seeds."""
    finetuning_std: float
    """From one fine-tuning seed to another on the same models; 0 of held-out losses."""
    languages_std: float
    """From one language to another."""
    num_seeds: int
    """Pretraining seeds that have every value."""
    num_languages: int
    """Languages or tasks that the effect is a mean of."""
    unit: str
    """bits per byte, or points."""
    paper: str
    """The paper's numbers, in words."""
    scale: str
    """The scale of the campaign, in words."""
    stand_in: str
    """What stands for the paper's setting."""
    note: str
    """What is missing; empty where nothing is."""
    aside: bool
    """Whether it is told beside the claim and has no part in its verdict."""
    claim_verdict: str = ""
    """Verdict on the whole claim, by `overall`."""


def conclude(found: Measured, claims: Sequence[Claim], scale_told: str) -> list[Conclusion]:
    """Return what was measured says of every contrast of the claims, in their order.

    Raises:
        UserError: a contrast compares losses with scores, which have no unit in common.
    """
    told = []
    for claim in claims:
        own = [_conclusion(found, claim, contrast, scale_told) for contrast in claim.contrasts]
        told += [dataclasses.replace(row, claim_verdict=overall(own)) for row in own]
    return told


def overall(found: Sequence[Conclusion]) -> str:
    """Return the verdict on a claim from those on its contrasts, asides left out: supported, if
    every one is; contradicted, if one is and none is supported; mixed, if there are both; else
    inconclusive."""
    verdicts = {conclusion.verdict for conclusion in found if not conclusion.aside}
    if verdicts == {findings.SUPPORTED}:
        return findings.SUPPORTED
    if findings.CONTRADICTED in verdicts:
        return MIXED if findings.SUPPORTED in verdicts else findings.CONTRADICTED
    return findings.INCONCLUSIVE


def written(conclusion: Conclusion) -> dict[str, Any]:
    """Return a conclusion as JSON has it: lists for tuples, and null for numbers that are none."""
    record = dataclasses.asdict(conclusion)
    record["by_language"] = [[name, _finite(effect)] for name, effect in conclusion.by_language]
    return {name: _finite(x) if isinstance(x, float) else x for name, x in record.items()}


def _conclusion(found: Measured, claim: Claim, contrast: Contrast, scale: str) -> Conclusion:
    unit, size = _unit(contrast)
    effect = contrasts.compare(_pairs(found, contrast), contrast.margin)
    over_seeds, over_languages = effect.over_seeds, effect.over_languages
    pretraining, fine_tuning, between_languages = _spread(contrast, effect)
    by_language = tuple((name, size * own.mean) for name, own in effect.by_language)
    verdict = findings.verdict(over_seeds.low, over_seeds.high)
    is_open = verdict == findings.INCONCLUSIVE
    return Conclusion(
        claim=claim.id,
        contrast=contrast.id,
        title=claim.title,
        says=contrast.says,
        section=claim.section,
        effect=size * over_seeds.mean,
        low=size * over_seeds.low,
        high=size * over_seeds.high,
        languages_low=size * over_languages.low,
        languages_high=size * over_languages.high,
        verdict=verdict,
        lean=findings.lean(over_seeds.mean, [x for _, x in by_language]) if is_open else "",
        by_language=by_language,
        detectable=size * effect.detectable,
        seeds_needed=effect.seeds_needed,
        pretraining_std=size * pretraining,
        finetuning_std=size * fine_tuning,
        languages_std=size * between_languages,
        num_seeds=over_seeds.n,
        num_languages=len(by_language),
        unit=unit,
        paper=contrast.paper,
        scale=scale,
        stand_in=claim.stand_in,
        note=_note(found, claim, contrast, effect),
        aside=contrast.aside,
    )


def _spread(contrast: Contrast, effect: Effect) -> Spread:
    """Return what makes up the spread; of held-out losses all of it between seeds is of
    pretraining."""
    if contrast.terms[0].outcome.kind != "score":
        return effect.spread._replace(pretraining=effect.deviation, fine_tuning=0.0)
    return effect.spread


def _unit(contrast: Contrast) -> tuple[str, float]:
    kinds = {term.outcome.kind for term in contrast.terms}
    if len(kinds) > 1:
        raise UserError(
            f"contrast {contrast.id} compares {' with '.join(sorted(kinds))}; make it two contrasts"
        )
    return UNITS[kinds.pop()]


def _pairs(found: Measured, contrast: Contrast) -> list[Pair]:
    own = _found(found, contrast.pairs)
    less = _found(found, contrast.less)
    if not less:
        return own
    return [
        dataclasses.replace(pair, less=off, name=_less_name(pair.name, off.name))
        for pair, off in zip(own, less, strict=True)
    ]


def _found(found: Measured, pairs: Pairs) -> list[Pair]:
    """Return the values of pairs, each named by its language if that tells them apart."""
    languages = [better.language for better, _ in pairs]
    are_names = len(set(languages)) == len(languages) and all(languages)
    return [
        Pair(
            name=better.language if are_names else _name(better),
            better=found.values(better),
            worse=found.values(worse),
        )
        for better, worse in pairs
    ]


def _less_name(name: str, less: str) -> str:
    return name if name == less else f"{name} less {less}"


def _name(term: Term) -> str:
    """Return what tells a value of one task from one of another: qnli, nli sw."""
    return " ".join(filter(None, (term.outcome.task, term.language))) or "all languages"


def _note(found: Measured, claim: Claim, contrast: Contrast, effect: Effect) -> str:
    """Say what is missing of a contrast; nothing where it has all that it needs."""
    there = {term.cell for term in contrast.terms if found.values(term)}
    cells = sorted(contrast.cells - there)
    planned = min(cell.config.seeds for cell in claim.cells if cell.name in contrast.cells)
    num_seeds = effect.over_seeds.n
    absent = ", ".join(effect.absent)
    lines = [f"nothing is known of {', '.join(map(repr, cells))}"] if cells else []
    if effect.absent and effect.by_language:
        lines.append(f"left out for want of values: {absent}")
    elif effect.absent and not cells:
        lines.append(f"no seed has both values of any of: {absent}")
    if num_seeds < planned and effect.by_language:
        lines.append(f"{num_seeds} of {planned} seeds have every value")
    if num_seeds == 1:
        lines.append("one seed has no interval")
    lines += _refused(found, contrast)
    return "; ".join(lines)


def _refused(found: Measured, contrast: Contrast) -> list[str]:
    """Say how many of the scores the evaluation doctor refuses, if it does: they are as good as
    nothing learned, of which a contrast that allows a margin makes a claim that holds."""
    told = [found.refusals(term) for term in dict.fromkeys(contrast.terms)]
    number, of = sum(t[0] for t in told), sum(t[1] for t in told)
    names = sorted(set().union(*(t[2] for t in told)))
    if not number:
        return []
    return [f"the evaluation doctor refuses {number} of {of} scores behind it: {', '.join(names)}"]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
