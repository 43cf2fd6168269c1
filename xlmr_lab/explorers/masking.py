"""Hide tokens of a block or of a text of one's own, by seed and share (BERT Sec. 3.1).

The picture is `figures.masking.counts`, the block is `figures.masking.shown`; the explorer only
chooses what they show, and writes the call that draws the picture.
"""

import html
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
import polars as pl

from xlmr_lab.batch_results import StudyBatches
from xlmr_lab.errors import UserError
from xlmr_lab.explorers.canvas import Canvas
from xlmr_lab.explorers.controls import LABEL, WIDE, call_text, panel, text_box, text_form
from xlmr_lab.figures import masking, theme

HINT = (
    "Go through the blocks of a language, change the seed and see other tokens hidden, raise the "
    "share; or write a text below, which then takes the place of the block."
)
SLIDER = widgets.Layout(width="300px")


class MaskingExplorer(widgets.VBox):
    """Controls over a block and its masks."""

    def __init__(self, made: StudyBatches, *, language: str = "", text: str = "") -> None:
        self.made = made
        keys = made.languages()
        self.language = widgets.Dropdown(
            options=keys, value=language or keys[0], description="language", style=LABEL
        )
        self.number = _slider("block", 0)
        self.seed = _slider("seed", 0)
        self.seed.max = 99
        self.fraction = widgets.FloatSlider(
            value=made.config.mask_fraction,
            min=0.05,
            max=0.95,
            step=0.05,
            description="share to predict",
            readout_format=".0%",
            style=LABEL,
            layout=SLIDER,
        )
        self.text = text_box("own text", text, "empty: the block")
        self.block = widgets.HTML(layout=WIDE)
        self.call = widgets.HTML()
        self._set()
        self.canvas = Canvas(theme.empty("nothing to mask yet", title=masking.TITLE))
        controls = (self.language, self.number, self.seed, self.fraction)
        below = widgets.VBox([self.call, self.block], layout=WIDE)
        rows = [controls, (self.text,)]
        super().__init__(panel(HINT, rows, self.canvas, below), layout=WIDE)
        self.language.observe(self._begin, "value")
        for control in (*controls[1:], self.text):
            control.observe(self._refresh, "value")
        self._refresh()

    @property
    def arguments(self) -> dict[str, Any]:
        """How tokens are chosen."""
        return {"seed": self.seed.value, "fraction": round(self.fraction.value, 2)}

    @property
    def cells(self) -> pl.DataFrame:
        """The present block with its masks."""
        if self.text.value.strip():
            return self.made.text(self.text.value, self.language.value, **self.arguments)
        return self.made.block(self.language.value, self.number.value, **self.arguments)

    @property
    def figure(self) -> go.Figure:
        """The present picture as a plain figure."""
        return masking.counts(self.cells)

    def __repr__(self) -> str:
        return text_form(self)

    def _set(self) -> None:
        """Let the slider end with the last block of the language."""
        self.number.max = self.made.num_blocks(self.language.value) - 1

    def _begin(self, _: Any) -> None:
        self._set()
        self._refresh()

    def _refresh(self, _: Any = None) -> None:
        try:
            cells = self.cells
        except UserError as error:  # a text that no vocabulary can cut
            self.block.value = f"<p>{html.escape(str(error))}</p>"
            return
        self.canvas.show(masking.counts(cells))
        self.block.value = masking.shown(cells)._repr_html_()
        text = self.text.value.strip()
        what = (
            f"made.text({self.text.value!r}, {self.language.value!r}"
            if text
            else f"made.block({self.language.value!r}, {self.number.value}"
        )
        named = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        self.call.value = call_text("masking.counts", f"{what}, {named})", {})


def _slider(description: str, value: int) -> widgets.IntSlider:
    return widgets.IntSlider(
        value=value, min=0, description=description, style=LABEL, layout=SLIDER
    )
