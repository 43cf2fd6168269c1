"""What the paper's tables say of protocols, in numbers that do not ask for its languages: from one
protocol to another, and from English to the other languages (XLM-R Tables 1 and 2).

They stand beside ours for direction and shape: other data, other languages, models hundreds of
times as large. All are recomputed from printed cells of v2, in points of a hundred.
"""

import statistics
from collections.abc import Iterable, Iterator

import polars as pl

from xlmr_lab.figures.mixed_sets import by_partner
from xlmr_lab.figures.summaries import over_seeds
from xlmr_lab.figures.tables import Table, show, with_interval
from xlmr_lab.figures.task_scores import (
    METRICS,
    TASKS,
    capital,
    in_order_of_print,
    not_of_print,
    of_task,
    source,
)
from xlmr_lab.figures.theme import lettered
from xlmr_lab.paper import benchmarks
from xlmr_lab.paper.benchmarks import BENCHMARKS, Name, Row

ENGLISH = "en"
TABLES: dict[str, Name] = {"nli": "xnli", "ner": "ner", "qa": "mlqa"}
"""Tables of results in many languages, by task."""
ZERO_SHOT = {"ner": {"en": "zero-shot"}}
"""What a task's table calls a protocol, and what it is."""
DROPS = ("protocol", "where", "model", "#M", "learned in", "mean of the others", "difference")
ONE_EACH = ("translate-train", "each")
"""Protocols that the paper has with a model for each language only."""


def about(task: str) -> str:
    """Say what the paper's differences are of; nothing where it has no table of a task."""
    if task not in TABLES:
        return ""
    name = BENCHMARKS[TABLES[task]].title.partition(":")[0]
    return (
        f"The paper's: {name}, means over the languages other than English, of the models that "
        "have both."
    )


def rows(task: str) -> list[Row]:
    """Return the rows of a task's table, of v2."""
    table = TABLES.get(task)
    return [row for row in benchmarks.rows(table) if row.version == "v2"] if table else []


def protocol(task: str, row: Row) -> str:
    """Return the protocol of a row of print as our scores name it."""
    return ZERO_SHOT.get(task, {}).get(row.protocol, row.protocol)


def means(row: Row) -> tuple[float, float]:
    """Return the cell of English and the mean of the other columns that are printed.

    >>> base = next(row for row in rows("nli") if row.model == "XLM-R Base")
    >>> [round(value, 1) for value in means(base)]
    [85.8, 75.5]
    """
    others = [values[0] for column, values in row.cells.items() if column != ENGLISH]
    return row.cells[ENGLISH][0], statistics.fmean(others)


def differences(task: str, first: str, second: str) -> str:
    """Return by how much one protocol exceeds another in each of the paper's models that has both,
    with as many models chosen, unless one of the two is never but with a model for each language.

    >>> differences("nli", "translate-train-all", "zero-shot")
    'XLM-100 +5.9, XLM-R Base +3.1, XLM-R +2.9'
    """
    return lettered(", ".join(_differences(rows(task), task, first, second)))


def _differences(printed: list[Row], task: str, first: str, second: str) -> Iterator[str]:
    for row in printed:
        if protocol(task, row) != first:
            continue
        pairs = [
            other
            for other in printed
            if other.model == row.model and protocol(task, other) == second
        ]
        same = [other for other in pairs if other.models == row.models]
        free = pairs if {first, second} & set(ONE_EACH) else []
        for other in (same or free)[:1]:
            yield f"{row.model.partition(' (')[0]} {means(row)[1] - means(other)[1]:+.1f}"


def drops(scores: pl.DataFrame, *, task: str, metric: str = "") -> Table:
    """Show how far scores fall from the language that a task is learned in to the others: ours,
    then the paper's, protocol by protocol.
    """
    part = by_partner(of_task(scores, task, metric))
    if part.is_empty():
        return show(pl.DataFrame({"scores": [f"none for {TASKS[task]}"]}))
    found = [*_ours(part), *_printed(task)]
    order = in_order_of_print(str(row["protocol"]) for row in found)
    found.sort(key=lambda row: order.index(str(row["protocol"])))
    caption = (
        f"{capital(METRICS[part['metric'][0]])} in %, ours with 95\u00a0% intervals over "
        f"{part['seed'].n_unique()} pretraining seeds. Learned in: {source(part)} here, {ENGLISH} "
        "in the paper."
    )
    caption = " ".join(filter(None, (caption, not_of_print(order) and f"{not_of_print(order)}.")))
    return show(pl.DataFrame(found), caption)


def _ours(part: pl.DataFrame) -> Iterator[dict[str, str | None]]:
    """Yield a row of text for each protocol, selection and arm of ours; a protocol that is not
    scored in the language learned in has no fall.
    """
    keys = ["protocol", "selection", "arm"]
    runs, percent = [*keys, "seed", "finetune_seed"], part.with_columns(pl.col("value") * 100)
    own = percent.filter("source").select(*runs, learned="value")
    others = percent.filter(~pl.col("source")).join(own, on=runs, maintain_order="left", how="left")
    fallen = others.with_columns(drop=pl.col("value") - pl.col("learned"))
    told: list[dict[tuple[str, ...], str]] = []
    for name in ("learned", "value", "drop"):
        means = over_seeds(fallen.filter(pl.col(name).is_not_null()), keys, name)
        written = with_interval(means, "mean", sign=name == "drop")
        told.append(dict(zip(means.select(keys).rows(), written, strict=True)))
    for row in told[1]:
        protocol, selection, arm = row
        each = protocol in ONE_EACH or selection == "per-language-dev"
        cells = [cells.get(row) for cells in told]
        yield _row(protocol, "here", lettered(arm), "N" if each else "1", cells)


def _printed(task: str) -> Iterator[dict[str, str | None]]:
    """Yield a row of text for each row of the paper's table."""
    for row in rows(task):
        learned, others = means(row)
        cells = (f"{learned:.1f}", f"{others:.1f}", lettered(f"{others - learned:+.1f}"))
        yield _row(protocol(task, row), "paper", row.model, row.models, cells)


def _row(
    protocol: str, where: str, model: str, models: str, cells: Iterable[str | None]
) -> dict[str, str | None]:
    return dict(zip(DROPS, (protocol, where, model, models, *cells), strict=True))
