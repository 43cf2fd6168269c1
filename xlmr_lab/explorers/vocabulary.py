"""Look at a vocabulary from every side: any measure of each language, beside another vocabulary's,
and a text of one's own cut in pieces.

The picture is `figures.vocabulary.by_language`, the pieces are `figures.segmentation.shown`; the
explorer only chooses their arguments and shows the call that draws the picture.
"""

import html
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go

from xlmr_lab.errors import UserError
from xlmr_lab.explorers.canvas import Canvas
from xlmr_lab.explorers.controls import LABEL, WIDE, call_text, panel, text_box, text_form
from xlmr_lab.figures import segmentation, theme
from xlmr_lab.figures.vocabulary import MEASURES, ORDERS, by_language
from xlmr_lab.vocabulary_results import MeasuredVocabulary

WRAP = {"flex_flow": "row wrap", "align_items": "center", "width": "100%", "grid_gap": "4px 24px"}

HINT = (
    "Choose a measure and how languages are ordered and coloured; write a text in any script below "
    "and see it cut."
)


class VocabularyExplorer(widgets.VBox):
    """Controls over the measures of one vocabulary or two, and a text to cut."""

    def __init__(
        self,
        made: MeasuredVocabulary,
        other: MeasuredVocabulary | None = None,
        *,
        text: str = "",
        language: str = "",
    ) -> None:
        self.made, self.other = made, other
        self.frame = made.languages()
        self.other_frame = None if other is None else other.languages()
        self.measure = _dropdown("measure", list(MEASURES))
        colors = [(theme.GROUPS[name], name) for name in ("script", "family", "tier")]
        self.color = _dropdown("colour by", colors)
        self.order = _dropdown("order", [(told, name) for name, told in ORDERS.items()])
        self.text = text_box("text", text, "a text in any script")
        self.language = _dropdown("in language", self.frame["language"].to_list())
        self.language.value = language or self.language.options[0]
        self.pieces = widgets.HTML(layout=WIDE)
        self.call = widgets.HTML()
        self.canvas = Canvas(self.figure)
        controls, words = (self.measure, self.order, self.color), (self.text, self.language)
        box = widgets.Box(words, layout=WRAP)
        below = widgets.VBox([self.call, box, self.pieces])
        super().__init__(panel(HINT, [controls], self.canvas, below), layout=WIDE)
        for control in controls:
            control.observe(self._refresh, "value")
        for control in words:
            control.observe(self._cut, "value")
        self._refresh()
        self._cut()

    @property
    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of the present picture."""
        return {
            "measure": self.measure.value,
            "color": self.color.value,
            "order": self.order.value,
        }

    @property
    def figure(self) -> go.Figure:
        """The present picture as a plain figure."""
        return by_language(self.frame, **self.arguments, other=self.other_frame)

    @property
    def cut(self) -> segmentation.Segmentation:
        """The present text in pieces."""
        asked = self.text.value, self.language.value
        other = None if self.other is None else self.other.cut(*asked)
        return segmentation.shown(self.text.value, self.made.cut(*asked), other)

    def __repr__(self) -> str:
        return text_form(self)

    def _refresh(self, _: Any = None) -> None:
        self.canvas.show(self.figure)
        frames = "made.languages()" + (", other=other.languages()" if self.other else "")
        self.call.value = call_text("vocabulary.by_language", frames, self.arguments)

    def _cut(self, _: Any = None) -> None:
        try:
            self.pieces.value = self.cut._repr_html_()
        except UserError as error:  # the measures need no vocabulary at hand, the text does
            self.pieces.value = f"<p>{html.escape(str(error))}</p>"


def _dropdown(description: str, options: list[Any]) -> widgets.Dropdown:
    return widgets.Dropdown(options=options, description=description, style=LABEL)
