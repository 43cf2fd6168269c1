"""F8, F9 and F10: protocols of XNLI, NER in one language or all, QA (XLM-R Sec. 5.2, Tables 1 to
3).
"""

import dataclasses
from collections.abc import Sequence

from xlmr_lab.ablations.claims import printed
from xlmr_lab.ablations.claims.pairs import pairs, without_pretraining
from xlmr_lab.ablations.grid import Cell, Claim, Contrast, Outcome, Scale
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.ablations.variants import (
    OWN_DEV,
    is_babel,
    languages_of,
    of_both_selections,
    tiers_of,
)
from xlmr_lab.paper import benchmarks

XLM100 = "XLM-100 (Lample and Conneau 2019)"
"""The model of Table 1 that has both ways of learning from translations."""
NLI_PROTOCOLS = ("zero-shot", "translate-train", "translate-train-all")
SELECTION_MARGIN = 0.005
"""Accuracy that joint selection may cost: half a point."""
NEAR_MARGIN = 0.02
"""Span F1 that one model of all languages may be below one for each: two points."""


def nli(scale: Scale) -> Claim:
    """Return F8: translate-train-all beats zero-shot, and joint selection costs little."""
    config = of_both_selections(_with(scale.base, "nli", protocols=NLI_PROTOCOLS), "nli")
    return Claim(
        id="F8",
        title="Translate-train-all beats zero-shot; joint selection costs little",
        section="5.2, Table 1",
        cells=(Cell(name="NLI", config=config, evaluated=True, baselines=True),),
        contrasts=_of_nli(_others(config, "nli"), tiers_of(config)),
        stand_in="Babel's NLI with machine translation by a noise channel for XNLI"
        if is_babel(config)
        else "the same tasks",
    )


def _of_nli(
    others: Sequence[str], tiers: tuple[Sequence[str], Sequence[str]]
) -> tuple[Contrast, ...]:
    zero, each, everything = (
        Outcome(kind="score", task="nli", metric="accuracy", protocol=p) for p in NLI_PROTOCOLS
    )
    apart = dataclasses.replace(zero, selection=OWN_DEV)
    return (
        Contrast(
            id="F8-all-zero",
            says="translate-train-all is better than zero-shot",
            pairs=pairs("NLI", "NLI", others, everything, than=zero),
            paper=_averages("xnli", ("XLM-R", "translate-train-all"), ("XLM-R", "zero-shot")),
        ),
        Contrast(
            id="F8-all-each",
            says="translate-train-all is better than translate-train",
            pairs=pairs("NLI", "NLI", others, everything, than=each),
            paper=_averages("xnli", (XLM100, "translate-train-all"), (XLM100, each.protocol)),
        ),
        Contrast(
            id="F8-joint",
            says=f"selection on all languages' dev sets is as good as on each one's own, to "
            f"{100 * SELECTION_MARGIN:g} points",
            pairs=pairs("NLI", "NLI", others, zero, than=apart),
            margin=SELECTION_MARGIN,
        ),
        Contrast(
            id="F8-pretraining",
            says="pretraining makes zero-shot transfer better than without",
            pairs=pairs("NLI", "NLI", others, zero, than=without_pretraining(zero)),
            aside=True,
        ),
        *_of_tiers(tiers, others, zero),
    )


def _of_tiers(
    tiers: tuple[Sequence[str], Sequence[str]], others: Sequence[str], zero: Outcome
) -> list[Contrast]:
    """Return what low-resource languages gain more than high-resource ones, those in turn."""
    high, low = ([key for key in tier if key in others] for tier in tiers)
    if not (high and low):
        return []
    beside = [high[place % len(high)] for place in range(len(low))]
    without = without_pretraining(zero)
    return [
        Contrast(
            id="F8-low",
            says="low-resource languages gain more by pretraining than high-resource ones (the "
            "paper: more by XLM-R than by mBERT and XLM)",
            pairs=pairs("NLI", "NLI", low, zero, than=without),
            less=pairs("NLI", "NLI", beside, zero, than=without),
            aside=True,
        )
    ]


def ner(scale: Scale) -> Claim:
    """Return F9: NER of all languages beats transfer and is near each; no CRF is needed."""
    config = _with(scale.base, "ner", protocols=("zero-shot", "each", "all"))
    config = dataclasses.replace(
        config, ner=dataclasses.replace(config.ner, baselines=("bilstm-crf",))
    )
    return Claim(
        id="F9",
        title="NER: training on all languages beats transfer from one, and is near one model for "
        "each; no CRF is needed",
        section="5.2, Table 2",
        cells=(Cell(name="NER", config=config, evaluated=True, baselines=True),),
        contrasts=_of_ner(_others(config, "ner")),
        stand_in="Babel's NER for CoNLL" if is_babel(config) else "the same tasks",
    )


def _of_ner(others: Sequence[str]) -> tuple[Contrast, ...]:
    zero, each, everything = (
        Outcome(kind="score", task="ner", metric="span_f1", protocol=p)
        for p in ("zero-shot", "each", "all")
    )
    crf = dataclasses.replace(each, arm="bilstm-crf")
    return (
        Contrast(
            id="F9-all-zero",
            says="training on all languages is better than zero-shot transfer",
            pairs=pairs("NER", "NER", others, everything, than=zero),
            paper=_averages("ner", ("XLM-R", "all"), ("XLM-R", "en")),
        ),
        Contrast(
            id="F9-all-each",
            says=f"training on all is near each, to {100 * NEAR_MARGIN:g} points",
            pairs=pairs("NER", "NER", others, everything, than=each),
            margin=NEAR_MARGIN,
            paper=_averages("ner", ("XLM-R", "all"), ("XLM-R", "each")),
        ),
        Contrast(
            id="F9-crf",
            says=f"a linear layer on the encoder is as good as a BiLSTM-CRF, one for each "
            f"language, to {100 * NEAR_MARGIN:g} points",
            pairs=pairs("NER", "NER", others, each, than=crf),
            margin=NEAR_MARGIN,
            paper=_averages("ner", ("XLM-R", "each"), ("Lample et al. 2016", "each")),
        ),
    )


def qa(scale: Scale) -> Claim:
    """Return F10: question answering transfers from one language to the others."""
    config = _with(scale.base, "qa", protocols=("zero-shot",))
    others = _others(config, "qa")
    f1 = Outcome(kind="score", task="qa", metric="f1")
    return Claim(
        id="F10",
        title="Question answering transfers from English to the other languages",
        section="5.2, Table 3",
        cells=(Cell(name="QA", config=config, evaluated=True, baselines=True),),
        contrasts=(
            Contrast(
                id="F10",
                says="F1 in other languages is above that of the network without pretraining",
                pairs=pairs("QA", "QA", others, f1, than=without_pretraining(f1)),
                paper=_averages("mlqa", ("XLM-R", ""), ("mBERT", "")),
            ),
        ),
        stand_in=("Babel's questions for MLQA; " if is_babel(config) else "")
        + "the paper compares with mBERT and XLM, not with none",
    )


def _averages(name: benchmarks.Name, *named: tuple[str, str]) -> str:
    """Return the averages of some rows of a table, by model and protocol, in words."""
    title = benchmarks.BENCHMARKS[name].title.partition(":")[0]
    told = [
        f"{printed.average(name, model, protocol):g} ({', '.join(filter(None, (model, protocol)))})"
        for model, protocol in named
    ]
    return f"{' and '.join(told)} on average, {title}"


def _with(base: StudyConfig, task: str, *, protocols: tuple[str, ...]) -> StudyConfig:
    """Return a study that is evaluated on one task under some protocols."""
    section = dataclasses.replace(getattr(base, task), protocols=protocols)
    return dataclasses.replace(base, evaluated=(task,), **{task: section})  # type: ignore[arg-type]


def _others(config: StudyConfig, task: str) -> list[str]:
    """Return the languages that the task is not learned in."""
    own = languages_of(config)
    learned = getattr(config, task).train_language or own[0]
    return [key for key in own if key != learned]
