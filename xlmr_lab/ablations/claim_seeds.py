"""Other numbers of pretraining seeds for single claims: `seeds.F5=8` beside `seeds=5`.

What a claim's intervals leave open often takes a few more seeds of a few cells, not of the whole
study; each conclusion tells how many (`seeds_needed`). Looking, adding seeds and looking again
makes chance findings likelier than 5 %, so a study that did it should say so.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from xlmr_lab.ablations.grid import Cell, Claim
from xlmr_lab.errors import UserError

PREFIX = "seeds."


def parsed(settings: Sequence[str]) -> dict[str, int]:
    """Return the number of seeds by claim that settings give; others are passed over.

    >>> parsed(["seeds=5", "seeds.F5=8"])
    {'F5': 8}

    Raises:
        UserError: a number that is none, or less than 1.
    """
    found = {}
    for setting in settings:
        if setting.startswith(PREFIX):
            name, _, value = setting.removeprefix(PREFIX).partition("=")
            if not (value.isascii() and value.isdecimal() and int(value)):
                raise UserError(f"{setting}: seeds must be a whole number of at least 1")
            found[name.upper()] = int(value)
    return found


def given(claims: Sequence[Claim], seeds: Mapping[str, int]) -> tuple[Claim, ...]:
    """Return claims, those that `seeds` names with so many in each cell.

    Raises:
        UserError: it names a claim that is not among them.
    """
    ids = [claim.id for claim in claims]
    if absent := sorted(set(seeds) - set(ids)):
        raise UserError(f"{PREFIX}{absent[0]}: no such claim here; there are {', '.join(ids)}")
    return tuple(
        _with_seeds(claim, seeds[claim.id]) if claim.id in seeds else claim for claim in claims
    )


def differing(claims: Sequence[Claim], seeds: int) -> dict[str, int]:
    """Return the number of seeds of each claim whose cells are given others than `seeds`."""
    own = {claim.id: max(cell.config.seeds for cell in claim.cells) for claim in claims}
    return {name: number for name, number in own.items() if number != seeds}


def limited(claim: Claim, seeds: int) -> Claim:
    """Return a claim with at most so many seeds in each cell."""
    cells = (_seeded(cell, min(cell.config.seeds, seeds)) for cell in claim.cells)
    return dataclasses.replace(claim, cells=tuple(cells))


def alike(one: Cell, other: Cell) -> bool:
    """Tell whether cells have the same settings but for how many seeds they have."""
    return _seeded(one, 1).config == _seeded(other, 1).config


def merged(known: Cell, other: Cell) -> Cell:
    """Return a cell of two claims with all that either wants of it.

    Raises:
        UserError: they differ in more than that.
    """
    if not alike(known, other):
        raise UserError(f"another claim has a cell {other.name!r} too")
    return dataclasses.replace(
        _seeded(known, max(known.config.seeds, other.config.seeds)),
        evaluated=other.evaluated or known.evaluated,
        baselines=other.baselines or known.baselines,
    )


def _with_seeds(claim: Claim, seeds: int) -> Claim:
    """Return a claim with so many seeds in each cell."""
    return dataclasses.replace(claim, cells=tuple(_seeded(cell, seeds) for cell in claim.cells))


def _seeded(cell: Cell, seeds: int) -> Cell:
    return dataclasses.replace(cell, config=dataclasses.replace(cell.config, seeds=seeds))
