"""Question-answer entailment, as QNLI asks it: whether a sentence answers a question.

Half of the sentences that do not deny what the question takes to have happened, or tell that what
it denies happened. The others tell of something else, or say a time where the question asks for
a place and a place where it asks for a time. Length and the words of either text alone tell
nothing; an overlap of words tells most, save a denial.
"""

import numpy as np

from xlmr_lab.babel import nli, questions
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.world import NOTHING, Event, Habits, World

HABITS = Habits(quality=0.5, place=1.0, time=1.0, plural=0.2, negated=0.5, statement=0.0)
DENIED = 0.5
"""Share of sentences that do not answer for being denials, or for being none (probability)."""
SILENT = 0.6
"""Of the others, where a place or time is asked for, the share that leaves it out (probability)."""
ENTAILMENT, NOT_ENTAILMENT = "entailment", "not_entailment"

Item = tuple[Event, Event, str]
"""Question, sentence, label."""


def draw(world: World, rng: np.random.Generator, count: int) -> list[Item]:
    """Draw items, those that answer and those that do not in turn."""
    items: list[Item] = []
    while len(items) < count:
        topics = np.repeat((rng.random(count) * worlds.NUM_TOPICS).astype(int), 2)
        events = worlds.events(world, rng, topics, HABITS)
        for i, chance in enumerate(rng.random((count, 6)).tolist()):
            label = (ENTAILMENT, NOT_ENTAILMENT)[len(items) % 2]
            part = questions.ASKED[int(chance[0] * len(questions.ASKED))]
            said = "place" if part == "place" or (part != "time" and chance[1] < 0.5) else "time"
            silent = "time" if said == "place" else "place"
            full = events[2 * i]
            event = full._replace(**{silent: NOTHING})  # type: ignore[arg-type]
            keep = event.negated or chance[2] < 0.5
            question = questions.ask(event, part, (keep, True, True))
            if label == NOT_ENTAILMENT and chance[5] < DENIED:
                event = event._replace(negated=not event.negated)
            elif label == NOT_ENTAILMENT and part in ("place", "time") and chance[3] < SILENT:
                event = full._replace(**{part: NOTHING})  # type: ignore[arg-type]
            elif label == NOT_ENTAILMENT:
                event = _something_else(world, event, events[2 * i + 1], part, chance[4])
            if questions.answers(question, event) == (label == ENTAILMENT):
                items.append((question, event, label))
    return items[:count]


def _something_else(world: World, event: Event, other: Event, part: str, chance: float) -> Event:
    """Change a part that the question says for that of another event."""
    parts = [name for name in ("agent", "action", "object") if name != part]
    match parts[int(chance * len(parts))]:
        case "agent":
            return event._replace(agent=other.agent, family=other.family)
        case "action":
            verb = nli.another(event.action, other.action, world.concepts("action"))
            return event._replace(action=verb)
        case _:
            thing = nli.another(event.object, other.object, world.concepts("thing"))
            return event._replace(object=thing)
