"""What later papers measured of the same questions, beside what was measured here.

Their scales, models and measures differ from the paper's and from these, so what compares is a sign
and an order of magnitude. How each number is known stands beside it: most are read from abstracts.
"""

import polars as pl

from xlmr_lab import intervals
from xlmr_lab.figures import theme
from xlmr_lab.figures.curse_fit import lacking, surface_of
from xlmr_lab.figures.curse_tables import times_told
from xlmr_lab.figures.tables import Table, show
from xlmr_lab.paper import tables

CAPACITY = "capacity"
"""Reading that is taken from the fitted surface, and no contrast's."""
UNKNOWN = "not measured"


def beside(conclusions: pl.DataFrame, cells: pl.DataFrame, *, claims: list[str]) -> Table:
    """Show what later papers say of some claims, with the reading here that is nearest to each: of
    the conclusions, or of the surface through the cells of F1 and F2."""
    rows = [row for row in tables.read("later_evidence") if row["claim"] in claims]
    shown = [
        {
            "later paper": f"{row['source']}, {row['arxiv']}",
            "measured": f"{row['measured']} ({row['scale']})",
            "found there": row["found"],
            "which is": f"{row['says']} {row['claim']}",
            "found here": _here(str(row["reading"]), conclusions, cells),
            "known from": row["quality"],
        }
        for row in rows
    ]
    shown = [{name: theme.lettered(str(text)) for name, text in row.items()} for row in shown]
    caption = (
        "Effects found here are positive as the claim says, with 95\u00a0% intervals over seeds. "
        "Theirs are of other models, measures and amounts of text: compare signs, and sizes "
        "roughly."
    )
    return show(pl.DataFrame(shown), caption)


def _here(reading: str, conclusions: pl.DataFrame, cells: pl.DataFrame) -> str:
    if reading == CAPACITY:
        return _capacity(cells)
    name, beside = pl.col("contrast"), pl.col("aside")
    own = conclusions.filter((name == reading) | (name.str.starts_with(f"{reading}-") & ~beside))
    return "; ".join(_told(row) for row in own.to_dicts()) or UNKNOWN


def _told(row: dict[str, object]) -> str:
    if row["effect"] is None:
        return f"{row['says']}: {UNKNOWN}"
    told = intervals.told(row["effect"], row["low"], row["high"])  # type: ignore[arg-type]
    told = told.replace(", ", ",\u00a0")
    return f"{row['says']}: {told} {row['unit']}, {row['verdict']}"


def _capacity(cells: pl.DataFrame) -> str:
    """Write how much capacity makes up for twice the languages, with as many tokens."""
    if lacking(cells):
        return UNKNOWN
    surface = surface_of(cells)
    count = 2 * surface.num_languages
    top = max(cells["capacity"].to_list()) / surface.capacity
    needed = times_told(surface.needed(count), top)
    if needed is None:
        return "no capacity makes up for twice the languages in some seed, with as many tokens"
    return f"{count} languages need {needed} the parameters of the layers, with as many tokens"
