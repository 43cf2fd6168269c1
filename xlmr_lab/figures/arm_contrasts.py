"""What pretraining is worth on a task beside each network that has none: the same one from fresh
weights, and a baseline such as a BiLSTM-CRF (XLM-R Sec. 4.3 and 5.2, Tables 2 and 3).

Fine-tuning seeds are averaged first, then both sides are paired by language and seed, and the
intervals are Student's t over pretraining seeds. A network from fresh weights shares with its pair
the weights that pretraining starts from; a baseline shares the number of its seed alone. What a
difference says follows from its interval, whichever side is hoped for. Several studies stand below
one another and are never averaged. Left out: any correction for the number of contrasts.
"""

import itertools
from collections.abc import Sequence

import polars as pl

from xlmr_lab.figures import doctor
from xlmr_lab.figures.glue_gains import verdict
from xlmr_lab.figures.language_dots import arm_looks
from xlmr_lab.figures.summaries import over_seeds, paired
from xlmr_lab.figures.tables import Table, show, with_interval
from xlmr_lab.figures.task_scores import (
    METRICS,
    PROTOCOLS,
    TASKS,
    capital,
    in_order_of_print,
    lacking,
    missing,
    of_task,
    selected,
    source,
    within_bounds,
)
from xlmr_lab.figures.theme import lettered

GROUP = ["metric", "protocol", "source"]
"""Columns that tell the contrasts of two arms of a study apart."""
NAMES = ("study", "measure", "protocol", "contrast")
"""Columns that are left to the caption where all rows have the same."""
RUN = ["task", "split", "selection", "arm", "pretrained", "language", "seed"]
"""Columns of scores that are averaged over fine-tuning seeds, besides those of `GROUP`."""


def told(
    scores: pl.DataFrame, *, task: str, metrics: Sequence[str] = (), selection: str = ""
) -> Table:
    """Show every pretrained arm beside every arm without pretraining: both scores, the difference
    and what it says, in the language learned in and in the others.

    No `metrics` are the one that the task is known by; `selection` is as in
    `transfer.by_language`. Of several studies in `scores`, each has rows of its own.
    """
    parts = [
        pl.concat([selected(of_task(own, task, name), selection) for name in metrics or [""]])
        for own in scores.partition_by("study", maintain_order=True)
    ]
    parts = [part for part in parts if len(part)]
    found = [rows for part in parts if len(rows := _contrasts(part))]
    if not found:
        return show(pl.DataFrame({"contrasts": [_nothing(parts, task)]}))
    rows = pl.concat(found)
    alike = [name for name in NAMES if rows[name].n_unique() == 1]
    one = ", ".join(rows[name][0].replace("\u00a0", " ") for name in alike)
    seeds = " and ".join(sorted({str(part["seed"].n_unique()) for part in parts}))
    names, refused = [part["study"][0] for part in parts], capital(doctor.told(pl.concat(parts)))
    more = [*lacking(scores, names, task, PROTOCOLS[0]), *filter(None, [refused])]
    caption = (
        f"{capital(TASKS[task])}{f' ({one})' * bool(one)}: mean test scores, and differences "
        f"paired by language and seed, 95\u00a0% intervals over {seeds} pretraining seeds."
    )
    return show(rows.drop(alike), " ".join([caption, *(f"{line}." for line in more)]))


def _contrasts(part: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of text of one study, in the order of protocols, then of arms."""
    means = part.group_by(*GROUP, *RUN, maintain_order=True).agg(pl.col("value").mean())
    means, arms = means.with_columns(finetune_seed=pl.lit(0)), arm_looks(part)
    with_it = [arm for arm in arms if part.filter(arm=arm)["pretrained"].all()]
    pairs = itertools.product(with_it, [arm for arm in arms if arm not in with_it])
    found = [rows for pair in pairs if len(rows := _contrast(means, *pair, source(part)))]
    if not found:
        return pl.DataFrame()
    order = {name: place for place, name in enumerate(in_order_of_print(part["protocol"]))}
    place = pl.col("protocol").replace_strict(order, return_dtype=pl.Int64)
    study = pl.lit(part["study"][0]).alias("study")
    return pl.concat(found).sort(place, maintain_order=True).select(study, pl.all())


def _contrast(means: pl.DataFrame, arm: str, base: str, learned_in: str) -> pl.DataFrame:
    """Return the rows of text of one arm beside another."""
    pairs = paired(means, "arm", arm, base)
    pairs = pairs.with_columns(base=pl.col("value") - pl.col("difference"))
    by_language = over_seeds(pairs, [*GROUP, "language"], "difference")
    signs = by_language.group_by(GROUP).agg(above=(pl.col("mean") > 0).sum(), of=pl.len())
    first, second, found = (over_seeds(pairs, GROUP, x) for x in ("value", "base", "difference"))
    (first, _), (second, _) = within_bounds(first), within_bounds(second)
    found = found.join(signs, on=GROUP, maintain_order="left")
    says = [verdict(*ends) for ends in found.select("low", "high").rows()]
    where = pl.when("source").then(pl.lit(learned_in)).otherwise(pl.lit("others"))
    shown = found.select(
        pl.col("metric").replace(METRICS).str.replace(" ", "\u00a0").alias("measure"),
        "protocol",
        where.alias("scored in"),
        pl.lit(f"{lettered(arm)} against {base}").alias("contrast"),
        pl.Series("with pretraining", with_interval(first, "mean", sign=False), dtype=pl.String),
        pl.Series("without", with_interval(second, "mean", sign=False), dtype=pl.String),
        pl.Series("difference", with_interval(found, "mean"), dtype=pl.String),
        pl.Series("with it, it is", says, dtype=pl.String).str.replace_all(" ", "\u00a0"),
        pl.format("{} of {}", "above", "of").alias("languages above 0"),
    )
    return shown.sort(pl.col("scored in") != learned_in, maintain_order=True)


def _nothing(parts: Sequence[pl.DataFrame], task: str) -> str:
    """Say why there is nothing to compare, and what makes it."""
    if not parts:
        return missing(task, PROTOCOLS[0]).replace("<br>", " ")
    arms = ", ".join(sorted({lettered(arm) for part in parts for arm in part["arm"]}))
    return f"there are scores of {arms} alone: nothing to compare with and without pretraining"
