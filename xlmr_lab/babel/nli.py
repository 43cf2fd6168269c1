"""NLI over Babel's events (XLM-R Sec. 4): a hypothesis says a premise again, perhaps with details
left out; that is the entailment.

Neutral ones change or add a part, contradictions negate it or turn a quality into its opposite (two
sentences speak of the same occasion, as in SNLI). Details are left out alike under all three
labels, so that length does not give the label away; negation hints at contradiction, as in natural
sets. A pair can be said in one language, in two, or in a mixture.
"""

from collections.abc import Sequence

import numpy as np

from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.translation import Say
from xlmr_lab.babel.world import NOTHING, Event, Habits, World

ENTAILMENT, NEUTRAL, CONTRADICTION = "entailment", "neutral", "contradiction"
LABELS = (ENTAILMENT, NEUTRAL, CONTRADICTION)

NLI_HABITS = Habits(quality=0.6, place=0.6, time=0.4, plural=0.2, negated=0.08, statement=0.0)
"""Premises say more than text does, so that there is something to leave out."""

DETAILS = ("quality", "place", "time")

Item = tuple[Event, Event, str]
"""Premise, hypothesis, label."""


def draw(world: World, rng: np.random.Generator, count: int, *, hard: float = 0.1) -> list[Item]:
    """Draw items, the three labels in turn; `hard` is the share of the harder kinds."""
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


def text(pairs: Sequence[Item], premise: Say, hypothesis: Say | None = None) -> str:
    """Write pairs as XNLI's three columns; `premise` and `hypothesis` say an event as a sentence,
    the former both where there is no other.
    """
    second = hypothesis or premise
    return "".join(f"{premise(p)}\t{second(h)}\t{label}\n" for p, h, label in pairs)


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
        thing = another(event.object, other.object, world.concepts("thing"))
        return event._replace(object=thing)
    if part == 2 and event.place != NOTHING:
        return event._replace(place=another(event.place, other.place, world.concepts("place")))
    verb = another(event.action, other.action, world.concepts("action"))
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


def another(concept: int, proposed: int, kind: range) -> int:
    """Return the proposed concept, or the next of its kind if it is the same."""
    if proposed != concept:
        return proposed
    return kind[(concept - kind.start + 1) % len(kind)]
