"""The paper's result tables in one form: cells as printed, averages beside what the cells give."""

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.paper import benchmarks
from xlmr_lab.paper.benchmarks import BENCHMARKS, Name


def test_a_row_of_table_1_is_as_printed() -> None:
    (row,) = [
        row
        for row in benchmarks.rows("xnli")
        if (row.model, row.protocol, row.version) == ("XLM-R Base", "zero-shot", "v2")
    ]
    assert row.cells["sw"] == (66.5,)
    assert row.average == (76.2,)
    assert (row.models, row.data, row.note) == ("1", "CC", "")


def test_a_cell_of_table_3_has_f1_and_exact_match() -> None:
    row = next(row for row in benchmarks.rows("mlqa") if row.model == "XLM-R")
    assert row.cells["en"] == (80.6, 67.8)
    assert row.average == (70.7, 52.7)
    assert row.protocol == "zero-shot"


def test_what_is_not_printed_is_not_there() -> None:
    rows = {row.model: row for row in benchmarks.rows("ner")}
    assert "es" not in rows["Akbik et al. 2018"].cells
    assert rows["Akbik et al. 2018"].average is None
    assert rows["Akbik et al. 2018"].recomputed(BENCHMARKS["ner"].averaged) is None


def test_swapped_averages_are_told_and_not_mended() -> None:
    told = [(row.average, row.note) for row in benchmarks.rows("xnli") if "average" in row.note]
    assert [average for average, _ in told] == [(71.3,), (70.7,), (80.1,)]
    assert "average printed 71.3, cells give 70.7" in told[0][1]
    assert "each other's average" in told[1][1]


@pytest.mark.parametrize("name", BENCHMARKS)
def test_other_averages_follow_from_their_cells(name: Name) -> None:
    for row in benchmarks.rows(name):
        mean = row.recomputed(BENCHMARKS[name].averaged)
        if mean and row.average and "cells give" not in row.note:
            assert row.average == pytest.approx(mean, abs=0.061), row.model


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_row_has_a_known_version_and_columns(name: Name) -> None:
    for row in benchmarks.rows(name):
        assert row.version in ("v1", "v2")
        assert set(row.cells) <= set(BENCHMARKS[name].columns)
        assert {len(values) for values in row.cells.values()} == {len(BENCHMARKS[name].metrics)}


def test_an_unknown_table_names_those_there_are() -> None:
    with pytest.raises(UserError, match=r"no result table 'pawsx'.*xnli, ner"):
        benchmarks.rows("pawsx")  # type: ignore[arg-type]
