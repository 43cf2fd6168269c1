"""Controls decide what is drawn, and the call that is shown draws the same; no browser is needed
for it.
"""

import html
import json
import re
from pathlib import Path
from typing import Any

import ipywidgets
import plotly.graph_objects as go
import pytest

from xlmr_lab import results
from xlmr_lab.explorers.ablations import AblationExplorer
from xlmr_lab.explorers.sampling import SamplingExplorer
from xlmr_lab.figures import ablation, repetition, sampling
from xlmr_lab.results import Study


@pytest.fixture(scope="module")
def study(study_folder: Path) -> Study:
    return results.open_study(study_folder)


@pytest.fixture
def dial(study: Study) -> SamplingExplorer:
    return SamplingExplorer(study.training_sizes(), results.paper_sizes())


@pytest.fixture
def arms(study: Study) -> AblationExplorer:
    return AblationExplorer(study.heldout())


def shown(explorer: Any) -> go.Figure:
    """Return the figure that a browser would draw."""
    return explorer.canvas.figure


def drawn(figure: go.Figure) -> list[tuple[list[Any], list[Any]]]:
    return [(list(trace.x), list(trace.y)) for trace in figure.data]


def rerun(explorer: Any, study: Study) -> go.Figure:
    """Evaluate the call that the explorer shows, as if pasted into a cell."""
    call = re.search("<code>(.*)</code>", explorer.call.value)
    assert call
    names = {"sampling": sampling, "ablation": ablation, "results": results, "study": study}
    names["repetition"] = repetition
    return eval(html.unescape(call[1]), names)


def controls(widget: ipywidgets.Widget) -> list[ipywidgets.Widget]:
    inner = [leaf for child in getattr(widget, "children", ()) for leaf in controls(child)]
    return inner or ([widget] if isinstance(widget, ipywidgets.ValueWidget) else [])


@pytest.mark.slow
def test_alpha_one_samples_by_size_and_alpha_zero_all_alike(dial: SamplingExplorer) -> None:
    size = dial.corpora["study.training_sizes()"]["num_blocks"]
    dial.alpha.value = 1.0
    dots = [y for trace in shown(dial).data[1:] if trace.yaxis == "y" for y in trace.y]
    assert dots == pytest.approx((size / size.sum()).to_list(), rel=1e-4)
    dial.alpha.value = 0.0
    dots = [y for trace in shown(dial).data[1:] if trace.yaxis == "y" for y in trace.y]
    assert dots == pytest.approx([1 / 12] * 12, rel=1e-4)


def test_the_corpus_switch_draws_the_papers_hundred(dial: SamplingExplorer) -> None:
    dial.corpus.value = "results.paper_sizes()"
    assert len(shown(dial).data[0].x) == 100
    assert "sentences" not in dial.basis.options
    dial.basis.value = "words"
    dial.corpus.value = "study.training_sizes()"
    assert dial.basis.value == "words"
    dial.basis.value = "sentences"
    dial.corpus.value = "results.paper_sizes()"
    assert dial.basis.value == "bytes"


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("alpha", 0.71),
        ("basis", "words"),
        ("budget", 31.6),
        ("color", "script"),
        ("logarithmic", True),
        ("corpus", "results.paper_sizes()"),
        ("schedule", "annealed"),
        ("schedule", "capped"),
        ("picture", "repetition.over_run"),
    ],
)
def test_each_dial_changes_the_picture_and_its_call_draws_it(
    dial: SamplingExplorer, study: Study, control: str, value: object
) -> None:
    before = drawn(shown(dial)), [trace.type for trace in shown(dial).data]
    getattr(dial, control).value = value
    assert (drawn(shown(dial)), [trace.type for trace in shown(dial).data]) != before
    assert drawn(rerun(dial, study)) == drawn(shown(dial))


@pytest.mark.parametrize(
    ("schedule", "control", "value"),
    [
        ("annealed", "alpha", 0.9),
        ("annealed", "later", (0.1, 0.6)),
        ("annealed", "changes", (0.2, 0.6)),
        ("annealed", "joining", ("qab", "qal")),
        ("capped", "max_passes", 2.0),
        ("capped", "budget", 0.3),
    ],
)
@pytest.mark.parametrize("picture", ["sampling.distribution", "repetition.over_run"])
def test_each_dial_of_a_schedule_changes_the_picture_and_its_call_draws_it(
    dial: SamplingExplorer, study: Study, picture: str, schedule: str, control: str, value: object
) -> None:
    dial.picture.value, dial.schedule.value = picture, schedule
    before = drawn(shown(dial))
    getattr(dial, control).value = value
    assert drawn(shown(dial)) != before
    assert drawn(rerun(dial, study)) == drawn(shown(dial))


def test_languages_join_where_the_dial_says(dial: SamplingExplorer) -> None:
    dial.schedule.value, dial.joining.value, dial.join_at.value = "annealed", ("qal",), 0.25
    assert dial.arguments["starts"] == ("qal:0.25",)
    before = drawn(shown(dial))
    dial.join_at.value = 0.75
    assert drawn(shown(dial)) != before


def test_an_annealed_exponent_begins_above_the_later_ones(dial: SamplingExplorer) -> None:
    dial.schedule.value = "annealed"
    assert dial.arguments["alpha"] > max(dial.arguments["later_alphas"])


def test_controls_without_effect_are_hidden(dial: SamplingExplorer) -> None:
    def hidden() -> set[str]:
        names = ("alpha", "max_passes", "later", "changes", "joining", "join_at", "logarithmic")
        return {name for name in names if getattr(dial, name).layout.display == "none"}

    annealed = {"later", "changes", "joining", "join_at"}
    assert hidden() == annealed | {"max_passes"}
    dial.schedule.value = "capped"
    assert hidden() == annealed | {"alpha"}
    dial.schedule.value, dial.picture.value = "annealed", "repetition.over_run"
    assert hidden() == {"max_passes", "logarithmic"}


def test_a_cap_that_cannot_hold_is_said_in_place_of_the_picture(dial: SamplingExplorer) -> None:
    dial.schedule.value, dial.max_passes.value, dial.budget.value = "capped", 2.0, 10.0
    assert not shown(dial).data
    assert "times through all text" in shown(dial).layout.annotations[0].text
    dial.max_passes.value = 32.0
    assert shown(dial).data


def test_the_basis_and_the_length_to_begin_with_can_be_given(study: Study) -> None:
    given = {"alpha": 0.7, "basis": "pieces", "budget": 2.5}
    dial = SamplingExplorer(study.training_sizes(), results.paper_sizes(), **given)
    assert {name: dial.arguments[name] for name in given} == given


@pytest.mark.parametrize(
    "settings",
    [
        {"schedule": "capped", "alpha": 0.0, "max_passes": 7.5},
        {"schedule": "annealed", "alpha": 0.7, "later_alphas": (0.5, 0.3), "changes": (0.77, 0.97)},
        {"schedule": "annealed", "alpha": 0.9, "later_alphas": (0.2,), "changes": (0.4,)},
        {"schedule": "annealed", "alpha": 0.3, "starts": ("qab:0.97", "qal:0.97")},
    ],
)
def test_a_studys_schedule_can_be_begun_with(study: Study, settings: dict[str, Any]) -> None:
    dial = SamplingExplorer(study.training_sizes(), results.paper_sizes(), **settings)
    plain = {"later_alphas": (), "changes": ()} if settings["schedule"] == "annealed" else {}
    extra = {"basis": "blocks", "budget": 1.0, "color": "tier", "log": False}
    assert dial.arguments == plain | settings | extra
    assert shown(dial).data
    assert not dial.note.value


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"alpha": 0.7, "later_alphas": (0.3, 0.5), "changes": (0.5, 0.9)},
            "later_alphas=(0.3, 0.5), shown (0.5, 0.3).",
        ),
        (
            {"starts": ("qab:0.77", "qal:0.97")},
            "starts=('qab:0.77', 'qal:0.97'), shown ('qab:0.97', 'qal:0.97').",
        ),
        (
            {"alpha": 0.504, "later_alphas": (0.5,), "changes": (0.5,)},
            "alpha=0.504, shown 0.5; later_alphas=(0.5,), shown (); changes=(0.5,), shown ().",
        ),
    ],
)
def test_a_schedule_that_the_controls_cannot_hold_is_said(
    study: Study, changes: dict[str, Any], told: str
) -> None:
    given = {"schedule": "annealed", **changes}
    dial = SamplingExplorer(study.training_sizes(), results.paper_sizes(), **given)
    assert html.unescape(dial.note.value).endswith(f"not quite the one shown: {told}")
    assert dial.note in controls(dial)


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("group", "family"),
        ("group", "language"),
        ("reference", 0.3),
        ("seeds", True),
        ("tier", ("low",)),
        ("script", ("Arab", "Latn")),
        ("family", ("family 1",)),
    ],
)
def test_each_choice_changes_the_picture_and_its_call_draws_it(
    arms: AblationExplorer, study: Study, control: str, value: object
) -> None:
    before = drawn(shown(arms))
    getattr(arms, control).value = value
    assert drawn(shown(arms)) != before
    assert drawn(rerun(arms, study)) == drawn(shown(arms))


def test_filters_combine_whatever_the_lines_stand_for(arms: AblationExplorer) -> None:
    arms.group.value = "language"
    arms.tier.value = ("low",)
    arms.script.value = ("Latn", "Grek")
    names = [trace.name for trace in shown(arms).data]
    assert names == ["qai (1)", "qaj (1)"]


def test_filters_that_nothing_passes_leave_an_empty_picture_that_says_so(
    arms: AblationExplorer,
) -> None:
    arms.tier.value, arms.script.value = ("low",), ("Thai",)
    assert not shown(arms).data
    assert "No language" in shown(arms).layout.annotations[0].text
    arms.script.value = ()
    assert len(shown(arms).data) == 1
    assert not shown(arms).layout.annotations


@pytest.mark.parametrize(
    "changes",
    [
        {"corpus": "results.paper_sizes()", "basis": "words", "alpha": 0.5},
        {"schedule": "annealed", "alpha": 0.9, "joining": ("qab",), "join_at": 0.25},
        {"schedule": "annealed", "alpha": 0.4, "later": (0.1, 0.2)},
        {"schedule": "capped", "max_passes": 8.0, "picture": "repetition.over_run"},
    ],
)
def test_a_state_of_the_dial_comes_back_to_the_same_picture(
    dial: SamplingExplorer, study: Study, changes: dict[str, Any]
) -> None:
    for name, value in changes.items():
        getattr(dial, name).value = value
    state = json.loads(json.dumps(dial.state))
    again = SamplingExplorer(study.training_sizes(), results.paper_sizes(), state=state)
    assert shown(again) == shown(dial)
    assert again.call.value == dial.call.value
    again.restore({})
    assert again.state == {}


@pytest.mark.parametrize("name", ["dial", "arms"])
def test_every_control_has_a_label(name: str, request: pytest.FixtureRequest) -> None:
    explorer = request.getfixturevalue(name)
    found = [c for c in controls(explorer) if not isinstance(c, ipywidgets.HTML)]
    assert len(found) == {"dial": 14, "arms": 7}[name]
    assert all(control.description for control in found)


@pytest.mark.parametrize("name", ["dial", "arms"])
def test_the_text_form_is_short(name: str, request: pytest.FixtureRequest) -> None:
    """A saved notebook holds it in place of the widget."""
    assert repr(request.getfixturevalue(name)).endswith("Explorer: run this cell to use it")


def test_a_short_run_is_shown_as_short_as_it_is(study: Study) -> None:
    explorer = SamplingExplorer(study.training_sizes(), results.paper_sizes(), budget=0.0114)
    assert explorer.budget.value == 0.0114
    assert explorer.budget.min <= -2


def test_the_call_names_the_frame_that_the_explorer_was_given(study: Study) -> None:
    explorer = AblationExplorer(study.heldout(), name="arms")
    call = re.search("<code>(.*)</code>", explorer.call.value)
    assert call
    again = eval(html.unescape(call[1]), {"ablation": ablation, "arms": study.heldout()})
    assert "heldout_by_alpha(arms" in call[1]
    assert drawn(again) == drawn(shown(explorer))
