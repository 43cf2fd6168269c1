"""Similarity, as STS-B asks it: how much of what one sentence tells another tells too, 0 to 5.

Each of five parts (who, what it did, to what, where, when) counts one, and a thing of the same
class half. Within a language an overlap of words tells nearly all, by design: between languages it
tells nothing.
"""

from collections.abc import Sequence

import numpy as np

from xlmr_lab.babel import nli
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.world import Event, Habits, World

HABITS = Habits(quality=0.0, place=1.0, time=1.0, plural=0.0, negated=0.0, statement=0.0)
PARTS = ("agent", "action", "object", "place", "time")
RELATED = 0.5
"""Share of changed things that become another of their class (probability)."""

Item = tuple[Event, Event, float]
"""Two events and their similarity."""


def draw(world: World, rng: np.random.Generator, count: int) -> list[Item]:
    """Draw items that share none to all of the five parts, in turn."""
    topics = np.repeat((rng.random(count) * worlds.NUM_TOPICS).astype(int), 2)
    events = worlds.events(world, rng, topics, HABITS)
    items: list[Item] = []
    for i, chance in enumerate(rng.random((count, len(PARTS) + 1)).tolist()):
        event, other = events[2 * i], events[2 * i + 1]
        shared = i % (len(PARTS) + 1)
        order = sorted(range(len(PARTS)), key=chance.__getitem__)
        for place in order[shared:]:
            event = _changed(world, event, other, PARTS[place], chance[-1])
        items.append((events[2 * i], event, similarity(world, events[2 * i], event)))
    return items


def similarity(world: World, first: Event, second: Event) -> float:
    """Return the similarity of two events, 0 to 5."""
    same = [getattr(first, part) == getattr(second, part) for part in PARTS]
    same[0] = same[0] and first.family == second.family
    things = [int(world.class_of[event.object]) for event in (first, second)]
    related = first.object != second.object and things[0] == things[1]
    return sum(same) + related / 2


def _changed(world: World, event: Event, other: Event, part: str, chance: float) -> Event:
    """Change a part for that of another event, or the next of its kind where they are the same."""
    if part == "agent":
        return _another_agent(world, event, other)
    if part == "object" and chance < RELATED:
        kin = _kin(world, event.object)
        if kin:
            return event._replace(object=kin[int(chance / RELATED * len(kin))])
    kind = world.concepts("thing" if part == "object" else part)
    new = nli.another(getattr(event, part), getattr(other, part), kind)
    return event._replace(**{part: new})  # type: ignore[arg-type]


def _another_agent(world: World, event: Event, other: Event) -> Event:
    if (event.agent, event.family) != (other.agent, other.family):
        return event._replace(agent=other.agent, family=other.family)
    animals = world.concepts("animal")
    start = event.agent if event.agent in animals else animals.stop - 1
    return event._replace(agent=nli.another(start, start, animals), family=worlds.NOTHING)


def _kin(world: World, thing: int) -> Sequence[int]:
    """Return the other things of a thing's class."""
    things = world.concepts("thing")
    kin = [t for t in things if world.class_of[t] == world.class_of[thing] and t != thing]
    return kin
