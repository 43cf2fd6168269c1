"""Result tables of the paper laid out: rows in order, digits as printed, LaTeX that compiles."""

import re

import polars as pl

from xlmr_lab.figures import paper_tables
from xlmr_lab.figures.paper_tables import paper_table
from xlmr_lab.score_tables import CELLS

OURS = {
    "row": 0,
    "source": "ours",
    "protocol": "zero-shot",
    "model": "alpha=0.3",
    "models": "1",
    "metric": "f1",
    "value": 61.04,
    "low": 60.04,
    "high": 62.04,
    "num_seeds": 3,
    "note": "",
}
PRINTED = {
    **OURS,
    "row": 1,
    "source": "v1",
    "model": "XLM-R",
    "value": 80.1,
    "low": None,
    "high": None,
    "num_seeds": None,
}


def frame(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=CELLS)


def test_ours_stand_above_the_papers_with_interval_and_difference() -> None:
    cells = frame(
        {**OURS, "column": "de", "paper": 60.9, "difference": 0.14},
        {**PRINTED, "column": "de", "note": "read from an archive"},
    )
    table = paper_table(cells, "mlqa")
    (block,) = table.blocks
    assert block.header == ("protocol", "model", "#M", "de", "Avg")
    (_, ours), (_, printed) = block.parts
    assert ours[0] == ("zero-shot", "\u03b1 = 0.3", "1", "61.0 \u00b1 1.0", "")
    assert ours[1] == ("", "difference", "", "+0.1", "")
    assert printed == (("zero-shot", "XLM-R (v1)", "1", "80.1", ""),)
    assert table.notes[-1] == "v1, zero-shot XLM-R, #M 1: read from an archive"


def test_a_refused_number_is_marked_and_the_mark_told() -> None:
    cells = frame({**OURS, "column": "de", "refused": "label order"}, {**PRINTED, "column": "de"})
    table = paper_table(cells, "mlqa")
    assert table.blocks[0].parts[0][1][0][3] == "61.0 \u00b1 1.0!"
    assert "!: refused by the evaluation doctor (label order)" in table.notes
    healthy = paper_table(frame({**OURS, "column": "de", "refused": ""}), "mlqa")
    assert not any("doctor" in note for note in healthy.notes)


def test_rows_that_only_their_selection_tells_apart_name_it() -> None:
    cells = frame(
        *(
            {**OURS, "row": i, "column": "de", "models": models, "selection": selection}
            for i, (models, selection) in enumerate(
                (("1", "last"), ("1", "joint-dev"), ("N", "per-language-dev"))
            )
        ),
        {**PRINTED, "row": 3, "column": "de"},
        {**PRINTED, "row": 4, "column": "de"},
    )
    (_, ours), (_, printed) = paper_table(cells, "mlqa").blocks[0].parts
    assert [row[2] for row in ours] == ["1 (last)", "1 (joint-dev)", "N"]
    assert [row[2] for row in printed] == ["1", "1"]


def test_a_note_names_the_protocol_where_the_table_has_one() -> None:
    rows = ({**OURS, "column": "QNLI", "note": "n", "protocol": name} for name in ("", "en"))
    for row, told in zip(rows, ("ours: n", "ours, en: n"), strict=True):
        assert paper_table(frame(row), "glue").notes[0] == told


def test_measures_of_one_cell_are_parted_by_a_slash() -> None:
    cells = frame(
        {**PRINTED, "column": "de", "value": 60.9},
        {**PRINTED, "column": "de", "metric": "exact_match", "value": 46.7},
    )
    assert paper_table(cells, "mlqa").blocks[0].parts[0][1][0][3] == "60.9 / 46.7"


def test_digits_are_those_of_print() -> None:
    cells = frame(
        {**PRINTED, "column": "en", "value": 92.0}, {**PRINTED, "column": "nl", "value": 90.94}
    )
    assert paper_table(cells, "ner").blocks[0].parts[0][1][0][3:5] == ("92.00", "90.94")


def test_columns_that_the_paper_lacks_get_a_block_of_their_own() -> None:
    cells = frame({**OURS, "column": "qaa"}, {**PRINTED, "column": "de"})
    headers = [block.header[3:] for block in paper_table(cells, "mlqa").blocks]
    assert headers == [("qaa", "Avg"), ("de", "Avg")]


def test_html_escapes_what_a_model_is_called() -> None:
    cells = frame({**OURS, "column": "de", "model": "<b>&"})
    shown = paper_table(cells, "mlqa")._repr_html_()
    assert "&lt;b&gt;&amp;" in shown
    assert "<b>" not in shown


def test_latex_has_a_cell_for_each_column_and_no_bare_special() -> None:
    cells = frame({**OURS, "column": "de", "model": "50% & a_b"}, {**PRINTED, "column": "es"})
    text = paper_table(cells, "mlqa").latex()
    rows = [line for line in text.splitlines() if line.endswith(r" \\")]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {5}
    assert r"50\% \& a\_b" in text
    assert r"61.0 $\pm$ 1.0" in text
    assert text.count(r"\begin") == text.count(r"\end") == 2


def test_every_special_of_latex_is_escaped() -> None:
    assert paper_tables.escaped(r"\{$") == r"\textbackslash{}\{\$"


def test_a_table_without_a_common_column_says_that_no_cell_is_read_against_another() -> None:
    common = paper_table(frame({**OURS, "column": "de"}, {**PRINTED, "column": "de"}), "mlqa")
    assert len(common.blocks) == 1
    assert "each side has columns of its own" not in common.title
    apart = paper_table(frame({**OURS, "column": "qab"}, {**PRINTED, "column": "de"}), "mlqa")
    assert len(apart.blocks) == 2
    assert "each side has columns of its own" in apart.title
    assert paper_tables.escaped(apart.title) in apart.latex()
