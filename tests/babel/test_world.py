"""The world: what its numbers mean, and that text about it has structure to learn from."""

from collections import Counter

import numpy as np

from xlmr_lab import seeds
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.world import NOTHING


def test_zipf_draws_follow_one_over_rank() -> None:
    """Three ranks have probabilities 6/11, 3/11, 2/11."""
    drawn = worlds.zipf(seeds.generator(0, "test"), 3, 110_000)
    shares = np.bincount(drawn, minlength=3) / len(drawn)
    assert np.allclose(shares, [6 / 11, 3 / 11, 2 / 11], atol=0.005)


def test_opposites_come_in_pairs() -> None:
    world = worlds.build(0)
    for quality in world.concepts("quality"):
        opposite = world.opposite(quality)
        assert opposite != quality
        assert opposite in world.concepts("quality")
        assert world.opposite(opposite) == quality


def test_a_seed_names_one_world_and_its_documents() -> None:
    first, second = (
        worlds.documents(worlds.build(3), seeds.generator(1, "test"), 20) for _ in range(2)
    )
    assert first == second
    assert first != worlds.documents(worlds.build(4), seeds.generator(1, "test"), 20)


def test_events_hold_concepts_of_the_right_kind() -> None:
    world = worlds.build(0)
    topics = np.arange(2000) % worlds.NUM_TOPICS
    for event in worlds.events(world, seeds.generator(0, "test"), topics):
        statement = event.action == NOTHING
        assert statement or event.action in world.concepts("action")
        assert statement == (event.object not in world.concepts("thing"))
        assert event.quality == NOTHING or event.quality in world.concepts("quality")
        assert event.place == NOTHING or event.place in world.concepts("place")
        assert 1 <= event.quantity <= worlds.MAX_QUANTITY


def test_a_document_keeps_to_few_participants() -> None:
    """At most three actors and two places a document, so that context predicts words."""
    for document in worlds.documents(worlds.build(0), seeds.generator(0, "test"), 50):
        actors = {(e.agent, e.family) for e in document}
        places = {e.place for e in document} - {NOTHING}
        assert len(actors) <= 3
        assert len(places) <= 2


def test_actions_prefer_their_objects() -> None:
    """The object is far more predictable given the action than alone (bits)."""
    world = worlds.build(0)
    topics = (seeds.generator(0, "topics").random(20_000) * worlds.NUM_TOPICS).astype(int)
    said = worlds.events(world, seeds.generator(0, "test"), topics)
    alone = _entropy(Counter(e.object for e in said))
    given = 0.0
    for _, group in _by_action(said).items():
        given += len(group) / len(said) * _entropy(Counter(group))
    assert given < alone - 2


def _by_action(events: list[worlds.Event]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for event in events:
        groups.setdefault(event.action, []).append(event.object)
    return groups


def _entropy(counts: Counter[int]) -> float:
    shares = np.array(list(counts.values())) / sum(counts.values())
    return float(-(shares * np.log2(shares)).sum())
