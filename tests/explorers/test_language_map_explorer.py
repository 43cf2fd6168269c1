"""Each control of the language map's explorer changes the picture, and the call that is shown draws
it."""

import html
import re
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

from xlmr_lab import alignment_results, language_map_results, results
from xlmr_lab.alignment_results import StudyAlignment
from xlmr_lab.explorers.language_map import SENTENCES, TREE, LanguageMapExplorer
from xlmr_lab.figures import language_map, language_trees


@pytest.fixture(scope="module")
def made(study_folder: Path) -> StudyAlignment:
    return alignment_results.open_alignment(results.open_study(study_folder), most=8)


@pytest.fixture
def explorer(made: StudyAlignment) -> LanguageMapExplorer:
    return LanguageMapExplorer(made, layer=1)


def drawn(figure: go.Figure) -> list[tuple[Any, ...]]:
    return [(t.name, str(t.marker.color), list(t.x), list(t.y)) for t in figure.data]


def rerun(explorer: LanguageMapExplorer, made: StudyAlignment) -> go.Figure:
    call = re.search("<code>(.*)</code>", explorer.call.value)
    assert call
    modules = (language_map, language_trees, language_map_results)
    names = {module.__name__.rpartition(".")[2]: module for module in modules}
    return eval(html.unescape(call[1]), {**names, "made": made, "others": {"other": made}})


@pytest.mark.parametrize(
    ("control", "value"),
    [("layer", 0), ("color", "tier"), ("shown", SENTENCES), ("shown", TREE)],
)
def test_each_control_changes_the_picture_and_its_call_draws_it(
    explorer: LanguageMapExplorer, made: StudyAlignment, control: str, value: object
) -> None:
    before = drawn(explorer.canvas.figure)
    getattr(explorer, control).value = value
    assert drawn(explorer.canvas.figure) != before
    assert drawn(rerun(explorer, made)) == drawn(explorer.canvas.figure)


def test_a_tree_is_of_pretrained_models_or_of_those_that_they_began_as(
    explorer: LanguageMapExplorer, made: StudyAlignment
) -> None:
    assert explorer.encoder.layout.display == "none"
    explorer.shown.value = TREE
    assert explorer.encoder.layout.display is None
    before = drawn(explorer.canvas.figure)
    explorer.encoder.value = "untrained"
    assert drawn(explorer.canvas.figure) != before
    assert drawn(rerun(explorer, made)) == drawn(explorer.canvas.figure)


def test_another_arm_is_one_that_was_given(made: StudyAlignment) -> None:
    assert LanguageMapExplorer(made).arm.layout.display == "none"
    explorer = LanguageMapExplorer(made, others={"other": made})
    explorer.arm.value = "other"
    assert "others['other']" in html.unescape(explorer.call.value)
    assert drawn(rerun(explorer, made)) == drawn(explorer.canvas.figure)
