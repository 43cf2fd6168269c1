"""The losses of F1 and F2 by number of languages and capacity (XLM-R Figures 2 and 4).

They are of whole words at the end of a run, as the claims' contrasts are: every number of languages
has a vocabulary of its own.
Only the base's languages are here, which every cell has: what the added ones do to them is the
question. Cells of both claims with the same settings are one.
"""

import polars as pl

from xlmr_lab import claim_results
from xlmr_lab.campaign_results import Tested

CLAIMS = ("F1", "F2")


def cells(tested: Tested) -> pl.DataFrame:
    """Return the rows of `Tested.words` with columns `num_languages`, `width`, `capacity` (the
    parameters of the layers), `step` (the last) and `arm`, the cell; empty where neither claim was
    tested."""
    names = dict.fromkeys(
        cell for claim in CLAIMS for cell in claim_results.cells_of(tested, claim)
    )
    known = pl.DataFrame(
        [
            {
                "cell": cell,
                "num_languages": _num_languages(tested, cell),
                "width": tested.setting(cell, "model.hidden_size"),
                "capacity": claim_results.parameters_of(tested, cell).layers,
                "step": tested.setting(cell, "pretrain.steps"),
            }
            for cell in names
        ],
        schema={"cell": pl.String}
        | dict.fromkeys(("num_languages", "width", "capacity", "step"), pl.Int64()),
    )
    frame = tested.words().join(known, on="cell", how="inner", maintain_order="left")
    keys = ("num_languages", "capacity", "seed", "language")
    own = frame.filter(pl.col("tier") != "added").unique(keys, keep="first", maintain_order=True)
    return own.with_columns(arm=pl.col("cell"))


def _num_languages(tested: Tested, cell: str) -> int:
    names = ("part.languages", "corpus.languages", "babel.languages")
    named = next(filter(None, (tested.setting(cell, name) for name in names)), ())
    return len(named) or int(tested.setting(cell, "babel.num_languages"))
