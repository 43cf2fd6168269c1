"""The one place where a figure on screen is replaced by another.

The widget's whole state is one trait, the figure as JSON: what is drawn is always drawn from it, in
a view that is open, in one that opens later, and in a page that is loaded anew. The figure follows
the width of the notebook. plotly.js comes from the installed plotly, never from the network, and is
loaded by the view after the widget's own small module: anywidget drops all messages to a widget
whose module takes longer than two seconds. plotly's `FigureWidget` is not used, since it puts
plotly.js into that module, sends changes as messages that a late view never sees, and keeps a width
of 700 pixels if it is drawn before it stands in the page. tests/ui holds all this in place.
"""

import functools
import json
from typing import Any

import anywidget
import plotly.graph_objects as go
import traitlets
from plotly.offline import get_plotlyjs

SCRIPT = """
const settings = { displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"] };
async function load(source) {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  try { return (await import(url)).default; } finally { URL.revokeObjectURL(url); }
}
function render({ model, el }) {
  const plot = document.createElement("div");
  let Plotly = null, width = 0;
  function draw() {
    if (!Plotly || !width) return;
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
  globalThis.xlmrLabPlotly ??= load(model.get("plotly"));
  globalThis.xlmrLabPlotly.then((loaded) => { Plotly = loaded; draw(); });
  return () => {
    observer.disconnect();
    model.off("change:figure", draw);
    Plotly?.purge(plot);
  };
}
export default { render };
"""


class Canvas(anywidget.AnyWidget):
    """A widget that shows one figure at the full width of the page."""

    _esm = SCRIPT
    figure = traitlets.Dict().tag(sync=True)
    """The figure shown, as JSON values: data and layout."""
    plotly = traitlets.Unicode().tag(sync=True)
    """plotly.js as a JavaScript module."""

    def __init__(self, figure: go.Figure) -> None:
        super().__init__(figure=_plain(figure), plotly=_plotly_module())

    def show(self, figure: go.Figure) -> None:
        """Replace what is shown by another figure."""
        self.figure = _plain(figure)


@functools.cache
def _plotly_module() -> str:
    return f"const module = {{ exports: {{}} }};\n{get_plotlyjs()}\nexport default module.exports;"


def _plain(figure: go.Figure) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(figure.to_json())
    return plain
