"""Machine translation and code-switching: errors of the kinds and at the rate that is set."""

import dataclasses
from collections import Counter

import numpy as np
import pytest

from xlmr_lab import seeds
from xlmr_lab.babel import questions, tongues, translation
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.translation import CHANCES, TranslationConfig
from xlmr_lab.babel.world import NOTHING, Event
from xlmr_lab.errors import UserError

WORLD = worlds.build(0)
TONGUES = {code: tongues.grow(WORLD, code, 0) for code in ("qaa", "qab", "qae", "qag")}
EVENTS = worlds.events(WORLD, seeds.generator(0, "test"), np.arange(2000) % worlds.NUM_TOPICS)
NO_ERROR = [0.99] * CHANCES


def translator(source: str, target: str, **config: float) -> translation.Translator:
    settings = TranslationConfig(**{"errors": 0.0, "source_order": 0.0} | config)
    return translation.translator(WORLD, TONGUES[source], TONGUES[target], settings)


def texts(phrases) -> list[str]:
    return [word for _, phrase in phrases for word, _ in phrase]


def event(**parts) -> Event:
    """Return "an animal does a thing", with parts changed."""
    firsts = {kind: WORLD.first[kind] for kind in ("action",)}
    plain = Event(
        agent=WORLD.first["animal"],
        family=NOTHING,
        object=WORLD.first["thing"],
        quality=NOTHING,
        quantity=1,
        place=NOTHING,
        time=NOTHING,
        negated=False,
        **firsts,
    )
    return plain._replace(**parts)


@pytest.mark.parametrize("target", TONGUES)
def test_without_errors_sentences_and_questions_are_exact(target) -> None:
    say = translator("qab", target).sayer(seeds.generator(0, "test"))
    exact = translation.exact(TONGUES[target])
    for said in EVENTS:
        assert say(said) == exact(said)
        for part in questions.can_be_asked(said)[:1]:
            question = questions.ask(said, part, (True, True, True))
            assert say(question) == exact(question)


def chances(**at: float) -> list[float]:
    """Return draws that make no error but those named, by the place of the draw."""
    drawn = list(NO_ERROR)
    for place, chance in at.items():
        drawn[int(place[1:])] = chance
    return drawn


def test_each_error_worked_by_hand() -> None:
    """Draw 0 is the order, 1 to 7 the concepts (3 the action), 15 the first word."""
    machine = translator("qab", "qaa", errors=0.5)
    here, there = TONGUES["qaa"], TONGUES["qab"]
    said = event()
    plain = [here.forms[said.agent], here.forms[said.action], here.forms[said.object]]
    assert texts(machine.phrases(said, NO_ERROR)) == plain
    wrong = texts(machine.phrases(said, chances(_3=0.1, _10=0.0)))
    assert wrong == [plain[0], here.forms[said.action + 1], plain[2]]
    untranslated = texts(machine.phrases(said, chances(_3=0.2)))
    assert untranslated == [plain[0], there.forms[said.action], plain[2]]
    dropped = texts(machine.phrases(said, chances(_15=0.1)))
    assert dropped == plain[1:]
    doubled = texts(machine.phrases(said, chances(_15=0.2)))
    assert doubled == [plain[0], *plain]
    whole = texts(machine.phrases(said, chances(_15=0.1), ("agent", "action", "object")))
    assert whole == plain


def test_source_order_is_the_order_of_the_source_in_words_of_the_target() -> None:
    machine = translator("qab", "qaa", source_order=1.0)
    here, there = TONGUES["qaa"], TONGUES["qab"]
    assert (here.grammar.order, there.grammar.order) == ("SVO", "SOV")
    said = event()
    forms = [here.forms[said.agent], here.forms[said.object], here.forms[said.action]]
    assert texts(machine.phrases(said, NO_ERROR)) == forms


def test_errors_come_at_the_rate_that_is_set() -> None:
    """A quarter of the words is dropped or doubled with errors=0.5, a fifth of that is 0.15 and
    0.1; as many actions are wrong and untranslated.
    """
    machine, rng = translator("qab", "qaa", errors=0.5), seeds.generator(1, "test")
    forms, foreign = TONGUES["qaa"].forms, set(TONGUES["qab"].forms.values())
    kinds: Counter[str] = Counter()
    for said in EVENTS:
        draws = rng.random(CHANCES).tolist()
        draws[0] = 1.0
        everything = [part for part, _ in TONGUES["qaa"].phrases(said)]
        words = dict(machine.phrases(said, draws, everything))
        if said.action != NOTHING and not said.negated and said.time == NOTHING:
            ((verb, _),) = words["action"]
            right = verb == forms[said.action]
            kinds["right" if right else "untranslated" if verb in foreign else "wrong"] += 1
    rates = {kind: count / kinds.total() for kind, count in kinds.items()}
    assert rates == pytest.approx({"right": 0.75, "wrong": 0.15, "untranslated": 0.1}, abs=0.03)


def test_word_losses_come_at_the_rate_that_is_set() -> None:
    machine, rng = translator("qab", "qaa", errors=0.5), seeds.generator(2, "test")
    before, after = 0, 0
    for said in EVENTS:
        draws = [0.99] * 15 + rng.random(CHANCES - 15).tolist()
        before += len(TONGUES["qaa"].words(said))
        after += len(texts(machine.phrases(said, draws)))
    assert after / before == pytest.approx(1 - 0.15 + 0.1, abs=0.01)


def test_names_and_years_are_never_taken_for_others() -> None:
    machine, rng = translator("qab", "qaa", errors=1.0), seeds.generator(3, "test")
    here, there = TONGUES["qaa"], TONGUES["qab"]
    for said in EVENTS:
        if said.family == NOTHING:
            continue
        draws = rng.random(CHANCES).tolist()
        words = [word for word, _ in dict(machine.phrases(said, draws, {"agent"}))["agent"]]
        both = [{here.forms[c], there.forms[c]} for c in (said.agent, said.family)]
        assert all(word in forms for word, forms in zip(words, both, strict=True))


def test_a_sentence_never_loses_all_of_its_words() -> None:
    machine = translator("qab", "qaa", errors=1.0)
    assert texts(machine.phrases(event(), chances(**{f"_{i}": 0.1 for i in range(15, 20)})))


def test_no_sentence_has_more_words_than_there_are_draws() -> None:
    longest = event(quantity=6, negated=True, family=WORLD.first["family_name"])
    longest = longest._replace(
        agent=WORLD.first["given_name"],
        **{kind: WORLD.first[kind] for kind in ("quality", "place", "time")},
    )
    for code in tongues.codes():
        assert len(tongues.grow(WORLD, code, 0).words(longest)) <= translation.MAX_WORDS


def test_switched_text_has_the_grammar_of_one_tongue_and_words_of_the_other() -> None:
    here, there = TONGUES["qaa"], TONGUES["qab"]
    said = event(quantity=2, place=WORLD.first["place"], quality=WORLD.first["quality"])
    mixed = translation.with_words_of(here, there)
    everything = translation.switcher(WORLD, here, there, 1.0, seeds.generator(0, "test"))
    foreign = {c: there.forms[c] for kind in translation.SWITCHED for c in WORLD.concepts(kind)}
    spelled = dataclasses.replace(here, forms=here.forms | foreign)
    assert everything(said) == spelled.sentence(said)
    assert here.forms[said.place] in everything(said)
    nothing = translation.switcher(WORLD, here, there, 0.0, seeds.generator(0, "test"))
    assert nothing(said) == here.sentence(said) == mixed.sentence(said)


def test_a_switched_sentence_by_hand() -> None:
    here, there = TONGUES["qaa"], tongues.grow(WORLD, "qam", 0)
    more = {kind: WORLD.first[kind] for kind in ("quality", "place", "time")}
    said = event(**more)
    # "at", a name, "in", 1998, the animal, what it did, the quality, the thing
    assert here.sentence(said) == "nahehi Cawa la 1998 kufi yuhonu relo muni."
    assert there.sentence(said) == "netita Cawa re 1998 fuma kufinu liro kuna."
    # the draws are for the animal, a family name, the verb, the thing and the quality
    draws = seeds.generator(1, "x").random(5)
    assert (draws < 0.5).tolist() == [True, True, True, True, False]
    say = translation.switcher(WORLD, here, there, 0.5, seeds.generator(1, "x"))
    assert say(said) == "nahehi Cawa la 1998 fuma kufinu relo kuna."
    say = translation.switcher(WORLD, there, here, 0.5, seeds.generator(1, "x"))
    assert say(said) == "netita Cawa re 1998 kufi yuhonu liro muni."


def test_half_of_the_content_words_are_switched() -> None:
    here, there = TONGUES["qaa"], TONGUES["qab"]
    say = translation.switcher(WORLD, here, there, 0.5, seeds.generator(0, "test"))
    switched = [there.forms[said.object] in say(said) for said in EVENTS]
    assert np.mean(switched) == pytest.approx(0.5, abs=0.04)


def test_rates_out_of_range_are_refused() -> None:
    with pytest.raises(UserError, match=r"tasks.translation.errors must be in \[0, 1\], got 1.5"):
        TranslationConfig(errors=1.5)
    with pytest.raises(UserError, match="source_order"):
        TranslationConfig(source_order=-0.1)
