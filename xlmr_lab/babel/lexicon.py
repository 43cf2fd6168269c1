"""Words: proto-forms of a family, sound laws and coinings of a tongue, names that all share.

A form is a sequence of syllable numbers; scripts.py writes it. Function words are roots too, most
of one syllable, since some tongues write them on other words.
"""

import numpy as np

from xlmr_lab import seeds
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.scripts import CONSONANTS, NUM_SYLLABLES, SCRIPTS, VOWELS, Script, spell
from xlmr_lab.babel.world import World

NUMBERS = tuple(f"number{n}" for n in range(2, worlds.MAX_QUANTITY + 1))
FUNCTIONS = ("not", "at", "when", "is", "plural", "past", "even", *NUMBERS)
"""Grammatical meanings with a form of their own in every tongue; the last number is "many"."""


def proto_forms(rng: np.random.Generator, world: World) -> list[tuple[int, ...]]:
    """Draw a family's proto-forms from the two thirds of the syllables it uses."""
    used = np.argsort(rng.random(NUM_SYLLABLES), kind="stable")[: NUM_SYLLABLES * 2 // 3]
    count = world.num_concepts + len(FUNCTIONS)
    return [tuple(int(used[s % len(used)]) for s in root) for root in roots(rng, count)]


def roots(rng: np.random.Generator, count: int) -> list[tuple[int, ...]]:
    """Draw roots of two or three syllables."""
    drawn = (rng.random((count, 3)) * NUM_SYLLABLES).astype(int).tolist()
    longer = (rng.random(count) < 0.4).tolist()
    return [tuple(root if long else root[:2]) for root, long in zip(drawn, longer, strict=True)]


def sound_law(rng: np.random.Generator) -> list[int]:
    """Map syllable to syllable: two pairs of consonants change places everywhere, in half of the
    tongues a pair of vowels too.
    """
    consonants, vowels = list(range(len(CONSONANTS))), list(range(len(VOWELS)))
    for sounds, chance in ((consonants, 1.0), (consonants, 1.0), (vowels, 0.5)):
        a, b = (rng.random(2) * len(sounds)).astype(int).tolist()
        if rng.random() < chance:
            sounds[a], sounds[b] = sounds[b], sounds[a]
    return [c * len(VOWELS) + v for c in consonants for v in vowels]


def names(world: World, script: Script, seed: int, latin_names: float) -> dict[int, str]:
    """Spell the proper names all tongues share, and the years, which everyone writes in digits."""
    rng = seeds.generator(seed, "babel", "names")
    spelled = {}
    for kind in worlds.NAMED:
        drawn = roots(rng, worlds.KINDS[kind])
        latin = rng.random(len(drawn)) < latin_names
        for concept, root, kept in zip(world.concepts(kind), drawn, latin, strict=True):
            form = spell(SCRIPTS["Latn"] if kept else script, root)
            spelled[concept] = form.capitalize() if kept or script.capitals else form
    times = world.concepts("time")
    years = (1900 + rng.random(len(times)) * 120).astype(int).tolist()
    return spelled | {c: str(year) for c, year in zip(times[::2], years[::2], strict=True)}
