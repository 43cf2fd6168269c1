"""Look at the curse of multilinguality from every side: tiers, single languages or widths, the loss
or its change, filters, single seeds.

The picture is `figures.curse.by_languages`; the explorer only chooses its arguments and shows the
call that draws it. What it cannot draw, such as a change at a width that was measured once, the
picture says.
"""

from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
import polars as pl

from xlmr_lab.explorers.controls import LABEL, choices, written_call
from xlmr_lab.explorers.explorer import Explorer
from xlmr_lab.figures import theme
from xlmr_lab.figures.curse import GROUPS, by_languages

HINT = (
    "Choose what one line stands for, show the change from one number of languages instead of the "
    "loss, take another width, filter by tier (several with Ctrl or Shift), and show single seeds."
)
ALL_WIDTHS = "measured most; all in lines by width"


class CurseExplorer(Explorer):
    """Controls over the losses of F1 and F2 (`capacity_results.cells`); `name` is what the call
    that is shown calls them."""

    def __init__(
        self,
        cells: pl.DataFrame,
        *,
        name: str = "cells",
        run: str = "",
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self.cells, self.name = cells, name
        counts, widths = (sorted(set(cells[column])) for column in ("num_languages", "width"))
        self.group = widgets.Dropdown(
            options=[(said, group) for group, said in GROUPS.items()],
            description="one line for each",
            style=LABEL,
        )
        self.reference = widgets.Dropdown(
            options=[
                ("the loss itself", None),
                *((f"change from {count} languages", count) for count in counts),
            ],
            description="show",
            style=LABEL,
        )
        self.width = widgets.Dropdown(
            options=[(ALL_WIDTHS, None), *((str(width), width) for width in widths)],
            description="width",
            style=LABEL,
        )
        self.seeds = widgets.Checkbox(description="single seeds", indent=False)
        self.tier = choices(theme.order(cells["tier"], "tier"), f"only {theme.GROUPS['tier']}")
        first, second = (self.group, self.reference), (self.width, self.seeds, self.tier)
        super().__init__(HINT, [first, second], run=run, state=state)

    @property
    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of the present picture."""
        return {
            "group": self.group.value,
            "reference": self.reference.value,
            "width": self.width.value,
            "seeds": self.seeds.value,
            "where": {"tier": list(self.tier.value)} if self.tier.value else {},
        }

    @property
    def figure(self) -> go.Figure:
        """The present picture as a plain figure."""
        return by_languages(self.cells, **self.arguments)

    @property
    def written(self) -> str:
        """The call that draws the present picture."""
        return written_call("curse.by_languages", self.name, self.arguments)
