"""The state of the widget is the figure itself, whole, so that any view at any time draws it."""

import json

import plotly.graph_objects as go

from xlmr_lab.explorers.canvas import Canvas


def figure(*heights: list[float], kind: str = "scatter", title: str = "") -> go.Figure:
    return go.Figure([{"type": kind, "y": y} for y in heights], layout={"title": {"text": title}})


def test_the_state_that_a_page_receives_holds_the_figure_from_the_first_message_on() -> None:
    state = Canvas(figure([1, 2], title="first")).get_state()
    assert state["figure"]["data"] == [{"type": "scatter", "y": [1, 2]}]
    assert state["figure"]["layout"]["title"]["text"] == "first"


def test_another_figure_replaces_it_whole() -> None:
    canvas = Canvas(figure([1, 2], [3, 4], title="before"))
    for after in (figure([5], kind="bar", title="after"), figure()):
        canvas.show(after)
        assert canvas.get_state()["figure"]["data"] == json.loads(after.to_json())["data"]


def test_a_change_is_told_once_and_the_same_figure_not_at_all() -> None:
    canvas, told = Canvas(figure([1])), []
    canvas.observe(told.append, "figure")
    canvas.show(figure([2]))
    canvas.show(figure([2]))
    assert len(told) == 1


def test_the_module_is_small_and_plotly_comes_along_beside_it() -> None:
    """anywidget gives up on a widget whose module needs more than two seconds to load."""
    state = Canvas(figure()).get_state()
    assert len(state["_esm"]) < 5_000
    assert state["plotly"].count("plotly.js v") == 1
    assert "http" not in state["_esm"]
