"""Each control of the curse explorer changes the picture, and the call that is shown draws it."""

import html
import re
from typing import Any

import plotly.graph_objects as go
import polars as pl
import pytest
from made_curse import made

from xlmr_lab.explorers.curse import CurseExplorer
from xlmr_lab.figures import curse


@pytest.fixture
def cells() -> pl.DataFrame:
    return made()


@pytest.fixture
def explorer(cells: pl.DataFrame) -> CurseExplorer:
    return CurseExplorer(cells)


def drawn(figure: go.Figure) -> list[tuple[str, list[Any], list[Any]]]:
    return [(trace.name, list(trace.x), list(trace.y)) for trace in figure.data]


def rerun(explorer: CurseExplorer, cells: pl.DataFrame) -> go.Figure:
    """Evaluate the call that the explorer shows, as if pasted into a cell."""
    call = re.search("<code>(.*)</code>", explorer.call.value)
    assert call
    return eval(html.unescape(call[1]), {"curse": curse, "cells": cells})


def test_it_begins_with_the_plain_figure(explorer: CurseExplorer, cells: pl.DataFrame) -> None:
    assert drawn(explorer.canvas.figure) == drawn(curse.by_languages(cells))


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("group", "width"),
        ("group", "language"),
        ("reference", 14),
        ("width", 128),
        ("seeds", True),
        ("tier", ("low",)),
    ],
)
def test_each_control_changes_the_picture_and_its_call_draws_it(
    explorer: CurseExplorer, cells: pl.DataFrame, control: str, value: object
) -> None:
    before = drawn(explorer.canvas.figure)
    getattr(explorer, control).value = value
    assert drawn(explorer.canvas.figure) != before
    assert drawn(rerun(explorer, cells)) == drawn(explorer.canvas.figure)


def test_what_cannot_be_drawn_is_said(explorer: CurseExplorer) -> None:
    explorer.width.value, explorer.reference.value = 96, 7
    assert "No run has 7 languages" in explorer.canvas.figure.layout.annotations[0].text


def test_without_cells_it_says_so() -> None:
    explorer = CurseExplorer(made([]))
    assert explorer.canvas.figure.layout.annotations[0].text == curse.NOTHING


def test_it_has_a_text_form(explorer: CurseExplorer) -> None:
    assert repr(explorer) == "CurseExplorer: run this cell to use it"
