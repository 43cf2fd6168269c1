"""Solve for the width that a vocabulary leaves room for (XLM-R Figure 6), from the paper's model or
the study's.

The picture is `figures.capacity.trade_off`; the explorer only chooses its arguments and shows the
call that draws it. The range is of `NUM_SIZES` vocabularies, each twice as large as the one before.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go

from xlmr_lab.explorers.controls import LABEL, slider
from xlmr_lab.explorers.explorer import Explorer
from xlmr_lab.figures.capacity import PAPER_SIZES, TITLE, trade_off
from xlmr_lab.model import parameters
from xlmr_lab.model.parameters import PAPER_SHAPE, PAPER_WIDTH, Shape

HINT = (
    "Start from the paper's model or this study's, then raise the vocabularies and watch the width "
    "fall; more parameters, or fewer layers, give it back."
)
NUM_SIZES = len(PAPER_SIZES)
SMALLEST = tuple(250 * 2**power for power in range(12))
"""What the smallest vocabulary may be, besides the paper's and the study's."""
PAPER, STUDY = "the paper, Figure 6", "this study"


class CapacityExplorer(Explorer):
    """Controls over the solver of a constant number of parameters."""

    TITLE = TITLE

    def __init__(
        self,
        *,
        total: int,
        vocab_sizes: Sequence[int],
        body_width: int,
        shape: Shape,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        paper = (parameters.paper_budget(), min(PAPER_SIZES), PAPER_WIDTH, PAPER_SHAPE)
        self.starts = {PAPER: paper, STUDY: (total, min(vocab_sizes), body_width, shape)}
        totals, smallest, *_ = zip(*self.starts.values(), strict=True)
        self.start = widgets.Dropdown(options=[PAPER, STUDY], description="model", style=LABEL)
        self.total = slider("parameters at a fixed total", {*totals, *_round(5, 10)}, width="460px")
        self.smallest = slider("smallest vocabulary", {*smallest, *SMALLEST})
        self.body_width = widgets.IntSlider(min=16, max=2048, description="width of the body")
        self.layers = widgets.IntSlider(min=1, max=48, description="layers")
        for control in (self.body_width, self.layers):
            control.layout.width, control.style = "340px", LABEL
        self._set()
        first, second = (self.start, self.total), (self.smallest, self.body_width, self.layers)
        super().__init__(HINT, [first, second], state=state)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of the present picture; none where it is the paper's figure."""
        *given, shape = self.starts[self.start.value]
        chosen = self._chosen()
        if self.start.value == PAPER and chosen == (*given, shape.num_layers):
            return {}
        total, smallest, body_width, layers = chosen
        return {
            "total": total,
            "vocab_sizes": [smallest * 2**power for power in range(NUM_SIZES)],
            "body_width": body_width,
            "shape": dataclasses.replace(shape, num_layers=layers),
        }

    @property
    def figure(self) -> go.Figure:
        """The present picture as a plain figure."""
        return trade_off(**self.arguments)

    @property
    def written(self) -> str:
        """The call that draws the present picture."""
        given = dict(self.arguments)
        shape = [_written(given.pop("shape"))] if given else []
        listed = [f"{name}={value!r}" for name, value in given.items()]
        return f"capacity.trade_off({', '.join([*listed, *shape])})"

    def _chosen(self) -> tuple[int, int, int, int]:
        return self.total.value, self.smallest.value, self.body_width.value, self.layers.value

    def _set(self) -> None:
        """Put the sliders where the chosen model is."""
        total, smallest, body_width, shape = self.starts[self.start.value]
        self.total.value, self.smallest.value = total, smallest
        self.body_width.step = self.body_width.min = shape.head_width
        self.body_width.value, self.layers.value = body_width, shape.num_layers

    def _adapt(self, change: Any) -> None:
        """Go over to another model, drawn once all of it is set."""
        if change is not None and change.owner is self.start:
            with self._held():
                self._set()


def _written(shape: Shape) -> str:
    """Write a shape as an argument, without what is as in the paper."""
    fields = [field for field in dataclasses.fields(shape)]
    own = [(f.name, getattr(shape, f.name)) for f in fields if getattr(shape, f.name) != f.default]
    return f"shape=capacity.Shape({', '.join(f'{name}={value!r}' for name, value in own)})"


def _round(lowest: int, highest: int) -> list[int]:
    """Return round numbers between two powers of ten.

    >>> _round(1, 2)
    [10, 13, 16, 20, 25, 32, 40, 50, 63, 79, 100]
    """
    return [round(float(f"{10 ** (i / 10):.2g}")) for i in range(10 * lowest, 10 * highest + 1)]
