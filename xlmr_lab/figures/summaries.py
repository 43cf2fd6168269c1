"""Frame to frame, before any drawing: averages over languages and seeds with their intervals.

An interval is always over pretraining seeds (Student's t, 95 %); fine-tuning seeds are averaged
within each of them first. Differences are paired: the same language and seeds on both sides, so
that what two arms share drops out.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from xlmr_lab.errors import UserError
from xlmr_lab.intervals import mean_interval

FRESH = "no-pretraining"
"""The arm that is fine-tuned from the weights that pretraining starts from."""
Where = Mapping[str, Sequence[str]]
"""A filter: allowed values by column; a column that is absent or has no values does not filter."""


def filtered(frame: pl.DataFrame, where: Where | None) -> pl.DataFrame:
    """Keep the rows whose columns hold allowed values.

    >>> frame = pl.DataFrame({"script": ["Latn", "Arab"]})
    >>> filtered(frame, {"script": ["Arab"], "tier": []}).rows()
    [('Arab',)]
    """
    for column, values in (where or {}).items():
        if values:
            frame = frame.filter(pl.col(column).is_in(list(values)))
    return frame


def over_seeds(frame: pl.DataFrame, by: Sequence[str], value: str) -> pl.DataFrame:
    """Average `value` by the columns `by`: mean, low and high over pretraining seeds, num_seeds.

    Rows of one pretraining seed (languages, fine-tuning seeds) are averaged first.
    """
    per_seed = frame.group_by(*by, "seed", maintain_order=True).agg(pl.col(value).mean())
    rows = []
    for keys, part in per_seed.group_by(*by, maintain_order=True):
        mean, low, high, num_seeds = mean_interval(part[value].to_list())
        rows.append((*keys, mean, low, high, num_seeds))
    columns = {name: per_seed.schema[name] for name in by}
    floats = dict.fromkeys(("mean", "low", "high"), pl.Float64())
    schema = columns | floats | {"num_seeds": pl.Int64()}
    return pl.DataFrame(rows, schema=schema, orient="row").fill_nan(None)


def last_step(heldout: pl.DataFrame) -> pl.DataFrame:
    """Keep the rows of each run's last step."""
    return heldout.filter(pl.col("step") == pl.col("step").max().over("arm", "seed"))


def change(frame: pl.DataFrame, *, column: str, reference: float, value: str) -> pl.DataFrame:
    """Subtract from `value` the same seed's and language's value where `column` equals `reference`.

    Raises:
        UserError: no row has the reference value.
    """
    base = frame.filter(pl.col(column) == reference)
    if base.is_empty():
        known = ", ".join(f"{x:g}" for x in sorted(frame[column].unique().to_list()))
        raise UserError(f"no run has {column} = {reference:g}; there are {known}")
    base = base.select("seed", "language", reference_value=pl.col(value))
    joined = frame.join(base, on=["seed", "language"], how="inner", maintain_order="left")
    return joined.with_columns(pl.col(value) - pl.col("reference_value")).drop("reference_value")


def gain(scores: pl.DataFrame) -> pl.DataFrame:
    """Return how much each pretrained arm's scores exceed those of the same network without
    pretraining, as column `gain`.

    The two sides are paired by task, protocol, language and both seeds. A baseline starts from the
    weights that the pretraining run of its seed started from; other networks are none.
    """
    keys = ["task", "protocol", "selection", "split", "metric", "language", "seed", "finetune_seed"]
    base = scores.filter(pl.col("arm") == FRESH).select(*keys, baseline="value")
    joined = scores.filter("pretrained").join(base, on=keys, how="inner", maintain_order="left")
    return joined.with_columns(gain=pl.col("value") - pl.col("baseline"))


def paired(scores: pl.DataFrame, column: str, first: str, second: str) -> pl.DataFrame:
    """Return how much scores with one value of a column, such as `protocol`, exceed those with
    another, as column `difference`; a score without its pair is left out.

    The two sides are paired by arm, task, protocol, selection, measure, language and both seeds.
    """
    names = ("arm", "task", "protocol", "selection", "split", "metric")
    keys = [name for name in (*names, "language", "seed", "finetune_seed") if name != column]
    base = scores.filter(pl.col(column) == second).select(*keys, subtracted="value")
    joined = scores.filter(pl.col(column) == first).join(
        base, on=keys, how="inner", maintain_order="left"
    )
    return joined.with_columns(difference=pl.col("value") - pl.col("subtracted")).drop("subtracted")
