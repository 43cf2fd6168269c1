"""How long something takes, in words, from seconds to the absurd."""

UNITS = (("year", 365 * 86_400), ("day", 86_400), ("h", 3600), ("min", 60), ("s", 1))
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


def _counted(count: int, name: str) -> str:
    return f"{count} {name}{'s' if name in ('year', 'day') and count > 1 else ''}"
