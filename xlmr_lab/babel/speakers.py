"""Who says the items of a task: the tongues of one world, one of them the pivot of translation."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from xlmr_lab import seeds
from xlmr_lab.babel.tongues import Tongue
from xlmr_lab.babel.translation import TranslationConfig, Translator, translator
from xlmr_lab.babel.world import World
from xlmr_lab.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Speakers:
    """Tongues of one world and a seed for what they say."""

    world: World
    tongues: Sequence[Tongue]
    pivot: Tongue
    """The tongue that machines translate from and into."""
    seed: int

    def others(self) -> list[Tongue]:
        """Return all tongues but the pivot."""
        return [tongue for tongue in self.tongues if tongue is not self.pivot]

    def stream(self, *names: seeds.Name) -> np.random.Generator:
        """Return the random stream of a purpose."""
        return seeds.generator(self.seed, "babel", *names)

    def into(self, tongue: Tongue, config: TranslationConfig) -> Translator:
        """Return the translator from the pivot into a tongue."""
        return translator(self.world, self.pivot, tongue, config)

    def out_of(self, tongue: Tongue, config: TranslationConfig) -> Translator:
        """Return the translator from a tongue into the pivot."""
        return translator(self.world, tongue, self.pivot, config)


def speakers(world: World, tongues: Sequence[Tongue], seed: int, pivot: str = "") -> Speakers:
    """Return the speakers whose pivot has a code, or is the first where that is empty.

    Raises:
        UserError: no tongue has that code.
    """
    for tongue in tongues:
        if pivot in ("", tongue.code):
            return Speakers(world=world, tongues=tongues, pivot=tongue, seed=seed)
    known = ", ".join(tongue.code for tongue in tongues)
    raise UserError(f"tasks are translated from one of Babel's languages {known}, got {pivot!r}")
