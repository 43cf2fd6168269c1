"""How a vocabulary serves each language, in words: what was measured to rows for a terminal, and
notes on what the rows cannot say.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Rows = Sequence[Mapping[str, Any]]

SEEN = "*"
"""Stands behind a language that was measured on text which training saw."""
MOST_NAMED = 5
"""So many languages are named in a note."""


def rows(languages: Rows, premiums: Rows) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the header of a table, and a row for each language."""
    paid = {row["language"]: row["premium"] for row in premiums}
    header = ("language", "pieces/word", "bytes/piece", "unknown", "letters lost", "pieces used")
    found: list[tuple[str, ...]] = [
        (
            row["language"] + ("" if row["unseen"] else SEEN),
            f"{row['fertility']:.2f}",
            f"{row['bytes_per_piece']:.2f}",
            f"{100 * row['unknown_rate']:.3f} %",
            f"{row['letters_lost'] - row['letters_unseen']:,} of {row['num_letters']:,}",
            f"{row['pieces_used']:,}",
        )
        for row in languages
    ]
    if not paid:
        return header, found
    shown = (f"{paid[row['language']]:.2f}" if row["language"] in paid else "" for row in languages)
    return (*header, "premium"), [(*row, cell) for row, cell in zip(found, shown, strict=True)]


def notes(languages: Rows, premiums: Rows) -> Iterator[str]:
    """Yield what a reader must know of the table: seen and unseen text, letters that only held-out
    text has, what the premium compares.
    """
    yield "pieces/word, bytes/piece, unknown: of held-out text, which training did not see"
    if not all(row["unseen"] for row in languages):
        yield f"{SEEN} of text that training saw, which flatters: too little is held out"
    new = {row["language"]: row["letters_unseen"] for row in languages if row["letters_unseen"]}
    if new:
        yield f"letters that only held-out text has and that are lost, not counted: {_most(new)}"
    if premiums:
        yield f"premium: pieces by those of the same sentences in {premiums[0]['original']}"
    else:
        yield "no premium: it takes the same sentences in several languages (nli.path)"


def _most(numbers: Mapping[str, int]) -> str:
    ordered = sorted(numbers.items(), key=lambda pair: -pair[1])
    told = ", ".join(f"{language} {number:,}" for language, number in ordered[:MOST_NAMED])
    more = len(ordered) - MOST_NAMED
    return told + (f" and {more} languages with fewer" if more > 0 else "")
