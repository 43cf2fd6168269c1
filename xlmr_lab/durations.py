"""How long something takes, in words, from seconds to the absurd; and read as it is typed."""

import re

from xlmr_lab.errors import UserError

UNITS = (("year", 365 * 86_400), ("day", 86_400), ("h", 3600), ("min", 60), ("s", 1))
TYPED = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "min": 60.0, "s": 1.0}
"""Units as they are typed."""
EXACT_FROM = 10
"""From so many of a unit on, the next smaller one is left out."""


def told(seconds: float) -> str:
    """Say a duration in its largest unit, with the next smaller one where that matters.

    >>> told(12_000), told(0.4), told(95), told(90_000), told(4e10)
    ('3 h 20 min', '1 s', '1 min 35 s', '1 day 1 h', '1268 years')
    """
    whole = max(1, round(seconds))
    place = next(place for place, (_, size) in enumerate(UNITS) if whole >= size)
    name, size = UNITS[place]
    count, rest = divmod(whole, size)
    if name == "s" or count >= EXACT_FROM:
        return _counted(round(whole / size), name)
    smaller, smaller_size = UNITS[place + 1]
    more = f" {_counted(rest // smaller_size, smaller)}" if rest >= smaller_size else ""
    return _counted(count, name) + more


def parsed(text: str) -> float:
    """Return the seconds of a duration as it is typed: numbers with units, the largest first.

    >>> parsed("2h"), parsed("90m"), parsed("1h30m"), parsed("1.5 h")
    (7200.0, 5400.0, 5400.0, 5400.0)

    Raises:
        UserError: it is none, or of no length.
    """
    found = re.findall(r"(\d+(?:\.\d+)?)\s*(d|h|min|m|s)\s*", text)
    seconds = sum(float(number) * TYPED[unit] for number, unit in found)
    sizes = [TYPED[unit] for _, unit in found]
    is_whole = re.fullmatch(r"\s*(\d+(\.\d+)?\s*(d|h|min|m|s)\s*)+", text)
    if not is_whole or seconds <= 0 or sizes != sorted(set(sizes), reverse=True):
        raise UserError(f"a duration is typed like 2h, 90m or 1h30m, got {text!r}")
    return seconds


def _counted(count: int, name: str) -> str:
    return f"{count} {name}{'s' if name in ('year', 'day') and count > 1 else ''}"
