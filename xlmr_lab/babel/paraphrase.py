"""Paraphrase, as MRPC and PAWS ask it: whether two texts tell the same two events.

The second text may tell them in the other order, and stresses other words; that changes nothing.
Half of the texts that tell something else exchange a part between the two events, so that the words
are the same (as PAWS does); in the others one part is another. Neither words nor length tell the
former, while an overlap of words tells the latter.
"""

from collections.abc import Sequence

import numpy as np

from xlmr_lab.babel import nli
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.world import Event, Habits, World

HABITS = Habits(quality=0.6, place=0.5, time=0.3, plural=0.2, negated=0.0, statement=0.0)
SWAPPED = 0.7
"""Share of second texts that tell the events in the other order (probability)."""
SCRAMBLED = 0.5
"""Share of different texts with the same words (probability)."""

Item = tuple[tuple[Event, ...], tuple[Event, ...], tuple[float, ...], int]
"""Two texts of two events, where the stressed words of the four sentences are, in [0, 1), and 1
where the texts tell the same, else 0."""


def draw(world: World, rng: np.random.Generator, count: int) -> list[Item]:
    """Draw items, different and same ones in turn."""
    items: list[Item] = []
    while len(items) < count:
        topics = np.repeat((rng.random(count) * worlds.NUM_TOPICS).astype(int), 3)
        events = worlds.events(world, rng, topics, HABITS)
        for i, chance in enumerate(rng.random((count, 7)).tolist()):
            pair, other = events[3 * i : 3 * i + 2], events[3 * i + 2]
            label = len(items) % 2
            again = pair if label else _different(world, pair, other, chance)
            if chance[0] < SWAPPED:
                again = again[::-1]
            if paraphrases(pair, again) == label:
                items.append((tuple(pair), tuple(again), tuple(chance[3:]), label))
    return items[:count]


def paraphrases(first: Sequence[Event], second: Sequence[Event]) -> int:
    """Return 1 where two texts tell the same events in whatever order, else 0."""
    return int(sorted(first) == sorted(second))


def _different(
    world: World, pair: Sequence[Event], other: Event, chance: Sequence[float]
) -> list[Event]:
    """Tell something else with the same words where that can be, or with another part."""
    first, second = pair
    if chance[1] < SCRAMBLED:
        parts = (("agent", "family"), ("action",), ("object", "quality", "quantity"))
        names = parts[int(chance[2] * len(parts))]
        mine, yours = ({n: getattr(event, n) for n in names} for event in pair)
        return [first._replace(**yours), second._replace(**mine)]
    match int(chance[2] * 3):
        case 0:
            changed = first._replace(agent=other.agent, family=other.family)
        case 1:
            verb = nli.another(first.action, other.action, world.concepts("action"))
            changed = first._replace(action=verb)
        case _:
            thing = nli.another(first.object, other.object, world.concepts("thing"))
            changed = first._replace(object=thing)
    return [changed, second]
