"""Acceptability: a parser that does not know the event tells whole sentences from broken ones."""

from collections import Counter

import numpy as np
import pytest

from xlmr_lab import seeds
from xlmr_lab.babel import acceptability, tongues
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.acceptability import Parser
from xlmr_lab.babel.tongues import TongueConfig
from xlmr_lab.babel.world import NOTHING, Event

WORLD = worlds.build(0)
TONGUES = [tongues.grow(WORLD, code, 0) for code in ("qaa", "qab", "qac", "qae")]
ITEMS = acceptability.draw(WORLD, seeds.generator(0, "test"), 2000, TONGUES)
BREACHES = ("order", "inside", "quality", "negation", "number", "plural", "past")


def event(**parts) -> Event:
    """Return "an animal did not do, at a time, two red things in a place", with parts changed."""
    kinds = ("action", "quality", "place", "time")
    plain = Event(
        agent=WORLD.first["animal"],
        family=NOTHING,
        object=WORLD.first["thing"],
        quantity=2,
        negated=True,
        **{kind: WORLD.first[kind] for kind in kinds},
    )
    return plain._replace(**parts)


def test_breaches_worked_by_hand() -> None:
    """In an English-like grammar: "bear not eat-d two red apple-s at Rome when 1950"."""
    tongue = tongues.grow(WORLD, "qaa", 0, TongueConfig(one_grammar=True))
    said, forms, functions = event(), tongue.forms, tongue.functions
    bear, eat, apple, red, rome, year = (
        forms[c]
        for c in (said.agent, said.action, said.object, said.quality, said.place, said.time)
    )
    two, no, at, when = (functions[n] for n in ("number2", "not", "at", "when"))
    ate, apples = eat + functions["past"], apple + functions["plural"]
    end = [at, rome, when, year]

    def broken(breach: str, **parts) -> list[str]:
        return acceptability.words(tongue, (event(**parts), breach))

    assert broken("") == [bear, no, ate, two, red, apples, *end]
    assert broken("order") == [bear, two, red, apples, no, ate, *end]
    assert broken("inside") == [bear, when, year, no, ate, two, red, apples, at, rome]
    assert broken("quality") == [bear, no, ate, two, apples, red, *end]
    assert broken("negation") == [bear, ate, no, two, red, apples, *end]
    assert broken("number") == [bear, no, ate, red, apples, two, *end]
    assert broken("plural") == [bear, no, ate, two, red, apple, *end]
    assert broken("plural", quantity=1) == [bear, no, ate, red, apples, *end]
    assert broken("past") == [bear, no, eat, two, red, apples, *end]
    assert broken("past", time=NOTHING) == [bear, no, ate, two, red, apples, at, rome]


@pytest.mark.parametrize("code", tongues.spread(24))
def test_the_parser_accepts_whatever_a_tongue_says(code) -> None:
    tongue = tongues.grow(WORLD, code, 0)
    parser, topics = Parser(WORLD, tongue), np.arange(500) % worlds.NUM_TOPICS
    for said in worlds.events(WORLD, seeds.generator(1, "t"), topics, acceptability.HABITS):
        assert parser.accepts([word for word, _ in tongue.words(said)])


@pytest.mark.parametrize("code", tongues.spread(24))
def test_the_parser_refuses_every_breach(code) -> None:
    tongue = tongues.grow(WORLD, code, 0)
    parser = Parser(WORLD, tongue)
    for breach in BREACHES:
        assert not parser.accepts(acceptability.words(tongue, (event(), breach)))


def test_a_word_of_two_classes_is_read_as_either() -> None:
    """Where a place's form is also an action's, both readings are tried."""
    tongue = tongues.grow(WORLD, "qaa", 0, TongueConfig(one_grammar=True))
    said = event(negated=False, quality=NOTHING, quantity=1, time=NOTHING)
    tongue.forms[said.action] = tongue.forms[said.place]
    assert Parser(WORLD, tongue).accepts([word for word, _ in tongue.words(said)])


def test_labels_are_balanced_and_every_breach_occurs() -> None:
    counts = Counter(breach for _, breach in ITEMS)
    assert counts[""] == 1000
    assert all(counts[breach] > 30 for breach in BREACHES)


def test_all_tongues_agree_about_every_item() -> None:
    for tongue in TONGUES:
        parser = Parser(WORLD, tongue)
        for item in ITEMS[:500]:
            assert parser.accepts(acceptability.words(tongue, item)) == (not item[1])


def test_agreement_breaks_either_way_equally_often() -> None:
    """A mark that is missing and one that is too many are equally common."""
    for breach, marked in (
        ("plural", lambda e: e.quantity > 1),
        ("past", lambda e: e.time != NOTHING),
    ):
        sides = Counter(marked(event) for event, found in ITEMS if found == breach)
        assert sides[True] / sides.total() == pytest.approx(0.5, abs=0.12)
