"""Resource tiers: the largest third of a study's languages, the middle, the smallest third.

The paper calls English and French high-resource, Swahili and Urdu low-resource (XLM-R Sec. 5.1),
which says nothing about other sets of languages. Thirds by size of text can be formed for any; the
middle takes what does not divide by three.
"""

from collections.abc import Mapping

TIERS = ("high", "mid", "low")


def tiers(sizes: Mapping[str, float]) -> dict[str, str]:
    """Return the tier of each language, given sizes in any unit.

    >>> tiers({"en": 300.0, "ru": 278.0, "de": 67.0, "sw": 1.6})
    {'en': 'high', 'ru': 'mid', 'de': 'mid', 'sw': 'low'}
    """
    ranked = sorted(sizes, key=lambda key: (-sizes[key], key))
    third = max(1, len(ranked) // 3)
    last = len(ranked) - third
    rank = {key: place for place, key in enumerate(ranked)}
    return {k: "high" if rank[k] < third else "low" if rank[k] >= last else "mid" for k in sizes}
