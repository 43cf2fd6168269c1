"""What is seen at one check of a fine-tuning run, kept as JSON so that a run can go on from it: the
dev sets' measures, the scores of the sets that a selection would take there, and what the doctor
says of those.
"""

import dataclasses
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from xlmr_lab.evaluate.doctor.gold import dev_in_test
from xlmr_lab.evaluate.doctor.predictions import LABEL_ORDER, same_order, sure_order
from xlmr_lab.evaluate.doctor.verdict import Verdict
from xlmr_lab.evaluate.examples import Examples, concatenate
from xlmr_lab.evaluate.protocols import ModelPlan, TaskSet
from xlmr_lab.evaluate.selection import Check, Rule

logger = logging.getLogger(__name__)


class Look(NamedTuple):
    """One check of a run, with the scores of the sets that some rule would score there."""

    check: Check
    scores: Mapping[str, Mapping[str, float]]
    """Measures of each scored set, by its name."""
    verdicts: Mapping[str, Sequence[Verdict]]
    """What the doctor says of each scored set."""
    model: Sequence[Verdict] = ()
    """What it says of the model, after the last check of its run."""

    def written(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        told = {
            name: [dataclasses.asdict(one) for one in found]
            for name, found in self.verdicts.items()
        }
        model = [dataclasses.asdict(one) for one in self.model]
        return {
            **dataclasses.asdict(self.check),
            "scores": self.scores,
            "verdicts": told,
            "model": model,
        }

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "Look":
        """Return what was written."""
        fields = {field.name: record[field.name] for field in dataclasses.fields(Check)}
        told = record.get("verdicts", {})
        verdicts = {name: [Verdict(**one) for one in found] for name, found in told.items()}
        model = [Verdict(**one) for one in record.get("model", ())]
        return cls(Check(**fields), record["scores"], verdicts, model)


class Told(NamedTuple):
    """A verdict and what it is about."""

    part: TaskSet
    """The set that was examined."""
    protocol: str
    selection: str
    """Whose score of the set it is; empty where it is about the set under every selection."""
    verdict: Verdict

    def written(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "protocol": self.protocol,
            "selection": self.selection,
            "set": str(self.part),
            "split": self.part.split,
            "language": self.part.language,
            "question_language": self.part.question_language,
            **dataclasses.asdict(self.verdict),
        }


Looked = Callable[[ModelPlan, Sequence[Look], Sequence[Told]], None]
"""Takes a model, its looks in their order, and what the doctor says of its sets."""


def told_of(
    scored: Iterable[tuple[Rule, Look]], looks: Sequence[Look], trained_in: Sequence[TaskSet]
) -> list[Told]:
    """Return what the doctor says of the scores of a model, each given with the look that scores
    it; what it says of a run is said of each of its scores.

    Another order of labels that is found in the scores of every language that was learned in, from
    training sets as they were made, is no matter of transfer: it is refused wherever it is found.
    """
    scored = list(scored)
    of_runs = {look.check.learning_rate: look.model for look in looks}
    found = [
        Told(rule.cell.scored, rule.cell.protocol, rule.selection, verdict)
        for rule, look in scored
        for verdict in (
            *look.verdicts.get(str(rule.cell.scored), ()),
            *of_runs[look.check.learning_rate],
        )
    ]
    learned = {part.language for part in trained_in if not part.form}
    scored_in = {rule.cell.scored.language for rule, _ in scored} & learned
    own = {
        told.part.language: told.verdict
        for told in found
        if told.verdict.name == LABEL_ORDER and told.part.language in scored_in
    }
    settles = list(own.values()) if own.keys() == scored_in else []
    return [told._replace(verdict=_settled(told.verdict, settles)) for told in found]


def _settled(verdict: Verdict, own: Sequence[Verdict]) -> Verdict:
    """Return a verdict, refused if it is of the order that all languages learned in show."""
    if verdict.name != LABEL_ORDER or not own:
        return verdict
    return sure_order(verdict) if all(same_order(verdict, other) for other in own) else verdict


def told_of_sets(
    rules: Sequence[Rule],
    trained_on: Sequence[TaskSet],
    found: Mapping[TaskSet, Sequence[Verdict]],
    scored: Mapping[TaskSet, Examples],
) -> list[Told]:
    """Return what the doctor says of the sets of a model as they are encoded: what is `found` of
    those scored, of its training sets and of those looked at, and dev sets in the `scored` ones."""
    told: list[Told] = []
    looked_at = dict.fromkeys(rule.looked_at for rule in rules if rule.looked_at)
    dev = {parts: concatenate([scored[part] for part in parts]) for parts in looked_at}
    for rule in rules:
        part = rule.cell.scored
        same = dev_in_test(dev[rule.looked_at], scored[part]) if rule.looked_at else None
        verdicts = [*found.get(part, ()), *([same] if same else [])]
        told += [Told(part, rule.cell.protocol, rule.selection, one) for one in verdicts]
    others = dict.fromkeys((*trained_on, *(part for parts in looked_at for part in parts)))
    for protocol in dict.fromkeys(rule.cell.protocol for rule in rules):
        told += [Told(part, protocol, "", one) for part in others for one in found.get(part, ())]
    return told


def tell(told: Sequence[Told]) -> None:
    """Log what the doctor says of sets, each kind of verdict once; what refuses a number is a
    warning."""
    kinds: dict[tuple[str, str], dict[str, Verdict]] = {}
    for one in told:
        kind = one.verdict.name, one.verdict.level
        kinds.setdefault(kind, {}).setdefault(str(one.part), one.verdict)
    for (name, level), sets in kinds.items():
        first, verdict = next(iter(sets.items()))
        logger.log(
            logging.WARNING if level == "refuse" else logging.INFO,
            "%s in %s set%s; in %s %s",
            name,
            len(sets),
            "s" * (len(sets) > 1),
            first,
            verdict.line,
        )
