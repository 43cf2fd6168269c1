"""One language alone or seven together, as a campaign tested it (F11 to F13): losses, scores of
tasks, and what the models that are compared have in common.

Cells are told apart by their settings: a model of one language has `part.languages` of one. Frames
are empty where the campaign did not test a claim, or has no rows of it yet.
"""

from collections.abc import Iterator
from typing import Any

import polars as pl

from xlmr_lab.campaign_results import Tested
from xlmr_lab.claim_results import (
    ALONE,
    CONSTANT,
    TOGETHER,
    cells_of,
    compared,
    parameters_of,
    with_settings,
)
from xlmr_lab.sampling.exponent import probabilities

GLUE, NLI, TEXT = "F11", "F12", "F13"
"""The claims."""
MONOLINGUAL = "monolingual"
"""What Table 5 calls a model of one language that learns from the training set in it."""
PART = ("part.languages",)
"""The setting that tells a model of one language from one of all."""
BUDGETS = pl.Schema(
    {
        "arm": pl.String,
        "language": pl.String,
        "name": pl.String,
        "num_languages": pl.Int64,
        "ids": pl.Int64,
        "parameters": pl.Int64,
        "body": pl.Int64,
        "steps": pl.Int64,
        "tokens": pl.Int64,
        "text_bytes": pl.Int64,
        "share": pl.Float64,
    }
)
"""A row for each model: `language` is empty of that of all; `body` are the parameters that do not
grow with the vocabulary, `tokens` those read in a run, padding there is none; `share` is the part
of the run of the model of all languages that is in the row's language, known of a constant
exponent, sizes counted in bytes."""


def losses(tested: Tested) -> pl.DataFrame:
    """Return the held-out losses of models of one language and of all, with all their text; a row
    for each cell, seed, step and language, with the model as `arm` and the `tokens` read."""
    names = (*PART, "batches.batch_sequences", "batches.block_tokens")
    rows = with_settings(tested, tested.heldout(), _whole(tested, GLUE, NLI, TEXT), names)
    tokens = pl.col("step") * pl.col("batch_sequences") * pl.col("block_tokens")
    return _armed(rows).with_columns(tokens=tokens).drop("batch_sequences", "block_tokens")


def glue(tested: Tested) -> pl.DataFrame:
    """Return the scores of F11 in the language that its tasks are learned in, with the model as
    `arm`."""
    own = _scores(tested, GLUE)
    learned = own.filter(arm=ALONE)["language"].unique()
    return own.filter(pl.col("language").is_in(learned.implode()))


def nli(tested: Tested) -> pl.DataFrame:
    """Return the scores of F12 in the languages that have a model of their own, with the model as
    `arm`; the protocol of a model of one language is `monolingual`, as in Table 5."""
    own = _scores(tested, NLI)
    alone = pl.col("arm") == ALONE
    protocol = pl.when(alone).then(pl.lit(MONOLINGUAL)).otherwise("protocol")
    there = own.filter(alone)["language"].unique()
    return own.filter(pl.col("language").is_in(there.implode())).with_columns(protocol=protocol)


def budgets(tested: Tested) -> pl.DataFrame:
    """Return what each model that is compared has of languages, ids, parameters, steps and text
    (`BUDGETS`), that of all languages first."""
    cells = _whole(tested, GLUE, NLI, TEXT)
    by_languages = {tuple(tested.setting(cell, "part.languages")): cell for cell in cells}
    rows = [row for own in by_languages.items() for row in _budget(tested, *own)]
    frame = pl.DataFrame(rows, schema=BUDGETS)
    order = ["num_languages", "text_bytes", "language"]
    return frame.sort(order, descending=[True, True, False])


def _whole(tested: Tested, *claims: str) -> list[str]:
    """Return the cells of claims whose languages have all their text."""
    cells = dict.fromkeys(cell for claim in claims for cell in cells_of(tested, claim))
    return [cell for cell in cells if not tested.setting(cell, "part.most_bytes")]


def _armed(rows: pl.DataFrame) -> pl.DataFrame:
    """Add what a model is as `arm`, given its part of the languages; a model of one language is
    measured in that one alone."""
    rows = rows.with_columns(pl.col("languages").cast(pl.List(pl.String)))  # also where none are
    own, every = pl.col("languages"), pl.col("languages").list.len() == 0
    kept = rows.filter(every | own.list.contains(pl.col("language")))
    arm = pl.when(own.list.len() == 1).then(pl.lit(ALONE)).otherwise(pl.lit(TOGETHER))
    return kept.with_columns(arm=arm).drop("languages")


def _scores(tested: Tested, claim: str) -> pl.DataFrame:
    """Return the scores that a claim goes by, with the model as `arm`."""
    return compared(_armed(with_settings(tested, tested.scores(), cells_of(tested, claim), PART)))


def _budget(tested: Tested, languages: tuple[str, ...], cell: str) -> Iterator[dict[str, Any]]:
    """Yield the row of a model of some of the languages, or of all (none are named)."""
    names = ("pretrain.steps", "batches.batch_sequences", "batches.block_tokens")
    steps, sequences, block = (tested.setting(cell, name) for name in names)
    parameters = parameters_of(tested, cell)
    base = tested.sizes().filter(pl.col("language").is_in(tested.campaign()["languages"]))
    own = base.filter(pl.col("language").is_in(list(languages))) if languages else base
    if own.is_empty():
        return
    key, name = own.select("language", "name").row(0) if languages else ("", "")
    yield {
        "arm": ALONE if languages else TOGETHER,
        "language": key,
        "name": name,
        "num_languages": len(own),
        "ids": tested.setting(cell, "vocabulary.size"),
        "parameters": parameters.total,
        "body": parameters.body,
        "steps": steps,
        "tokens": steps * sequences * block,
        "text_bytes": own["size_bytes"].sum(),
        "share": _shares(tested, base).get(key),
    }


def _shares(tested: Tested, sizes: pl.DataFrame) -> dict[str, float]:
    """Return the probability of each language among all, unless it changes during a run."""
    settings = tested.campaign()["settings"]["sampling"]
    if settings["schedule"] != CONSTANT:
        return {}
    return probabilities(
        dict(sizes.select("language", "size_bytes").iter_rows()), settings["alpha"]
    )
