"""Our scores beside the paper's: Tables 1 to 5 of XLM-R as frames, with what differs.

A row of ours is one arm under one protocol and selection: in each column the mean over pretraining
seeds (fine-tuning seeds averaged first; over fine-tuning seeds where there is one model) in per
cent, with its 95 % Student t interval. A row of the paper has the cells of print, v1 and v2 apart,
and what is wrong in print in its note. Beside each of our cells stands that of one model of the
paper under the same protocol and number of models, and the difference; where the scored data are
not the paper's, there is none and the note says why. Languages that the paper's table lacks, as
Babel's all are, get columns of their own. Left out: scores of pairs of languages (`MIXED`); tests
of significance against print, which has no interval.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from xlmr_lab import intervals
from xlmr_lab.errors import UserError
from xlmr_lab.paper import benchmarks
from xlmr_lab.paper.benchmarks import BENCHMARKS, Benchmark, Name, Row

CELLS = pl.Schema(
    {
        "row": pl.Int64,
        "source": pl.String,
        "protocol": pl.String,
        "model": pl.String,
        "models": pl.String,
        "selection": pl.String,
        "column": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "num_seeds": pl.Int64,
        "paper": pl.Float64,
        "difference": pl.Float64,
        "note": pl.String,
        "refused": pl.String,
    }
)
"""One line for one number. `source` is ours, v1 or v2; `models` is 1 or N; `selection` is how our
step was chosen, empty in print; values are per cent; `paper` is the cell of the model compared
with; `refused` has the names of the evaluation doctor's checks that refuse a score in the number,
which then has no difference."""

AVERAGE = "Avg"
REFERENCE = "XLM-R Base"
SOURCES: dict[Name, dict[tuple[str, str], str]] = {
    "xnli": {("nli", "accuracy"): ""},
    "ner": {("ner", "span_f1"): ""},
    "mlqa": {("qa", "f1"): "", ("qa", "exact_match"): ""},
    "mono_multi": {("nli", "accuracy"): ""},
    "glue": {
        ("glue-mnli", "accuracy"): "MNLI_m",
        ("glue-mnli-mm", "accuracy"): "MNLI_mm",
        ("glue-qnli", "accuracy"): "QNLI",
        ("glue-qqp", "accuracy"): "QQP",
        ("glue-sst2", "accuracy"): "SST2",
        ("glue-mrpc", "accuracy"): "MRPC",
        ("glue-stsb", "pearson"): "STSB",
    },
}
"""Task and measure of our scores that belong in a table, and their column: empty where that is the
language."""
PRINTED_PROTOCOLS = {"ner": {"zero-shot": "en"}, "glue": {"zero-shot": ""}}
"""What the paper's table calls a protocol, where not the same."""
PRINTED_LANGUAGES = {"zh-Hans": "zh"}
"""What the paper's tables call a language, where not by its key."""
COUNTERPARTS = {"bilstm-crf": "Lample et al. 2016"}
"""Models of the paper's tables that an arm without a pretrained encoder is compared with."""
ONE_EACH = ("translate-train", "each", "monolingual")
"""Protocols that train a model for each language."""
MIXED = ("code-switched", "crossed")
"""Protocols whose scores belong in none of the tables: each is of a pair of languages, and the
paper has none such."""
GROUP = ["protocol", "selection", "arm"]


def beside_paper(scores: pl.DataFrame, name: Name, *, reference: str | None = None) -> pl.DataFrame:
    """Return one table of the paper with the rows of `scores` that belong in it first, as `CELLS`.

    `reference` is the model of the paper that ours are compared with; None takes that of
    `COUNTERPARTS` for its arms, else XLM-R Base where the table has it, else its last one.

    Raises:
        UserError: there is no such table, or no such model in it.
    """
    printed = benchmarks.rows(name)
    compared_with(name, reference)
    groups = _scored(scores, name).partition_by(GROUP, maintain_order=True)
    cells = []
    for i, group in enumerate(groups):
        model = compared_with(name, reference, arm=group["arm"][0])
        rows = _of_own_data([r for r in printed if (r.model, r.version) == (model, "v2")])
        cells += _ours(group, name, rows, {"row": i})
    for i, row in enumerate(printed, len(groups)):
        cells += _as_printed(row, BENCHMARKS[name], {"row": i})
    return pl.DataFrame(cells, schema=CELLS)


def _of_own_data(rows: list[Row]) -> list[Row]:
    """Return those of the paper's own data, CommonCrawl, where a model has others too (Table 5)."""
    own = [row for row in rows if row.data == "CC"]
    return own or rows


def compared_with(name: Name, reference: str | None = None, *, arm: str = "") -> str:
    """Return the model of a table of the paper that ours are compared with, or an arm of ours.

    Raises:
        UserError: as `beside_paper`.
    """
    known = list(dict.fromkeys(row.model for row in benchmarks.rows(name)))
    own = COUNTERPARTS.get(arm)
    usual = REFERENCE if REFERENCE in known else known[-1]
    chosen = reference or (own if own in known else usual)
    if chosen not in known:
        raise UserError(f"no model {chosen!r} in {name}; it has {', '.join(known)}")
    return chosen


def _scored(scores: pl.DataFrame, name: Name) -> pl.DataFrame:
    """Return the scores that belong in a table, with their column in it; where that is a task, only
    those in the language learned in, if the frame tells it as column `source`.
    """
    scores = scores.filter(~pl.col("protocol").is_in(MIXED))
    if "source" in scores.columns and all(SOURCES[name].values()):
        scores = scores.filter("source")
    if "question_language" in scores.columns:
        question = pl.col("question_language")
        scores = scores.filter((question == "") | (question == pl.col("language")))
    places = [(task, metric, column) for (task, metric), column in SOURCES[name].items()]
    known = pl.DataFrame(places, ["task", "metric", "place"], orient="row")
    language = pl.col("language").replace(PRINTED_LANGUAGES)
    column = pl.when(pl.col("place") == "").then(language).otherwise("place")
    found = scores.join(known, ["task", "metric"], maintain_order="left").with_columns(
        column=column
    )
    metrics = BENCHMARKS[name].metrics
    return found.with_columns(metric=pl.lit(metrics[0])) if len(metrics) == 1 else found


def _ours(
    group: pl.DataFrame, name: Name, rows: Sequence[Row], shared: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the cells of one row of ours, each beside the paper's."""
    protocol, selection, arm = group.select(GROUP).row(0)
    models = "N" if protocol in ONE_EACH or selection == "per-language-dev" else "1"
    protocol = PRINTED_PROTOCOLS.get(name, {}).get(protocol, protocol)
    row = _comparable(rows, protocol, models)
    named = {
        **shared,
        "source": "ours",
        "protocol": protocol,
        "model": arm,
        "models": models,
        "selection": selection,
    }
    missing = "" if row else f"the paper compares no {protocol} with {models} model"
    return [
        {**named, **cell, "note": cell["note"] or missing}
        for metric in group["metric"].unique(maintain_order=True)
        for cell in _measured(group.filter(pl.col("metric") == metric), BENCHMARKS[name], row)
    ]


def _measured(
    part: pl.DataFrame, benchmark: Benchmark, row: Row | None
) -> Iterator[dict[str, Any]]:
    """Yield the cells of one row and measure: its columns, then their average."""
    metric = part["metric"][0]
    place = benchmark.metrics.index(metric) if metric in benchmark.metrics else 0
    own = set(part["column"])
    averaged = [column for column in benchmark.averaged if column in own]
    if len(averaged) < len(benchmark.averaged):
        left_out = set(benchmark.columns) - set(benchmark.averaged)
        averaged = sorted(own - left_out) or sorted(own)
    columns = part.partition_by("column", as_dict=True, maintain_order=True)
    foreign = {str(c): _other_data(own, str(c), benchmark) for (c,), own in columns.items()}
    for (column,), values in columns.items():
        paper = row.cells.get(column, (None,) * 2)[place] if row and not foreign[column] else None
        yield _cell(values, column, metric, paper, foreign[column])
    runs = part.filter(pl.col("column").is_in(averaged))
    means = runs.group_by("seed", "finetune_seed", maintain_order=True).agg(
        pl.col("value").mean(), *([_refusals()] if "refused" in runs.columns else [])
    )
    whole = averaged == list(benchmark.averaged) and not any(foreign[c] for c in averaged)
    paper = row.average[place] if row and row.average and whole else None
    note = "" if whole else f"mean over {', '.join(averaged)}, not the paper's columns and data"
    yield _cell(means, AVERAGE, metric, paper, note)


def _cell(
    values: pl.DataFrame, column: str, metric: str, paper: float | None, note: str
) -> dict[str, Any]:
    """Return the interval of one column in per cent, beside the paper's cell."""
    by_seed = values.group_by("seed", maintain_order=True).agg(pl.col("value").mean())
    seeds = by_seed if len(by_seed) > 1 else values
    mean, low, high, n = intervals.mean_interval([100 * x for x in seeds["value"]])
    refused = values.select(_refusals()).item() if "refused" in values.columns else ""
    return {
        "column": column,
        "metric": metric,
        "value": mean,
        "low": low if n > 1 else None,
        "high": high if n > 1 else None,
        "num_seeds": n,
        "paper": paper,
        "difference": None if paper is None or refused else mean - paper,
        "note": note,
        "refused": refused,
    }


def _refusals() -> pl.Expr:
    """Return the different names in column `refused`."""
    names = pl.col("refused").filter(pl.col("refused") != "").str.split(", ").explode()
    return names.unique().sort().str.join(", ").fill_null("")


def _comparable(rows: Sequence[Row], protocol: str, models: str) -> Row | None:
    """Return the row of print with the same protocol and number of models; a table that does not
    tell the number has one row for each protocol."""
    for row in rows:
        if row.protocol == protocol and row.models in ("", models):
            return row
    return None


def _other_data(values: pl.DataFrame, column: str, benchmark: Benchmark) -> str:
    """Say why scores of a column are of other data than the paper's, or nothing."""
    if column not in benchmark.columns:
        return "a language that the paper's table lacks"
    if others := set(values["split"]) - {benchmark.split}:
        scored = " and ".join(sorted(others))
        return f"{column} was scored on its {scored} set, the paper on the {benchmark.split} set"
    known, found = benchmark.test_sizes[column], set(values["num_examples"])
    if found != {known}:
        counts = ", ".join(map(str, sorted(found)))
        return f"{column} was scored on {counts} examples, the paper on {known}"
    return ""


def _as_printed(row: Row, benchmark: Benchmark, shared: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the cells of a row of print, the average last."""
    printed = {**row.cells, **({AVERAGE: row.average} if row.average else {})}
    data = f" ({row.data})" if row.data else ""
    return [
        {
            **shared,
            "source": row.version,
            "protocol": row.protocol,
            "model": row.model + data,
            "models": row.models,
            "selection": "",
            "column": column,
            "metric": metric,
            "value": value,
            "note": row.note if column == AVERAGE else "",
        }
        for column, values in printed.items()
        for metric, value in zip(benchmark.metrics, values, strict=True)
    ]
