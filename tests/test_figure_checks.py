"""The checks of figures find what they are for."""

from typing import Any

import figure_checks
import plotly.graph_objects as go
import pytest

from xlmr_lab.figures import theme


def figure(*, subtitle: str = "means", **axis: Any) -> dict[str, Any]:
    drawn = go.Figure(go.Scatter(x=[1, 2], y=["a", "b"], name="low (3)", line={"color": "#D55E00"}))
    drawn.update_xaxes(title="steps", **axis)
    return dict(theme.finish(drawn, title="T", subtitle=subtitle).to_plotly_json())


def test_a_whole_figure_has_no_faults() -> None:
    assert figure_checks.faults(figure()) == []


@pytest.mark.parametrize(
    ("axis", "faults"),
    [
        ({"title": {"text": ""}}, ["no name on xaxis"]),
        ({"title": {"text": ""}, "visible": False}, []),
        ({"title": {"text": ""}, "ticktext": ["one", "two"], "tickvals": [1, 2]}, []),
        ({"tickfont": {"color": theme.ORANGE}}, ["text in #E69F00 has contrasts [2.25, 9.99]"]),
    ],
)
def test_an_axis_without_a_name_or_with_faint_text_is_found(
    axis: dict[str, Any], faults: list[str]
) -> None:
    shown = figure()
    shown["layout"]["xaxis"].update(axis)
    assert figure_checks.faults(shown) == faults


def test_a_title_that_says_nothing_more_is_found() -> None:
    found = figure_checks.faults(figure(subtitle=""))
    assert found == ["the title does not say what was measured"]


def test_colours_of_groups_are_told_by_legend_and_name() -> None:
    shown = figure()
    assert figure_checks.group_colors(shown) == {}
    shown["layout"]["legend"] = {"title": {"text": "resource tier"}}
    assert figure_checks.group_colors(shown) == {("resource tier", "low"): "#d55e00"}
