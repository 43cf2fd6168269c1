"""Bars that benchmarks hold: a verdict on each, and an exit that says when one is missed."""

import sys
from collections.abc import Sequence
from typing import NamedTuple


class Bar(NamedTuple):
    """Something that was measured, and whether it is as it must be."""

    told: str
    is_met: bool


def at_least(name: str, value: float, bar: float) -> Bar:
    """Return the verdict on a value that must not be smaller; one that is no number is."""
    return Bar(f"{name} {value:.3g}, at least {bar:g}", value >= bar)


def at_most(name: str, value: float, bar: float) -> Bar:
    """Return the verdict on a value that must not be larger; one that is no number is."""
    return Bar(f"{name} {value:.3g}, at most {bar:g}", value <= bar)


def finish(bars: Sequence[Bar]) -> None:
    """Print a verdict on each bar; where any is missed, exit with 1 and one line that names them.

    Raises:
        SystemExit: a bar is missed.
    """
    for bar in bars:
        print(f"{bar.told}: {'passed' if bar.is_met else 'FAILED'}", flush=True)
    if missed := [bar.told for bar in bars if not bar.is_met]:
        sys.exit(f"missed: {'; '.join(missed)}")
