"""The paper's numbers that stand beside a contrast, read from its tables and told in words.

Nothing is retyped here: a number comes from `paper/facts`, and words say whether it was printed or
read off a chart. Averages are those printed in v2; one over fewer columns than the paper's is
computed from its cells.
"""

import statistics
from collections.abc import Sequence

from xlmr_lab.errors import UserError
from xlmr_lab.paper import benchmarks, tables
from xlmr_lab.paper.benchmarks import Name

Point = tuple[str, str]
"""A point of a figure: where it is on the axis, and its series."""


def figure(number: int, before: Point, after: Point) -> str:
    """Return the accuracies on XNLI at two points of a figure.

    >>> figure(5, ("alpha=0.01", "low"), ("alpha=1.0", "low"))
    'XNLI 58 to 49 from alpha=0.01 to alpha=1.0, read off Figure 5'

    Raises:
        UserError: the figure has no such point.
    """
    first, second = (_point(number, *point) for point in (before, after))
    same = before[0] == after[0]
    ends = (before[1], after[1]) if same else (before[0], after[0])
    names = [name.replace("n_langs", "languages") for name in ends]
    read = any(quality.startswith("approx") for _, quality in (first, second))
    source = f"read off Figure {number}" if read else f"Figure {number}, by Table 5"
    return f"XNLI {first[0]:g} to {second[0]:g} from {names[0]} to {names[1]}, {source}"


def average(
    name: Name, model: str, protocol: str = "", *, data: str = "", over: Sequence[str] = ()
) -> float:
    """Return the average of a model's row in a table of results, in per cent: as printed, or over
    some of its columns.

    >>> average("xnli", "XLM-R", "translate-train-all")
    83.6
    >>> round(average("glue", "XLM-R", over=["SST2", "MRPC"]), 2)
    92.25

    Raises:
        UserError: the table has no such row, or more than one.
    """
    found = [
        row
        for row in benchmarks.rows(name)
        if (row.version, row.model) == ("v2", model)
        and protocol in ("", row.protocol)
        and data in ("", row.data)
    ]
    if len(found) != 1:
        raise UserError(
            f"{len(found)} rows of {name} are of {model!r} {protocol} {data}, and one is asked for"
        )
    (row,) = found
    if over:
        return statistics.fmean(row.cells[column][0] for column in over)
    assert row.average is not None, row
    return row.average[0]


def _point(number: int, x: str, series: str) -> tuple[float, str]:
    """Return the value of a point, and how it was read."""
    for row in tables.read("figures2_7"):
        if (row["figure"], row["x"], row["series"]) == (f"fig{number}", x, series):
            return float(str(row["xnli_acc"])), str(row["quality"])
    raise UserError(f"Figure {number} has no point {x!r} of {series!r}")
