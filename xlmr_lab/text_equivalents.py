"""How much text alone is worth as much as some text together with others': read off a curve.

A curve is the loss of models that had nothing but more and more text of one language. Another
model's loss stands at some height, and the amount at which the curve comes down to it is what that
model's text is worth. Between two amounts the loss is taken to fall in a straight line over the
logarithm of the amount; beyond the curve nothing is guessed. The interval is over pretraining
seeds, of the logarithm, and there is none unless every seed's height is on its own curve.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from xlmr_lab.intervals import mean_interval

Curve = Sequence[tuple[float, float]]
"""(amount of text, loss), by amount."""


class Worth(NamedTuple):
    """An amount of text over seeds, in the unit of the curve.

    `amount` is the geometric mean of the seeds, nan unless all are on their curves; `low` and
    `high` are its 95 % interval, nan with fewer than two seeds. `num_below` seeds are worth less
    than the least amount of their curve, `num_above` more than its largest, of `num_seeds`.
    """

    amount: float
    low: float
    high: float
    num_below: int
    num_above: int
    num_seeds: int


def worth(curve: Curve, loss: float) -> float:
    """Return the least amount at which a curve has come down to a loss: 0.0 if that is less than
    the least amount tried, inf if the curve is above the loss everywhere.

    >>> round(worth([(10, 3.0), (1000, 1.0)], 2.0), 6)
    100.0
    >>> worth([(10, 3.0), (1000, 1.0)], 3.5), worth([(10, 3.0), (1000, 1.0)], 0.9)
    (0.0, inf)
    """
    if not curve or loss > curve[0][1]:
        return 0.0 if curve else math.inf
    before, above = curve[0]
    for amount, own in curve:
        if own <= loss:
            share = (above - loss) / (above - own) if own < above else 0.0
            return float(before * (amount / before) ** share)
        before, above = amount, own
    return math.inf


def over_seeds(curves: Mapping[int, Curve], losses: Mapping[int, float]) -> Worth:
    """Return what losses are worth on the curves of the same pretraining seeds.

    >>> both = {0: [(10, 3.0), (1000, 1.0)], 1: [(10, 3.0), (1000, 1.0)]}
    >>> found = over_seeds(both, {0: 2.0, 1: 2.0})
    >>> [round(x, 6) for x in found[:3]], found.num_seeds
    ([100.0, 100.0, 100.0], 2)
    >>> over_seeds(both, {0: 2.0, 1: 0.5}).num_above
    1
    """
    found = [worth(curves[seed], loss) for seed, loss in losses.items() if seed in curves]
    below, above = found.count(0.0), found.count(math.inf)
    if below or above or not found:
        return Worth(math.nan, math.nan, math.nan, below, above, len(found))
    mean, low, high, _ = mean_interval([math.log(amount) for amount in found])
    return Worth(math.exp(mean), math.exp(low), math.exp(high), 0, 0, len(found))
