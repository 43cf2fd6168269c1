"""A playground of masked prediction: hide words of held-out documents, or write a text with
`<mask>` in it, and see what the models put there.

The picture is `figures.prediction.guesses`, the text is `figures.hidden_text.shown`; the explorer
only chooses what they show, and writes the call that draws the picture.
"""

import html
from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go

from xlmr_lab.errors import UserError
from xlmr_lab.explorers.controls import LABEL, WIDE, show, text_box
from xlmr_lab.explorers.explorer import Explorer
from xlmr_lab.figures import hidden_text, prediction, theme
from xlmr_lab.prediction_results import Hidden, TrainedModels

HINT = (
    "Go through documents that no model was trained on, hide more words or others; or write a text "
    "with <mask> in it, which then takes the place of the document."
)
SLIDER = {"width": "300px"}
MAX_WORDS, MAX_BEST = 6, 10


class PredictionExplorer(Explorer):
    """Controls over a text with hidden words."""

    TITLE = prediction.TITLE

    def __init__(
        self,
        made: TrainedModels,
        *,
        language: str = "",
        text: str = "",
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self.made, self._drawn_by = made, ""
        keys = made.batches.languages()
        self.language = widgets.Dropdown(
            options=keys, value=language or keys[0], description="language", style=LABEL
        )
        self.number = _slider("document", 0, 0, 0)
        self.words = _slider("words to hide", 1, MAX_WORDS, 2)
        self.seed = _slider("seed", 0, 99, 0)
        self.best = _slider("guesses", 1, MAX_BEST, 5)
        self.text = text_box("own text", text, "with <mask> in it; empty: the document")
        self.shown = widgets.HTML(layout=WIDE)
        self._set()
        controls = (self.language, self.number, self.words, self.seed, self.best)
        super().__init__(
            HINT, [controls, (self.text,)], below=[self.shown], run=made.study.name, state=state
        )

    @property
    def hidden(self) -> Hidden:
        """The present text with its masks."""
        if self.text.value.strip():
            return self.made.written(self.text.value, self.language.value)
        return self.made.heldout(
            self.language.value, self.number.value, words=self.words.value, seed=self.seed.value
        )

    @property
    def figure(self) -> go.Figure:
        """The present picture as a plain figure."""
        return prediction.guesses(self.made.guesses(self.hidden, best=self.best.value))

    @property
    def written(self) -> str:
        """The call that draws the present picture: while a text is being written that cannot be
        guessed in, the one before."""
        return self._drawn_by

    def _set(self) -> None:
        """Let the slider end with the last document of the language."""
        self.number.max = self.made.num_documents(self.language.value) - 1

    def _adapt(self, change: Any) -> None:
        if change is not None and change.owner is self.language:
            with self._held():
                self._set()
        show([self.number, self.words, self.seed], not self.text.value.strip())

    def _draw(self) -> None:
        try:
            hidden = self.hidden
        except UserError as error:  # a text without <mask>, too long, or that cannot be cut
            self.shown.value = f"<p>{html.escape(str(error))}</p>"
            if not self._drawn_by:
                self.canvas.show(theme.empty("nothing to guess yet", title=self.TITLE))
            return
        frame = self.made.guesses(hidden, best=self.best.value)
        self.canvas.show(prediction.guesses(frame))
        self.shown.value = hidden_text.shown(self.made.names(hidden.ids), frame)._repr_html_()
        asked = f"made.guesses(made.{self._asked()}, best={self.best.value})"
        self._drawn_by = f"prediction.guesses({asked})"

    def _asked(self) -> str:
        """Write the call that hides the present text."""
        if self.text.value.strip():
            return f"written({self.text.value!r}, {self.language.value!r})"
        named = f"words={self.words.value}, seed={self.seed.value}"
        return f"heldout({self.language.value!r}, {self.number.value}, {named})"


def _slider(description: str, least: int, most: int, value: int) -> widgets.IntSlider:
    return widgets.IntSlider(
        value=value, min=least, max=most, description=description, style=LABEL, layout=SLIDER
    )
