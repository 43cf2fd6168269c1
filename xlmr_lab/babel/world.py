"""What can be said: concepts with a taxonomy, events over them, and documents as runs of events.

Distribution carries meaning, as in text: a document has a topic and recurring participants, topics
prefer actions, actions prefer objects, objects prefer qualities, and every choice is Zipfian.
Without that structure nothing lets a masked LM align two languages. All languages speak of the same
world, each in documents of its own.

Every draw is a comparison of PCG64 doubles with tables made by exact IEEE operations, so that a
world and its documents are the same bytes on every machine. Left out: time within a document,
causes, beliefs.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from xlmr_lab import seeds

NOTHING = -1
"""The value of an event's optional part that is not said."""

WHO, WHAT = -2, -3
"""The values of the part of an event that a question asks for: who it was; what, where or when."""

MAX_QUANTITY = 6
"""Quantities run from 1 (said as the singular) to this (the tongue's word for many)."""

KINDS = {
    "given_name": 40,
    "family_name": 60,
    "place": 40,
    "organisation": 24,
    "animal": 40,
    "thing": 80,
    "action": 48,
    "quality": 40,
    "time": 12,
    "animal_class": 6,
    "thing_class": 10,
}
"""Number of concepts of each kind; concepts are numbered through in this order."""

NAMED = ("given_name", "family_name", "place", "organisation")
"""Kinds whose concepts carry a proper name, the same in every language up to spelling."""

NUM_TOPICS = 12
NUM_PERSONS = 120


class Event(NamedTuple):
    """One thing that happens, or one that something is; every field is a concept, a count or
    `NOTHING`.

    `agent` is a concept (animal, organisation) or, when `family` is not `NOTHING`, the given name
    of a person. `action` is `NOTHING` for a statement of what the agent is (`object` then is its
    class).
    """

    agent: int
    family: int
    action: int
    object: int
    quality: int
    quantity: int
    place: int
    time: int
    negated: bool


@dataclasses.dataclass(frozen=True, slots=True)
class World:
    """Concept ranges by kind, the taxonomy, and the preferences that make text predictable.

    Preference tables hold concept numbers, the most liked first: `actions` [topic, rank], `objects`
    [action, rank], `qualities` [thing, rank], `agents` [topic, rank], `places` [topic, rank],
    `times` [topic, rank].
    """

    first: dict[str, int]
    persons: np.ndarray
    agents: np.ndarray
    actions: np.ndarray
    objects: np.ndarray
    qualities: np.ndarray
    places: np.ndarray
    times: np.ndarray
    class_of: np.ndarray
    num_concepts: int

    def concepts(self, kind: str) -> range:
        """Return the concept numbers of a kind."""
        return range(self.first[kind], self.first[kind] + KINDS[kind])

    def opposite(self, quality: int) -> int:
        """Return the quality's opposite; qualities come in pairs."""
        start = self.first["quality"]
        return start + ((quality - start) ^ 1)


def build(seed: int) -> World:
    """Make the world of a seed."""
    first, number = {}, 0
    for kind, count in KINDS.items():
        first[kind], number = number, number + count
    rng = seeds.generator(seed, "babel", "world")

    def ranked(kind: str, rows: int, keep: int) -> np.ndarray:
        order = np.argsort(rng.random((rows, KINDS[kind])), axis=1, kind="stable")
        return first[kind] + order[:, :keep]

    persons = np.stack(
        [
            first["given_name"] + _integers(rng, KINDS["given_name"], NUM_PERSONS),
            first["family_name"] + _integers(rng, KINDS["family_name"], NUM_PERSONS),
        ],
        axis=1,
    )
    class_of = np.full(number, NOTHING)
    for kind, classes in (("animal", "animal_class"), ("thing", "thing_class")):
        members = np.arange(first[kind], first[kind] + KINDS[kind])
        class_of[members] = first[classes] + _integers(rng, KINDS[classes], len(members))
    return World(
        first=first,
        persons=persons,
        agents=_ranked_agents(rng, first),
        actions=ranked("action", NUM_TOPICS, 8),
        objects=ranked("thing", KINDS["action"], 6),
        qualities=ranked("quality", KINDS["thing"], 4),
        places=ranked("place", NUM_TOPICS, 6),
        times=ranked("time", NUM_TOPICS, 4),
        class_of=class_of,
        num_concepts=number,
    )


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Habits:
    """How often an event says what; probabilities."""

    quality: float = 0.6
    place: float = 0.5
    time: float = 0.3
    plural: float = 0.3
    negated: float = 0.15
    statement: float = 0.08


def events(
    world: World, rng: np.random.Generator, topics: np.ndarray, habits: Habits | None = None
) -> list[Event]:
    """Draw one event for each topic number in `topics` [n]; each has participants of its own."""
    count = len(topics)
    agents = world.agents[topics, zipf(rng, world.agents.shape[1], count)]
    places = world.places[topics, zipf(rng, world.places.shape[1], count)]
    return _assemble(world, rng, topics, agents, places, habits or Habits())


def documents(
    world: World,
    rng: np.random.Generator,
    count: int,
    *,
    num_events: tuple[int, int] = (4, 12),
    num_agents: int = 3,
    statements: float = 0.08,
) -> list[list[Event]]:
    """Draw documents: runs of events on one topic, about the same few participants in the same few
    places.
    """
    low, high = num_events
    lengths = low + _integers(rng, high - low + 1, count)
    doc_topics = _integers(rng, NUM_TOPICS, count)
    owner = np.repeat(np.arange(count), lengths)
    topics = doc_topics[owner]
    cast = world.agents[doc_topics[:, None], zipf(rng, world.agents.shape[1], (count, num_agents))]
    scene = world.places[doc_topics[:, None], zipf(rng, world.places.shape[1], (count, 2))]
    agents = cast[owner, zipf(rng, num_agents, len(owner))]
    places = scene[owner, zipf(rng, 2, len(owner))]
    habits = Habits(statement=statements)
    said = _assemble(world, rng, topics, agents, places, habits)
    ends = np.cumsum(lengths).tolist()
    return [said[end - length : end] for end, length in zip(ends, lengths.tolist(), strict=True)]


def zipf(rng: np.random.Generator, size: int, shape: int | tuple[int, ...]) -> np.ndarray:
    """Draw ranks 0..size-1 with probability proportional to 1 / (rank + 1)."""
    weights = np.cumsum(1.0 / np.arange(1, size + 1))
    return np.searchsorted(weights / weights[-1], rng.random(shape), side="right").clip(
        max=size - 1
    )


def _assemble(
    world: World,
    rng: np.random.Generator,
    topics: np.ndarray,
    agents: np.ndarray,
    places: np.ndarray,
    habits: Habits,
) -> list[Event]:
    """Draw what the participants do; `agents` numbers persons from `num_concepts` on."""
    count = len(topics)
    action = world.actions[topics, zipf(rng, world.actions.shape[1], count)]
    thing = world.objects[action - world.first["action"], zipf(rng, world.objects.shape[1], count)]
    quality = world.qualities[
        thing - world.first["thing"], zipf(rng, world.qualities.shape[1], count)
    ]
    time = world.times[topics, zipf(rng, world.times.shape[1], count)]
    chance = rng.random((6, count))
    quantity = np.where(chance[3] < habits.plural, 2 + zipf(rng, MAX_QUANTITY - 1, count), 1)
    person = agents >= world.num_concepts
    row = np.where(person, agents - world.num_concepts, 0)
    agent = np.where(person, world.persons[row, 0], agents)
    family = np.where(person, world.persons[row, 1], NOTHING)
    statement = (chance[5] < habits.statement) & (world.class_of[agent] != NOTHING)
    return list(
        map(
            Event,
            agent.tolist(),
            family.tolist(),
            np.where(statement, NOTHING, action).tolist(),
            np.where(statement, world.class_of[agent], thing).tolist(),
            np.where((chance[0] < habits.quality) & ~statement, quality, NOTHING).tolist(),
            np.where(statement, 1, quantity).tolist(),
            np.where((chance[1] < habits.place) & ~statement, places, NOTHING).tolist(),
            np.where((chance[2] < habits.time) & ~statement, time, NOTHING).tolist(),
            ((chance[4] < habits.negated) & ~statement).tolist(),
        )
    )


def _ranked_agents(rng: np.random.Generator, first: dict[str, int]) -> np.ndarray:
    """Rank ten actors per topic: persons (numbered after the concepts), animals, organisations,
    mixed.
    """
    num_concepts = sum(KINDS.values())
    pool = np.concatenate(
        [
            num_concepts + np.arange(NUM_PERSONS),
            first["animal"] + np.arange(KINDS["animal"]),
            first["organisation"] + np.arange(KINDS["organisation"]),
        ]
    )
    order = np.argsort(rng.random((NUM_TOPICS, len(pool))), axis=1, kind="stable")
    return pool[order[:, :10]]


def _integers(rng: np.random.Generator, limit: int, shape: int) -> np.ndarray:
    """Draw integers 0..limit-1 from doubles, whose stream NumPy keeps fixed."""
    return (rng.random(shape) * limit).astype(np.int64)
