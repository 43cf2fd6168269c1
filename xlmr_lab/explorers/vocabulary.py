"""Look at a vocabulary from every side: any measure of each language, beside another vocabulary's,
and a text of one's own as this and other vocabularies cut it.

The picture is `figures.vocabulary.by_language`, the pieces are `figures.segmentation.compared`; the
explorer only chooses their arguments and shows the calls that draw them.
"""

import html
from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go

from xlmr_lab.errors import UserError
from xlmr_lab.explorers.controls import (
    WIDE,
    choices,
    coded,
    dropdown,
    text_box,
    written_call,
)
from xlmr_lab.explorers.explorer import Explorer
from xlmr_lab.figures import segmentation, theme
from xlmr_lab.figures.vocabulary import MEASURES, ORDERS, by_language
from xlmr_lab.found_vocabularies import OWN, Cut, FoundVocabularies
from xlmr_lab.vocabulary_results import MeasuredVocabulary

WRAP = {"flex_flow": "row wrap", "align_items": "center", "width": "100%", "grid_gap": "4px 24px"}

HINT = (
    "Choose a measure and how languages are ordered and coloured; write a text in any script below "
    "and see it cut, also by other vocabularies (several with Ctrl or Shift)."
)
OTHER = "the other"
NUM_BESIDE = 2
"""Found vocabularies that cut the text to begin with."""


class VocabularyExplorer(Explorer):
    """Controls over the measures of one vocabulary or two, and a text that these and those `beside`
    cut."""

    def __init__(
        self,
        made: MeasuredVocabulary,
        other: MeasuredVocabulary | None = None,
        *,
        beside: FoundVocabularies | None = None,
        text: str = "",
        language: str = "",
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self.made, self.other = made, other
        self.beside = beside or FoundVocabularies(folders={})
        self.frame = made.languages()
        self.other_frame = None if other is None else other.languages()
        self.measure = dropdown("measure", list(MEASURES))
        colors = [(theme.GROUPS[name], name) for name in ("script", "family", "tier")]
        self.color = dropdown("colour by", colors)
        self.order = dropdown("order", [(told, name) for name, told in ORDERS.items()])
        self.text = text_box("text", text, "a text in any script")
        self.language = dropdown("in language", self.frame["language"].to_list())
        self.language.value = language or self.language.options[0]
        self.vocabularies = self._offered()
        self.ids = widgets.Checkbox(value=True, description="pieces with ids", indent=False)
        self.pieces, self.pieces_call = widgets.HTML(layout=WIDE), widgets.HTML()
        words = widgets.Box((self.text, self.language, self.vocabularies, self.ids), layout=WRAP)
        super().__init__(
            HINT,
            [(self.measure, self.order, self.color)],
            below=[words, self.pieces, self.pieces_call],
            run=made.study.name,
            state=state,
        )

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
    def written(self) -> str:
        """The call that draws the present picture."""
        frames = "made.languages()" + (", other=other.languages()" if self.other else "")
        return written_call("vocabulary.by_language", frames, self.arguments)

    @property
    def cut(self) -> segmentation.Segmentation:
        """The present text in pieces.

        Raises:
            UserError: the study's own vocabulary is not there any more, or cannot cut the text.
        """
        asked = self.text.value, self.language.value
        cuts: dict[str, Cut] = {OWN: self.made.cut(*asked)}
        if self.other is not None:
            cuts[OTHER] = self.other.cut(*asked)
        cuts |= self.beside.cuts(*asked, self.vocabularies.value)
        named = cuts if len(cuts) > 1 else {"": cuts[OWN]}
        return segmentation.compared(self.text.value, named, ids=self.ids.value)

    def _offered(self) -> widgets.SelectMultiple:
        """Return the list of the vocabularies that were found, seen where there are some."""
        others = [name for name in self.beside.names if name != OWN]
        offered = choices(others, "cut also by")
        offered.value = tuple(others[:NUM_BESIDE])
        offered.layout = widgets.Layout(
            width="min(480px, 100%)", display=None if others else "none"
        )
        return offered

    def _draw(self) -> None:
        super()._draw()
        try:
            self.pieces.value = self.cut._repr_html_()
        except UserError as error:  # the measures need no vocabulary at hand, the text does
            self.pieces.value = f"<p>{html.escape(str(error))}</p>"
        self.pieces_call.value = f"These pieces: {coded(self._written_pieces())}"

    def _written_pieces(self) -> str:
        """Write the call that shows the pieces, by the vocabularies of `cut` in their order."""
        asked = f"{self.text.value!r}, {self.language.value!r}"
        named = list(self.vocabularies.value)
        is_alone = self.other is None and not named
        cuts = [f"{('' if is_alone else OWN)!r}: made.cut({asked})"]
        cuts += [f"{OTHER!r}: other.cut({asked})"] * (self.other is not None)
        cuts += [f"**beside.cuts({asked}, {named!r})"] * bool(named)
        ids = {} if self.ids.value else {"ids": False}
        frames = f"{self.text.value!r}, {{{', '.join(cuts)}}}"
        return written_call("segmentation.compared", frames, ids)
