"""Questions: what answers them, and how grammars place the question word."""

import itertools

import numpy as np
import pytest

from xlmr_lab import seeds
from xlmr_lab.babel import questions, tongues
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.tongues import TongueConfig
from xlmr_lab.babel.world import NOTHING, WHAT, WHO, Event

WORLD = worlds.build(0)
ALL = (True, True, True)
EVENTS = worlds.events(WORLD, seeds.generator(0, "test"), np.arange(400) % worlds.NUM_TOPICS)


def event(**parts) -> Event:
    """Return "an animal does a thing to a red thing in a place at a time", with parts changed."""
    firsts = ("quality", "place", "time")
    plain = Event(
        agent=WORLD.first["animal"],
        family=NOTHING,
        action=WORLD.first["action"],
        object=WORLD.first["thing"],
        quantity=1,
        negated=False,
        **{kind: WORLD.first[kind] for kind in firsts},
    )
    return plain._replace(**parts)


@pytest.mark.parametrize(
    ("part", "keep", "told", "answered"),
    [
        ("agent", ALL, {}, True),
        ("agent", ALL, {"agent": WORLD.first["animal"] + 1}, True),
        ("agent", ALL, {"place": NOTHING}, False),
        ("agent", (True, False, True), {"place": NOTHING}, True),
        ("agent", ALL, {"negated": True}, False),
        ("object", ALL, {"object": WORLD.first["thing"] + 1, "quantity": 3}, True),
        ("object", ALL, {"agent": WORLD.first["animal"] + 1}, False),
        ("object", ALL, {"action": WORLD.first["action"] + 1}, False),
        ("place", ALL, {"place": WORLD.first["place"] + 1}, True),
        ("place", ALL, {"place": NOTHING}, False),
        ("place", ALL, {"quantity": 2}, False),
        ("time", ALL, {"quality": WORLD.first["quality"] + 1}, False),
        ("time", (False, True, True), {"quality": WORLD.first["quality"] + 1}, True),
    ],
)
def test_what_answers_worked_by_hand(part, keep, told, answered) -> None:
    question = questions.ask(event(), part, keep)
    assert questions.answers(question, event(**told)) == answered


@pytest.mark.parametrize(
    ("part", "keep", "told", "answered"),
    [
        ("agent", ALL, {"negated": True}, True),
        ("agent", ALL, {}, False),
        ("agent", (True, False, True), {"negated": True}, False),
        ("object", ALL, {"negated": True, "quality": NOTHING}, True),
    ],
)
def test_what_answers_to_what_did_not_happen(part, keep, told, answered) -> None:
    question = questions.ask(event(negated=True), part, keep)
    assert questions.answers(question, event(**told)) == answered


def test_every_event_answers_what_is_asked_about_it() -> None:
    for said in EVENTS:
        for part in questions.can_be_asked(said):
            question = questions.ask(said, part, ALL)
            assert questions.asked(question) == part
            assert questions.is_question(question)
            assert questions.answers(question, said)


def test_denials_and_statements_are_not_asked_about() -> None:
    assert questions.can_be_asked(event(negated=True)) == []
    assert questions.can_be_asked(event(action=NOTHING)) == []
    assert questions.can_be_asked(event(place=NOTHING)) == ["agent", "object", "time"]


def test_a_question_says_no_word_of_its_answer() -> None:
    """The object takes its number and quality with it."""
    question = questions.ask(event(quantity=4), "object", ALL)
    assert (question.object, question.quality, question.quantity) == (WHAT, NOTHING, 1)
    family = WORLD.first["family_name"]
    question = questions.ask(event(family=family), "agent", ALL)
    assert (question.agent, question.family) == (WHO, NOTHING)


def test_where_is_at_what_and_stands_first_where_questions_do() -> None:
    tongue = tongues.grow(WORLD, "qaa", 0, TongueConfig(one_grammar=True))
    said = event(quality=NOTHING, time=NOTHING)
    at, what = tongue.functions["at"], tongue.forms[WHAT]
    agent, action, thing = (tongue.forms[c] for c in (said.agent, said.action, said.object))
    where = questions.ask(said, "place", ALL)
    assert questions.sentence(tongue, where) == f"{at} {what} {agent} {action} {thing}?"
    assert questions.sentence(tongue, said) == tongue.sentence(said)


@pytest.mark.parametrize("code", tongues.spread(24))
def test_question_words_stand_first_or_where_the_answer_would(code) -> None:
    tongue = tongues.grow(WORLD, code, 0)
    for said in EVENTS[:50]:
        for part in questions.can_be_asked(said):
            question = questions.ask(said, part, ALL)
            order = [name for name, _ in questions.phrases(tongue, question)]
            usual = [name for name, _ in tongue.phrases(said)]
            if tongue.grammar.question_first:
                assert order == [part, *(name for name in usual if name != part)]
            else:
                assert order == usual
            asked = dict(questions.phrases(tongue, question))[part]
            word = tongue.forms[WHO if part == "agent" else WHAT]
            assert any(written.startswith(word) for written, _ in asked)
            assert questions.sentence(tongue, question).endswith(
                tongue.script.question_mark.strip()
            )


def test_some_tongues_put_question_words_first_and_some_do_not() -> None:
    first = [tongues.grow(WORLD, code, 0).grammar.question_first for code in tongues.spread(24)]
    assert 4 < sum(first) < 20


@pytest.mark.parametrize("code", tongues.spread(24))
def test_the_answer_is_the_name_without_its_adposition(code) -> None:
    tongue = tongues.grow(WORLD, code, 0)
    marks = {tongue.functions["at"], tongue.functions["when"]}
    for said, part in itertools.product(EVENTS[:50], ("place", "time")):
        if getattr(said, part) != NOTHING:
            words = [word for word, _ in dict(tongue.phrases(said))[part]]
            (answer,) = words[questions.answer_words(tongue, part, len(words))]
            assert answer.startswith(tongue.forms[getattr(said, part)])
            assert len(words) == 1 or answer not in marks
