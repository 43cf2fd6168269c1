"""NLI: labels that follow from the events, and no shortcut to them."""

from collections import Counter

import pytest

from xlmr_lab import seeds
from xlmr_lab.babel import nli
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.nli import CONTRADICTION, DETAILS, ENTAILMENT, NEUTRAL
from xlmr_lab.babel.world import NOTHING, Event

WORLD = worlds.build(0)
ITEMS = nli.draw(WORLD, seeds.generator(0, "test"), 3000)


def test_entailments_say_nothing_new() -> None:
    for premise, hypothesis, label in ITEMS:
        if label != ENTAILMENT:
            continue
        assert hypothesis.negated == premise.negated
        assert hypothesis.action == premise.action
        for detail in DETAILS:
            assert getattr(hypothesis, detail) in (getattr(premise, detail), NOTHING)
        assert hypothesis.object in (premise.object, WORLD.class_of[premise.object])


def test_contradictions_negate_or_oppose() -> None:
    for premise, hypothesis, label in ITEMS:
        if label != CONTRADICTION:
            continue
        opposed = premise.quality != NOTHING and hypothesis.quality == WORLD.opposite(
            premise.quality
        )
        assert opposed != (hypothesis.negated != premise.negated)


def event(**parts) -> Event:
    """Return "an animal does a thing to a red thing in a place", with parts changed."""
    plain = Event(
        agent=WORLD.first["animal"],
        family=NOTHING,
        action=WORLD.first["action"],
        object=WORLD.first["thing"],
        quality=WORLD.first["quality"],
        quantity=1,
        place=WORLD.first["place"],
        time=NOTHING,
        negated=False,
    )
    return plain._replace(**parts)


@pytest.mark.parametrize(
    ("premise", "hypothesis", "label"),
    [
        ({}, {"place": NOTHING}, ENTAILMENT),
        ({}, {"object": int(WORLD.class_of[WORLD.first["thing"]]), "quality": NOTHING}, ENTAILMENT),
        ({}, {"quality": WORLD.first["quality"] + 1}, CONTRADICTION),
        ({}, {"negated": True, "place": NOTHING}, CONTRADICTION),
        ({"place": NOTHING}, {"negated": True}, NEUTRAL),
        ({"place": NOTHING}, {}, NEUTRAL),
        ({}, {"place": WORLD.first["place"] + 1}, NEUTRAL),
        ({}, {"agent": WORLD.first["animal"] + 1, "negated": True}, NEUTRAL),
        ({"negated": True, "place": NOTHING}, {"negated": True}, ENTAILMENT),
        ({"negated": True, "place": NOTHING}, {}, CONTRADICTION),
        ({"negated": True}, {"negated": True, "place": NOTHING}, NEUTRAL),
        ({"negated": True}, {"place": NOTHING}, NEUTRAL),
    ],
)
def test_relations_worked_by_hand(premise, hypothesis, label) -> None:
    assert nli.relation(WORLD, event(**premise), event(**hypothesis)) == label


def test_every_label_follows_from_the_events() -> None:
    assert [nli.relation(WORLD, p, h) for p, h, _ in ITEMS] == [label for *_, label in ITEMS]


def test_labels_are_balanced_and_length_tells_little() -> None:
    """Guessing the label from how many details the hypothesis leaves out is near chance."""
    assert Counter(label for *_, label in ITEMS) == dict.fromkeys(nli.LABELS, 1000)
    by_length: dict[int, Counter[str]] = {}
    for premise, hypothesis, label in ITEMS:
        said = [sum(getattr(e, d) != NOTHING for d in DETAILS) for e in (premise, hypothesis)]
        by_length.setdefault(said[0] - said[1], Counter())[label] += 1
    best = sum(max(counts.values()) for counts in by_length.values()) / len(ITEMS)
    assert best < 0.5


def test_negation_alone_does_not_decide() -> None:
    """Guessing from negation in the hypothesis, the classic giveaway, stays far from right."""
    counts = {n: Counter(y for _, h, y in ITEMS if h.negated == n) for n in (True, False)}
    best = sum(max(c.values()) for c in counts.values()) / len(ITEMS)
    assert best < 0.65
