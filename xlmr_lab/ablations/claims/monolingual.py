"""F11 and F12: one multilingual model against monolingual ones (XLM-R Sec. 5.3, 5.4, Tables 4 and
5).

A model of one language knows no dev sets but that language's. Of GLUE both kinds of models are
chosen on the dev set of the language that they are compared in; of NLI that of all languages is
chosen on all their dev sets, as in the paper.
"""

import dataclasses

from xlmr_lab.ablations.claims import printed
from xlmr_lab.ablations.claims.pairs import pairs
from xlmr_lab.ablations.grid import Cell, Claim, Contrast, Outcome, Scale, Term
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.ablations.variants import (
    OWN_DEV,
    alone,
    is_babel,
    languages_of,
    of_both_selections,
)

GLUE_MARGIN = 0.02
"""What a multilingual model may be below a monolingual one on GLUE's tasks: two points."""
GLUE_METRICS = {"sst2": "accuracy", "mrpc": "accuracy", "qnli": "accuracy", "stsb": "pearson"}
"""Tasks of GLUE that Babel has and models of this size learn at all, and their measures."""


def glue(scale: Scale) -> Claim:
    """Return F11: one multilingual model stays close to a monolingual one on English tasks."""
    tasks = dataclasses.replace(scale.base.glue, tasks=tuple(GLUE_METRICS))
    config = dataclasses.replace(scale.base, evaluated=("glue",), glue=tasks)
    base = of_both_selections(config, "glue")
    learned = base.glue.train_language or languages_of(base)[0]
    outcomes = [
        Outcome(kind="score", task=f"glue-{task}", metric=metric, selection=OWN_DEV)
        for task, metric in GLUE_METRICS.items()
    ]
    compared = tuple(
        pair for outcome in outcomes for pair in pairs("GLUE", "GLUE alone", (learned,), outcome)
    )
    return Claim(
        id="F11",
        title="One multilingual model stays close to monolingual ones on English tasks",
        section="5.3, Table 4",
        cells=(
            Cell(name="GLUE", config=base, evaluated=True),
            Cell(name="GLUE alone", config=alone(base, learned), evaluated=True),
        ),
        contrasts=(
            Contrast(
                id="F11",
                says=f"a model of {len(languages_of(base))} languages is as good as one of one on "
                f"its tasks, to {100 * GLUE_MARGIN:g} points",
                pairs=compared,
                margin=GLUE_MARGIN,
                paper=_glue_told(),
            ),
        ),
        stand_in="GLUE-like tasks of Babel in the largest language; its own model for RoBERTa"
        if is_babel(base)
        else "a model of the language alone for RoBERTa",
    )


def transfer(scale: Scale) -> Claim:
    """Return F12: monolingual models win where each has its own training data, but one of all
    languages that learns from all their training data beats them."""
    tasks = dataclasses.replace(scale.base.nli, protocols=("zero-shot", "each", "all"))
    base = dataclasses.replace(scale.base, evaluated=("nli",), nli=tasks)
    own, cell = languages_of(base), "NLI of one, each and all"
    chosen = (own[0], own[2], own[-2])
    return Claim(
        id="F12",
        title="Monolingual models win, but a multilingual one trained on all languages' task data "
        "beats them",
        section="5.4, Table 5",
        cells=(
            Cell(name=cell, config=base, evaluated=True),
            *(_alone(base, language) for language in chosen),
        ),
        contrasts=_of_protocols(chosen, cell),
        stand_in="three languages, each with its own exact training set of NLI for translated "
        "ones; the multilingual model is chosen on all dev sets, a monolingual one on its own",
    )


def _of_protocols(chosen: tuple[str, ...], cell: str) -> tuple[Contrast, ...]:
    """Return the contrasts of F12 with a multilingual model's cell."""
    zero, each, everything = (
        Outcome(kind="score", task="nli", metric="accuracy", protocol=name)
        for name in ("zero-shot", "each", "all")
    )
    return (
        Contrast(
            id="F12-monolingual",
            says="monolingual models, each on its own training data, are better than zero-shot "
            "transfer",
            pairs=_pairs(chosen, cell, zero, zero, turned=False),
            paper=_transfer_told("zero-shot"),
        ),
        Contrast(
            id="F12-each",
            says="monolingual models are better where the multilingual one learns from the "
            "same training data (not the paper's comparison)",
            pairs=_pairs(chosen, cell, zero, each, turned=False),
            aside=True,
        ),
        Contrast(
            id="F12-all",
            says="a multilingual model trained on all languages' data beats them",
            pairs=_pairs(chosen, cell, zero, everything, turned=True),
            paper=_transfer_told("translate-train-all"),
        ),
    )


def _glue_told() -> str:
    """Return the paper's averages over the tasks that there are, and over its own six."""
    same, whole = (
        " and ".join(
            f"{printed.average('glue', model, over=tasks):.1f} ({model})"
            for model in ("XLM-R", "RoBERTa")
        )
        for tasks in ([task.upper() for task in GLUE_METRICS], [])
    )
    return f"{same} over the same tasks, {whole} over six, Table 4"


def _transfer_told(setting: str) -> str:
    """Return the paper's averages of monolingual models and of XLM-7 in a setting."""
    own = printed.average("mono_multi", "BERT", "monolingual", data="CC")
    joint = printed.average("mono_multi", "XLM-7", setting, data="CC")
    return f"{own:g} (BERT of each) and {joint:g} (XLM-7, {setting}) on average, Table 5"


def _alone(base: StudyConfig, language: str) -> Cell:
    config = alone(base, language)
    nli = dataclasses.replace(config.nli, protocols=("zero-shot",))
    return Cell(
        name=f"NLI alone {language}", config=dataclasses.replace(config, nli=nli), evaluated=True
    )


def _pairs(
    languages: tuple[str, ...], cell: str, own: Outcome, joint: Outcome, *, turned: bool
) -> tuple[tuple[Term, Term], ...]:
    """Return pairs of monolingual and multilingual values, `turned` the other way round."""
    found = [
        (
            Term(cell=f"NLI alone {key}", language=key, outcome=own),
            Term(cell=cell, language=key, outcome=joint),
        )
        for key in languages
    ]
    return tuple((b, a) if turned else (a, b) for a, b in found)
