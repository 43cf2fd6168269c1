"""Tables in published task files: columns by name, cells between tabs, and no quoting.

XNLI and GLUE publish tables whose cells hold quotation marks as they stand in the text, so a reader
that takes quotes for quoting joins lines and loses examples. A row with more cells than columns, or
without one that is wanted, is an error with file and line. Also here: what labels tell of a set
that has none, for test sets are published with placeholders.
"""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import task_files

logger = logging.getLogger(__name__)

TOLD_BY = 100
"""Labels of a set that tell by being all the same that they are placeholders."""
_SHOWN = 40


class Row(NamedTuple):
    """Some cells of one row."""

    where: str
    """File and line."""
    cells: tuple[str, ...]
    """The wanted cells, in the order asked for."""


def header(path: Path) -> tuple[str, ...]:
    """Return the cells of the first line.

    Raises:
        UserError: the file is empty.
    """
    for _, line in task_files.lines(path):
        if line.strip():
            return tuple(cell.strip() for cell in line.split("\t"))
        break
    raise UserError(f"{path} is empty or begins with a blank line: expected a line of column names")


def rows(
    path: Path,
    wanted: Sequence[str],
    *,
    columns: Sequence[str] | None = None,
    broken_are_skipped: bool = False,
) -> Iterator[Row]:
    """Yield the wanted cells of each row; `columns` are those of a table without a header.

    With `broken_are_skipped` rows with another number of cells are left out, counted and told.

    Raises:
        UserError: a wanted column is missing, a row is broken, or there is no row.
    """
    named = tuple(columns or header(path))
    if missing := [name for name in wanted if name not in named]:
        raise UserError(
            f"{path}, line 1: no column {' and '.join(missing)}; it has {', '.join(named)}: "
            "expected the file as it was published, with its header"
        )
    places = [named.index(name) for name in wanted]
    num_rows = num_broken = 0
    for number, line in task_files.lines(path):
        if not line.strip() or (number == 1 and columns is None):
            continue
        cells, where = line.split("\t"), f"{path}, line {number}"
        if len(cells) > len(named) or len(cells) <= max(places):
            if not broken_are_skipped:
                raise UserError(
                    f"{where}: got {len(cells)} columns, expected {len(named)}: "
                    f"{', '.join(named)}; the line begins {line[:_SHOWN]!r}"
                )
            num_broken += 1
            continue
        num_rows += 1
        yield Row(where, tuple(cells[place].strip() for place in places))
    if not num_rows:
        raise UserError(f"{path} is empty: expected rows of {', '.join(wanted)}")
    if num_broken:
        logger.warning(
            "%s: %s of %s lines are no rows and are left out",
            path,
            f"{num_broken:,}",
            f"{num_broken + num_rows:,}",
        )


def class_of(label: str, names: Sequence[str], where: str) -> int:
    """Return the id of a label, its place in `names`.

    Raises:
        UserError: the label is missing, or another.
    """
    if label in names:
        return names.index(label)
    if label in ("", "-1"):
        raise UserError(
            f"{where}: the label is {'missing' if not label else 'the placeholder -1'}: a test set "
            "without its labels cannot be scored; use the dev set"
        )
    raise UserError(f"{where}: unknown label {label[:_SHOWN]!r}: expected {', '.join(names)}")


def check_placeholders(where: object, labels: Sequence[float], names: Sequence[str] = ()) -> None:
    """Refuse a set of which all labels are the same: they stand for labels that are held back.

    Raises:
        UserError: they are, and there are enough of them to tell.
    """
    if len(labels) >= TOLD_BY and len(set(labels)) == 1:
        label = names[int(labels[0])] if names else labels[0]
        raise UserError(
            f"{where}: all {len(labels):,} labels are {label}: placeholders of a test set whose "
            "labels are held back? use the dev set"
        )
