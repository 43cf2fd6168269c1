"""What a study says of itself in words, from its tables: what its text is, who is kin to whom, and
of a study of the paper's claims, its scale.

Whoever reads a page about invented languages is told so, on every page.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

MODEL_ORGANISM = (
    "**Babel is a model organism**: its languages are invented, their sizes, scripts and families "
    "are shaped after real ones, and their documents all speak of one made-up world. "
    "What is found here is found about Babel."
)
GLOSSED = "Outside the first language, {:.0%} of sentences stand beside a translation into it."
REAL_TEXT = "The text is real; what is found holds for these languages at this scale."


def about(name: str, sizes: pl.DataFrame, glossed: float | None) -> str:
    """Say in Markdown what was studied, and what kind of languages it speaks about; `glossed` is
    the share of Babel's sentences with a translation, None for other text.
    """
    scripts = sizes["script"].n_unique()
    amount = f"{sum(sizes['size_bytes'].to_list()) / 2**20:,.1f} MiB of clean text"
    what = f"{len(sizes)} languages in {scripts} script{'s' * (scripts > 1)}, {amount}"
    kind = REAL_TEXT if glossed is None else f"{MODEL_ORGANISM} {GLOSSED.format(glossed)}"
    return f"`{name}`: {what}. {kind}"


def kinship(sizes: pl.DataFrame) -> str:
    """Say which low-resource languages are of the family of the largest, whose text helps them."""
    largest = sizes.row(0, named=True)
    low = sizes.filter(pl.col("tier") == "low")
    kin = low.filter(pl.col("family") == largest["family"])["language"].to_list()
    if low.is_empty():
        return "Its languages have about as much text each, so there are no tiers to compare."
    if not kin:
        return f"No low-resource language is of the family of the largest, {largest['language']}."
    return (
        f"Of {len(low)} low-resource languages, {len(kin)} ({', '.join(kin)}) are of the "
        f"family of the largest, {largest['language']}, whose text may help them: they may "
        "lose less by rare sampling than strangers."
    )


def tested(name: str, campaign: Mapping[str, Any], provenance: Mapping[str, Any]) -> str:
    """Say in Markdown which claims were tested at what scale, on what text, and what made it."""
    claims, seeds = campaign["claims"], campaign["seeds"]
    what = f"{len(claims)} claim{'s' * (len(claims) != 1)} ({_span(claims)})"
    more = [f"{number} of {claim}" for claim, number in campaign.get("more_seeds", {}).items()]
    given = f"{seeds} pretraining seed{'s' * (seeds != 1)} of each setting"
    given += f" ({', '.join(more)})" if more else ""
    kind = REAL_TEXT if campaign["settings"]["corpus"]["path"] else MODEL_ORGANISM
    commit = provenance["git_commit"]
    made = f"Made on {provenance['device']}, {provenance['time_utc'][:10]}"
    made += f", at commit {commit[:10]}" if commit else ""
    made += " with changes" if commit and provenance["git_modified"] else ""
    made += ", with results taken over from elsewhere" if provenance.get("taken_over") else ""
    scale = f"scale {campaign['scale']}: {campaign['about']}"
    return f"`{name}`: {what} at {scale}; {given}. {kind} {made}."


def _span(claims: Sequence[str]) -> str:
    """Name claims, those in a row by the first and the last.

    >>> _span(["F1", "F2", "F3", "F7"]), _span(["F3"])
    ('F1 to F3, F7', 'F3')
    """
    rows: list[list[str]] = []
    for claim in claims:
        if rows and int(claim[1:]) == int(rows[-1][-1][1:]) + 1:
            rows[-1].append(claim)
        else:
            rows.append([claim])
    return ", ".join(f"{row[0]} to {row[-1]}" if len(row) > 1 else row[0] for row in rows)
