"""The one place where a figure on screen is replaced by another.

An output widget whose whole state is the figure as JSON, drawn by the plotly renderer that comes
with JupyterLab's plotly extension: in a view that is open, in one that opens later, and in a page
that is loaded anew, the picture is always the present one, at the full width of the notebook.
plotly's own `FigureWidget` is not used. It sends changes as messages that a late view never sees,
it keeps a width of 700 pixels if it is drawn before it stands in the page, and where its five
megabytes of JavaScript take more than two seconds to start, anywidget drops every later change
without a word. tests/ui holds this in place.
"""

import json
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go

from xlmr_lab.figures import looks

PLOTLY = "application/vnd.plotly.v1+json"
SETTINGS = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d"]}


class Canvas(widgets.Output):
    """A widget that shows one figure."""

    def __init__(self, figure: go.Figure) -> None:
        super().__init__(outputs=_outputs(figure), layout={"width": "100%"})

    @property
    def figure(self) -> go.Figure:
        """The figure shown, made anew from what a page receives."""
        shown = self.outputs[0]["data"][PLOTLY]
        return go.Figure({"data": shown["data"], "layout": shown["layout"]})

    def show(self, figure: go.Figure) -> None:
        """Replace what is shown by another figure."""
        self.outputs = _outputs(figure)


def _outputs(figure: go.Figure) -> tuple[dict[str, Any], ...]:
    """Return the outputs of a cell that displays the figure and nothing else."""
    plain: dict[str, Any] = json.loads(looks.shown(figure.to_json()))
    text = str(figure.layout.title.text or "figure")
    data = {PLOTLY: plain | {"config": SETTINGS}, "text/plain": text}
    return ({"output_type": "display_data", "data": data, "metadata": {}},)
