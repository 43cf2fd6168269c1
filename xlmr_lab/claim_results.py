"""The rows of a campaign that belong to one claim, with the settings that the claim goes through as
columns.

A claim compares cells; which settings they differ in, the run folder says. So a frame has a column
for each of them, named by the last part of the setting's name (`sampling.alpha` is in `alpha`), and
a figure needs to know no cell by name.
"""

from collections.abc import Sequence

import polars as pl

from xlmr_lab.campaign_results import Tested
from xlmr_lab.errors import UserError


def cells_of(tested: Tested, claim: str) -> list[str]:
    """Return the names of a claim's cells, in the order of its grid.

    Raises:
        UserError: the claim was not tested.
    """
    found = [row["cell"] for row in tested.cells() if claim in row["claims"]]
    if not found:
        known = ", ".join(tested.campaign()["claims"])
        raise UserError(f"{tested.name} did not test {claim}; it tested {known}")
    return found


def by_setting(tested: Tested, cells: Sequence[str], *names: str) -> pl.DataFrame:
    """Return the held-out rows of cells (see `Tested.heldout`), with a column for each setting.

    A cell that has no rows yet is absent from the frame. Tuples of settings are lists.

    Raises:
        UserError: there is no such cell.
    """
    return with_settings(tested, tested.heldout(), cells, names)


def with_settings(
    tested: Tested, frame: pl.DataFrame, cells: Sequence[str], names: Sequence[str]
) -> pl.DataFrame:
    """Return the rows of those cells in a frame of cells (held-out losses, scores), with a column
    for each setting.

    Raises:
        UserError: there is no such cell.
    """
    values = {
        name.rpartition(".")[2]: [tested.setting(cell, name) for cell in cells] for name in names
    }
    known = pl.DataFrame({"cell": list(cells)} | values, schema_overrides={"cell": pl.String})
    return frame.join(known, on="cell", how="inner", maintain_order="left")
