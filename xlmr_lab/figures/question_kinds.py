"""What a question in another language than its context changes: is it the question or the context
that a model has to know (MLQA's generalised transfer; XLM-R Table 3 has both in one language).

Cells of the matrix of languages are averaged by their kind: whether the context is in the language
learned in, and whether the question is. Fine-tuning seeds are averaged first, intervals are
Student's t over pretraining seeds. Differences are paired by context and seeds, so that contexts
that are hard for any question drop out. Studies stand below one another and are never averaged.
"""

import polars as pl

from xlmr_lab.figures import doctor
from xlmr_lab.figures.glue_gains import verdict
from xlmr_lab.figures.language_dots import arm_looks
from xlmr_lab.figures.question_scores import asked
from xlmr_lab.figures.summaries import over_seeds
from xlmr_lab.figures.tables import Table, show, with_interval
from xlmr_lab.figures.task_scores import METRICS, capital, lacking, missing, within_bounds
from xlmr_lab.figures.theme import lettered

KIND = ["arm", "source", "asked_in_it", "same"]
"""What tells kinds of cells apart: the arm, whether the context and whether the question are in the
language learned in, and whether both are in one."""
LEARNED, OTHER = "that\u00a0learned\u00a0in", "another"


def told(
    scores: pl.DataFrame, *, metric: str = "f1", protocol: str = "zero-shot", selection: str = ""
) -> Table:
    """Show the mean of each kind of cells, and how far it is from questions about the same contexts
    in the contexts' own language; of every study in `scores`.

    Raises:
        UserError: there is no such selection.
    """
    studies = asked(scores, metrics=[metric], protocol=protocol, selection=selection)
    if not studies:
        return show(pl.DataFrame({"questions": [missing("qa", protocol).replace("<br>", " ")]}))
    rows = pl.concat(_kinds(part) for part in studies.values())
    refused = capital(doctor.told(pl.concat(studies.values())))
    more = [*lacking(scores, studies, "qa", protocol), *filter(None, [refused])]
    caption = (
        f"Mean {METRICS[metric]} by language, with 95\u00a0% intervals over pretraining seeds. The "
        "last two columns: against questions in the context's own language, paired by context and "
        "seed."
    )
    rows = rows.drop("study") if len(studies) == 1 else rows
    return show(rows, " ".join([caption, *(f"{line}." for line in more)]))


def _kinds(part: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of text of one study: each kind of cells of each arm."""
    cells = _paired(part)
    numbers = cells.group_by(KIND).agg(cells=pl.struct("language", "question").n_unique())
    means = over_seeds(cells, KIND, "value").join(numbers, on=KIND, maintain_order="left")
    means, _ = within_bounds(means.with_columns(metric=pl.lit(part["metric"][0])))
    found = over_seeds(cells, KIND, "difference")
    says = [verdict(*ends) for ends in found.select("low", "high").rows()]
    is_crossed, place = ~pl.col("same"), {True: LEARNED, False: OTHER}
    question = (
        pl.when("same").then(pl.lit("the\u00a0same")).when("asked_in_it").then(pl.lit(LEARNED))
    )
    return means.select(
        pl.lit(part["study"][0]).alias("study"),
        pl.col("arm").map_elements(lettered, return_dtype=pl.String).str.replace_all(" ", "\u00a0"),
        pl.col("source").replace_strict(place, return_dtype=pl.String).alias("context in"),
        question.otherwise(pl.lit(OTHER)).alias("question in"),
        "cells",
        pl.Series("mean score", with_interval(means, "mean", sign=False), dtype=pl.String),
        pl.when(is_crossed)
        .then(pl.Series(with_interval(found, "mean"), dtype=pl.String))
        .alias("against the context's own"),
        pl.when(is_crossed)
        .then(pl.Series(says, dtype=pl.String).str.replace_all(" ", "\u00a0"))
        .alias("it is"),
    )


def _paired(part: pl.DataFrame) -> pl.DataFrame:
    """Return the cells of every run, sorted by their kind, with how far each is from that of the
    same context and run with the question in the context's language, as column `difference`.
    """
    keys = ["arm", "language", "seed", "finetune_seed"]
    same = pl.col("question") == pl.col("language")
    own = part.filter(same).select(*keys, own="value")
    learned = part.filter("source")["language"].unique().to_list()
    order = {arm: place for place, arm in enumerate(arm_looks(part))}
    cells = part.join(own, on=keys, how="left", nulls_equal=True, maintain_order="left")
    return cells.with_columns(
        asked_in_it=pl.col("question").is_in(learned),
        same=same,
        difference=pl.col("value") - pl.col("own"),
    ).sort(
        pl.col("arm").replace_strict(order, return_dtype=pl.Int64),
        *("source", "same", "asked_in_it"),
        descending=[False, True, True, True],
        maintain_order=True,
    )
