"""Look at the alpha ablation from every side: groups of languages, filters, changes against a
reference, single seeds.

The picture is `figures.ablation.heldout_by_alpha`; the explorer only chooses its arguments and
shows the call that draws it. One filter (script, family, resource tier; nothing chosen means all)
decides which languages count, whatever they are grouped by.
"""

from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
import polars as pl

from xlmr_lab.explorers.controls import LABEL, choices, written_call
from xlmr_lab.explorers.explorer import Explorer
from xlmr_lab.figures import theme
from xlmr_lab.figures.ablation import heldout_by_alpha

HINT = (
    "Choose what one line stands for, filter by tier, script or family (several with Ctrl or "
    "Shift), show the change against one α instead of the loss, and single seeds."
)
FILTERS = ("tier", "script", "family")


class AblationExplorer(Explorer):
    """Controls over the held-out losses of a study's arms; `name` is what the call that is shown
    calls them."""

    def __init__(
        self,
        heldout: pl.DataFrame,
        *,
        name: str = "study.heldout()",
        run: str = "",
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self.heldout, self.name = heldout, name
        alphas = sorted(heldout["alpha"].unique().to_list())
        self.group = widgets.Dropdown(
            options=[(theme.GROUPS[name], name) for name in (*FILTERS, "language")],
            description="one line for each",
            style=LABEL,
        )
        self.reference = widgets.Dropdown(
            options=[("the loss itself", None), *((f"change from α = {a:g}", a) for a in alphas)],
            description="show",
            style=LABEL,
        )
        self.seeds = widgets.Checkbox(description="single seeds", indent=False)
        self.tier, self.script, self.family = (
            choices(theme.order(heldout[name], name), f"only {theme.GROUPS[name]}")
            for name in FILTERS
        )
        first = (self.group, self.reference, self.seeds)
        second = (self.tier, self.script, self.family)
        super().__init__(HINT, [first, second], run=run, state=state)

    @property
    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of the present picture."""
        where = {name: list(getattr(self, name).value) for name in FILTERS}
        return {
            "group": self.group.value,
            "reference": self.reference.value,
            "seeds": self.seeds.value,
            "where": {name: values for name, values in where.items() if values},
        }

    @property
    def figure(self) -> go.Figure:
        """The present picture as a plain figure."""
        return heldout_by_alpha(self.heldout, **self.arguments)

    @property
    def written(self) -> str:
        """The call that draws the present picture."""
        return written_call("ablation.heldout_by_alpha", self.name, self.arguments)
