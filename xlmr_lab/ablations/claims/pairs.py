"""Pairs of values that contrasts are made of, and contrasts of losses asked of scores too."""

import dataclasses
from collections.abc import Sequence

from xlmr_lab.ablations.grid import HELDOUT, Cell, Contrast, Outcome, Pairs, Scale, Term
from xlmr_lab.errors import UserError

METRICS = {"nli": "accuracy", "ner": "span_f1", "qa": "f1"}
"""Measures of tasks that scales are scored by."""


def pairs(
    better: str,
    worse: str,
    languages: Sequence[str],
    outcome: Outcome = HELDOUT,
    *,
    than: Outcome | None = None,
) -> Pairs:
    """Return for each language its value in the better and in the worse cell; `than` is the worse
    one's outcome, where it is another.

    >>> [(b.cell, w.cell, b.language) for b, w in pairs("a", "b", ["en", "sw"])]
    [('a', 'b', 'en'), ('a', 'b', 'sw')]
    """
    other = than or outcome
    return tuple(
        (
            Term(cell=better, language=language, outcome=outcome),
            Term(cell=worse, language=language, outcome=other),
        )
        for language in languages
    )


def without_pretraining(outcome: Outcome) -> Outcome:
    """Return the same outcome of the same networks that were not pretrained."""
    return dataclasses.replace(outcome, arm="no-pretraining")


def scored(scale: Scale, cell: Cell) -> Cell:
    """Return a cell that is scored on the base's tasks as well, if its scale is."""
    return dataclasses.replace(cell, evaluated=cell.evaluated or scale.scored)


def of_scores(scale: Scale, contrasts: Sequence[Contrast]) -> tuple[Contrast, ...]:
    """Return the contrasts, which are of losses, and where the scale is scored the same by each of
    the base's tasks.

    Raises:
        UserError: a task has no one measure.
    """
    tasks = scale.base.evaluated if scale.scored else ()
    for task in tasks:
        if task not in METRICS:
            raise UserError(
                f"evaluated must be of {', '.join(METRICS)} for F3 and F4, got {task}; leave it out"
            )
    return (*contrasts, *(_of_scores(contrast, task) for task in tasks for contrast in contrasts))


def by_pieces(contrast: Contrast) -> Contrast:
    """Return a contrast of losses of whole words by those of masked pieces, beside the claim."""
    told = f"{contrast.says}, by losses of masked pieces"
    return dataclasses.replace(
        _by(contrast, HELDOUT), id=f"{contrast.id}-pieces", says=told, aside=True
    )


def _of_scores(contrast: Contrast, task: str) -> Contrast:
    scores = Outcome(kind="score", task=task, metric=METRICS[task])
    told = f"{contrast.says}, by {task.upper()}"
    return dataclasses.replace(_by(contrast, scores), id=f"{contrast.id}-{task}", says=told)


def _by(contrast: Contrast, outcome: Outcome) -> Contrast:
    """Return a contrast by another outcome."""

    def changed(found: Pairs) -> Pairs:
        return tuple(
            (
                dataclasses.replace(better, outcome=outcome),
                dataclasses.replace(worse, outcome=outcome),
            )
            for better, worse in found
        )

    return dataclasses.replace(contrast, pairs=changed(contrast.pairs), less=changed(contrast.less))
