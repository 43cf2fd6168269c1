"""Controls decide what is hidden, and the call that is shown draws the same guesses."""

import html
import re
from pathlib import Path

import plotly.graph_objects as go
import pytest

from xlmr_lab import prediction_results, results
from xlmr_lab.explorers.prediction import PredictionExplorer
from xlmr_lab.figures import prediction
from xlmr_lab.prediction_results import TrainedModels


@pytest.fixture(scope="module")
def made(study_folder: Path) -> TrainedModels:
    return prediction_results.open_models(results.open_study(study_folder))


@pytest.fixture
def explorer(made: TrainedModels) -> PredictionExplorer:
    return PredictionExplorer(made)


def rerun(explorer: PredictionExplorer) -> go.Figure:
    """Evaluate the call that the explorer shows, as if pasted into a cell of the notebook."""
    call = re.search("<code>(.*)</code>", explorer.call.value)
    assert call
    return eval(html.unescape(call[1]), {"prediction": prediction, "made": explorer.made})


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("language", "qab"),
        ("number", 1),
        ("words", 3),
        ("seed", 5),
        ("best", 3),
        ("text", "Fima <mask> lobo"),
    ],
)
def test_each_control_changes_the_guesses_and_its_call_draws_them(
    explorer: PredictionExplorer, control: str, value: object
) -> None:
    before = explorer.canvas.figure.to_json()
    getattr(explorer, control).value = value
    assert explorer.canvas.figure.to_json() != before
    assert rerun(explorer) == explorer.canvas.figure == explorer.figure
    assert getattr(explorer, control).description


def test_documents_go_as_far_as_the_language_has_them(explorer: PredictionExplorer) -> None:
    explorer.number.value = explorer.number.max
    explorer.language.value = "qad"
    assert explorer.number.max == explorer.made.num_documents("qad") - 1
    assert explorer.number.value <= explorer.number.max


@pytest.mark.parametrize("control", ["number", "words", "seed", "best"])
def test_with_a_text_of_ones_own_what_would_change_nothing_is_hidden(
    explorer: PredictionExplorer, control: str
) -> None:
    turned = getattr(explorer, control)
    assert turned.layout.display is None
    explorer.text.value = "Fima <mask> lobo"
    before = explorer.canvas.figure, explorer.shown.value
    turned.value = turned.max
    is_changed = (explorer.canvas.figure, explorer.shown.value) != before
    assert (turned.layout.display is None) == is_changed
    explorer.text.value = " "
    assert turned.layout.display is None


def test_a_text_without_a_mask_says_what_to_write(made: TrainedModels) -> None:
    explorer = PredictionExplorer(made, text="Fima lobo")
    assert "write &lt;mask&gt; where" in explorer.shown.value
    explorer.text.value = "Fima <mask>"
    assert "&lt;mask 1&gt;" in explorer.shown.value


def test_a_text_that_cannot_be_guessed_in_leaves_the_picture_and_its_call(
    explorer: PredictionExplorer,
) -> None:
    picture, call = explorer.canvas.figure, explorer.call.value
    explorer.text.value = "Fima lobo"
    assert (explorer.canvas.figure, explorer.call.value) == (picture, call)
    begun = PredictionExplorer(explorer.made, text="Fima lobo")
    assert begun.canvas.figure.layout.annotations[0].text == "nothing to guess yet"
    assert begun.call.value == ""


def test_a_state_comes_back_to_the_same_guesses(explorer: PredictionExplorer) -> None:
    explorer.language.value = "qad"
    explorer.number.value, explorer.words.value = explorer.number.max, 3
    again = PredictionExplorer(explorer.made, state=explorer.state)
    assert again.canvas.figure == explorer.canvas.figure
    assert again.shown.value == explorer.shown.value
