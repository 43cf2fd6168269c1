"""Resource tiers: the largest third of a study's languages, the middle, the smallest third.

The paper calls English and French high-resource, Swahili and Urdu low-resource (XLM-R Sec. 5.1),
which says nothing about other sets of languages. Thirds by size of text can be formed for any; the
middle takes what does not divide by three. Where a cut falls between languages that are nearly
alike, it is not a cut: those within a tenth of the outer third's last language go with it, and a
study whose languages are all alike has no tiers.
"""

from collections.abc import Mapping

TIERS = ("high", "mid", "low")
EQUAL = "equal"
"""What stands for a tier in a study of languages with about as much text each."""
NEAR = 1.1
"""Sizes whose ratio is below this are nearly alike."""


def tiers(sizes: Mapping[str, float]) -> dict[str, str]:
    """Return the tier of each language, given sizes in any unit.

    >>> tiers({"en": 300.0, "ru": 278.0, "de": 67.0, "sw": 1.6})
    {'en': 'high', 'ru': 'high', 'de': 'mid', 'sw': 'low'}
    >>> tiers({"en": 10.0, "de": 9.8})
    {'en': 'equal', 'de': 'equal'}
    """
    ranked = sorted(sizes.values(), reverse=True)
    if not ranked:
        return {}
    third = max(1, len(ranked) // 3)
    least_high, most_low = ranked[third - 1], ranked[-third]
    if least_high < NEAR * most_low:
        return dict.fromkeys(sizes, EQUAL)
    return {
        key: "high" if NEAR * size > least_high else "low" if size < NEAR * most_low else "mid"
        for key, size in sizes.items()
    }
