"""Turn the sizes of a model and see where its parameters, operations and memory go (XLM-R Sec. 3,
Table 7).

The picture is `figures.anatomy.whole`; the explorer only chooses its arguments and shows the call
that draws it.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go

from xlmr_lab.explorers.controls import LABEL, slider
from xlmr_lab.explorers.explorer import Explorer
from xlmr_lab.figures.anatomy import BASE, whole
from xlmr_lab.model_costs import Load, Model

HINT = (
    "Start from a model, then raise the vocabulary and watch the red part: of the parameters, of "
    "the operations at all positions, of the memory where all logits are held."
)
VOCABULARIES = tuple(1000 * 2**power for power in range(12))
WIDTHS = (64, 128, 256, 384, 512, 768, 960, 1024, 1152, 1280, 2048)
BLOCKS = tuple(2**power for power in range(5, 14))
STEPS = tuple(2**power for power in range(10, 21))
SLIDER = widgets.Layout(width="340px")


class AnatomyExplorer(Explorer):
    """Controls over the sizes of a model and what it is trained on at once."""

    def __init__(
        self,
        models: Sequence[Model],
        load: Load | None = None,
        *,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        """Begin with XLM-R Base, or the first model where it is not among them."""
        load = load or Load()
        self.models = {model.name: model for model in models}
        self.start = widgets.Dropdown(
            options=list(self.models), description="start from", style=LABEL
        )
        self.start.value = BASE if BASE in self.models else models[0].name
        sizes = {model.vocab_size for model in models}
        self.vocab_size = slider("ids of the vocabulary", {*VOCABULARIES, *sizes})
        self.hidden_size = slider("width", {*WIDTHS, *(model.hidden_size for model in models)})
        self.num_layers = widgets.IntSlider(
            min=1, max=48, description="layers", style=LABEL, layout=SLIDER
        )
        self.block_tokens = slider("tokens of a block", {*BLOCKS, load.block_tokens})
        self.step_tokens = slider("tokens at once", {*STEPS, load.step_tokens})
        self.mask_fraction = widgets.FloatSlider(
            min=0.05, max=0.95, step=0.05, description="masked", readout_format=".0%"
        )
        self.mask_fraction.style, self.mask_fraction.layout = LABEL, SLIDER
        for name, value in dataclasses.asdict(load).items():
            getattr(self, name).value = value
        self._set()
        first = (self.start, self.vocab_size, self.hidden_size, self.num_layers)
        second = (self.block_tokens, self.step_tokens, self.mask_fraction)
        super().__init__(HINT, [first, second], state=state)

    @property
    def model(self) -> Model:
        """The model as the controls have it: feed-forward layers keep their ratio, and there are
        positions for a block.
        """
        start = self.models[self.start.value]
        sizes = {
            name: getattr(self, name).value for name in ("vocab_size", "hidden_size", "num_layers")
        }
        sizes["ffn_size"] = round(start.ffn_size / start.hidden_size * sizes["hidden_size"])
        sizes["max_tokens"] = max(start.max_tokens, self.block_tokens.value)
        changed = start.resized(**sizes)
        return changed if changed == start else dataclasses.replace(changed, name=_called(start))

    @property
    def load(self) -> Load:
        """What it is trained on at once."""
        return Load(
            block_tokens=self.block_tokens.value,
            step_tokens=self.step_tokens.value,
            mask_fraction=round(self.mask_fraction.value, 2),
        )

    @property
    def figure(self) -> go.Figure:
        """The present picture as a plain figure."""
        return whole(self.model, self.load)

    @property
    def written(self) -> str:
        """The call that draws the present picture."""
        return f"anatomy.whole(anatomy.{self.model!r}, anatomy.{self.load!r})"

    def _set(self) -> None:
        """Put the sliders where the chosen model is."""
        chosen = self.models[self.start.value]
        for name in ("vocab_size", "hidden_size", "num_layers"):
            getattr(self, name).value = getattr(chosen, name)

    def _adapt(self, change: Any) -> None:
        """Go over to another model, drawn once all its sizes are set."""
        if change is not None and change.owner is self.start:
            with self._held():
                self._set()


def _called(start: Model) -> str:
    return f"{start.name}, changed"
