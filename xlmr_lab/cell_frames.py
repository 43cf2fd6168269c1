"""Frames of a campaign's cells and what can be asked of them: some of the cells, seeds and
languages, a table, the rows of one outcome, two cells compared.

`cell_results.cells` reads them. Languages that some cells add to the base's are left out unless
they alone are asked for, so that all cells are compared by the same ones.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from xlmr_lab.errors import UserError

NUM_LANGUAGES = "languages"
"""The setting of how many languages a cell has."""
BASE = "base"
"""What a cell without any change is called."""
PIECES, WORDS = "pieces", "words"
"""Outcomes: losses of masked pieces and of whole words, in bits per byte."""
LEARNED = "learned"
"""Last word of an outcome of the language that a task was learned in, where others are transfer."""
OVERALL = "overall"
"""Last word of a column of an outcome that is of all languages."""
ADDED = "added"
"""Tier of languages that are not the base's."""
KNOWN = ("cell", "names", "claims")
"""Columns of a cell that are no settings."""
COMPUTE = ("tokens", "steps", "parameters", "operations", "seconds")
"""What a run took: tokens of training, optimizer steps, weights, operations of all of training,
seconds of it."""
OUTCOMES = pl.Schema(
    {"cell": pl.String(), "seed": pl.Int64()}
    | dict.fromkeys(("language", "script", "family", "tier", "outcome"), pl.String())
    | {"value": pl.Float64()}
)
"""A row for each cell, pretraining seed, language and outcome; fine-tuning seeds are averaged."""

Brush = Mapping[str, Sequence[Any]]
"""What is wanted, by the column of a table: of numbers the least and the largest, None being no
bound; of words those that are."""
Values = Mapping[str, Sequence[str]]


def claim_number(claim: str) -> int:
    """Return the number of a claim, by which claims are ordered.

    >>> claim_number("F15")
    15
    """
    return int(claim.lstrip("F"))


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Cells:
    """Cells of a campaign, all or some of them."""

    settings: pl.DataFrame
    """A row for each: `cell`, `names` and `claims` (all of them), and a column for each setting in
    which any two of the campaign differ."""
    compute: pl.DataFrame
    """What the run of each cell and seed took, columns `COMPUTE`."""
    outcomes: pl.DataFrame
    """What came out, in the form of `OUTCOMES`."""

    def only(
        self, *, claims: Sequence[str] = (), seeds: Sequence[int] = (), where: Values | None = None
    ) -> "Cells":
        """Return the cells of some claims, with the outcomes of some seeds and of the languages
        whose tier, script or family are among those of `where`; nothing given means all."""
        cells, outcomes = self.settings, self.outcomes
        if claims:
            own = pl.col("claims").list.set_intersection(list(claims))
            cells = cells.with_columns(claims=own).filter(pl.col("claims").list.len() > 0)
        if seeds:
            outcomes = outcomes.filter(pl.col("seed").is_in(list(seeds)))
        for column, values in (where or {}).items():
            if values:
                outcomes = outcomes.filter(pl.col(column).is_in(list(values)))
        return dataclasses.replace(self, outcomes=outcomes)._of(cells)

    def brushed(self, brush: Brush) -> "Cells":
        """Return the cells whose values in `table` are what a brush wants; a cell without a value
        is in no range.

        Raises:
            UserError: `table` has no such column.
        """
        table = self.table()
        if unknown := [name for name in brush if name not in table.columns]:
            known = ", ".join(table.columns[len(KNOWN) :])
            raise UserError(f"no setting or outcome {unknown[0]!r} varies here; there are {known}")
        kept = table.filter(pl.Series(within(table, brush), dtype=pl.Boolean))
        return self._of(self.settings.filter(pl.col("cell").is_in(kept["cell"].implode())))

    def claims(self) -> list[str]:
        """Return the claims that any of these cells is of, in order."""
        known = self.settings["claims"].explode().drop_nulls().unique().to_list()
        return sorted(known, key=claim_number)

    def axes(self) -> list[str]:
        """Return the settings in which these cells differ, without those that one other determines:
        heads and learning rate go with the width."""
        values = {
            name: self.settings[name].to_list()
            for name in self.settings.columns
            if name not in KNOWN and self.settings[name].n_unique() > 1
        }
        kept = dict(values)
        for name, own in reversed(values.items()):
            others = (other for key, other in kept.items() if key != name)
            if any(_determines(other, own) for other in others):
                del kept[name]
        return list(kept)

    def measures(self) -> list[str]:
        """Return what these cells have values of: losses, then scores by task and protocol."""
        present = set(self.outcomes["outcome"])
        scores = sorted(present - {PIECES, WORDS})
        return [name for name in (PIECES, WORDS, *scores) if name in present]

    def table(self) -> pl.DataFrame:
        """Return a row for each cell: what varies (see `axes`), and the mean of each outcome over
        languages and seeds, the loss of pieces by tier (`pieces low`); a name with a space in it is
        an outcome by tier, and one of all languages ends in `overall`."""
        frame = self.settings.select(*KNOWN, *self.axes())
        compared = self._compared()
        for measure in self.measures():
            rows = compared.filter(outcome=measure)
            parts = {OVERALL: rows}
            if measure == PIECES:
                tiers = dict.fromkeys(("high", "mid", "low", ADDED))
                parts = {tier: rows.filter(tier=tier) for tier in tiers}
            for name, part in parts.items():
                if not part.is_empty():
                    means = part.group_by("cell", "seed").agg(pl.col("value").mean())
                    means = means.group_by("cell").agg(pl.col("value").mean())
                    means = means.rename({"value": f"{measure} {name}"})
                    frame = frame.join(means, on="cell", how="left", maintain_order="left")
        return frame

    def points(self, outcome: str = PIECES) -> pl.DataFrame:
        """Return the rows of one outcome with the settings of their cells and what the runs took.

        Raises:
            UserError: none of these cells has the outcome.
        """
        if outcome not in self.measures():
            known = ", ".join(self.measures()) or "none"
            raise UserError(f"no cell here has the outcome {outcome!r}; there are: {known}")
        rows = self._compared().filter(outcome=outcome)
        told = rows.join(self.compute, on=["cell", "seed"], how="left", maintain_order="left")
        columns = self.settings.select(*KNOWN, *self.axes())
        return told.join(columns, on="cell", how="left", maintain_order="left")

    def differences(self, first: str, second: str) -> pl.DataFrame:
        """Return by how much each outcome of the second cell is above that of the first, paired by
        seed and language, as column `difference`; an outcome without its pair is left out.

        Raises:
            UserError: one of them is not among these cells.
        """
        self._require(first, second)
        rows = self._compared()
        keys = ["seed", "language", "outcome"]
        base = rows.filter(cell=first).select(*keys, subtracted="value")
        own = rows.filter(cell=second).join(base, on=keys, how="inner", maintain_order="left")
        difference = pl.col("value") - pl.col("subtracted")
        return own.with_columns(difference=difference).drop("value", "subtracted", "cell")

    def changed(self, first: str, second: str) -> dict[str, tuple[Any, Any]]:
        """Return the settings in which two cells differ, with the values of both.

        Raises:
            UserError: one of them is not among these cells.
        """
        self._require(first, second)
        rows = {row["cell"]: row for row in self.settings.to_dicts()}
        one, other = rows[first], rows[second]
        names = [name for name in self.settings.columns if name not in KNOWN]
        return {name: (one[name], other[name]) for name in names if one[name] != other[name]}

    def _of(self, cells: pl.DataFrame) -> "Cells":
        names = cells["cell"].implode()
        compute, outcomes = (
            frame.filter(pl.col("cell").is_in(names)) for frame in (self.compute, self.outcomes)
        )
        return Cells(settings=cells, compute=compute, outcomes=outcomes)

    def _compared(self) -> pl.DataFrame:
        """Return the rows of the base's languages, or of added ones where there are no others."""
        base = self.outcomes.filter(pl.col("tier").ne_missing(ADDED))
        return self.outcomes if base.is_empty() else base

    def _require(self, *cells: str) -> None:
        known = self.settings["cell"].to_list()
        if unknown := [cell for cell in cells if cell not in known]:
            told = f"there are {', '.join(known)}" if known else "no cell is left"
            raise UserError(f"the cell {unknown[0]!r} is not among those that are chosen; {told}")


def within(table: pl.DataFrame, brush: Brush) -> list[bool]:
    """Tell of each row of a table whether it lies within all that a brush wants.

    >>> table = pl.DataFrame({"width": [64, 96, None], "schedule": ["constant"] * 3})
    >>> within(table, {"width": (None, 64), "schedule": ["constant"]})
    [True, False, False]
    """
    kept = [True] * len(table)
    for name, wanted in brush.items():
        for place, value in enumerate(table[name].to_list()):
            kept[place] = kept[place] and _is_wanted(value, wanted)
    return kept


def is_outcome(column: str) -> bool:
    """Tell whether a column of `Cells.table` is an outcome; the others are settings.

    >>> is_outcome("pieces low"), is_outcome("model.hidden_size")
    (True, False)
    """
    return " " in column


def _is_wanted(value: Any, wanted: Sequence[Any]) -> bool:
    if value is None:
        return False
    if isinstance(value, str):
        return value in wanted
    low, high = wanted
    return (low is None or value >= low) and (high is None or value <= high)


def _determines(other: Sequence[Any], own: Sequence[Any]) -> bool:
    """Tell whether each value of another setting comes with one value of this one."""
    return len(set(zip(other, own, strict=True))) == len(set(other))
