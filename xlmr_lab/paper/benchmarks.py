"""The paper's result tables (XLM-R Tables 1 to 5) as rows of one form.

A row has a cell for each column and measure, in per cent as printed, the average as printed, and
the one that its cells give. What is wrong in print is told in `note` and never mended here
(`tables.ERRATA`). `protocol` and `models` say with which of our scores a row is comparable: the
protocol's name, and whether one model served all languages ("1") or one was chosen for each ("N").
Left out: confidence, for the paper prints none.
"""

import dataclasses
import statistics
from typing import Literal

from xlmr_lab.errors import UserError
from xlmr_lab.paper import tables

Name = Literal["xnli", "ner", "mlqa", "glue", "mono_multi"]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Benchmark:
    """One table of the paper: what its columns are, and on how much data they were scored."""

    title: str
    """What stands in its cells."""
    facts: str
    """Table that holds it, as `tables.read` takes it."""
    metrics: tuple[str, ...]
    """Measures in a cell, in their order."""
    columns: tuple[str, ...]
    """Languages, or tasks of GLUE."""
    averaged: tuple[str, ...]
    """Columns that the average is over."""
    test_sizes: dict[str, int]
    """Scored examples by column, as the files have them: other data are not the paper's."""
    split: Literal["dev", "test"] = "test"
    """Split that the paper scored."""


XNLI = tuple("en fr es de el bg ru tr ar vi th zh hi sw ur".split())
MLQA = tuple("en es de ar hi vi zh".split())
SEVEN = tuple("en fr de ru zh sw ur".split())
GLUE = tuple("MNLI_m MNLI_mm QNLI QQP SST2 MRPC STSB".split())
_XNLI_TEST = 5010
_MLQA_TEST = (11590, 5253, 4517, 5335, 4918, 5495, 5137)
"""As released; the paper of MLQA prints one Spanish question more."""
_NER_TEST = {"en": 3453, "nl": 5195, "es": 1517, "de": 3005}
"""Sentences; CoNLL-2003's Table 2 counts the lines that begin a document (231 en, 155 de) too."""

BENCHMARKS: dict[Name, Benchmark] = {
    "xnli": Benchmark(
        title="Table 1: XNLI, accuracy (%)",
        facts="xnli_table1",
        metrics=("accuracy",),
        columns=XNLI,
        averaged=XNLI,
        test_sizes=dict.fromkeys(XNLI, _XNLI_TEST),
    ),
    "ner": Benchmark(
        title="Table 2: CoNLL-2002 and CoNLL-2003 NER, span F1 (%)",
        facts="ner_table2",
        metrics=("span_f1",),
        columns=("en", "nl", "es", "de"),
        averaged=("en", "nl", "es", "de"),
        test_sizes=_NER_TEST,
    ),
    "mlqa": Benchmark(
        title="Table 3: MLQA, F1 / exact match (%)",
        facts="mlqa_table3",
        metrics=("f1", "exact_match"),
        columns=MLQA,
        averaged=MLQA,
        test_sizes=dict(zip(MLQA, _MLQA_TEST, strict=True)),
    ),
    "glue": Benchmark(
        title="Table 4: GLUE dev (%)",
        facts="glue_table4",
        metrics=("score",),
        columns=GLUE,
        averaged=tuple(column for column in GLUE if column != "MNLI_mm"),
        test_sizes=dict(zip(GLUE, (9815, 9832, 5463, 40430, 872, 408, 1500), strict=True)),
        split="dev",
    ),
    "mono_multi": Benchmark(
        title="Table 5: XNLI of monolingual and multilingual models, accuracy (%)",
        facts="mono_multi_table5",
        metrics=("accuracy",),
        columns=SEVEN,
        averaged=SEVEN,
        test_sizes=dict.fromkeys(SEVEN, _XNLI_TEST),
    ),
}

_FIRST_CELL = {"mlqa": "en_F1/EM"}
"""Columns of the facts that are named otherwise than the benchmark's."""
_ROUNDING = 0.061
"""Largest difference between a printed average and that of printed cells that rounding explains."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row of a table of the paper."""

    version: str
    """v1 (arXiv 2019), or v2 (ACL 2020)."""
    protocol: str
    """Name of the protocol as scores have it; empty where the table has one only."""
    model: str
    """The model as printed."""
    models: str
    """How many models were chosen: 1, N (one for each language), or empty."""
    data: str
    """Text that it was pretrained on, as printed, or empty."""
    cells: dict[str, tuple[float, ...]]
    """Per cent by column, one for each measure; a cell that is not printed is not there."""
    average: tuple[float, ...] | None
    """The average as printed, one for each measure."""
    note: str
    """What is wrong in print, or how a cell is known, or empty."""

    def recomputed(self, averaged: tuple[str, ...]) -> tuple[float, ...] | None:
        """Return the mean of the cells of these columns, one for each measure, or None where some
        are missing."""
        if not all(column in self.cells for column in averaged):
            return None
        values = [self.cells[column] for column in averaged]
        return tuple(statistics.fmean(column) for column in zip(*values, strict=True))


def rows(name: Name) -> list[Row]:
    """Return the rows of a table of the paper, in its order, those of v1 last.

    Raises:
        UserError: there is no such table.
    """
    if name not in BENCHMARKS:
        raise UserError(f"no result table {name!r} of the paper; there is {', '.join(BENCHMARKS)}")
    return [_row(name, cells) for cells in tables.read(BENCHMARKS[name].facts)]


def _row(name: Name, printed: dict[str, tables.Cell]) -> Row:
    benchmark = BENCHMARKS[name]
    first = _FIRST_CELL.get(name)
    found = {
        column: _values(printed[first if first and i == 0 else column])
        for i, column in enumerate(benchmark.columns)
    }
    row = Row(
        version="v1" if printed["version"] == "v1" else "v2",
        protocol=_protocol(name, printed),
        model=str(printed["model"]),
        models=str(printed.get("n_models") or ""),
        data=str(printed.get("data") or ""),
        cells={column: values for column, values in found.items() if values},
        average=_values(printed["avg_printed"]),
        note="",
    )
    return dataclasses.replace(row, note=_note(benchmark, row, printed))


def _values(cell: tables.Cell) -> tuple[float, ...] | None:
    """Return the numbers of a cell: one, or two with a slash between them."""
    return None if cell is None else tuple(float(part) for part in str(cell).split("/"))


def _protocol(name: Name, printed: dict[str, tables.Cell]) -> str:
    if name == "ner":
        return str(printed["train"])
    return "zero-shot" if name == "mlqa" else str(printed.get("setting") or "")


def _note(benchmark: Benchmark, row: Row, printed: dict[str, tables.Cell]) -> str:
    """Say what is wrong with a row's average, and what the facts say of its cells."""
    told = []
    mean = row.recomputed(benchmark.averaged)
    if row.average and mean and abs(row.average[0] - mean[0]) > _ROUNDING:
        reasons = [
            erratum.reason
            for erratum in tables.ERRATA
            if (erratum.table, erratum.printed) == (benchmark.facts, f"{row.average[0]:.1f}")
        ]
        told.append(f"average printed {row.average[0]:.1f}, cells give {mean[0]:.1f}")
        told += reasons
    if row.version == "v1":
        told += [str(printed[column]) for column in ("source", "flag") if printed.get(column)]
    return "; ".join(told)
