"""Word order and morphology: what a family's tongues do alike, and where one departs from it.

The habits go together as they tend to in real languages: tongues that put the verb last have
postpositions, suffixes and the negation after the verb, and leave a question word where the answer
would stand.
"""

import dataclasses

import numpy as np

ORDERS = ("SVO", "SOV", "VSO", "SVO", "SOV", "SVO")
"""Word orders that families take in turn; subject-first orders are the common ones, as among real
languages.
"""

DEPARTURE = 0.15
"""Probability that a tongue departs from one of its family's habits."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Grammar:
    """A tongue's habits; suffixes are written on the word, particles as words of their own."""

    order: str
    quality_first: bool
    preposition: bool
    place_first: bool
    not_first: bool
    plural_suffix: bool
    past_suffix: bool
    place_suffix: bool
    question_first: bool


def draw(rng: np.random.Generator, family: int, one_grammar: bool) -> Grammar:
    """Draw a grammar: the family's habits, some of them departed from."""
    order = ORDERS[family % len(ORDERS)]
    verb_last = order == "SOV"
    habits = {
        "quality_first": family % 2 == 0,
        "preposition": not verb_last,
        "place_first": family % 5 == 4,
        "not_first": not verb_last,
        "plural_suffix": family % 3 != 2,
        "past_suffix": verb_last or family % 4 == 0,
        "place_suffix": verb_last,
        "question_first": not verb_last,
    }
    departs = rng.random(len(habits)) < DEPARTURE
    if one_grammar:
        same = dict.fromkeys(habits, True) | {"place_first": False, "place_suffix": False}
        return Grammar(order="SVO", **same)
    return Grammar(
        order=order,
        **{
            name: bool(value != d) for (name, value), d in zip(habits.items(), departs, strict=True)
        },
    )
