"""Look at the ablations as a whole: all cells of a campaign, whichever claim they are of, with one
filter for every view.

On top stand parallel coordinates, `figures.campaign.parallel`. Below, one outcome over what a run
takes (`figures.campaign_dots.dots`) or two cells compared (`figures.campaign_pair.pair`). Claims,
languages and seeds are filtered above both, and so are ranges of whatever varies: a page sends
nothing back that is drawn in a picture with the mouse, so that ranges are controls, which the
keyboard reaches as well. A range that stands at the ends of its control has no effect, nor one of
what does not vary among the chosen claims, whose control is hidden.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
import polars as pl

from xlmr_lab.cell_frames import ADDED, KNOWN, Cells, is_outcome
from xlmr_lab.explorers.canvas import Canvas
from xlmr_lab.explorers.controls import LABEL, choices, coded, dropdown, show, written_call
from xlmr_lab.explorers.explorer import Explorer, draw
from xlmr_lab.explorers.saving import SaveControl
from xlmr_lab.figures import campaign_dots, theme
from xlmr_lab.figures.campaign import levels, parallel
from xlmr_lab.figures.campaign_pair import pair
from xlmr_lab.figures.campaign_words import COMPUTE, said

HINT = (
    "Choose claims, languages and seeds, and narrow the ranges of whatever varies: every picture "
    "follows. Below, take one outcome over tokens, time or a setting, or compare two cells."
)
FILTERS = ("tier", "script", "family")
DOTS, PAIR = "one outcome", "two cells compared"
DECIMALS = 9
"""Of the ends and steps of a range."""
STEPS = 40
"""Steps of a range of an outcome."""
RANGE = {"width": "calc(50% - 32px)", "min_width": "360px"}
NAMED = {"description_width": "210px"}
"""Layout and style of a range: all as wide, with their names in full."""


class CampaignExplorer(Explorer):
    """Controls over the cells of a tested campaign (`cell_results.cells`); `name` is what the calls
    that are shown call them."""

    TITLE = "All cells"

    def __init__(
        self,
        cells: Cells,
        *,
        name: str = "cells",
        run: str = "",
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self.cells, self.name = cells, name
        self._make_filters()
        self._ranges = self._make_ranges()
        self._make_view()
        self.detail = Canvas(theme.empty("nothing drawn yet", title=self.TITLE))
        self.detail_call = widgets.HTML()
        self.detail_saving = SaveControl(
            lambda: self.detail_figure, lambda: self.detail_written, run
        )
        filters = (self.claims, self.tier, self.script, self.family, self.seed)
        view = (self.shown, self.outcome, self.axis, self.seeds, self.paper)
        ranges = sorted(self._ranges.values(), key=_is_list)
        rows = [filters, ranges, (*view, self.second, self.first)]
        super().__init__(HINT, rows, run=run, state=state)
        hint, above, between, below, canvas, told = self.children
        detail = (below, self.detail, self.detail_call, self.detail_saving)
        self.set_trait("children", (hint, above, between, canvas, told, *detail))

    @property
    def brush(self) -> dict[str, tuple[Any, ...]]:
        """What is wanted of whatever varies among the chosen claims; see `cell_frames.Brush`."""
        drawn = self._chosen().table().columns
        wanted = {name: self._wanted(name) for name in self._ranges if name in drawn}
        return {name: own for name, own in wanted.items() if own is not None}

    @property
    def figure(self) -> go.Figure:
        """The parallel coordinates as a plain figure."""
        return parallel(self._chosen().table(), brush=self.brush)

    @property
    def detail_figure(self) -> go.Figure:
        """The picture below them as a plain figure."""
        left = self._left()
        if self.shown.value == DOTS:
            return campaign_dots.dots(left.points(self.outcome.value), **self._dot_arguments())
        two = (self.first.value, self.second.value)
        return pair(left.differences(*two), left.changed(*two), first=two[0], second=two[1])

    @property
    def written(self) -> str:
        """The call that draws the parallel coordinates."""
        arguments = {"brush": self.brush} if self.brush else {}
        return written_call("campaign.parallel", f"{self._written_cells()}.table()", arguments)

    @property
    def detail_written(self) -> str:
        """The call that draws the picture below them."""
        cells = self._written_cells()
        if self.brush:
            cells += f".brushed({self.brush!r})"
        if self.shown.value == DOTS:
            frame = f"{cells}.points({self.outcome.value!r})"
            return written_call("campaign_dots.dots", frame, self._dot_arguments())
        two = f"({self.first.value!r}, {self.second.value!r})"
        frames = f"{cells}.differences{two}, {cells}.changed{two}"
        arguments = {"first": self.first.value, "second": self.second.value}
        return written_call("campaign_pair.pair", frames, arguments)

    def _make_filters(self) -> None:
        outcomes = self.cells.outcomes
        self.claims = choices(self.cells.claims(), "only claims")
        tiers = [*theme.order(outcomes["tier"], "tier")]
        tiers += [ADDED] * (ADDED in outcomes["tier"])
        self.tier = choices(tiers, f"only {theme.GROUPS['tier']}")
        self.script, self.family = (
            choices(theme.order(outcomes[name], name), f"only {theme.GROUPS[name]}")
            for name in FILTERS[1:]
        )
        self.seed = widgets.SelectMultiple(
            options=sorted(outcomes["seed"].unique().to_list()),
            description="only seeds",
            rows=3,
            style=LABEL,
            layout=widgets.Layout(width="auto", min_width="140px"),
        )

    def _make_ranges(self) -> dict[str, widgets.Widget]:
        """Make a control for everything that varies, as an attribute named after it."""
        table = self.cells.table()
        found = {}
        for name in (name for name in table.columns if name not in KNOWN):
            control = _range(table[name])
            if control is not None:
                found[name] = control
                setattr(self, "only_" + re.sub(r"\W", "_", name), control)
        return found

    def _make_view(self) -> None:
        cells = self.cells.settings["cell"].to_list()
        named = [(theme.lettered(cell), cell) for cell in cells]
        self.shown = dropdown("below", [DOTS, PAIR])
        measures = [(said(name), name) for name in self.cells.measures()]
        self.outcome = dropdown("outcome", measures)
        settings = [(said(name), name) for name in self.cells.axes()]
        self.axis = dropdown("over", [*((told, name) for name, told in COMPUTE.items()), *settings])
        self.seeds = widgets.Checkbox(description="single seeds", indent=False)
        self.paper = widgets.Checkbox(description="beside the paper's figure", indent=False)
        self.second, self.first = dropdown("cell", named), dropdown("less", named)
        if len(cells) > 1:
            self.second.value = cells[1]

    def _filter(self) -> dict[str, Any]:
        """Return the arguments of `Cells.only`."""
        where = {name: list(getattr(self, name).value) for name in FILTERS}
        found = {
            "claims": list(self.claims.value),
            "seeds": list(self.seed.value),
            "where": {name: values for name, values in where.items() if values},
        }
        return {name: value for name, value in found.items() if value}

    def _chosen(self) -> Cells:
        return self.cells.only(**self._filter())

    def _left(self) -> Cells:
        chosen = self._chosen()
        return chosen.brushed(self.brush) if self.brush else chosen

    def _written_cells(self) -> str:
        return (
            written_call(f"{self.name}.only", "", self._filter()) if self._filter() else self.name
        )

    def _wanted(self, name: str) -> tuple[Any, ...] | None:
        """Return what a range wants, or None where it stands at its ends."""
        control = self._ranges[name]
        if _is_list(control):
            return tuple(control.value) or None
        low, high = control.value
        ends = _ends(control)
        own = (None if low <= ends[0] else low, None if high >= ends[1] else high)
        return None if own == (None, None) else own

    def _dot_arguments(self) -> dict[str, Any]:
        found = {"axis": self.axis.value, "seeds": self.seeds.value}
        return found | ({"paper": self.paper.value} if self._has_paper() else {})

    def _has_paper(self) -> bool:
        return self.axis.value in campaign_dots.PAPER_FIGURES

    def _adapt(self, change: Any) -> None:
        """Hide what has no effect, and take off what a page adds to decimals of a range."""
        for control in self._ranges.values():
            if isinstance(control, widgets.FloatRangeSlider):
                with self._held():
                    control.value = tuple(round(value, DECIMALS) for value in control.value)
        drawn = self._chosen().table().columns
        for name, control in self._ranges.items():
            show([control], name in drawn)
        is_dots = self.shown.value == DOTS
        show([self.outcome, self.axis, self.seeds], is_dots)
        show([self.paper], is_dots and self._has_paper())
        show([self.second, self.first], not is_dots)

    def _draw(self) -> None:
        super()._draw()
        draw(self.detail, lambda: self.detail_figure, title=self.shown.value)
        self.detail_saving.clear()
        self.detail_call.value = f"This picture: {coded(self.detail_written)}"


def _range(values: pl.Series) -> widgets.Widget | None:
    """Return a control of what is wanted of a column, which begins with all of it; None where all
    cells have one value."""
    known, told = levels(values), said(values.name)
    if len(known) < 2:
        return None
    if values.dtype == pl.String:
        return choices(known, told)
    common = {"description": told, "style": NAMED, "layout": RANGE}
    if not is_outcome(values.name):
        options = [(f"{value:,g}", value) for value in known]
        return widgets.SelectionRangeSlider(options=options, index=(0, len(known) - 1), **common)
    step = float(f"{(known[-1] - known[0]) / STEPS:.1g}")
    low, high = math.floor(known[0] / step), math.ceil(known[-1] / step)
    ends = {"min": round(low * step, DECIMALS), "max": round(high * step, DECIMALS), "step": step}
    value, form = (ends["min"], ends["max"]), f".{max(2, math.ceil(-math.log10(step)))}f"
    return widgets.FloatRangeSlider(value=value, readout_format=form, **ends, **common)


def _is_list(control: widgets.Widget) -> bool:
    return isinstance(control, widgets.SelectMultiple)


def _ends(control: widgets.Widget) -> tuple[Any, Any]:
    """Return the least and the largest value of a control."""
    if isinstance(control, widgets.FloatRangeSlider):
        return control.min, control.max
    return control.options[0][1], control.options[-1][1]
