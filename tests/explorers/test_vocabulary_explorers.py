"""Controls of the vocabulary's explorers decide what is drawn and cut, and the call that is shown
draws the same.
"""

import html
import json
import re
from pathlib import Path
from typing import Any

import ipywidgets
import plotly.graph_objects as go
import pytest

from xlmr_lab import found_vocabularies, results, vocabulary_results
from xlmr_lab.explorers.capacity import STUDY, CapacityExplorer
from xlmr_lab.explorers.vocabulary import VocabularyExplorer
from xlmr_lab.figures import capacity, segmentation, vocabulary
from xlmr_lab.found_vocabularies import OWN, FoundVocabularies
from xlmr_lab.vocabulary_results import MeasuredVocabulary


@pytest.fixture(scope="module")
def made(study_folder: Path) -> MeasuredVocabulary:
    return vocabulary_results.open_vocabulary(results.open_study(study_folder))


@pytest.fixture
def measures(made: MeasuredVocabulary) -> VocabularyExplorer:
    return VocabularyExplorer(made)


@pytest.fixture
def solver(made: MeasuredVocabulary) -> CapacityExplorer:
    return CapacityExplorer(**made.budget())


def drawn(figure: go.Figure) -> list[tuple[list[Any], list[Any]]]:
    return [(list(trace.x), list(trace.y)) for trace in figure.data]


def rerun(explorer: Any, **names: Any) -> go.Figure:
    """Evaluate the call that the explorer shows, as if pasted into a cell of the notebook."""
    call = re.search("<code>(.*)</code>", explorer.call.value)
    assert call
    return eval(html.unescape(call[1]), {"vocabulary": vocabulary, "capacity": capacity, **names})


def cut_again(explorer: VocabularyExplorer) -> str:
    """Evaluate the call below the pieces, as if pasted into a cell of the notebook."""
    call = re.search("<code>(.*)</code>", explorer.pieces_call.value)
    assert call
    names = {"segmentation": segmentation, "made": explorer.made}
    names |= {"other": explorer.other, "beside": explorer.beside}
    return eval(html.unescape(call[1]), names)._repr_html_()


def controls(widget: ipywidgets.Widget) -> list[ipywidgets.Widget]:
    inner = [leaf for child in getattr(widget, "children", ()) for leaf in controls(child)]
    return inner or ([widget] if isinstance(widget, ipywidgets.ValueWidget) else [])


@pytest.mark.parametrize(
    ("control", "value"), [("measure", "premium"), ("order", "value"), ("color", "tier")]
)
def test_each_choice_changes_the_picture_and_its_call_draws_it(
    measures: VocabularyExplorer, made: MeasuredVocabulary, control: str, value: str
) -> None:
    before = measures.canvas.figure.to_json()
    getattr(measures, control).value = value
    assert measures.canvas.figure.to_json() != before
    assert rerun(measures, made=made) == measures.canvas.figure


def test_another_vocabulary_is_drawn_and_cuts_beside(made: MeasuredVocabulary) -> None:
    both = VocabularyExplorer(made, made, text="ab")
    assert "the other vocabulary" in [trace.name for trace in both.canvas.figure.data]
    assert rerun(both, made=made, other=made) == both.canvas.figure
    assert "the other</b>" in both.pieces.value


@pytest.fixture
def beside(made: MeasuredVocabulary) -> FoundVocabularies:
    folder = found_vocabularies.find(made.study).folders[OWN]
    others = {f"number {number}": folder for number in range(1, 5)}
    return FoundVocabularies(folders={OWN: folder, **others})


def test_several_vocabularies_cut_the_text(
    made: MeasuredVocabulary, beside: FoundVocabularies
) -> None:
    explorer = VocabularyExplorer(made, beside=beside, text=made.example("qab"), language="qab")
    assert explorer.vocabularies.value == ("number 1", "number 2")
    explorer.vocabularies.value = ("number 4",)
    assert "number 4</b>: " in explorer.pieces.value
    assert "number 1</b>" not in explorer.pieces.value
    assert explorer.pieces.value.count("pieces per word") == 2


@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize("with_other", [True, False])
@pytest.mark.parametrize("chosen", [(), ("number 4", "number 1")])
def test_the_call_below_the_pieces_shows_the_same_pieces(
    made: MeasuredVocabulary,
    beside: FoundVocabularies,
    chosen: tuple[str, ...],
    *,
    with_other: bool,
    ids: bool,
) -> None:
    other = made if with_other else None
    explorer = VocabularyExplorer(made, other, beside=beside if chosen else None, text="a 'b'")
    explorer.vocabularies.value, explorer.ids.value = chosen, ids
    num_blocks = 1 + with_other + len(chosen)
    assert explorer.pieces.value.count("pieces per word") == num_blocks
    assert ("flex-direction:column" in explorer.pieces.value) == ids
    assert cut_again(explorer) == explorer.pieces.value


def test_without_other_vocabularies_none_is_offered(measures: VocabularyExplorer) -> None:
    assert measures.vocabularies.layout.display == "none"
    assert cut_again(measures) == measures.pieces.value


def test_a_state_comes_back_to_the_same_picture_and_pieces(
    made: MeasuredVocabulary, beside: FoundVocabularies
) -> None:
    explorer = VocabularyExplorer(made, beside=beside)
    explorer.measure.value, explorer.text.value = "premium", "ab \u0645"
    explorer.vocabularies.value = ("number 2", "number 3")
    assert set(explorer.state) == {"measure", "text", "vocabularies"}
    state = json.loads(json.dumps(explorer.state))
    again = VocabularyExplorer(made, beside=beside, state=state)
    assert again.canvas.figure == explorer.canvas.figure
    assert again.pieces.value == explorer.pieces.value
    assert again.state == explorer.state


def test_a_text_is_cut_as_it_is_written(
    measures: VocabularyExplorer, made: MeasuredVocabulary
) -> None:
    assert "write something" in measures.pieces.value
    measures.text.value = made.example("qaa")
    cut = made.cut(measures.text.value, "qaa")
    assert len(cut) > 3
    assert f"{len(cut)} pieces" in measures.pieces.value
    for number in cut["id"]:
        assert f">{number}</span>" in measures.pieces.value


def test_a_vocabulary_that_is_gone_says_so_below_the_measures(
    make_study: Any, tmp_path: Path
) -> None:
    make_study(tmp_path / "runs" / "mine", num_languages=12, with_text=False)
    made = vocabulary_results.open_vocabulary(results.open_study(tmp_path / "runs" / "mine"))
    explorer = VocabularyExplorer(made, text="ab")
    assert "names no vocabulary" in explorer.pieces.value
    assert len(explorer.canvas.figure.data) > 1


def test_the_solver_begins_with_the_papers_figure(solver: CapacityExplorer) -> None:
    assert solver.call.value.endswith("<code>capacity.trade_off()</code>")
    assert drawn(solver.canvas.figure) == drawn(capacity.trade_off())


@pytest.mark.parametrize(
    ("control", "value"),
    [("total", 500_000_000), ("smallest", 16_000), ("layers", 24), ("body_width", 1024)],
)
def test_each_slider_changes_the_picture_and_its_call_draws_it(
    solver: CapacityExplorer, control: str, value: int
) -> None:
    before = drawn(solver.canvas.figure)
    getattr(solver, control).value = value
    assert drawn(solver.canvas.figure) != before
    assert drawn(rerun(solver)) == drawn(solver.canvas.figure)


def test_the_solver_goes_over_to_the_studys_model_and_back(
    solver: CapacityExplorer, made: MeasuredVocabulary
) -> None:
    paper = drawn(solver.canvas.figure)
    solver.start.value = STUDY
    budget = made.budget()
    assert (solver.total.value, solver.body_width.value) == (budget["total"], 64)
    assert solver.smallest.value == min(budget["vocab_sizes"])
    solver.start.value = solver.start.options[0]
    assert drawn(solver.canvas.figure) == paper


def test_a_state_comes_back_to_the_same_solver(
    solver: CapacityExplorer, made: MeasuredVocabulary
) -> None:
    solver.start.value, solver.layers.value = STUDY, 5
    drawings: list[object] = []
    again = CapacityExplorer(**made.budget())
    again.canvas.observe(drawings.append, "outputs")
    again.restore(solver.state)
    assert drawn(again.canvas.figure) == drawn(solver.canvas.figure)
    assert len(drawings) == 1


def test_a_vocabulary_without_room_is_said_in_the_picture(solver: CapacityExplorer) -> None:
    solver.total.value = 10_000_000
    solver.smallest.value = 512_000
    told = solver.canvas.figure.layout.annotations[0].text
    assert "leaves no room" in told
    assert not solver.canvas.figure.data


@pytest.mark.parametrize(("name", "number"), [("measures", 8), ("solver", 6)])
def test_every_control_has_a_label_and_the_text_form_is_short(
    name: str, number: int, request: pytest.FixtureRequest
) -> None:
    explorer = request.getfixturevalue(name)
    found = [c for c in controls(explorer) if not isinstance(c, ipywidgets.HTML)]
    assert len(found) == number
    assert all(control.description for control in found)
    assert len(repr(explorer)) < 200
