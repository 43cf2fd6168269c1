"""Acceptability, as CoLA asks it: sentences as the grammar has them, and sentences that break it.

A broken sentence has the words of a whole one in another order, or breaks an agreement: a noun is
marked as plural if and only if a number stands before it, a verb as past if and only if it stands
beside a time. Marks are missing as often as they are too many, so that no word alone tells.

A parser that knows words and grammar but not the event proves each label: where a broken sentence
happens to be another whole one, through words of the same form, the item is not used. Bigrams tell
many breaches, as they do in CoLA.
"""

import dataclasses
import itertools
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.tongues import Tongue
from xlmr_lab.babel.world import NOTHING, Event, Habits, World

HABITS = Habits(quality=0.6, place=0.5, time=0.5, plural=0.5, negated=0.3, statement=0.0)
"""Half of the things are plural and half of the events past, so that marks are missing as often as
they are too many."""

AGREEMENT = 0.4
"""Share of broken sentences that break an agreement; the others break an order (probability)."""

LETTERS = {
    "given_name": "g",
    "family_name": "f",
    "animal": "a",
    "organisation": "a",
    "thing": "o",
    "action": "v",
    "quality": "q",
    "place": "l",
    "time": "t",
}
"""The class of each kind's words; a capital where they bear the suffix of plural, past or place."""
PARTICLES = {"not": "n", "plural": "p", "past": "d", "at": "@", "when": "w"}

Breach = str
"""What is broken: `order`, `inside`, `quality`, `negation`, `number`, `plural` or `past`."""
Item = tuple[Event, Breach]
"""An event and how its sentence is broken, empty where it is not."""


def draw(
    world: World, rng: np.random.Generator, count: int, tongues: Sequence[Tongue]
) -> list[Item]:
    """Draw items, whole and broken ones in turn, that all tongues agree about."""
    parsers = [Parser(world, tongue) for tongue in tongues]
    found: list[Item] = []
    while len(found) < count:
        topics = (rng.random(count) * worlds.NUM_TOPICS).astype(int)
        events = worlds.events(world, rng, topics, HABITS)
        for event, chance in zip(events, rng.random((count, 2)).tolist(), strict=True):
            item = event, (_breach(event, chance) if len(found) % 2 else "")
            if all(
                parser.accepts(words(parser.tongue, item)) == (not item[1]) for parser in parsers
            ):
                found.append(item)
    return found[:count]


def _breach(event: Event, chance: Sequence[float]) -> Breach:
    if chance[0] < AGREEMENT:
        return "plural" if chance[1] < 0.5 else "past"
    applies = {
        "order": True,
        "inside": event.place != NOTHING or event.time != NOTHING,
        "quality": event.quality != NOTHING,
        "negation": event.negated,
        "number": event.quantity > 1,
    }
    orders = [breach for breach, there in applies.items() if there]
    return orders[int(chance[1] * len(orders))]


def words(tongue: Tongue, item: Item) -> list[str]:
    """Say an item, whole or broken, as words."""
    event, breach = item
    match breach:
        case "quality":
            return _words(_other(tongue, "quality_first"), event)
        case "negation":
            return _words(_other(tongue, "not_first"), event)
    phrases = {part: [word for word, _ in phrase] for part, phrase in tongue.phrases(event)}
    order = list(phrases)
    core = [part for part in order if part in ("agent", "action", "object")]
    match breach:
        case "order":
            first, last = sorted(order.index(part) for part in core[1:])
            order[first], order[last] = order[last], order[first]
        case "inside":
            around = [part for part in order if part not in core]
            moved = around[0] if tongue.grammar.place_first else around[-1]
            order.remove(moved)
            order.insert(order.index(core[1]), moved)
        case "number":
            phrases["object"] = phrases["object"][1:] + phrases["object"][:1]
        case "plural" if event.quantity > 1:
            number = phrases["object"][0]
            phrases["object"] = [number, *_part(tongue, event._replace(quantity=1), "object")]
        case "plural":
            phrases["object"] = _part(tongue, event._replace(quantity=2), "object")[1:]
        case "past":
            other = NOTHING if event.time != NOTHING else 0
            phrases["action"] = _part(tongue, event._replace(time=other), "action")
    return [word for part in order for word in phrases[part]]


def _words(tongue: Tongue, event: Event) -> list[str]:
    return [word for word, _ in tongue.words(event)]


def _part(tongue: Tongue, event: Event, part: str) -> list[str]:
    return [word for word, _ in dict(tongue.phrases(event))[part]]


def _other(tongue: Tongue, habit: str) -> Tongue:
    """Return the tongue with the other one of a habit."""
    changed: dict[str, Any] = {habit: not getattr(tongue.grammar, habit)}
    return dataclasses.replace(tongue, grammar=dataclasses.replace(tongue.grammar, **changed))


class Parser:
    """Tells the sentences of a tongue from its words and its grammar alone."""

    def __init__(self, world: World, tongue: Tongue) -> None:
        self.tongue = tongue
        self.classes = _classes(world, tongue)
        self.sentence = re.compile(_pattern(tongue))

    def accepts(self, words: Sequence[str]) -> bool:
        """Tell whether words are a sentence."""
        possible = [self.classes.get(word, "") for word in words]
        return any(
            self.sentence.fullmatch("".join(reading)) for reading in itertools.product(*possible)
        )


def _classes(world: World, tongue: Tongue) -> dict[str, str]:
    """Return the letters of the classes that each word may have, those of `_pattern`."""
    classes: defaultdict[str, str] = defaultdict(str)
    for kind, letter in LETTERS.items():
        for concept in world.concepts(kind):
            form = tongue.forms[concept]
            suffix = _suffix(tongue, letter)
            if suffix and not (kind == "place" and form.isascii()):
                classes[form + suffix] += letter.upper()
                if kind == "place":
                    continue
            classes[form] += letter
    for name, form in tongue.functions.items():
        classes[form] += "#" if name.startswith("number") else PARTICLES.get(name, "")
    return dict(classes)


def _suffix(tongue: Tongue, letter: str) -> str:
    """Return what a tongue writes on the words of a class, if anything."""
    grammar, functions = tongue.grammar, tongue.functions
    match letter:
        case "o" if grammar.plural_suffix:
            return functions["plural"]
        case "v" if grammar.past_suffix:
            return functions["past"]
        case "l" if grammar.place_suffix:
            return functions["at"]
    return ""


def _pattern(tongue: Tongue) -> str:
    """Return the sentences of a tongue as a regular expression over letters of classes."""
    grammar = tongue.grammar

    def verb(stem: str) -> str:
        return f"n?{stem}" if grammar.not_first else f"{stem}n?"

    def noun(stem: str) -> str:
        return f"q?{stem}" if grammar.quality_first else f"{stem}q?"

    plural = "O" if grammar.plural_suffix else "op"
    past = "V" if grammar.past_suffix else "vd"
    place, time = ("@l", "wt") if grammar.preposition else ("l@", "tw")
    where = f"(?:L|{place})?" if grammar.place_suffix else f"(?:{place})?"
    things = f"(?:{noun('o')}|#{noun(plural)})"
    readings = []
    for stem, when in (("v", ""), (past, time)):
        core = {"S": "(?:gf|a)", "V": verb(stem), "O": things}
        said = "".join(core[part] for part in grammar.order)
        readings.append(where + when + said if grammar.place_first else said + where + when)
    return "|".join(readings)
