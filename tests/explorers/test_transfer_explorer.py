"""Each control of the transfer explorer changes the picture, and the call that is shown draws
it."""

import html
import re
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import polars as pl
import pytest

from xlmr_lab import results
from xlmr_lab.explorers.transfer import TransferExplorer
from xlmr_lab.figures import transfer_dots

RESULTS = Path(__file__).parents[2] / "notebooks" / "results" / "tiny-protocols"


@pytest.fixture(scope="module")
def scores() -> pl.DataFrame:
    return results.open_study(RESULTS).scores()


@pytest.fixture
def explorer(scores: pl.DataFrame) -> TransferExplorer:
    return TransferExplorer(scores, name="scores")


def drawn(figure: go.Figure) -> list[tuple[str, list[Any], list[Any]]]:
    return [(trace.name, list(trace.x), list(trace.y)) for trace in figure.data]


def rerun(explorer: TransferExplorer, scores: pl.DataFrame) -> go.Figure:
    call = re.search("<code>(.*)</code>", explorer.call.value)
    assert call
    return eval(html.unescape(call[1]), {"transfer_dots": transfer_dots, "scores": scores})


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("task", "ner"),
        ("protocol", "translate-train"),
        ("selection", "per-language-dev"),
        ("by", "family"),
        ("by", "kin"),
        ("less", "pretraining"),
        ("less", "translate-train"),
        ("seeds", True),
        ("arms", ("alpha=0.3",)),
        ("tier", ("low",)),
    ],
)
def test_each_control_changes_the_picture_and_its_call_draws_it(
    explorer: TransferExplorer, scores: pl.DataFrame, control: str, value: object
) -> None:
    before = drawn(explorer.canvas.figure)
    getattr(explorer, control).value = value
    assert drawn(explorer.canvas.figure) != before
    assert drawn(rerun(explorer, scores)) == drawn(explorer.canvas.figure)


def test_scores_that_are_not_there_are_said_to_be_made_how(explorer: TransferExplorer) -> None:
    explorer.protocol.value = "each"  # a protocol of NER
    assert "nli.protocols=each" in explorer.canvas.figure.layout.annotations[0].text


def test_a_measure_of_another_task_is_refused_in_the_picture(explorer: TransferExplorer) -> None:
    explorer.metric.value = "span_f1"
    said = explorer.canvas.figure.layout.annotations[0].text
    assert "metric must be one of accuracy" in said
