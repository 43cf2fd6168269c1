"""Held-out loss as a surface over the number of languages and the model's capacity (XLM-R Sec. 5.1,
Figures 2 and 4).

    loss = level + languages x + capacity z + interaction x z,  x = log2(N / N0), z = log2(P / P0)

with N languages and P parameters in the layers; N0 and P0 are the fewest of both that were
measured. So `languages` is what twice the languages cost at the least capacity (the curse of
multilinguality), `capacity` what twice the parameters bring with the fewest languages, and an
`interaction` below 0 says that capacity lessens the curse. It is fitted by least squares to each
seed alone, and intervals are Student t intervals over the seeds' values. Left out: a bend in either
direction (low-resource languages gain at first, then lose), of which `residual_std` beside
`noise_std` tells.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from xlmr_lab.errors import UserError
from xlmr_lab.intervals import Interval, mean_interval

COEFFICIENTS = ("level", "languages", "capacity", "interaction")
"""The coefficients, in bits per byte, the first at N0 and P0, the others for twice as much."""
MOST_DOUBLINGS = 64.0
"""A capacity that is doubled more often than this is none."""
NONE_FITS = Interval(math.nan, math.nan, math.nan, 0)
"""What stands for a number that some seed has not."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """What was measured with one number of languages at one capacity."""

    num_languages: int
    capacity: int
    """Parameters of the layers, without embeddings."""
    losses: tuple[float, ...]
    """Held-out loss of each seed in bits per byte, a mean over some languages."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Surface:
    """A surface for each seed, through the same cells."""

    num_languages: int
    """N0, the fewest languages measured."""
    capacity: int
    """P0, the fewest parameters measured."""
    seeds: tuple[tuple[float, ...], ...]
    """The `COEFFICIENTS` of each seed."""
    num_cells: int
    residual_std: float
    """How far cells are off the surface, means over seeds (standard deviation, bits per byte); nan
    where there are no more cells than coefficients."""
    noise_std: float
    """How far they would be off if the surface were true, by the spread of seeds alone; nan as
    well with a single seed."""

    def coefficient(self, name: str) -> Interval:
        """Return one of `COEFFICIENTS` with its interval over seeds."""
        return self._over_seeds(lambda seed: seed[COEFFICIENTS.index(name)])

    def slope(self, capacity: float) -> Interval:
        """Return what twice the languages add to the loss at so many parameters, in bits per
        byte."""
        z = math.log2(capacity / self.capacity)
        return self._over_seeds(lambda seed: seed[1] + seed[3] * z)

    def predicted(self, num_languages: float, capacity: float) -> Interval:
        """Return the fitted loss in bits per byte."""
        x = math.log2(num_languages / self.num_languages)
        z = math.log2(capacity / self.capacity)
        return self._over_seeds(lambda seed: seed[0] + seed[1] * x + seed[2] * z + seed[3] * x * z)

    def exponent(self, num_languages: float, capacity: float) -> Interval:
        """Return the exponent e with which parameters must grow as N^e for the loss to stay what it
        is there (the iso-loss elasticity of capacity in languages); nan where more parameters do
        not help in some seed."""
        x = math.log2(num_languages / self.num_languages)
        z = math.log2(capacity / self.capacity)

        def found(seed: Sequence[float]) -> float:
            gain = seed[2] + seed[3] * x
            return -(seed[1] + seed[3] * z) / gain if gain < 0 else math.nan

        return self._over_seeds(found)

    def needed(self, num_languages: float) -> Interval:
        """Return how many times P0 a model of so many languages needs, to be as good as P0 with N0;
        nan where no capacity does in some seed. The interval is of the logarithm, so it is not
        symmetric."""
        mean, low, high, n = self._over_seeds(lambda seed: _held(seed, num_languages, self))
        return Interval(2**mean, 2**low, 2**high, n)

    def needed_by_seed(self, num_languages: float) -> list[float]:
        """Return the same for each seed, nan where no capacity does."""
        return [2 ** _held(seed, num_languages, self) for seed in self.seeds]

    def _over_seeds(self, value: Callable[[Sequence[float]], float]) -> Interval:
        values = [value(seed) for seed in self.seeds]
        return mean_interval(values) if all(map(math.isfinite, values)) else NONE_FITS


def lacking(cells: Sequence[Cell]) -> str:
    """Say why there is no surface through these cells; empty where there is one."""
    if not cells:
        return "nothing was measured yet"
    if not min(len(cell.losses) for cell in cells):
        return "no seed has all cells"
    rank = int(np.linalg.matrix_rank(_design(cells)))
    if rank == len(COEFFICIENTS):
        return ""
    counts = len({cell.num_languages for cell in cells})
    sizes = len({cell.capacity for cell in cells})
    return (
        f"a surface has {len(COEFFICIENTS)} coefficients, and {len(cells)} cells ({counts} numbers "
        f"of languages, {sizes} capacities) fix {rank} of them; it takes two numbers of languages "
        "at each of two widths"
    )


def fit(cells: Sequence[Cell]) -> Surface:
    """Fit the surface to each seed; all cells have the same seeds in the same order.

    Raises:
        UserError: the cells do not fix the coefficients (see `lacking`).
    """
    if why := lacking(cells):
        raise UserError(f"no surface of languages and capacity: {why}")
    design = _design(cells)
    losses = np.array([cell.losses for cell in cells])  # [cells, seeds]
    found = np.linalg.lstsq(design, losses, rcond=None)[0]  # [coefficients, seeds]
    residuals = losses - design @ found
    mean = residuals.mean(axis=1, keepdims=True)
    free, num_seeds = len(cells) - len(COEFFICIENTS), losses.shape[1]
    noise = float(((residuals - mean) ** 2).sum())
    more = (num_seeds - 1) * free
    return Surface(
        num_languages=min(cell.num_languages for cell in cells),
        capacity=min(cell.capacity for cell in cells),
        seeds=tuple(tuple(map(float, column)) for column in found.T),
        num_cells=len(cells),
        residual_std=math.sqrt(float((mean**2).sum()) / free) if free else math.nan,
        noise_std=math.sqrt(noise / more / num_seeds) if more else math.nan,
    )


def _design(cells: Sequence[Cell]) -> np.ndarray:
    """Return the rows (1, x, z, x z), [cells, coefficients]."""
    x = np.log2([cell.num_languages / min(c.num_languages for c in cells) for cell in cells])
    z = np.log2([cell.capacity / min(c.capacity for c in cells) for cell in cells])
    return np.stack([np.ones_like(x), x, z, x * z], axis=1)


def _held(seed: Sequence[float], num_languages: float, surface: Surface) -> float:
    """Return the z at which the loss is the level, for so many languages; nan where none is."""
    x = math.log2(num_languages / surface.num_languages)
    cost, gain = seed[1] * x, seed[2] + seed[3] * x
    return -cost / gain if gain < 0 and abs(cost) <= -gain * MOST_DOUBLINGS else math.nan
