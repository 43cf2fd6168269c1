"""The state of the widget is the figure itself, whole, so that any view at any time draws it."""

import json

import plotly.graph_objects as go

from xlmr_lab.explorers.canvas import PLOTLY, Canvas


def figure(*heights: list[float], kind: str = "scatter", title: str = "") -> go.Figure:
    return go.Figure([{"type": kind, "y": y} for y in heights], layout={"title": {"text": title}})


def test_the_state_that_a_page_receives_holds_the_figure() -> None:
    (output,) = Canvas(figure([1, 2], title="first")).get_state()["outputs"]
    assert output["output_type"] == "display_data"
    shown = output["data"][PLOTLY]
    assert shown["data"] == [{"type": "scatter", "y": [1, 2]}]
    assert shown["layout"]["title"]["text"] == "first"


def test_another_figure_replaces_it_whole() -> None:
    canvas = Canvas(figure([1, 2], [3, 4], title="before"))
    for after in (figure([5], kind="bar", title="after"), figure()):
        canvas.show(after)
        (output,) = canvas.get_state()["outputs"]
        assert output["data"][PLOTLY]["data"] == json.loads(after.to_json())["data"]
        assert canvas.figure == after


def test_a_change_is_told_once_and_the_same_figure_not_at_all() -> None:
    canvas, told = Canvas(figure([1])), []
    canvas.observe(told.append, "outputs")
    canvas.show(figure([2]))
    canvas.show(figure([2]))
    assert len(told) == 1


def test_the_state_is_as_small_as_the_figure() -> None:
    assert len(json.dumps(Canvas(figure([1])).get_state()["outputs"])) < 10_000
