"""Turn alpha and see what each language gets (XLM-R Sec. 3.1): shares, sampling probabilities,
passes over its text.

The picture is `figures.sampling.distribution`; the explorer only chooses its arguments and shows
the call that draws it. The controls are public, so that setting `explorer.alpha.value` in Python
does what the slider does in a browser.
"""

from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
import polars as pl

from xlmr_lab.explorers.canvas import Canvas
from xlmr_lab.explorers.controls import LABEL, WIDE, call_text, panel
from xlmr_lab.figures import theme
from xlmr_lab.figures.sampling import available_bases, distribution

HINT = (
    "Raise α and watch the passes of the smallest languages; switch the corpus to see the paper's "
    "hundred."
)
STUDY, PAPER = "study.sizes()", "results.paper_sizes()"


class SamplingExplorer(widgets.VBox):
    """Controls over the sampling of a study's corpus and of the paper's."""

    def __init__(
        self,
        sizes: pl.DataFrame,
        paper: pl.DataFrame,
        *,
        alpha: float = 0.3,
        budget: float = 1.0,
    ) -> None:
        self.corpora = {STUDY: sizes, PAPER: paper}
        self.corpus = widgets.Dropdown(
            options=[("this study", STUDY), ("the paper, Table 6", PAPER)],
            description="corpus",
            style=LABEL,
        )
        self.alpha = widgets.FloatSlider(
            value=alpha, min=0, max=1, step=0.01, description="exponent α", style=LABEL
        )
        self.basis = widgets.Dropdown(
            options=available_bases(sizes), description="size counted in", style=LABEL
        )
        self.budget = _length(budget)
        self.alpha.layout.width = self.budget.layout.width = "340px"
        self.color = widgets.Dropdown(
            options=[(theme.GROUPS[name], name) for name in ("tier", "script", "family")],
            description="colour by",
            style=LABEL,
        )
        self.logarithmic = widgets.Checkbox(description="logarithmic probabilities", indent=False)
        self.call = widgets.HTML()
        self.canvas = Canvas(self.figure)
        first, second = (
            (self.corpus, self.alpha, self.budget),
            (self.basis, self.color, self.logarithmic),
        )
        super().__init__(panel(HINT, [first, second], self.canvas, self.call), layout=WIDE)
        self.corpus.observe(self._change_corpus, "value")
        for control in (*first[1:], *second):
            control.observe(self._refresh, "value")
        self._refresh()

    @property
    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of the present picture."""
        return {
            "alpha": round(self.alpha.value, 2),
            "basis": self.basis.value,
            "budget": float(f"{self.budget.value:.3g}"),
            "color": self.color.value,
            "log": self.logarithmic.value,
        }

    @property
    def figure(self) -> go.Figure:
        """The present picture as a plain figure."""
        return distribution(self.corpora[self.corpus.value], **self.arguments)

    def __repr__(self) -> str:
        return f"SamplingExplorer({self.corpus.value}, {self.arguments})"

    def _change_corpus(self, _: Any) -> None:
        bases = available_bases(self.corpora[self.corpus.value])
        chosen = self.basis.value
        with self.hold_trait_notifications():
            self.basis.options = bases
            self.basis.value = chosen if chosen in bases else bases[0]
        self._refresh()

    def _refresh(self, _: Any = None) -> None:
        self.canvas.show(self.figure)
        self.call.value = call_text("sampling.distribution", self.corpus.value, self.arguments)


def _length(budget: float) -> widgets.FloatLogSlider:
    """Return a slider of the length of training."""
    return widgets.FloatLogSlider(
        value=budget,
        base=10,
        min=-1,
        max=3,
        step=0.1,
        description="training, in corpus sizes",
        style=LABEL,
    )
