"""Models with and without language embeddings, as a campaign tested them (F14).

Code-switched text is in two languages, such as `qaa-qam`: the first has the grammar, and is the one
that a model with embeddings is told. Frames are empty where the campaign did not test the claim, or
has no rows of it yet.
"""

import polars as pl

from xlmr_lab.campaign_results import Tested
from xlmr_lab.claim_results import cells_of, compared, with_settings

CLAIM = "F14"
WITHOUT, WITH = "without language embeddings", "with language embeddings"
"""The arms."""
ZERO, SWITCHED = "zero-shot", "code-switched"
"""Protocols of its scores."""
OWN_GRAMMAR = f"{SWITCHED}, own grammar"
"""Text with the grammar of the language that NLI is not learned in."""
DETAILS = ("name", "script", "family", "tier", "size_bytes")
"""What is known of a language."""
SETTING = ("model.language_embeddings",)


def losses(tested: Tested) -> pl.DataFrame:
    """Return the held-out rows of F14, with the model as `arm`."""
    return _armed(tested, tested.heldout())


def nli(tested: Tested) -> pl.DataFrame:
    """Return the NLI scores of F14 with the model as `arm`, what is read as `kind` (`ZERO` or one
    of two ways to switch), and whether NLI is learned in a row's language as `source`.

    A code-switched row has the language that is mixed with the one learned in; sets of two others
    are left out.
    """
    rows = compared(_armed(tested, tested.scores()).filter(task="nli"))
    mixed = pl.col("protocol") == SWITCHED
    campaign = tested.campaign()
    learned = campaign["settings"]["nli"]["train_language"] or campaign["languages"][0]
    after, before = f"{learned}-", f"-{learned}"
    is_first, is_last = (
        pl.col("language").str.starts_with(after),
        pl.col("language").str.ends_with(before),
    )
    kinds = rows.filter((pl.col("protocol") == ZERO) | (mixed & (is_first | is_last))).with_columns(
        kind=pl.when(~mixed)
        .then(pl.lit(ZERO))
        .when(is_first)
        .then(pl.lit(f"{SWITCHED}, grammar of {learned}"))
        .otherwise(pl.lit(OWN_GRAMMAR)),
        language=pl.when(mixed)
        .then(pl.col("language").str.strip_prefix(after).str.strip_suffix(before))
        .otherwise("language"),
    )
    known = tested.sizes().select("language", *DETAILS)
    found = kinds.drop(DETAILS).join(known, on="language", how="left", maintain_order="left")
    return found.with_columns(source=pl.col("language") == learned)


def _armed(tested: Tested, frame: pl.DataFrame) -> pl.DataFrame:
    rows = with_settings(tested, frame, cells_of(tested, CLAIM), SETTING)
    told = pl.col("language_embeddings").cast(pl.Boolean)  # also where there is no cell
    arm = pl.when(told).then(pl.lit(WITH)).otherwise(pl.lit(WITHOUT))
    return rows.with_columns(arm=arm).drop("language_embeddings")
