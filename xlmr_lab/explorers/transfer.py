"""Look at transfer from every side: any task, protocol and selection, by language, by group or by
distance to the language learned in, as scores or as differences paired by seed.

The picture is `figures.transfer_dots.explored`; the explorer only chooses its arguments and shows
the call that draws it. Where a study has no such scores, the picture says what makes them.
"""

from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
import polars as pl

from xlmr_lab.explorers.controls import choices, dropdown, written_call
from xlmr_lab.explorers.explorer import Explorer
from xlmr_lab.figures import theme
from xlmr_lab.figures.task_scores import METRICS, TASKS, in_order_of_print
from xlmr_lab.figures.transfer_dots import GROUPINGS, PRETRAINING, explored

HINT = (
    "Choose a task and a protocol, what a dot stands for, and what the scores are less; filter "
    "arms and languages (several with Ctrl or Shift), and show single seeds."
)
FILTERS = ("tier", "script", "family")


class TransferExplorer(Explorer):
    """Controls over the scores of a study (`Study.scores`); `name` is what the call that is shown
    calls them."""

    TITLE = "Transfer"

    def __init__(
        self,
        scores: pl.DataFrame,
        *,
        name: str = "study.scores()",
        run: str = "",
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self.scores, self.name = scores, name
        self._make_scores()
        self.by = dropdown("a dot for each", [(told, key) for key, told in GROUPINGS.items()])
        self.seeds = widgets.Checkbox(description="single seeds", indent=False)
        self.arms = choices(_ranked(scores), "only arms")
        self.tier, self.script, self.family = (
            choices(theme.order(scores[name], name), f"only {theme.GROUPS[name]}")
            for name in FILTERS
        )
        first = (self.task, self.protocol, self.selection, self.metric)
        second = (self.by, self.less, self.seeds)
        third = (self.arms, self.tier, self.script, self.family)
        super().__init__(HINT, [first, second, third], run=run, state=state)

    @property
    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of the present picture."""
        names = ("task", "protocol", "selection", "metric", "by", "less")
        where = {name: list(getattr(self, name).value) for name in FILTERS}
        found = {name: getattr(self, name).value for name in names} | {
            "arms": list(self.arms.value),
            "where": {name: values for name, values in where.items() if values},
            "seeds": self.seeds.value,
        }
        return {name: value for name, value in found.items() if value}

    @property
    def figure(self) -> go.Figure:
        """The present picture as a plain figure."""
        return explored(self.scores, **self.arguments)

    @property
    def written(self) -> str:
        """The call that draws the present picture."""
        return written_call("transfer_dots.explored", self.name, self.arguments)

    def _make_scores(self) -> None:
        """Make the controls of which scores are drawn."""
        found = {name: self.scores[name].unique().to_list() for name in ("task", "selection")}
        tasks = [(told, task) for task, told in TASKS.items() if task in found["task"]]
        self.task = dropdown("task", tasks or [(told, task) for task, told in TASKS.items()])
        protocols = in_order_of_print(self.scores["protocol"]) or ["zero-shot"]
        self.protocol = dropdown("protocol", protocols)
        selections = [("as usual", ""), *((name, name) for name in sorted(found["selection"]))]
        self.selection = dropdown("model selected by", selections)
        metrics = sorted(self.scores["metric"].unique().to_list())
        named = [("as usual", ""), *((METRICS.get(name, name), name) for name in metrics)]
        self.metric = dropdown("measure", named)
        others = [(f"less {name}", name) for name in protocols]
        differences = [("the score itself", ""), ("less no pretraining", PRETRAINING), *others]
        self.less = dropdown("show", differences)


def _ranked(scores: pl.DataFrame) -> list[str]:
    """Return the arms, those without pretraining last."""
    arms = scores.select("arm", "pretrained").unique()
    return arms.sort("pretrained", "arm", descending=[True, False])["arm"].to_list()
