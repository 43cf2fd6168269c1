"""Turn the dials of language sampling and see what each language gets (XLM-R Sec. 3): shares,
sampling probabilities, passes over its text, under a constant exponent, an annealed one, or a cap.

The picture is `figures.sampling.distribution` or, by part of the run,
`figures.repetition.over_run`; the explorer only chooses its arguments and shows the call that draws
it. The controls are public, so that setting `explorer.alpha.value` in Python does what the slider
does in a browser. Controls without effect on the present schedule are hidden.
"""

import html
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Unpack

import ipywidgets as widgets
import plotly.graph_objects as go
import polars as pl

from xlmr_lab.explorers.controls import LABEL, choices, show, written_call
from xlmr_lab.explorers.explorer import Explorer
from xlmr_lab.figures import theme
from xlmr_lab.figures.repetition import over_run
from xlmr_lab.figures.sampling import Settings, available_bases, distribution
from xlmr_lab.sampling.settings import SamplingConfig

HINT = (
    "Raise α and watch the passes of the smallest languages; let α fall over the run or cap the "
    "passes instead; switch the corpus to see the paper's hundred."
)
STUDY, PAPER = "study.training_sizes()", "results.paper_sizes()"
PICTURES: dict[str, Callable[..., go.Figure]] = {
    "sampling.distribution": distribution,
    "repetition.over_run": over_run,
}
MMBERT_ALPHA = 0.7
CAPS = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 8.0, 10.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)
SLIDER = "340px"


class SamplingExplorer(Explorer):
    """Controls over the sampling of a study's corpus and of the paper's."""

    TITLE = "Language sampling"

    def __init__(
        self,
        sizes: pl.DataFrame,
        paper: pl.DataFrame,
        *,
        basis: str | None = None,
        budget: float = 1.0,
        run: str = "",
        state: Mapping[str, Any] | None = None,
        **settings: Unpack[Settings],
    ) -> None:
        self.corpora = {STUDY: sizes, PAPER: paper}
        self._make_common(settings.get("alpha", 0.3), basis, budget)
        self._make_annealed()
        self.max_passes = widgets.SelectionSlider(
            options=CAPS, value=4.0, description="passes at most", style=LABEL
        )
        self.max_passes.layout.width = SLIDER
        self._begin(SamplingConfig(**settings))
        self.note = widgets.HTML(_difference(settings, self._settings()))
        show([self.note], bool(self.note.value))
        first = (self.corpus, self.schedule, self.alpha, self.max_passes, self.budget)
        second = (self.later, self.changes, self.joining, self.join_at)
        third = (self.basis, self.color, self.picture, self.logarithmic)
        rows = [first, second, third, (self.note,)]
        super().__init__(HINT, rows, run=run, state=state)

    @property
    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of the present picture."""
        shown: dict[str, Any] = {
            **self._settings(),
            "basis": self.basis.value,
            "budget": float(f"{self.budget.value:.3g}"),
            "color": self.color.value,
        }
        return shown if self._by_part() else shown | {"log": self.logarithmic.value}

    @property
    def figure(self) -> go.Figure:
        """The present picture as a plain figure."""
        draw = PICTURES[self.picture.value]
        return draw(self.corpora[self.corpus.value], **self.arguments)

    @property
    def written(self) -> str:
        """The call that draws the present picture."""
        return written_call(self.picture.value, self.corpus.value, self.arguments)

    def _make_common(self, alpha: float, basis: str | None, budget: float) -> None:
        self.corpus = widgets.Dropdown(
            options=[("this study", STUDY), ("the paper, Table 6", PAPER)],
            description="corpus",
            style=LABEL,
        )
        self.schedule = widgets.Dropdown(
            options=[("constant α", "constant"), ("annealed α", "annealed"), ("capped", "capped")],
            description="schedule",
            style=LABEL,
        )
        self.alpha = widgets.FloatSlider(
            value=alpha, min=0, max=1, step=0.01, description="exponent α", style=LABEL
        )
        self.alpha.layout.width = SLIDER
        self.budget = widgets.FloatLogSlider(
            value=budget,
            base=10,
            min=min(-1, math.floor(math.log10(budget))),
            max=max(3, math.ceil(math.log10(budget))),
            step=0.01,
            description="training, in corpus sizes",
            style=LABEL,
        )
        self.budget.layout.width = SLIDER
        bases = available_bases(self.corpora[STUDY])
        self.basis = widgets.Dropdown(
            options=bases, value=basis or bases[0], description="size counted in", style=LABEL
        )
        self.color = widgets.Dropdown(
            options=[(theme.GROUPS[name], name) for name in ("tier", "script", "family")],
            description="colour by",
            style=LABEL,
        )
        self.picture = widgets.Dropdown(
            options=list(zip(("whole run", "by part of the run"), PICTURES, strict=True)),
            description="picture",
            style=LABEL,
        )
        self.logarithmic = widgets.Checkbox(description="logarithmic probabilities", indent=False)

    def _make_annealed(self) -> None:
        self.later = widgets.FloatRangeSlider(
            value=(0.3, 0.5), min=0, max=1, step=0.05, description="later α, down to", style=LABEL
        )
        self.changes = widgets.FloatRangeSlider(
            value=(0.77, 0.97), min=0.01, max=0.99, step=0.01, description="at", style=LABEL
        )
        self.joining = choices(self._keys(), "joining later")
        self.join_at = widgets.FloatSlider(
            value=0.5, min=0.01, max=0.99, step=0.01, description="joining at", style=LABEL
        )
        for slider in (self.later, self.changes, self.join_at):
            slider.layout.width = SLIDER

    def _begin(self, config: SamplingConfig) -> None:
        """Set the controls to a schedule, as near as they come to it: two later exponents, and one
        moment for all that join. What they cannot hold is said in the note.
        """
        self.schedule.value = config.schedule
        if config.max_passes is not None:
            self.max_passes.options = sorted({*CAPS, config.max_passes})
            self.max_passes.value = config.max_passes
        if config.schedule == "annealed":
            later = config.later_alphas or (config.alpha,)
            self.later.value = (min(later), max(later))
            if config.changes:
                self.changes.value = (config.changes[0], config.changes[-1])
            self.joining.value = tuple(config.joins())
            self.join_at.value = max(config.joins().values(), default=0.5)

    def _settings(self) -> dict[str, Any]:
        """Return the settings of sampling that the controls stand for."""
        alpha = round(self.alpha.value, 2)
        if self.schedule.value == "constant":
            return {"alpha": alpha}
        if self.schedule.value == "capped":
            return {"schedule": "capped", "alpha": 0.0, "max_passes": self.max_passes.value}
        later, changes, last = list[float](), list[float](), alpha
        turns = (round(value, 2) for value in self.changes.value)
        for value, change in zip(reversed(self.later.value), turns, strict=True):
            if (value := round(value, 2)) != last:
                later, changes, last = [*later, value], [*changes, change], value
        settings = {"schedule": "annealed", "alpha": alpha, "later_alphas": tuple(later)}
        starts = tuple(f"{key}:{self.join_at.value:.2g}" for key in self.joining.value)
        return settings | {"changes": tuple(changes)} | ({"starts": starts} if starts else {})

    def _by_part(self) -> bool:
        return bool(self.picture.value == "repetition.over_run")

    def _keys(self) -> list[str]:
        found: list[str] = self.corpora[self.corpus.value]["language"].to_list()
        return found

    def _adapt(self, change: Any) -> None:
        with self._held():
            if change is not None and change.owner is self.corpus:
                self._change_corpus()
            elif change is not None and change.owner is self.schedule:
                self._change_schedule()
        schedule = self.schedule.value
        annealed = (self.later, self.changes, self.joining, self.join_at)
        show(annealed, schedule == "annealed")
        show([self.max_passes], schedule == "capped")
        show([self.alpha], schedule != "capped")
        show([self.logarithmic], not self._by_part())

    def _change_corpus(self) -> None:
        """Offer the languages and the sizes of the other corpus."""
        bases = available_bases(self.corpora[self.corpus.value])
        chosen = self.basis.value
        self.joining.options = self._keys()
        self.basis.options = bases
        self.basis.value = chosen if chosen in bases else bases[0]

    def _change_schedule(self) -> None:
        """Let an annealed exponent begin above the later ones, where mmBERT's does."""
        if self.schedule.value == "annealed" and self.alpha.value <= max(self.later.value):
            self.alpha.value = MMBERT_ALPHA


def _difference(given: Mapping[str, Any], shown: Mapping[str, Any]) -> str:
    """Say, as HTML, which settings of a schedule controls hold otherwise than they were given;
    nothing where they hold all.

    >>> _difference({"alpha": 0.125}, {"alpha": 0.13})
    'The schedule that was given is not quite the one shown: alpha=0.125, shown 0.13.'
    """
    before, after = (asdict(SamplingConfig()) | dict(settings) for settings in (given, shown))
    told = [
        f"{name}={value!r}, shown {after[name]!r}"
        for name, value in before.items()
        if after[name] != value
    ]
    if not told:
        return ""
    text = f"The schedule that was given is not quite the one shown: {'; '.join(told)}."
    return html.escape(text, quote=False)
