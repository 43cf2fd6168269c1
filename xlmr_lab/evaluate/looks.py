"""What is seen at one check of a fine-tuning run, kept as JSON so that a run can go on from it: the
dev sets' measures, the scores of the sets that a selection would take there, and what the doctor
says of those.
"""

import dataclasses
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from xlmr_lab.evaluate.doctor.verdict import Verdict
from xlmr_lab.evaluate.protocols import ModelPlan
from xlmr_lab.evaluate.selection import Check

logger = logging.getLogger(__name__)


class Look(NamedTuple):
    """One check of a run, with the scores of the sets that some rule would score there."""

    check: Check
    scores: Mapping[str, Mapping[str, float]]
    """Measures of each scored set, by its name."""
    verdicts: Mapping[str, Sequence[Verdict]]
    """What the doctor says of each scored set."""

    def written(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        told = {
            name: [dataclasses.asdict(one) for one in found]
            for name, found in self.verdicts.items()
        }
        return {**dataclasses.asdict(self.check), "scores": self.scores, "verdicts": told}

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "Look":
        """Return what was written."""
        fields = {field.name: record[field.name] for field in dataclasses.fields(Check)}
        told = record.get("verdicts", {})
        verdicts = {name: [Verdict(**one) for one in found] for name, found in told.items()}
        return cls(Check(**fields), record["scores"], verdicts)


Looked = Callable[[ModelPlan, Sequence[Look], Mapping[str, Sequence[Verdict]]], None]
"""Takes a model, its looks in their order, and the doctor's verdicts of each scored set."""


def told_of(scored: Iterable[tuple[str, Look]]) -> dict[str, Sequence[Verdict]]:
    """Return the doctor's verdicts of scored sets by name, each with the looks that score it."""
    found: dict[str, Sequence[Verdict]] = {}
    for name, look in scored:
        found[name] = [*found.get(name, ()), *look.verdicts.get(name, ())]
    return found


def tell(told: Mapping[str, Sequence[Verdict]]) -> None:
    """Log what the doctor says of scored sets, by name, each kind of verdict once; what refuses a
    number is a warning."""
    kinds: dict[str, dict[str, Verdict]] = {}
    for name, verdicts in told.items():
        for verdict in verdicts:
            kinds.setdefault(verdict.name, {})[name] = verdict
    for kind, sets in kinds.items():
        first, verdict = next(iter(sets.items()))
        logger.log(
            logging.WARNING if verdict.level == "refuse" else logging.INFO,
            "%s in %s of %s scored sets; in %s %s",
            kind,
            len(sets),
            len(told),
            first,
            verdict.line,
        )
