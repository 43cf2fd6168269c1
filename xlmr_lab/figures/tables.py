"""Tables as small, clean HTML: the same in JupyterLab and in the report.

Numbers are aligned right with a fixed number of digits, text is left to the browser's bidirectional
algorithm (`dir=auto`), and a cell that is unknown shows a dash. A `Table` displays itself; its
frame stays at hand as `.frame`.
"""

import dataclasses
import html
import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from xlmr_lab import intervals
from xlmr_lab.figures.theme import lettered

Formats = Mapping[str, str]
"""Format specifications by column, as in `format(value, spec)`."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A frame that shows itself as an HTML table."""

    frame: pl.DataFrame
    """The values."""
    caption: str = ""
    """What they are, with units."""
    formats: Formats = dataclasses.field(default_factory=dict)
    """How to write a column's values; the rest is written by type."""

    def _repr_html_(self) -> str:
        head = "".join(
            f"<th scope='col'{_align(kind)}>{html.escape(name.replace('_', ' '))}</th>"
            for name, kind in self.frame.schema.items()
        )
        body = "\n".join(self._row(row) for row in self.frame.iter_rows(named=True))
        caption = (
            f"<caption dir='auto'>{html.escape(self.caption)}</caption>" if self.caption else ""
        )
        return (
            f"<div class='lab-table' style='overflow-x:auto'><table>{caption}"
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
        )

    def _row(self, row: dict[str, Any]) -> str:
        cells = "".join(
            f"<td dir='auto'{_align(self.frame.schema[name], row=True)}>{self._cell(name, value)}"
            "</td>"
            for name, value in row.items()
        )
        return f"<tr>{cells}</tr>"

    def _cell(self, name: str, value: Any) -> str:
        if value is None:
            return "&ndash;"
        if name in self.formats:
            return html.escape(lettered(format(value, self.formats[name])))
        if isinstance(value, float):
            return lettered(f"{value:,.4g}")
        if isinstance(value, int) and not isinstance(value, bool):
            return lettered(f"{value:,}")
        return coded(html.escape(str(value)))


def coded(text: str) -> str:
    """Mark what stands between backticks as code, in HTML that is escaped already.

    >>> coded("see `./lab report`")
    "see <code style='white-space:nowrap'>./lab report</code>"
    """
    return re.sub(r"`([^`]+)`", r"<code style='white-space:nowrap'>\1</code>", text)


def show(frame: pl.DataFrame, caption: str = "", formats: Formats | None = None) -> Table:
    """Show a frame as it is."""
    return Table(frame=frame, caption=caption, formats=formats or {})


def pairs(values: Mapping[str, Any], caption: str = "") -> Table:
    """Show nested names and values, such as settings or provenance, one a line."""
    rows = [{"name": name, "value": str(value)} for name, value in _flat(values, "")]
    return show(pl.DataFrame(rows, schema={"name": pl.String, "value": pl.String}), caption)


def with_interval(frame: pl.DataFrame, mean: str, *, sign: bool = True) -> list[str]:
    """Write each row's mean with its interval, from columns `mean`, low and high, in one line.

    >>> frame = pl.DataFrame({"effect": [0.1], "low": [-0.05], "high": [0.25]})
    >>> with_interval(frame, "effect")[0].replace("\\xa0", " ")
    '+0.10 [−0.05, +0.25]'
    """
    return [
        lettered(intervals.told(*row, sign=sign)).replace(" ", "\u00a0")
        for row in frame.select(mean, "low", "high").iter_rows()
    ]


def sizes(frame: pl.DataFrame) -> Table:
    """Show the corpus by language, with the size of the paper's language that each stands for or
    is.
    """
    shown = frame.select(
        "language",
        "name",
        "script",
        "family",
        "tier",
        pl.col("num_documents").alias("documents"),
        pl.col("num_paragraphs").alias("paragraphs"),
        pl.col("size_bytes").alias("bytes"),
        pl.col("paper_gib").alias("paper GiB"),
    )
    caption = "Text after cleaning. Paper GiB: XLM-R Table 6, misprints corrected."
    return show(shown, caption, {"paper GiB": ",.1f"})


def _flat(values: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat += _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple):
            flat.append((prefix + name, ", ".join(map(str, value))))
        else:
            flat.append((prefix + name, value))
    return flat


def _align(kind: pl.DataType, *, row: bool = False) -> str:
    if not kind.is_numeric():
        return " style='text-align:left'"
    return f" style='text-align:right{';white-space:nowrap' * row}'"
