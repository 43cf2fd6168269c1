"""Our rows above the paper's: a result table of XLM-R for a notebook (HTML) and a paper (LaTeX).

The frame is that of `score_tables`: one line for each number. Ours show the mean with the half
width of the interval, and the difference from the paper's cell where there is one to compare with;
the paper's rows are as printed, v1 marked, and what is wrong in print stands under the table.
Measures of one cell are parted by a slash. LaTeX needs the package booktabs.
"""

import dataclasses
import html
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import polars as pl

from xlmr_lab.figures.theme import lettered
from xlmr_lab.paper.benchmarks import BENCHMARKS, Name

AVERAGE = "Avg"
OURS = "This lab"
REFUSED = "!"
"""Stands behind a number that the evaluation doctor refuses."""
PRINTED = "XLM-R, as printed"
APART = (
    ". The table has none of the languages scored here, so each side has columns of its own, and "
    "no cell of one is to be read against a cell of the other"
)
"""What is said of a table without a common column."""
ESCAPES = {
    "&": r"\&",
    "%": r"\%",
    "_": r"\_",
    "#": r"\#",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "\u00b1": r"$\pm$",  # PLUS-MINUS SIGN
    "\u2212": r"$-$",  # MINUS SIGN
    "\u03b1": r"$\alpha$",  # GREEK SMALL LETTER ALPHA
    "\u2013": "--",  # EN DASH
}


class Block(NamedTuple):
    """Rows under one header: ours, the paper's, or both."""

    header: tuple[str, ...]
    """Names of the columns, the first three of the rows."""
    parts: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]
    """Groups of rows, each with its name."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class PaperTable:
    """One result table, ours and the paper's, that shows itself in a notebook."""

    title: str
    """What its cells are."""
    blocks: tuple[Block, ...]
    """One, or two where ours has no column of the paper's."""
    notes: tuple[str, ...]
    """What is to be known of rows, ours first."""

    def _repr_html_(self) -> str:
        notes = "".join(f"<li dir='auto'>{html.escape(note)}</li>" for note in self.notes)
        tables = "".join(
            f"<table>{f'<caption>{html.escape(self.title)}</caption>' if i == 0 else ''}"
            f"{_html_block(block)}</table>"
            for i, block in enumerate(self.blocks)
        )
        return (
            f"<div class='lab-table' style='overflow-x:auto'>{tables}"
            f"{f'<ul>{notes}</ul>' if notes else ''}</div>"
        )

    def latex(self) -> str:
        """Return the table for a paper: booktabs, a caption, notes as comments below it."""
        lines = [
            r"\begin{table}",
            r"\centering\small",
            *(line for block in self.blocks for line in _latex_block(block)),
            rf"\caption{{{escaped(self.title)}}}",
            r"\end{table}",
            *(f"% {note}" for note in self.notes),
        ]
        return "\n".join(lines) + "\n"


def paper_table(cells: pl.DataFrame, name: Name) -> PaperTable:
    """Lay out the cells of one table of the paper; rows in their order, columns as printed."""
    ours, printed = (cells.filter((pl.col("source") == "ours") == own) for own in (True, False))
    own = set(ours["column"]) - {AVERAGE}
    together = not own or bool(own & set(BENCHMARKS[name].columns))
    blocks = []
    for part in [cells] if together else [ours, printed]:
        columns = _columns(part, name)
        rows = {
            OURS: list(_our_rows(part, columns)),
            PRINTED: _printed_rows(part, columns),
        }
        header = ("protocol", "model", "#M", *(column.replace("_", "-") for column in columns))
        blocks.append(Block(header, tuple((n, tuple(r)) for n, r in rows.items() if r)))
    title = BENCHMARKS[name].title + ("" if together else APART)
    return PaperTable(title=title, blocks=tuple(blocks), notes=tuple(_notes(cells)))


def escaped(text: str) -> str:
    """Return text as LaTeX shows it.

    >>> escaped("F1 (%), #M_1")
    'F1 (\\\\%), \\\\#M\\\\_1'
    """
    return "".join(ESCAPES.get(letter, letter) for letter in text)


def _columns(cells: pl.DataFrame, name: Name) -> list[str]:
    """Return the columns in their order: the paper's, our own, the average."""
    found = set(cells["column"])
    own = sorted(found - {*BENCHMARKS[name].columns, AVERAGE})
    return [*(column for column in BENCHMARKS[name].columns if column in found), *own, AVERAGE]


def _groups(cells: pl.DataFrame, *sources: str) -> list[pl.DataFrame]:
    return cells.filter(pl.col("source").is_in(sources)).partition_by("row", maintain_order=True)


def _our_rows(cells: pl.DataFrame, columns: list[str]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of ours, each with its difference from the paper's where there is one; rows
    that only their selection tells apart name it beside #M.
    """
    groups, keys = _groups(cells, "ours"), ("protocol", "model", "models")
    named = [group.select(*keys, "selection").row(0) for group in groups]
    times = Counter(row[:3] for row in named)
    for group, (protocol, model, models, selection) in zip(groups, named, strict=True):
        told = f"{models} ({selection})" if times[protocol, model, models] > 1 else models
        yield tuple(map(lettered, (protocol, model, told, *_row(group, columns, _measured))))
        if group["difference"].count():
            row = ("", "difference", "", *_row(group, columns, _difference))
            yield tuple(map(lettered, row))


def _printed_rows(cells: pl.DataFrame, columns: list[str]) -> list[tuple[str, ...]]:
    """Return the paper's rows with as many digits as are printed, v1 marked."""
    paper = cells.filter(pl.col("source") != "ours")
    digits = 1 if (paper["value"].round(1) == paper["value"]).all() else 2
    rows = []
    for part in _groups(cells, "v1", "v2"):
        source, *named = part.select("source", "protocol", "model", "models").row(0)
        named[1] += " (v1)" if source == "v1" else ""
        rows.append((*named, *_row(part, columns, lambda cell: f"{cell['value']:.{digits}f}")))
    return rows


def _row(
    part: pl.DataFrame, columns: list[str], write: Callable[[dict[str, Any]], str]
) -> tuple[str, ...]:
    """Return the text of each column, its measures parted by a slash."""
    by_column = {column: rows for (column,), rows in part.group_by("column", maintain_order=True)}
    return tuple(
        " / ".join(write(cell) for cell in by_column[column].iter_rows(named=True))
        if column in by_column
        else ""
        for column in columns
    )


def _measured(cell: dict[str, Any]) -> str:
    """Write a mean with half the width of its interval, or alone, and marked where refused."""
    mark = REFUSED * bool(cell["refused"])
    if cell["low"] is None:
        return f"{cell['value']:.1f}{mark}"
    return f"{cell['value']:.1f} \u00b1 {(cell['high'] - cell['low']) / 2:.1f}{mark}"


def _difference(cell: dict[str, Any]) -> str:
    return "" if cell["difference"] is None else f"{cell['difference']:+.1f}"


def _notes(cells: pl.DataFrame) -> list[str]:
    """Return the notes of our rows, of what the numbers are, and of the paper's rows."""
    ours, paper = (
        cells.filter((pl.col("source") == "ours") == own, pl.col("note") != "")
        for own in (True, False)
    )
    told = [
        f"{', '.join(filter(None, ('ours', *protocols)))}: {note}"
        for note, protocols in ours.group_by("note", maintain_order=True)
        .agg(pl.col("protocol").unique(maintain_order=True))
        .rows()
    ]
    if names := set(cells["refused"].drop_nulls()) - {""}:
        told.append(f"{REFUSED}: refused by the evaluation doctor ({', '.join(sorted(names))})")
    if cells["low"].count():
        told.append("\u00b1: half of a 95 % Student t interval over seeds")
    for cell in paper.unique(["row", "note"], maintain_order=True).iter_rows(named=True):
        which = f", #M {cell['models']}" if cell["models"] else ""
        told.append(f"{cell['source']}, {cell['protocol']} {cell['model']}{which}: {cell['note']}")
    return told


def _side(column: int) -> str:
    return "left" if column < 3 else "right"


def _html_block(block: Block) -> str:
    head = "".join(
        f"<th scope='col' style='text-align:{_side(i)}'>{html.escape(name)}</th>"
        for i, name in enumerate(block.header)
    )
    span = len(block.header)
    bodies = "".join(
        f"<tbody><tr><th scope='rowgroup' colspan='{span}' style='text-align:left'>{name}</th></tr>"
        f"{''.join(map(_html_row, rows))}</tbody>"
        for name, rows in block.parts
    )
    return f"<thead><tr>{head}</tr></thead>{bodies}"


def _html_row(row: tuple[str, ...]) -> str:
    cells = "".join(
        f"<td dir='auto' style='text-align:{_side(i)};white-space:nowrap'>"
        f"{html.escape(text) or '&ndash;' * (i > 2)}</td>"
        for i, text in enumerate(row)
    )
    return f"<tr>{cells}</tr>"


def _latex_block(block: Block) -> list[str]:
    parts = ["\n".join(map(_latex_row, rows)) for _, rows in block.parts]
    return [
        rf"\begin{{tabular}}{{lll{'r' * (len(block.header) - 3)}}}",
        r"\toprule",
        _latex_row(block.header),
        r"\midrule",
        "\n\\midrule\n".join(parts),
        r"\bottomrule",
        r"\end{tabular}",
    ]


def _latex_row(row: tuple[str, ...]) -> str:
    cells = (escaped(text) or ("--" if i > 2 else "") for i, text in enumerate(row))
    return " & ".join(cells) + r" \\"
