"""The average over GLUE's tasks as XLM-R Table 4 takes it, ours and the paper's.

It is the plain mean of six tasks, MNLI's matched set alone of its two, a correlation counting as an
accuracy does: that gives every average printed. Over fewer tasks it is another number, so ours
stands beside the paper's over the same tasks. A seed's average is taken before its interval.
CoLA, RTE and WNLI are in no average of the paper.
"""

from collections.abc import Iterator

import polars as pl

from xlmr_lab.figures.glue_gains import verdict
from xlmr_lab.figures.glue_tasks import NAMES, column, none, of_glue, places, tasks
from xlmr_lab.figures.language_dots import arm_looks
from xlmr_lab.figures.summaries import gain, over_seeds
from xlmr_lab.figures.tables import Table, show, with_interval
from xlmr_lab.figures.theme import lettered
from xlmr_lab.paper import benchmarks
from xlmr_lab.paper.benchmarks import BENCHMARKS

AVERAGED = BENCHMARKS["glue"].averaged
"""The columns of Table 4 that its average is over."""


def averaged(part: pl.DataFrame) -> list[str]:
    """Return the tasks of the paper's average that every arm has."""
    arms = part["arm"].n_unique()
    return [
        task
        for task in tasks(part)
        if column(task) in AVERAGED and part.filter(task=task)["arm"].n_unique() == arms
    ]


def averages(scores: pl.DataFrame, *, protocol: str = "zero-shot", selection: str = "") -> Table:
    """Show the average over those tasks of Table 4 that there are, of each arm and place, what
    pretraining adds to it, and the same average of the paper's models.
    """
    part = of_glue(scores, protocol, selection)
    taken = averaged(part)
    if not taken:
        return show(pl.DataFrame({"averages": [none(protocol).replace("<br>", " ")]}))
    part = part.filter(pl.col("task").is_in(taken)).with_columns(pl.col("value") * 100)
    head = f"mean of {len(taken)}, %"
    rows = [*_ours(part, head), *_gains(part, head), *_printed(taken, head)]
    absent = [name.replace("_", "-") for name in AVERAGED if name not in map(column, taken)]
    caption = (
        f"Mean over {', '.join(NAMES[task] for task in taken)}. The paper's average is over "
        f"{', '.join(name.replace('_', '-') for name in AVERAGED)}"
        f"{f'; here there is no {_or(absent)}' if absent else ''}."
    )
    return show(pl.DataFrame(rows), caption)


def _ours(part: pl.DataFrame, head: str) -> Iterator[dict[str, str | None]]:
    where = places(part)
    means = _over_tasks(part, "value")
    written = with_interval(means, "mean", sign=False)
    told = dict(zip(means.select("arm", "source").rows(), written, strict=True))
    for arm in arm_looks(part):
        for is_source, name in where.items():
            if (arm, is_source) in told:
                yield _row("here", lettered(arm), name, head, told[arm, is_source])


def _gains(part: pl.DataFrame, head: str) -> Iterator[dict[str, str | None]]:
    where, means = places(part), _over_tasks(gain(part), "gain")
    for (arm, is_source, low, high), text in zip(
        means.select("arm", "source", "low", "high").rows(),
        with_interval(means, "mean"),
        strict=True,
    ):
        said = text if low is None else f"{text}: {verdict(low, high)}"
        yield _row("here", f"what {lettered(arm)} adds", where[is_source], head, said)


def _over_tasks(part: pl.DataFrame, value: str) -> pl.DataFrame:
    """Return the mean over tasks, each counting once, of each arm in the language learned in and in
    the others.
    """
    keys = ["arm", "source", "seed"]
    each = part.group_by(*keys, "task", maintain_order=True).agg(pl.col(value).mean())
    means = over_seeds(each, ["arm", "source"], value)
    return means.sort("arm", "source", descending=[False, True])


def _printed(taken: list[str], head: str) -> Iterator[dict[str, str | None]]:
    for row in benchmarks.rows("glue"):
        mean = row.recomputed(tuple(map(column, taken)))
        found = _row("paper", row.model, "en", head, f"{mean[0]:.1f}" if mean else None)
        yield found | {"Table 4, %": f"{row.average[0]:.1f}" if row.average else None}


def _row(
    where: str, model: str, languages: str, head: str, value: str | None
) -> dict[str, str | None]:
    return {
        **{"where": where, "model": model, "scored in": languages},
        **{head: value, "Table 4, %": None},
    }


def _or(names: list[str]) -> str:
    """Write names with a word before the last.

    >>> _or(["a"]), _or(["a", "b", "c"])
    ('a', 'a, b or c')
    """
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
