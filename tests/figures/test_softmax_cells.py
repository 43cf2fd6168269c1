"""F15's table: softmaxes in numbers."""

import polars as pl
import pytest

from xlmr_lab import campaign_results, claim_results
from xlmr_lab.ablations.claims.vocabularies import MARGIN
from xlmr_lab.figures import softmax_cells


@pytest.fixture
def frame():
    return pl.DataFrame(
        [
            {"cell": cell, "arm": f"{cell} softmax", "ids": 900, "cutoffs": cutoffs}
            | {"logits": logits, "parameters": 5000, "head": 70, "seed": seed, "step": step}
            | {"language": "qaa", "bits_per_byte": loss + 0.1 * seed + 9.0 * (step == 1)}
            for cell, cutoffs, logits, loss in (("full", "", 900, 2.0), ("a", "100, 300", 102, 2.5))
            for seed in (0, 1)
            for step in (1, 7)
        ]
    )


@pytest.fixture
def speeds():
    return pl.DataFrame({"cell": ["full", "full"], "seed": [0, 1], "step_seconds": [0.018, 0.018]})


def test_losses_are_of_the_last_step_and_times_in_milliseconds(frame, speeds):
    shown = softmax_cells.table(frame, speeds).frame
    assert shown["softmax"].to_list() == ["full softmax", "a softmax"]
    assert shown["bits per byte"][0].startswith("2.0")
    assert shown["logits at each position"].to_list() == [900, 102]
    assert shown["ms a step"][0].startswith("18.0")


def test_a_time_that_is_not_known_is_a_gap(frame, speeds):
    shown = softmax_cells.table(frame, speeds).frame
    assert shown["ms a step"][1] is None
    assert softmax_cells.table(frame, speeds.clear()).frame["ms a step"].to_list() == [None, None]


def test_one_band_is_said(frame, speeds):
    assert softmax_cells.table(frame, speeds).frame["bands from"].to_list() == ["one", "100, 300"]


def test_nothing_is_said(frame, speeds):
    assert "F15" in softmax_cells.table(frame.clear(), speeds).frame.item()


def test_a_campaigns_softmaxes_are_shown(tested_folder):
    tested = campaign_results.open_campaign(tested_folder)
    frame, speeds = claim_results.softmaxes(tested), claim_results.speeds(tested, "F15")
    shown = softmax_cells.table(frame, speeds).frame
    assert shown["ms a step"][0].startswith("18.333")
    assert shown["logits at each position"].to_list() == [1900, 382]


def test_softmaxes_are_compared_to_the_margin_of_the_claim(tested_folder):
    frame = claim_results.softmaxes(campaign_results.open_campaign(tested_folder))
    figure = softmax_cells.against_full(frame)
    assert len(figure.data) == 4
    assert -MARGIN in [shape.y0 for shape in figure.layout.shapes]
