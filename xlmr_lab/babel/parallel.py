"""Babel's parallel text: the same sentences said in every language, exact translations.

The sentences are of documents as the corpus has them, drawn for this alone, without its dirt,
glosses and stressed words. They are on the same few topics, so a short one may also stand in the
corpus or in a task.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path

from xlmr_lab import seeds, storage
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.tongues import Tongue
from xlmr_lab.babel.world import Event, World


def sentences(world: World, count: int, seed: int) -> list[Event]:
    """Draw the first `count` sentences, in the order of their documents."""
    rng = seeds.generator(seed, "babel", "parallel")
    drawn = iter(lambda: worlds.documents(world, rng, 100), None)
    flat = itertools.chain.from_iterable(itertools.chain.from_iterable(drawn))
    return list(itertools.islice(flat, count))


def write(folder: Path, world: World, tongues: Sequence[Tongue], count: int, seed: int) -> None:
    """Write `<code>.txt` for each tongue, a sentence a line."""
    said = sentences(world, count, seed)
    for tongue in tongues:
        lines = "".join(tongue.sentence(event).rstrip() + "\n" for event in said)
        storage.write_text(folder / f"{tongue.code}.txt", lines)
