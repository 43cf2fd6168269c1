"""How the sampling of languages changes over a run: constant, annealed, or capped passes.

Each schedule is one pure function from settings, sizes and the length of the run to its phases, and
a phase is a first step with probabilities. So what is drawn at a step depends on nothing else, and
a resumed run needs no memory of the phases before.

- constant: one exponent (XLM-R Sec. 3).
- annealed: an exponent for each phase, and languages that join later (mmBERT, arXiv 2509.06888).
- capped: as even as can be, no language above a number of passes (UniMax, arXiv 2304.09151).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from xlmr_lab.errors import UserError
from xlmr_lab.sampling.exponent import check_sizes, probabilities
from xlmr_lab.sampling.settings import SamplingConfig, Schedule


class Phase(NamedTuple):
    """A part of a run in which the sampling stays as it is."""

    first_step: int
    """Its first optimizer step, counted from 1; it lasts until the next phase or the end."""
    probabilities: dict[str, float]
    """Probability of each language; one that is missing is not drawn."""


class Length(NamedTuple):
    """How much a run draws."""

    steps: int
    """Optimizer steps."""
    step_blocks: float
    """Blocks drawn in each (a whole number in a run; what sizes count is free in a projection)."""


Sizes = Mapping[str, float]


def phases(config: SamplingConfig, sizes: Sizes, length: Length) -> list[Phase]:
    """Return the phases of a run, in order; the first begins at step 1.

    `sizes` are in the unit of `config.basis`.

    Raises:
        UserError: settings that do not fit these languages or this length.
    """
    return SCHEDULES[config.schedule](config, sizes, length)


def constant(config: SamplingConfig, sizes: Sizes, length: Length) -> list[Phase]:
    """Return the one phase of a constant exponent, whatever the length."""
    return [Phase(1, probabilities(sizes, config.alpha))]


def annealed(config: SamplingConfig, sizes: Sizes, length: Length) -> list[Phase]:
    """Return a phase for each change of the exponent and each language that joins.

    What begins at fraction f of n steps begins with the step after the first `round(f * n)`.

    Raises:
        UserError: a joining language is not among `sizes`, none is there from the start, or a
            change leaves a phase without a step.
    """
    joins = config.joins()
    if unknown := sorted(set(joins) - set(sizes)):
        raise UserError(
            f"sampling.starts names {', '.join(unknown)}, but the run's languages are "
            f"{', '.join(sizes)}"
        )
    if not set(sizes) - set(joins):
        raise UserError("sampling.starts names every language; leave out those of the first step")
    begins = {key: _first_step(joins.get(key, 0.0), length) for key in sizes}
    turns = [1, *(_first_step(change, length) for change in config.changes)]
    late = max(*begins.values(), *turns)
    if len(set(turns)) < len(turns) or late > length.steps or (joins and _too_early(begins, joins)):
        raise UserError(
            f"a run of {length.steps} steps is too short for the changes of sampling: "
            f"{_told(config)}; lengthen it or move them apart"
        )
    found = []
    for step in sorted({*begins.values(), *turns}):
        alpha = (config.alpha, *config.later_alphas)[sum(turn <= step for turn in turns) - 1]
        present = {key: size for key, size in sizes.items() if begins[key] <= step}
        found.append(Phase(step, probabilities(present, alpha)))
    return found


def capped(config: SamplingConfig, sizes: Sizes, length: Length) -> list[Phase]:
    """Return the one phase of UniMax: what is drawn is shared out from the smallest language up,
    each getting an even part of what is left, but not more than `max_passes` over its text.

    >>> config = SamplingConfig(schedule="capped", max_passes=2.0, alpha=0.0)
    >>> capped(config, {"en": 100, "fr": 30, "sw": 5}, Length(10, 10))[0].probabilities
    {'sw': 0.1, 'fr': 0.45, 'en': 0.45}

    Raises:
        UserError: the run is longer than `max_passes` over all text.
    """
    check_sizes(sizes)
    assert config.max_passes is not None, "checked by SamplingConfig"
    budget = left = length.steps * length.step_blocks
    most, least = config.max_passes, budget / sum(sizes.values())
    if least > most * (1 + 1e-9):
        raise UserError(
            f"the run goes {least:.3g} times through all text, more than sampling.max_passes="
            f"{most:g} lets it; set sampling.max_passes={_rounded_up(least):g} or more, or train "
            "for fewer steps"
        )
    shares = {}
    for place, key in enumerate(sorted(sizes, key=lambda key: (sizes[key], key))):
        drawn = min(left / (len(sizes) - place), most * sizes[key])
        shares[key] = drawn / budget
        left -= drawn
    return [Phase(1, shares)]


SCHEDULES: dict[Schedule, Callable[[SamplingConfig, Sizes, Length], list[Phase]]] = {
    "constant": constant,
    "annealed": annealed,
    "capped": capped,
}


def spans(found: Sequence[Phase], steps: int, *, after: int = 0) -> list[tuple[Phase, int]]:
    """Return each phase with the number of its steps among those after `after`, up to `steps`.

    >>> two = [Phase(1, {}), Phase(4, {})]
    >>> [[n for _, n in spans(two, 10, after=k)] for k in (0, 2, 9)]
    [[3, 7], [1, 7], [0, 1]]
    """
    nexts = [*(phase.first_step for phase in found[1:]), steps + 1]
    return [
        (phase, max(0, min(end, steps + 1) - max(phase.first_step, after + 1)))
        for phase, end in zip(found, nexts, strict=True)
    ]


def _first_step(fraction: float, length: Length) -> int:
    return 1 + round(fraction * length.steps)


def _rounded_up(value: float) -> float:
    """Return the next number of three digits.

    >>> _rounded_up(5.031), _rounded_up(0.5), _rounded_up(1234.5)
    (5.04, 0.5, 1240.0)
    """
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    return round(math.ceil(value / unit * (1 - 1e-12)) * unit, 12)


def _too_early(begins: Mapping[str, int], joins: Mapping[str, float]) -> bool:
    """Tell whether a language that is to join later would be there from the first step."""
    return any(begins[key] == 1 for key in joins)


def _told(config: SamplingConfig) -> str:
    given = {"changes": map("{:g}".format, config.changes), "starts": iter(config.starts)}
    texts = {name: ",".join(values) for name, values in given.items()}
    return " ".join(f"sampling.{name}={text}" for name, text in texts.items() if text)
