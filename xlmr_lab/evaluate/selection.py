"""Model selection: which step of a fine-tuning run is scored, as a pure function of its checks.

At some steps, the checks, dev sets are scored; a selection is a rule that reads their values and
takes one check, over all learning rates that were tried. So one run serves every selection:

- `last`: the last step; no dev set is looked at.
- `train-dev`: the best on the dev sets of the languages with training data, so that no other
  language's labels are looked at (the dev set of one language, in zero-shot transfer).
- `joint-dev`: the best on the mean over the dev sets of all languages that the protocol scores with
  the model: one model for all of them (XLM-R Sec. 4.2; #M = 1 in Table 1).
- `per-language-dev`: for each language the best on its own dev set: a model for each (#M = N).

Mixed test sets have no dev sets of their own: those of their languages stand for them.
Test sets are never looked at: no function here is given them. A rule also stops looking on its own
(`patience`), so that what it takes does not depend on which rules share the run.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, assert_never

from xlmr_lab.evaluate.protocols import MIXED, Cell, ModelPlan, TaskSet
from xlmr_lab.evaluate.task_files import languages_of

MIXED_VERSION = 2
"""Raised when the checkpoint that a mixed set is scored with is chosen otherwise; it belongs to the
key of such scores."""

Selection = Literal["last", "train-dev", "joint-dev", "per-language-dev"]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """What the dev sets say of a model at one step of fine-tuning."""

    learning_rate: float
    """Peak learning rate of the run."""
    step: int
    """Optimizer steps taken."""
    dev: Mapping[str, float]
    """Measure of each dev set that a selection looks at, by the set's name."""

    def __str__(self) -> str:
        told = [f"{name} {value:.4f}" for name, value in self.dev.items()]
        return f"step {self.step:,} at {self.learning_rate:g}: {', '.join(told) or 'no dev set'}"


class Rule(NamedTuple):
    """How one cell is filled under one selection."""

    cell: Cell
    selection: Selection
    looked_at: tuple[TaskSet, ...]
    """The dev sets whose mean decides; none for the last step."""


def rules(model: ModelPlan, selections: Sequence[Selection]) -> tuple[Rule, ...]:
    """Return the rules that fill the cells of a model, cell by cell."""
    return tuple(
        Rule(cell, selection, dev_sets(selection, model, cell))
        for cell in model.cells
        for selection in selections
    )


def dev_sets(selection: Selection, model: ModelPlan, cell: Cell) -> tuple[TaskSet, ...]:
    """Return the dev sets whose mean decides which check fills a cell; none for the last step."""
    match selection:
        case "last":
            return ()
        case "train-dev":
            return model.train_dev
        case "joint-dev":
            shared = [other for other in model.cells if other.protocol == cell.protocol]
            return tuple(dict.fromkeys(part for other in shared for part in _dev_sets(other)))
        case "per-language-dev":
            return (cell.dev,)
        case _:
            assert_never(selection)


def _dev_sets(cell: Cell) -> Sequence[TaskSet]:
    """Return the dev set of a cell; of a mixed set, which has none, those of its languages."""
    if cell.protocol in MIXED:
        return [TaskSet("dev", language) for language in languages_of(cell.scored.language)]
    return [cell.dev]


def choose(checks: Sequence[Check], looked_at: Sequence[TaskSet], *, patience: int) -> int:
    """Return the place of the check that dev sets choose, the earliest of equals.

    Checks are in the order in which they were made, run after run; without a dev set the last is
    returned. A run's checks after the one at which `patience` ran out do not count.

    >>> en, sw = TaskSet("dev", "en"), TaskSet("dev", "sw")
    >>> values = [(0.5, 0.4), (0.7, 0.1), (0.6, 0.3), (0.6, 0.5)]
    >>> made = [
    ...     Check(learning_rate=1e-5, step=step, dev={str(en): a, str(sw): b})
    ...     for step, (a, b) in enumerate(values, 1)
    ... ]
    >>> [choose(made, sets, patience=0) for sets in ([], [en], [sw], [en, sw])]
    [3, 1, 3, 3]
    >>> choose(made, [en, sw], patience=2)
    0
    """
    assert checks, "nothing to choose from"
    if not looked_at:
        return len(checks) - 1
    taken, highest = 0, -math.inf
    for rate in dict.fromkeys(check.learning_rate for check in checks):
        places = [i for i, check in enumerate(checks) if check.learning_rate == rate]
        place, _ = best([_mean(checks[i], looked_at) for i in places], patience)
        value = _mean(checks[places[place]], looked_at)
        if value > highest:
            taken, highest = places[place], value
    return taken


def is_over(checks: Sequence[Check], waiting: Sequence[Rule], *, patience: int) -> bool:
    """Tell whether every rule has stopped looking at a run with these checks."""
    return patience > 0 and all(
        rule.looked_at and best([_mean(check, rule.looked_at) for check in checks], patience)[1]
        for rule in waiting
    )


def best(values: Sequence[float], patience: int) -> tuple[int, bool]:
    """Return the place of the highest value, the first of equals, and whether after it `patience`
    values were no higher, where looking stops; a patience of 0 never runs out.

    >>> best([0.1, 0.3, 0.3, 0.2, 0.9], 2), best([0.1, 0.3, 0.3, 0.2, 0.9], 0)
    ((1, True), (4, False))
    """
    place, highest = 0, -math.inf
    for i, value in enumerate(values):
        if value > highest:
            place, highest = i, value
        elif patience and i - place >= patience:
            return place, True
    return place, False


def _mean(check: Check, looked_at: Sequence[TaskSet]) -> float:
    """Return the mean over dev sets, each of which counts alike."""
    return math.fsum(check.dev[str(part)] for part in looked_at) / len(looked_at)
