"""What pretraining adds to a task under each protocol and by each measure, in the language learned
in and in the others, and what each gain says by itself (XLM-R Sec. 4.3 and 5.2, Tables 2 and 3).

Both sides are the same network with the same fine-tuning, paired by language and both seeds;
intervals are Student's t over pretraining seeds. The other languages are those that the task is not
learned in under zero-shot transfer, under every protocol the same ones. Left out: any correction
for the number of gains that are looked at.
"""

import polars as pl

from xlmr_lab.figures import doctor
from xlmr_lab.figures.glue_gains import verdict
from xlmr_lab.figures.language_dots import in_order
from xlmr_lab.figures.mixed_sets import by_partner
from xlmr_lab.figures.summaries import FRESH, gain, over_seeds
from xlmr_lab.figures.tables import Table, show, with_interval
from xlmr_lab.figures.task_scores import (
    METRICS,
    PROTOCOLS,
    TASKS,
    capital,
    in_order_of_print,
    missing,
    own_questions,
    selected,
    source,
)
from xlmr_lab.figures.theme import lettered

KEYS = ["protocol", "metric", "source", "arm"]


def told(scores: pl.DataFrame, *, task: str, selection: str = "") -> Table:
    """Show the scores of a task with and without pretraining, the gain, and what it says; a row for
    each protocol, measure, place and arm. `selection` as in `transfer.by_language`.
    """
    part = own_questions(scores.filter(pl.col("task") == task))
    part = by_partner(selected(part, selection)) if len(part) else part
    gained = gain(part) if len(part) else part
    if gained.is_empty():
        return show(pl.DataFrame({"gains": [_nothing(part, task)]}))
    found = _in_order(over_seeds(gained, KEYS, "gain"))
    number = len(in_order(part)) - part.filter("source")["language"].n_unique()
    places = {True: source(part), False: f"mean of the {number} others"}
    shown = found.select(
        "protocol",
        pl.col("metric").replace(METRICS).alias("measure"),
        pl.col("source").replace_strict(places, return_dtype=pl.String).alias("scored in"),
        pl.col("arm").map_elements(lettered, return_dtype=pl.String).str.replace_all(" ", "\u00a0"),
        pl.Series("with pretraining", _side(part, found)),
        pl.Series("without", _side(part, found.with_columns(arm=pl.lit(FRESH)))),
        pl.Series("gain [95\u00a0% interval]", with_interval(found, "mean")),
        pl.Series("with it, it is", [verdict(*row) for row in found.select("low", "high").rows()]),
    )
    caption = (
        f"{capital(TASKS[task])}: gains are paired by seed and language, intervals are over "
        f"{gained['seed'].n_unique()} pretraining seeds; learned in {source(part)}."
    )
    refused = doctor.told(part)
    return show(shown, caption + (f" {capital(refused)}." if refused else ""))


def _side(part: pl.DataFrame, found: pl.DataFrame) -> list[str]:
    """Write the mean score of one side of each gain."""
    means = over_seeds(part, KEYS, "value")
    joined = found.select(KEYS).join(means, on=KEYS, how="left", maintain_order="left")
    return with_interval(joined, "mean", sign=False)


def _in_order(found: pl.DataFrame) -> pl.DataFrame:
    """Sort by protocol and measure as every figure does, the language learned in first."""
    protocols = {name: i for i, name in enumerate(in_order_of_print(found["protocol"]))}
    measures = {name: i for i, name in enumerate(METRICS)}
    keys = [
        pl.col("protocol").replace_strict(protocols, return_dtype=pl.Int64),
        pl.col("metric").replace_strict(measures, return_dtype=pl.Int64),
    ]
    return found.sort(*keys, "source", "arm", descending=[False, False, True, False])


def _nothing(part: pl.DataFrame, task: str) -> str:
    """Say why there are no gains."""
    if part.is_empty():
        return missing(task, PROTOCOLS[0]).replace("<br>", " ")
    return f"there are no scores of the arm {FRESH}, and so nothing to compare these with"
