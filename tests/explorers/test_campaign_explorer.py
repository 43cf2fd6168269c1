"""One filter drives both pictures of the campaign explorer, and the calls that are shown draw
them."""

import html
import re
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
from made_cells import small

from xlmr_lab import campaign_results, cell_results
from xlmr_lab.cell_frames import Cells
from xlmr_lab.explorers.campaign import PAIR, CampaignExplorer
from xlmr_lab.figures import campaign, campaign_dots, campaign_pair, theme


@pytest.fixture(scope="module")
def cells() -> Cells:
    return small()


@pytest.fixture
def explorer(cells: Cells) -> CampaignExplorer:
    return CampaignExplorer(cells)


def rerun(written: str, cells: Cells) -> go.Figure:
    """Evaluate a call that the explorer shows, as if pasted into a cell."""
    call = re.search("<code>(.*)</code>", written)
    assert call
    modules = {m.__name__.rpartition(".")[2]: m for m in (campaign, campaign_dots, campaign_pair)}
    return eval(html.unescape(call[1]), {**modules, "cells": cells})


def colored(explorer: CampaignExplorer) -> set[str]:
    """Return the cells that the parallel coordinates draw in colour."""
    lines = [trace for trace in explorer.canvas.figure.data if trace.mode == "lines+markers"]
    return {trace.name for trace in lines if trace.line.color != theme.FAINT}


def dotted(explorer: CampaignExplorer) -> set[str]:
    """Return the cells that the picture below draws."""
    return {
        words[0].partition(" = ")[0]
        for trace in explorer.detail.figure.data
        if trace.error_y.array is not None
        for words in trace.customdata
    }


def test_it_begins_with_all_cells(explorer: CampaignExplorer) -> None:
    assert colored(explorer) == dotted(explorer) == {"base", "wide", "many"}
    assert explorer.brush == {}
    assert explorer.state == {}


@pytest.mark.parametrize(
    ("control", "value", "left"),
    [
        ("claims", ("F2",), {"base", "wide"}),
        ("only_model_hidden_size", (64, 64), {"base", "many"}),
        ("only_languages", (3, 3), {"many"}),
        ("only_pieces_low", (1.9, 2.2), {"base", "wide"}),
    ],
)
def test_a_filter_reaches_both_pictures(
    explorer: CampaignExplorer, cells: Cells, control: str, value: Any, left: set[str]
) -> None:
    getattr(explorer, control).value = value
    assert colored(explorer) == dotted(explorer) == left
    assert rerun(explorer.call.value, cells) == explorer.canvas.figure
    assert rerun(explorer.detail_call.value, cells) == explorer.detail.figure


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("tier", ("low",)),
        ("seed", (1,)),
        ("outcome", "nli accuracy zero-shot"),
        ("axis", "languages"),
        ("seeds", True),
        ("shown", PAIR),
    ],
)
def test_each_control_changes_the_picture_below_and_its_call_draws_it(
    explorer: CampaignExplorer, cells: Cells, control: str, value: Any
) -> None:
    before = explorer.detail.figure
    getattr(explorer, control).value = value
    assert explorer.detail.figure != before
    assert rerun(explorer.detail_call.value, cells) == explorer.detail.figure


def test_the_pair_that_is_compared_is_chosen(explorer: CampaignExplorer, cells: Cells) -> None:
    explorer.shown.value, explorer.second.value = PAIR, "many"
    assert "many less base" in explorer.detail.figure.layout.title.text
    assert rerun(explorer.detail_call.value, cells) == explorer.detail.figure
    explorer.claims.value = ("F2",)
    said = explorer.detail.figure.layout.annotations[0].text
    assert "'many' is not among those that are chosen" in said.replace("<br>", " ")
    assert max(map(len, said.split("<br>"))) <= 90, "it fits the picture"


def test_what_was_told_of_a_saved_picture_goes_with_it(explorer: CampaignExplorer) -> None:
    explorer.saving.told.value = explorer.detail_saving.told.value = "saved: there"
    explorer.shown.value = PAIR
    assert explorer.saving.told.value == explorer.detail_saving.told.value == ""


def test_a_range_at_its_ends_wants_nothing(explorer: CampaignExplorer) -> None:
    control = explorer.only_pieces_low  # type: ignore[attr-defined]
    control.value = (control.min, 2.0)
    assert explorer.brush == {"pieces low": (None, 2.0)}
    control.value = (control.min, control.max)
    assert explorer.brush == {}
    control.value = (control.min, control.max - 1e-13)  # as a page counts its steps
    assert explorer.brush == explorer.state == {}


def test_what_has_no_effect_is_hidden(explorer: CampaignExplorer) -> None:
    def is_hidden(name: str) -> bool:
        return getattr(explorer, name).layout.display == "none"

    assert is_hidden("paper")
    assert is_hidden("second")
    explorer.axis.value = "languages"
    assert not is_hidden("paper")
    explorer.claims.value = ("F1",)  # where widths do not differ
    assert is_hidden("only_model_hidden_size")
    explorer.only_model_hidden_size.value = (128, 128)  # type: ignore[attr-defined]
    assert colored(explorer) == {"base", "many"}


def test_a_state_comes_back_to_both_pictures(explorer: CampaignExplorer, cells: Cells) -> None:
    explorer.claims.value, explorer.only_pieces_low.value = ("F1",), (1.9, 2.2)  # type: ignore[attr-defined]
    explorer.shown.value = PAIR
    again = CampaignExplorer(cells, state=explorer.state)
    assert again.canvas.figure == explorer.canvas.figure
    assert again.detail.figure == explorer.detail.figure


def test_without_outcomes_both_pictures_say_so() -> None:
    empty = small().only(seeds=[9])
    explorer = CampaignExplorer(empty)
    assert explorer.detail.figure.layout.annotations


@pytest.mark.slow
def test_a_campaign_of_all_claims_is_shown(tested_folder: Path) -> None:
    cells = cell_results.cells(campaign_results.open_campaign(tested_folder))
    explorer = CampaignExplorer(cells)
    assert len(colored(explorer)) == len(cells.settings)
    for outcome in cells.measures():
        explorer.outcome.value = outcome
        assert dotted(explorer), outcome
    explorer.shown.value = PAIR
    assert rerun(explorer.detail_call.value, cells) == explorer.detail.figure
