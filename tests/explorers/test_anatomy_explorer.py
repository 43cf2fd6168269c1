"""Sliders change the model that is drawn, and the call that is shown draws the same."""

import html
import re

import pytest

from xlmr_lab import model_costs
from xlmr_lab.explorers.anatomy import AnatomyExplorer
from xlmr_lab.figures import anatomy
from xlmr_lab.model_costs import Model

MINE = Model(
    name="mine", num_layers=2, hidden_size=96, ffn_size=384, vocab_size=1800, max_tokens=64
)


@pytest.fixture
def explorer() -> AnatomyExplorer:
    return AnatomyExplorer([MINE, *model_costs.paper_models()])


def rerun(explorer: AnatomyExplorer) -> anatomy.go.Figure:
    """Evaluate the call that the explorer shows, as if pasted into a cell of the notebook."""
    call = re.search("<code>(.*)</code>", explorer.call.value)
    assert call
    return eval(html.unescape(call[1]), {"anatomy": anatomy})


def test_it_begins_with_the_papers_base(explorer: AnatomyExplorer) -> None:
    assert explorer.canvas.figure == anatomy.whole()


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("start", "mine"),
        ("vocab_size", 1800),
        ("hidden_size", 1024),
        ("num_layers", 3),
        ("block_tokens", 1024),
        ("step_tokens", 4096),
        ("mask_fraction", 0.3),
    ],
)
def test_each_control_changes_the_picture_and_its_call_draws_it(
    explorer: AnatomyExplorer, control: str, value: object
) -> None:
    before = explorer.canvas.figure.to_json()
    getattr(explorer, control).value = value
    assert explorer.canvas.figure.to_json() != before
    assert rerun(explorer) == explorer.canvas.figure
    assert getattr(explorer, control).description


def test_a_changed_model_says_so_and_keeps_its_proportions(explorer: AnatomyExplorer) -> None:
    assert explorer.model.name == "XLM-R-Base"
    explorer.hidden_size.value = 1024
    assert explorer.model.name == "XLM-R-Base, changed"
    assert explorer.model.ffn_size == 4096
    explorer.start.value = "mine"
    explorer.block_tokens.value = 32
    assert explorer.model == MINE


def test_another_model_is_drawn_once_and_whole(explorer: AnatomyExplorer) -> None:
    drawn = []
    explorer.canvas.observe(lambda _: drawn.append(explorer.canvas.figure), "outputs")
    explorer.start.value = "mine"
    assert len(drawn) == 1
    explorer.num_layers.value = 5
    assert len(drawn) == 2


def test_a_state_comes_back_to_the_same_model(explorer: AnatomyExplorer) -> None:
    explorer.start.value, explorer.num_layers.value = "mine", 7
    again = AnatomyExplorer([MINE, *model_costs.paper_models()], state=explorer.state)
    assert again.model == explorer.model
    assert again.canvas.figure == explorer.canvas.figure
    again.restore({})
    assert again.canvas.figure == anatomy.whole()
