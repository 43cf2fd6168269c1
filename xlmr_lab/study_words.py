"""What a study says of itself in words, from its tables: what its text is, and who is kin to whom.

Whoever reads a page about invented languages is told so, on every page.
"""

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
