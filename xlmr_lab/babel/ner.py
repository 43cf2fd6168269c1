"""NER over Babel's events (XLM-R Sec. 4): the names in sentences of one or two events, as WikiANN
writes them.
"""

from collections.abc import Sequence

import numpy as np

from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.tongues import Tongue
from xlmr_lab.babel.world import NOTHING, Event, World

Sentence = tuple[Event, ...]
"""The events that a sentence says, one or two."""


def draw(world: World, rng: np.random.Generator, count: int) -> list[Sentence]:
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
    return [tuple(events[2 * i : 2 * i + 1 + two[i]]) for i in range(count)]


def text(tongue: Tongue, sentences: Sequence[Sentence]) -> str:
    """Write a token and its tag a line, a blank line after each sentence."""
    lines = []
    for sentence in sentences:
        for event in sentence:
            lines += [f"{word}\t{tag}\n" for word, tag in tongue.words(event)]
            stop = tongue.script.full_stop.strip()
            if stop:
                lines.append(f"{stop}\tO\n")
        lines.append("\n")
    return "".join(lines)
