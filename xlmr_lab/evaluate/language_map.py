"""Where languages stand among each other in an encoder, and whether relatives stand together.

Two cosines say how near two languages are. That of their means, the mean of all languages taken out
(which all share and which makes every cosine nearly 1), says where a language as such stands: much
of it is its script and its letters (Libovicky et al. 2020, arXiv 2004.05160). The mean cosine of
sentences and their translations, each language's own mean taken out, says how far they share what
is said; of sentences that do not translate each other it is near 0. `kinship` compares pairs within
families with pairs between them, and `joined` builds a tree by average linkage (UPGMA), to be laid
beside a known one. Vectors in, numbers out: there is no text here and no network. Left out: maps
that bend space, such as t-SNE, whose distances mean little.

Shapes: N sentences or points, K languages, D model width, C axes, P labellings.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from xlmr_lab.errors import UserError

Vectors = npt.NDArray[np.floating[Any]]
Numbers = npt.NDArray[np.float64]

EXACT = 5040
"""So many labellings are all tried; of more, `DRAWS` are drawn."""
DRAWS = 999
ROUNDING = 1e-9
"""Differences no further apart are equal."""


class Principal(NamedTuple):
    """Points on their axes of largest variance."""

    places: Numbers
    """[N, C]."""
    shares: Numbers
    """[C] share of the variance that each axis shows."""


class Kinship(NamedTuple):
    """How much nearer relatives are than strangers."""

    within: float
    """Mean over pairs of one family; nan where there is none."""
    between: float
    """Mean over pairs of two families."""
    num_within: int
    num_between: int
    by_chance: float
    """Share of the ways to deal the same families out among the languages in which relatives come
    out at least as near, that of the truth included."""

    @property
    def difference(self) -> float:
        """`within` less `between`."""
        return self.within - self.between


class Join(NamedTuple):
    """Two parts of a tree that are joined: leaves are 0 to K - 1, join i makes part K + i."""

    first: int
    second: int
    distance: float
    """Mean distance of the leaves of one from those of the other."""


def principal(points: Vectors, axes: int = 2) -> Principal:
    """Return points [N, D] on their principal axes, their mean in the middle; each axis points to
    where its largest loading is positive.

    >>> found = principal(np.array([[0.0, 0.0], [0.0, 4.0], [1.0, 2.0], [-1.0, 2.0]]))
    >>> found.places[:2].round(6).tolist(), found.shares.round(6).tolist()
    ([[-2.0, 0.0], [2.0, 0.0]], [0.8, 0.2])

    Raises:
        UserError: fewer than 2 points, or points that are not finite.
    """
    wide = np.asarray(points, dtype=np.float64)
    if len(wide) < 2 or not np.isfinite(wide).all():
        raise UserError(f"a map needs at least 2 points, all finite, got {len(wide):,}")
    centred = wide - wide.mean(axis=0)
    _, sizes, loadings = np.linalg.svd(centred, full_matrices=False)
    top = loadings[:axes]
    signs = np.sign(np.take_along_axis(top, np.abs(top).argmax(axis=1)[:, None], axis=1))
    places = np.zeros((len(wide), axes))
    places[:, : len(top)] = centred @ (top * signs).T
    variances = np.zeros(axes)
    variances[: len(top)] = sizes[:axes] ** 2
    return Principal(places + 0.0, variances / max(float((sizes**2).sum()), np.finfo(float).tiny))


def mean_cosines(means: Vectors) -> Numbers:
    """Return the cosines [K, K] of languages by their mean vectors [K, D], the mean of all taken
    out.

    >>> mean_cosines(np.array([[3.0, 1.0], [3.0, -1.0]])).round(6).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    rows = _unit(np.asarray(means, dtype=np.float64) - np.mean(means, axis=0, dtype=np.float64))
    return rows @ rows.T


def translation_cosine(ours: Vectors, theirs: Vectors) -> float:
    """Return the mean cosine of sentences [N, D] and their translations [N, D], the mean of either
    language taken out.

    >>> ours = np.array([[5.0, 1.0], [5.0, -1.0]])
    >>> translation_cosine(ours, np.array([[2.0, 0.0], [0.0, 0.0]]))
    0.0
    >>> translation_cosine(ours, np.array([[0.0, 4.0], [0.0, 0.0]]))
    1.0
    """
    one, other = (_unit(part - part.mean(axis=0, dtype=np.float64)) for part in (ours, theirs))
    return float((one * other).sum(axis=1).mean())


def kinship(
    closeness: Numbers, families: Sequence[str | None], rng: np.random.Generator
) -> Kinship:
    """Compare pairs of languages within families with pairs between them, by a symmetric matrix
    [K, K] that is nan where a pair was not compared; a language whose family is not known counts
    for nothing.

    >>> near = np.array([[1.0, 0.8, 0.1], [0.8, 1.0, 0.3], [0.1, 0.3, 1.0]])
    >>> found = kinship(near, ["a", "a", "b"], np.random.default_rng(0))
    >>> round(found.within, 6), round(found.between, 6), round(found.by_chance, 3)
    (0.8, 0.2, 0.333)
    """
    known = [place for place, family in enumerate(families) if family is not None]
    first, second = np.triu_indices(len(known), 1)
    values = closeness[np.ix_(known, known)][first, second]
    compared = np.isfinite(values)
    first, second, values = first[compared], second[compared], values[compared]
    numbers = np.unique([families[place] or "" for place in known], return_inverse=True)[1]
    same = numbers[first] == numbers[second]
    if same.all() or not same.any():
        within, between = (
            float(values[part].mean()) if part.any() else math.nan for part in (same, ~same)
        )
        return Kinship(within, between, int(same.sum()), int((~same).sum()), math.nan)
    truth = _difference(values, same[None])[0]
    dealt = _labellings(numbers, rng)
    found = _difference(values, dealt[:, first] == dealt[:, second])
    return Kinship(
        within=float(values[same].mean()),
        between=float(values[~same].mean()),
        num_within=int(same.sum()),
        num_between=int((~same).sum()),
        by_chance=float((found[np.isfinite(found)] >= truth - ROUNDING).mean()),
    )


def joined(distances: Numbers) -> list[Join]:
    """Return the joins of a tree by average linkage from a symmetric matrix [K, K] of distances,
    nearest first; equally near parts are joined in their order.

    >>> far = np.array([[0.0, 1.0, 4.0], [1.0, 0.0, 6.0], [4.0, 6.0, 0.0]])
    >>> [tuple(join) for join in joined(far)]
    [(0, 1, 1.0), (2, 3, 5.0)]

    Raises:
        UserError: a distance is not known.
    """
    if not np.isfinite(distances).all():
        raise UserError("a tree needs a distance between every two languages; some are not known")
    parts, sizes = list(range(len(distances))), [1] * len(distances)
    table = np.where(np.eye(len(distances), dtype=bool), np.inf, distances)
    joins: list[Join] = []
    while len(parts) > 1:
        one, other = sorted(divmod(int(table.argmin()), len(parts)))
        joins.append(Join(parts[one], parts[other], float(table[one, other])))
        size = sizes[one] + sizes[other]
        row = (sizes[one] * table[one] + sizes[other] * table[other]) / size
        rest = [place for place in range(len(parts)) if place not in (one, other)]
        table = np.pad(table[np.ix_(rest, rest)], (0, 1), constant_values=np.inf)
        table[-1, :-1] = table[:-1, -1] = row[rest]
        parts = [*(parts[place] for place in rest), len(distances) + len(joins) - 1]
        sizes = [*(sizes[place] for place in rest), size]
    return joins


def _labellings(
    numbers: npt.NDArray[np.integer[Any]], rng: np.random.Generator
) -> npt.NDArray[np.integer[Any]]:
    """Return ways [P, K] to deal labels out: all of them, or the true one and some drawn."""
    if len(numbers) < 10 and math.factorial(len(numbers)) <= EXACT:
        return numbers[np.array(list(itertools.permutations(range(len(numbers)))))]
    drawn = rng.permuted(np.tile(numbers, (DRAWS, 1)), axis=1)
    return np.concatenate([numbers[None], drawn])


def _difference(values: Numbers, same: npt.NDArray[np.bool_]) -> Numbers:
    """Return how much larger values are on average where `same` [P, n] holds than elsewhere; nan
    where it holds nowhere or everywhere."""
    count = same.sum(axis=1)
    rest = len(values) - count
    inside = same @ values
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Numbers = inside / count - (values.sum() - inside) / rest
    return found


def _unit(vectors: Numbers) -> Numbers:
    """Return rows of length 1; a row of zeros stays."""
    return vectors / np.maximum(
        np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(float).tiny
    )
