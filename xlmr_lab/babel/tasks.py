"""Tasks with exact labels and exact translations: the same items said in every language.

NLI (XLM-R Sec. 4): a hypothesis says a premise again, perhaps with details left out; that is the
entailment. Neutral ones change or add a part, contradictions negate it or turn a quality into its
opposite (two sentences speak of the same occasion, as in SNLI). Details are left out alike under
all three labels, so that length does not give the label away; negation hints at contradiction, as
in natural sets. NER (Sec. 4): the names in sentences of one or two events. Files have the formats
that the evaluation reads of real data: XNLI's three columns, WikiANN's token and tag.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xlmr_lab import seeds, storage
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.tongues import Tongue
from xlmr_lab.babel.world import NOTHING, Event, Habits, World
from xlmr_lab.errors import UserError

ENTAILMENT, NEUTRAL, CONTRADICTION = "entailment", "neutral", "contradiction"
LABELS = (ENTAILMENT, NEUTRAL, CONTRADICTION)
SPLITS = ("train", "dev", "test")

NLI_HABITS = Habits(quality=0.6, place=0.6, time=0.4, plural=0.2, negated=0.08, statement=0.0)
"""Premises say more than text does, so that there is something to leave out."""

DETAILS = ("quality", "place", "time")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TaskConfig:
    """How many examples each task has in each language."""

    nli_train: int = 8000
    """NLI training examples (pairs)."""
    nli_dev: int = 500
    """NLI development examples (pairs)."""
    nli_test: int = 1000
    """NLI test examples (pairs)."""
    nli_hard: float = 0.1
    """Share of the harder kinds: neutral by swapping a part instead of adding one, contradiction by
    an opposite quality instead of negation (probability)."""
    ner_train: int = 2000
    """NER training sentences."""
    ner_dev: int = 300
    """NER development sentences."""
    ner_test: int = 500
    """NER test sentences."""

    def __post_init__(self) -> None:
        if not 0 <= self.nli_hard <= 1:
            raise UserError(f"nli_hard must be in [0, 1], got {self.nli_hard}")
        for field in dataclasses.fields(self):
            if field.name != "nli_hard" and getattr(self, field.name) < 1:
                raise UserError(f"{field.name} must be at least 1, got {getattr(self, field.name)}")


NliItem = tuple[Event, Event, str]
"""Premise, hypothesis, label."""


def nli_items(
    world: World, rng: np.random.Generator, count: int, *, hard: float = 0.1
) -> list[NliItem]:
    """Draw NLI items, the three labels in turn; `hard` is the share of the harder kinds."""
    topics = (rng.random(count) * worlds.NUM_TOPICS).astype(int)
    premises = [_with_room(event) for event in worlds.events(world, rng, topics, NLI_HABITS)]
    chances = rng.random((count, 9)).tolist()
    others = worlds.events(world, rng, topics, _ALL_SAID)
    items = [
        (premise, _hypothesis(world, premise, other, LABELS[i % 3], chance, hard), LABELS[i % 3])
        for i, (premise, other, chance) in enumerate(zip(premises, others, chances, strict=True))
    ]
    wrong = [item for item in items if relation(world, *item[:2]) != item[2]]
    assert not wrong, f"{len(wrong)} labels do not follow, the first of {wrong[0]}"
    return items


def ner_items(world: World, rng: np.random.Generator, count: int) -> list[list[Event]]:
    """Draw sentences of one or two events; half of the persons bear a pair of names that no text of
    the corpus puts together.
    """
    topics = (rng.random(count * 2) * worlds.NUM_TOPICS).astype(int)
    events = worlds.events(world, rng, topics)
    chances = rng.random((count * 2, 3)).tolist()
    given, family = world.concepts("given_name"), world.concepts("family_name")
    known = set(map(tuple, world.persons.tolist()))
    for i, (event, chance) in enumerate(zip(events, chances, strict=True)):
        if event.family != NOTHING and chance[0] < 0.5:
            name = given[int(chance[1] * len(given))], family[int(chance[2] * len(family))]
            if name not in known:
                events[i] = event._replace(agent=name[0], family=name[1])
    two = (rng.random(count) < 0.4).tolist()
    return [events[2 * i : 2 * i + 1 + two[i]] for i in range(count)]


def write(
    folder: Path, world: World, tongues: Sequence[Tongue], config: TaskConfig, seed: int
) -> None:
    """Write `nli/` and `ner/`, each `<split>-<language>.tsv`, the same items in every language."""
    seen: set[NliItem] = set()
    for split in SPLITS:
        pairs = _new_items(world, config, split, seed, seen)
        seen.update(pairs)
        sentences = ner_items(
            world, seeds.generator(seed, "babel", "ner", split), getattr(config, f"ner_{split}")
        )
        for tongue in tongues:
            name = f"{split}-{tongue.code}.tsv"
            storage.write_text(folder / "nli" / name, _nli_text(tongue, pairs))
            storage.write_text(folder / "ner" / name, _ner_text(tongue, sentences))


def _new_items(
    world: World, config: TaskConfig, split: str, seed: int, seen: set[NliItem]
) -> list[NliItem]:
    """Draw the NLI items of a split, none of which an earlier split has."""
    count = getattr(config, f"nli_{split}")
    rng = seeds.generator(seed, "babel", "nli", split)
    found: list[NliItem] = []
    while len(found) < count:
        drawn = nli_items(world, rng, count, hard=config.nli_hard)
        found += [item for item in drawn if item not in seen]
    return found[:count]


_ALL_SAID = Habits(quality=1.0, place=1.0, time=1.0, plural=0.2, negated=0.0, statement=0.0)


def _hypothesis(
    world: World, premise: Event, other: Event, label: str, chance: Sequence[float], hard: float
) -> Event:
    """Make the hypothesis of a label; `other` is a second event on the topic, whence changed parts
    come.

    A negated premise is said again whole: leaving a detail out of a denial would not follow from
    it.
    """
    said = premise if premise.negated else _leave_out(premise, chance[:3])
    if label == ENTAILMENT:
        return _generalise(world, said) if chance[3] < hard and not premise.negated else said
    if label == NEUTRAL:
        missing = [d for d in DETAILS if getattr(premise, d) == NOTHING]
        if missing and not premise.negated and chance[8] >= hard:
            added = missing[int(chance[6] * len(missing))]
            return said._replace(**{added: getattr(other, added)})
        return _swap(world, said, other, chance)
    if premise.quality != NOTHING and not premise.negated and chance[4] < hard:
        return said._replace(quality=world.opposite(premise.quality))
    return said._replace(negated=not premise.negated)


def _with_room(premise: Event) -> Event:
    """Leave a detail unsaid, so that a neutral hypothesis has one to add."""
    full = all(getattr(premise, detail) != NOTHING for detail in DETAILS)
    return premise._replace(time=NOTHING) if full else premise


def _leave_out(event: Event, chance: Sequence[float]) -> Event:
    dropped = {d: NOTHING for d, c in zip(DETAILS, chance, strict=True) if c < 0.5}
    return event._replace(**dropped)  # type: ignore[arg-type]


def _generalise(world: World, event: Event) -> Event:
    """Say the class of the thing instead of the thing, without its quality."""
    return event._replace(object=int(world.class_of[event.object]), quality=NOTHING)


def _swap(world: World, event: Event, other: Event, chance: Sequence[float]) -> Event:
    """Swap one part for another that neither follows nor is excluded; half of the denials lose
    their negation.
    """
    if event.negated and chance[5] < 0.5:
        event = event._replace(negated=False)
    part = int(chance[6] * 4)
    stranger = (other.agent, other.family) != (event.agent, event.family)
    if part == 0 and stranger:
        return event._replace(agent=other.agent, family=other.family)
    if part == 1:
        thing = _another(event.object, other.object, world.concepts("thing"))
        return event._replace(object=thing)
    if part == 2 and event.place != NOTHING:
        return event._replace(place=_another(event.place, other.place, world.concepts("place")))
    verb = _another(event.action, other.action, world.concepts("action"))
    return event._replace(action=verb)


def relation(world: World, premise: Event, hypothesis: Event) -> str:
    """Return the label that follows from what two events say of one occasion.

    A denial denies everything at least as specific as what it names: who did not do a thing did
    not do it in Rome either.
    """
    if premise.negated:
        if not _follows(world, premise, hypothesis):
            return NEUTRAL
        return ENTAILMENT if hypothesis.negated else CONTRADICTION
    if _follows(world, hypothesis, premise):
        return CONTRADICTION if hypothesis.negated else ENTAILMENT
    opposed = NOTHING not in (premise.quality, hypothesis.quality) and (
        hypothesis.quality == world.opposite(premise.quality)
    )
    rest = hypothesis._replace(quality=NOTHING)
    if opposed and not hypothesis.negated and _follows(world, rest, premise):
        return CONTRADICTION
    return NEUTRAL


def _follows(world: World, weak: Event, strong: Event) -> bool:
    """Tell whether the weaker event, polarity aside, is part of what the stronger one says."""
    core = ("agent", "family", "action", "quantity")
    return (
        all(getattr(weak, name) == getattr(strong, name) for name in core)
        and weak.object in (strong.object, int(world.class_of[strong.object]))
        and all(getattr(weak, d) in (getattr(strong, d), NOTHING) for d in DETAILS)
    )


def _another(concept: int, proposed: int, kind: range) -> int:
    """Return the proposed concept, or the next of its kind if it is the same."""
    if proposed != concept:
        return proposed
    return kind[(concept - kind.start + 1) % len(kind)]


def _nli_text(tongue: Tongue, items: Sequence[NliItem]) -> str:
    return "".join(
        f"{tongue.sentence(p).rstrip()}\t{tongue.sentence(h).rstrip()}\t{label}\n"
        for p, h, label in items
    )


def _ner_text(tongue: Tongue, sentences: Sequence[Sequence[Event]]) -> str:
    lines = []
    for sentence in sentences:
        for event in sentence:
            lines += [f"{word}\t{tag}\n" for word, tag in tongue.words(event)]
            stop = tongue.script.full_stop.strip()
            if stop:
                lines.append(f"{stop}\tO\n")
        lines.append("\n")
    return "".join(lines)
