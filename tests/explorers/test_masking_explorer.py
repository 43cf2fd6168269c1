"""Controls decide which block is masked and how, and the call that is shown draws the same."""

import html
import json
import re
from pathlib import Path

import plotly.graph_objects as go
import pytest

from xlmr_lab import batch_results, results
from xlmr_lab.batch_results import StudyBatches
from xlmr_lab.explorers.masking import MaskingExplorer
from xlmr_lab.figures import masking


@pytest.fixture(scope="module")
def made(study_folder: Path) -> StudyBatches:
    return batch_results.open_batches(results.open_study(study_folder))


@pytest.fixture
def explorer(made: StudyBatches) -> MaskingExplorer:
    return MaskingExplorer(made)


def rerun(explorer: MaskingExplorer) -> go.Figure:
    """Evaluate the call that the explorer shows, as if pasted into a cell of the notebook."""
    call = re.search("<code>(.*)</code>", explorer.call.value)
    assert call
    return eval(html.unescape(call[1]), {"masking": masking, "made": explorer.made})


@pytest.mark.parametrize(
    ("control", "value"),
    [("language", "qab"), ("number", 1), ("seed", 5), ("fraction", 0.4), ("text", "Fima lobo")],
)
def test_each_control_changes_the_block_and_its_call_draws_it(
    explorer: MaskingExplorer, control: str, value: object
) -> None:
    before = explorer.block.value
    getattr(explorer, control).value = value
    assert explorer.block.value != before
    assert rerun(explorer) == explorer.canvas.figure
    assert getattr(explorer, control).description


@pytest.mark.parametrize("control", ["number", "seed", "fraction"])
def test_with_a_text_of_ones_own_what_would_change_nothing_is_hidden(
    explorer: MaskingExplorer, control: str
) -> None:
    turned = getattr(explorer, control)
    assert turned.layout.display is None
    explorer.text.value = "Fima lobo " * 9
    before = explorer.block.value
    turned.value = turned.max
    assert (turned.layout.display is None) == (explorer.block.value != before)
    explorer.text.value = " "
    assert turned.layout.display is None


def test_a_state_comes_back_to_the_same_block(explorer: MaskingExplorer) -> None:
    explorer.language.value, explorer.seed.value = "qab", 7
    explorer.number.value = explorer.number.max
    state = json.loads(json.dumps(explorer.state))
    again = MaskingExplorer(explorer.made, state=state)
    assert again.block.value == explorer.block.value
    assert again.canvas.figure == explorer.canvas.figure
    assert again.call.value == explorer.call.value
    assert again.state == explorer.state


def test_more_to_predict_is_drawn_as_more(explorer: MaskingExplorer) -> None:
    explorer.fraction.value = 0.8
    assert sum(explorer.canvas.figure.data[0].y) == 40


def test_blocks_go_as_far_as_the_language_has_them(explorer: MaskingExplorer) -> None:
    explorer.number.value = explorer.number.max
    explorer.language.value = "qad"
    assert explorer.number.max == explorer.made.num_blocks("qad") - 1
    assert explorer.number.value <= explorer.number.max


def test_a_text_that_cannot_be_cut_says_so_and_leaves_the_picture(
    explorer: MaskingExplorer,
) -> None:
    before, call = explorer.canvas.figure, explorer.call.value
    explorer.text.value = "a \ud800"
    assert "surrogate" in explorer.block.value
    assert explorer.canvas.figure == before
    assert explorer.call.value == call
