"""Sentiment, as SST-2 asks it: whether what one or three sentences tell is good news.

Of two opposite qualities one is good and one is bad. A good thing that came to be, or a bad one
that did not, is good news; the label is what most of the sentences are. Words alone tell most
labels, as in SST-2; a bag of words does not know what a negation belongs to.
"""

from collections.abc import Sequence

import numpy as np

from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.world import Event, Habits, World

HABITS = Habits(quality=1.0, place=0.2, time=0.2, plural=0.2, negated=0.25, statement=0.0)

Item = tuple[tuple[Event, ...], int]
"""Events, and 1 where they are good news, 0 where they are bad."""


def draw(world: World, rng: np.random.Generator, count: int) -> list[Item]:
    """Draw items, bad and good ones in turn."""
    topics = np.repeat((rng.random(count) * worlds.NUM_TOPICS).astype(int), 3)
    events = worlds.events(world, rng, topics, HABITS)
    items: list[Item] = []
    for i, (long, odd, turn) in enumerate(rng.random((count, 3)).tolist()):
        label = i % 2
        news = [label, label, int(turn < 0.5)] if long < 0.5 else [label]
        first = int(odd * len(news))
        told = news[first:] + news[:first]
        drawn = events[3 * i : 3 * i + len(told)]
        said = tuple(_turned(world, e, good) for e, good in zip(drawn, told, strict=True))
        assert sentiment(world, said) == label, f"the label of {said} is not {label}"
        items.append((said, label))
    return items


def _turned(world: World, event: Event, good: int) -> Event:
    """Take the opposite quality where the event is not the news it should be."""
    if sentiment(world, (event,)) == good:
        return event
    return event._replace(quality=world.opposite(event.quality))


def sentiment(world: World, events: Sequence[Event]) -> int:
    """Return 1 where most of the events are good news, else 0."""
    good = sum(is_good(world, event.quality) != event.negated for event in events)
    return int(2 * good > len(events))


def is_good(world: World, quality: int) -> bool:
    """Tell a good quality from its bad opposite: the one is the first of each pair."""
    return quality < world.opposite(quality)
