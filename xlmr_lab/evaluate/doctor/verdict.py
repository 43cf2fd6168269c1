"""What a check of the evaluation doctor says: a level, one line, and the numbers behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Level = Literal["refuse", "flag"]
"""refuse: the number does not say what it is shown for; flag: it does, read with care."""

ALPHA = 0.001
"""Chance, at most, that a statistical check speaks where nothing is wrong."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What one check found."""

    name: str
    """Name of the check."""
    level: Level
    line: str
    """What was found and what to do next, one line."""
    evidence: Mapping[str, float]
    """The numbers that decided, by name."""

    def __str__(self) -> str:
        return f"{self.level}: {self.line}"
