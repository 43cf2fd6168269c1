"""The one place where a figure on screen is replaced by another.

The widget's whole state is one trait, the figure as JSON: what is drawn is always drawn from it, in
a view that is open, in one that opens later, and in a page that is loaded anew. plotly's own
`FigureWidget` sends changes as messages instead, so a view that opens late shows nothing or the
first state, and one that is drawn before it stands in the page keeps a width of 700 pixels. The
figure follows the width of the notebook. plotly.js comes from the installed plotly, never from the
network. tests/ui reloads the page to hold this in place.
"""

import functools
import json
from typing import Any

import anywidget
import plotly.graph_objects as go
import traitlets
from plotly.offline import get_plotlyjs

SCRIPT = """
const Plotly = module.exports;
const settings = { displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"] };
function render({ model, el }) {
  const plot = document.createElement("div");
  let width = 0;
  function draw() {
    if (!width) return;
    const { data, layout } = structuredClone(model.get("figure"));
    plot.style.height = `${layout.height}px`;
    Plotly.react(plot, data, { ...layout, width }, settings);
  }
  const observer = new ResizeObserver(() => {
    if (plot.clientWidth === width) return;
    width = plot.clientWidth;
    draw();
  });
  plot.style.width = "100%";
  el.style.width = "100%";
  el.appendChild(plot);
  observer.observe(plot);
  model.on("change:figure", draw);
  return () => {
    observer.disconnect();
    model.off("change:figure", draw);
    Plotly.purge(plot);
  };
}
export default { render };
"""


class Canvas(anywidget.AnyWidget):
    """A widget that shows one figure at the full width of the page."""

    _esm = traitlets.Unicode().tag(sync=True)
    figure = traitlets.Dict().tag(sync=True)
    """The figure shown, as JSON values: data and layout."""

    def __init__(self, figure: go.Figure) -> None:
        super().__init__(_esm=_module(), figure=_plain(figure))

    def show(self, figure: go.Figure) -> None:
        """Replace what is shown by another figure."""
        self.figure = _plain(figure)


@functools.cache
def _module() -> str:
    """Return plotly.js and the script as one JavaScript module."""
    return f"const module = {{ exports: {{}} }};\n{get_plotlyjs()}\n{SCRIPT}"


def _plain(figure: go.Figure) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(figure.to_json())
    return plain
