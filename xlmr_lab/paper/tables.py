"""One typed reader for the tables and figures of the paper, kept in `paper/facts/*.tsv`.

Cells are as printed in v2 (ACL 2020) unless the `version` column says v1; columns named
`*_recomputed`, `*_corrected`, `flag`, `note`, `status` and `source` are this project's. A printed
number is never overwritten: what is wrong in print stands in `ERRATA`, beside what it should be and
why. A column is a number in every row or text in every row; "-", "?" and an empty cell are None.
What later papers found is in `later_evidence`, whose `quality` column says how it is known. Left
out: the Wikipedia sizes of Figure 1, which the paper prints nowhere, and exact values of Figures 2
to 7, whose `quality` column says how each was read.
"""

import dataclasses
import difflib
import re
from importlib import resources

from xlmr_lab.errors import UserError

Cell = str | float | None

_MISSING = {"", "-", "?"}
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Erratum:
    """A number that the paper prints and that cannot be right, or that its own data contradict."""

    table: str
    """Name of the table as `read` takes it."""
    row: str
    """The row meant, by the cells that name it."""
    what: str
    """Column of the table, or the quantity meant."""
    printed: str
    """The value in the paper."""
    corrected: str
    """The value that it should have."""
    reason: str
    """How that is known: inferred from the paper itself, or stated elsewhere."""


def names() -> tuple[str, ...]:
    """Return the names of all tables, sorted."""
    folder = resources.files("xlmr_lab.paper") / "facts"
    return tuple(sorted(f.name[:-4] for f in folder.iterdir() if f.name.endswith(".tsv")))


def read(name: str) -> list[dict[str, Cell]]:
    """Return a table's rows by column name, in the order of the paper.

    Raises:
        UserError: there is no table of that name.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), 3, 0.4) or names()
        raise UserError(f"no table {name!r} of the paper; there is {', '.join(near)}")
    text = (resources.files("xlmr_lab.paper") / "facts" / f"{name}.tsv").read_text("utf-8")
    header, *lines = (line.split("\t") for line in text.splitlines())
    columns = [_typed(column) for column in zip(*lines, strict=True)]
    return [dict(zip(header, row, strict=True)) for row in zip(*columns, strict=True)]


def _typed(column: tuple[str, ...]) -> list[Cell]:
    """Turn a column into numbers if every cell that is there is one."""
    cells = [None if cell in _MISSING else cell for cell in column]
    if all(cell is None or _NUMBER.fullmatch(cell) for cell in cells):
        return [None if cell is None else float(cell) for cell in cells]
    return list(cells)


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        table="cc100_languages",
        row="sv",
        what="tokens_M_paper, size_GiB_paper",
        printed="77.8, 12.1",
        corrected="12100, 77.8",
        reason="columns swapped: Figure 1 puts sv between uk (84.6) and th (71.7); inferred",
    ),
    Erratum(
        table="cc100_languages",
        row="uk",
        what="tokens_M_paper",
        printed="6.5",
        corrected="6500",
        reason="6.5 million tokens cannot fill 84.6 GiB; billions are meant; inferred",
    ),
    Erratum(
        table="cc100_languages",
        row="every row",
        what="tokens_M_paper",
        printed="tokens",
        corrected="words between white space",
        reason="zh-Hans would have 194 bytes a token and ja 140, most languages 5 to 13; so it "
        "is no basis for language sampling; inferred",
    ),
    Erratum(
        table="xnli_table1",
        row="XLM-100, zero-shot, N models",
        what="avg_printed",
        printed="71.3",
        corrected="70.7",
        reason="mean of the row's 15 cells: the two XLM-100 rows have each other's average",
    ),
    Erratum(
        table="xnli_table1",
        row="XLM-100, zero-shot, 1 model",
        what="avg_printed",
        printed="70.7",
        corrected="71.3",
        reason="mean of the row's 15 cells: the two XLM-100 rows have each other's average",
    ),
    Erratum(
        table="ner_table2",
        row="XLM-R, each, N models (text of Sec. 5.2)",
        what="gain over mBERT in F1",
        printed="1.86",
        corrected="1.96",
        reason="90.24 - 88.28 of Table 2; the text of v2 still carries the gain of v1",
    ),
    Erratum(
        table="model_configs",
        row="mBERT",
        what="n_langs",
        printed="104",
        corrected="104 or 102",
        reason="Table 7 says 104, Tables 1 and 3 say 102",
    ),
    Erratum(
        table="model_configs",
        row="RoBERTa-Base",
        what="A",
        printed="8",
        corrected="12",
        reason="attention heads of the released roberta.base",
    ),
    Erratum(
        table="model_configs",
        row="GPT2",
        what="A",
        printed="32",
        corrected="25",
        reason="attention heads of the released GPT-2 XL; 1600 is not divisible by 32 into 64s",
    ),
)
