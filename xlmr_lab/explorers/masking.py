"""Hide tokens of a block or of a text of one's own, by seed and share (BERT Sec. 3.1).

The picture is `figures.masking.counts`, the block is `figures.masking.shown`; the explorer only
chooses what they show, and writes the call that draws the picture.
"""

import html
from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
import polars as pl

from xlmr_lab.batch_results import StudyBatches
from xlmr_lab.errors import UserError
from xlmr_lab.explorers.controls import LABEL, WIDE, show, text_box
from xlmr_lab.explorers.explorer import Explorer
from xlmr_lab.figures import masking, theme

HINT = (
    "Go through the blocks of a language, change the seed and see other tokens hidden, raise the "
    "share; or write a text below, which then takes the place of the block."
)
SLIDER = {"width": "300px"}


class MaskingExplorer(Explorer):
    """Controls over a block and its masks."""

    TITLE = masking.TITLE

    def __init__(
        self,
        made: StudyBatches,
        *,
        language: str = "",
        text: str = "",
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self.made, self._drawn_by = made, ""
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
        self._set()
        controls = (self.language, self.number, self.seed, self.fraction)
        super().__init__(
            HINT, [controls, (self.text,)], below=[self.block], run=made.study.name, state=state
        )

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

    @property
    def written(self) -> str:
        """The call that draws the present picture: while a text is being written that cannot be
        cut, the one before."""
        return self._drawn_by

    def _set(self) -> None:
        """Let the slider end with the last block of the language."""
        self.number.max = self.made.num_blocks(self.language.value) - 1

    def _adapt(self, change: Any) -> None:
        if change is not None and change.owner is self.language:
            with self._held():
                self._set()
        show([self.number], not self.text.value.strip())

    def _draw(self) -> None:
        try:
            cells = self.cells
        except UserError as error:  # a text that no vocabulary can cut
            self.block.value = f"<p>{html.escape(str(error))}</p>"
            if not self._drawn_by:
                self.canvas.show(theme.empty("nothing to mask yet", title=self.TITLE))
            return
        self.canvas.show(masking.counts(cells))
        self.block.value = masking.shown(cells)._repr_html_()
        named = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        self._drawn_by = f"masking.counts({self._asked()}, {named}))"

    def _asked(self) -> str:
        """Write the call that returns the present block, as far as its language."""
        if self.text.value.strip():
            return f"made.text({self.text.value!r}, {self.language.value!r}"
        return f"made.block({self.language.value!r}, {self.number.value}"


def _slider(description: str, value: int) -> widgets.IntSlider:
    return widgets.IntSlider(
        value=value, min=0, description=description, style=LABEL, layout=SLIDER
    )
