"""Tables read back from their HTML, as a notebook shows them, and written for a paper and for a
spreadsheet.

What a notebook keeps of a table is its HTML, so that is what a report's tables are exported from:
the numbers are those that are shown, with their digits. A cell that spans columns stands in the
first of them. LaTeX needs the package booktabs.
"""

import csv
import dataclasses
import io
from html.parser import HTMLParser

from xlmr_lab.figures.paper_tables import escaped


@dataclasses.dataclass(kw_only=True, slots=True)
class HtmlTable:
    """The text of a table."""

    caption: str = ""
    """What its cells are."""
    rows: list[list[str]] = dataclasses.field(default_factory=list)
    """Its cells, the header first where there is one."""
    num_header: int = 0
    """Rows of the header."""
    right: list[bool] = dataclasses.field(default_factory=list)
    """Which columns are aligned right, as numbers are."""

    def csv(self) -> str:
        """Return the table with commas between."""
        written = io.StringIO()
        csv.writer(written, lineterminator="\n").writerows(self.rows)
        return written.getvalue()

    def latex(self) -> str:
        """Return the table for a paper: booktabs, and its caption."""
        width = max(map(len, self.rows))
        sides = "".join("r" if i < len(self.right) and self.right[i] else "l" for i in range(width))
        lines = [" & ".join(map(escaped, [*row, *[""] * (width - len(row))])) for row in self.rows]
        ended = [rf"{line} \\" for line in lines]
        head, body = ended[: self.num_header], ended[self.num_header :]
        tabular = [r"\toprule", *head, *([r"\midrule"] if head else []), *body, r"\bottomrule"]
        caption = [rf"\caption{{{escaped(self.caption)}}}"] if self.caption else []
        begin, end = rf"\begin{{tabular}}{{{sides}}}", r"\end{tabular}"
        inside = [r"\centering\small", begin, *tabular, end, *caption]
        return "\n".join([r"\begin{table}", *inside, r"\end{table}"]) + "\n"


def tables(html: str) -> list[HtmlTable]:
    """Return the tables of a piece of HTML that have cells.

    >>> tables("<table><tr><th>a</th></tr><tr><td>1 &lt; 2</td></tr></table>")[0].rows
    [['a'], ['1 < 2']]
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return [table for table in reader.found if table.rows]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[HtmlTable] = []
        self.text: list[str] | None = None
        self.span = 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "table":
            self.found.append(HtmlTable())
        elif not self.found:
            return
        elif tag == "tr":
            self.found[-1].rows.append([])
        elif tag in ("td", "th"):
            self.text, self.span = [], int(values.get("colspan", "1"))
            if len(self.found[-1].rows) == 1:
                self.found[-1].right.append("text-align:right" in values.get("style", ""))
        elif tag == "caption":
            self.text = []

    def handle_data(self, data: str) -> None:
        if self.text is not None:
            self.text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if not self.found:
            return
        table = self.found[-1]
        said = " ".join("".join(self.text or []).split())
        if tag in ("td", "th"):
            table.rows[-1] += [said, *[""] * (self.span - 1)]
            self.text = None
        elif tag == "caption":
            table.caption, self.text = said, None
        elif tag == "thead":
            table.num_header = len(table.rows)
        elif tag == "tr" and not table.rows[-1]:
            table.rows.pop()
