"""What the surfaces of F1 and F2 say in numbers, by tier and for all languages together.

Every number has its 95 % interval over pretraining seeds, in brackets: the surface is fitted to
each seed alone (see `capacity_surface`).
"""

import math
from collections.abc import Callable
from typing import Any

import polars as pl

from xlmr_lab import intervals
from xlmr_lab.capacity_surface import Surface
from xlmr_lab.figures import theme
from xlmr_lab.figures.curse import ALL
from xlmr_lab.figures.curse_fit import lacking, surface_of
from xlmr_lab.figures.tables import Table, show

EXACT = "nothing, it has no more cells than coefficients"
NONE = "no capacity does"
"""What is said where more parameters do not make up for languages in some seed."""
MOST = 1000.0
"""Capacities of more times as many parameters are not told apart."""


def costs(frame: pl.DataFrame) -> Table:
    """Show what twice the languages cost at each width (the curse), and whether capacity lessens
    it."""
    sizes = frame.select("width", "capacity").unique().sort("capacity").rows()

    def row(surface: Surface) -> dict[str, Any]:
        interaction = surface.coefficient("interaction")
        at = {f"at width {width}": _told(surface.slope(size)) for width, size in sizes}
        more = {"twice the parameters add": _told(interaction), "lessened": _lessened(interaction)}
        return at | more

    caption = (
        "Bits per byte that twice the languages add to the loss of those that were there, by the "
        "fitted surface; below 0 they gain. What twice the parameters of the layers add to that "
        "cost: below 0, capacity lessens the curse."
    )
    return _by_tier(frame, row, caption)


def capacities(frame: pl.DataFrame) -> Table:
    """Show what capacity brings, how much of it makes up for more languages, and how well the
    surface fits."""
    most = int(frame["num_languages"].max() or 0)  # type: ignore[arg-type]

    def row(surface: Surface) -> dict[str, Any]:
        few, least = surface.num_languages, surface.capacity
        top = int(frame["capacity"].max()) / least  # type: ignore[arg-type]
        return {
            f"twice the parameters, {few} languages": _told(surface.coefficient("capacity")),
            f"{2 * few} languages need": times_told(surface.needed(2 * few), top) or NONE,
            f"{most} languages need": times_told(surface.needed(most), top) or NONE,
            "exponent": _told(surface.exponent(few, least), sign=False),
            "off by": _small(surface.residual_std) or EXACT,
            "by seeds alone": _small(surface.noise_std),
        }

    caption = (
        "What twice the parameters of the layers add to the loss (bits per byte); how many times "
        "the parameters of the narrowest model more languages need to be as good as the fewest "
        "are there; and with which exponent of the number of languages that begins to grow. No "
        "capacity does: so it is in some seed. Beyond: more than was measured. Off by: standard "
        "deviation of the cells from the surface, beside what the spread of seeds alone would "
        "leave."
    )
    return _by_tier(frame, row, caption)


def times_told(times: intervals.Interval, most: float = math.inf) -> str | None:
    """Write a number of times with its interval, and that it is beyond the `most` that was
    measured; None where it is unknown.

    >>> times_told(intervals.Interval(1.42, 1.2, 5000.0, 3), 1.4).replace("\\xa0", " ")
    '×1.4 [1.2, over 1,000] (beyond)'
    """
    if not math.isfinite(times.mean):
        return None
    told = f"×{_size(times.mean)}"
    if not math.isnan(times.low):
        told += f" [{_size(times.low)}, {_size(times.high)}]"
    return told.replace(", ", ",\u00a0") + (" (beyond)" if times.mean > most else "")


def _by_tier(frame: pl.DataFrame, row: Callable[[Surface], dict[str, Any]], caption: str) -> Table:
    if why := lacking(frame):
        return show(pl.DataFrame({"no surface": [why.replace("<br>", " ")]}))
    tiers = theme.order(frame["tier"], "tier")
    parts = {tier: frame.filter(tier=tier) for tier in tiers}
    parts |= {ALL: frame} if len(tiers) > 1 else {}
    rows = [{"languages": name} | row(surface_of(part)) for name, part in parts.items()]
    return show(pl.DataFrame(rows), caption)


def _told(value: intervals.Interval, *, sign: bool = True) -> str | None:
    if not math.isfinite(value.mean):
        return None
    told = intervals.told(value.mean, value.low, value.high, sign=sign)
    return theme.lettered(told).replace(", ", ",\u00a0")


def _lessened(interaction: intervals.Interval) -> str:
    if interaction.high < 0:
        return "yes"
    return "no, it grows" if interaction.low > 0 else "undecided"


def _size(value: float) -> str:
    return f"over\u00a0{MOST:,.0f}" if value > MOST else theme.significant(max(value, 0.0))


def _small(value: float) -> str | None:
    return f"{value:.2g}" if math.isfinite(value) else None
