"""Turn the thresholds of cleaning and see at once what is kept instead, how good that is, and which
paragraphs it is about (XLM-R Sec. 3, CCNet Sec. 3).

The picture is `figures.rejudged.compared` or, by direction, `figures.verdicts.flips`, and below it
is `figures.paragraphs`; the explorer only chooses what they show, and writes the call that draws
the picture and the command that cleans anew by these thresholds. Thresholds that change nothing in
the text at hand are hidden.
"""

import shlex
from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
import polars as pl

from xlmr_lab import configs, study_call
from xlmr_lab.cleaning_results import Cleaning
from xlmr_lab.cleaning_sample import REASONS
from xlmr_lab.errors import UserError
from xlmr_lab.explorers.controls import LABEL, WIDE, choices, coded, written_call
from xlmr_lab.explorers.explorer import Explorer
from xlmr_lab.figures import rejudged, verdicts
from xlmr_lab.figures.cleaning import spaced
from xlmr_lab.figures.paragraphs import Paragraphs

HINT = (
    "Move a threshold: the marks are what is kept and rejected by it, the circles what the study "
    "kept. Below stand the paragraphs themselves, by page; read those that change before trusting "
    "any number."
)
SHARES, FLIPS = "rejudged.compared", "verdicts.flips"
PAGE = 6
"""Paragraphs of a column on a page."""
NUM_DECIMALS = 10
"""Decimals that thresholds are rounded to: the noise of a slider's steps lies far behind them."""

SLIDERS = {
    "max_damaged_share": ("most damaged characters", 0.3, 0.001, ".1%"),
    "min_letter_share": ("least letters", 1.0, 0.01, ".0%"),
    "min_paragraph_bytes": ("least length (bytes)", 400, 1, "d"),
    "min_identified_bytes": ("identified by itself from (bytes)", 400, 1, "d"),
    "agreement.min_score": ("least score of the language", 1.0, 0.01, ".2f"),
    "agreement.max_mixed_score": ("most score of two languages", 1.0, 0.01, ".2f"),
    "buckets.head_share": ("head ends at", 0.99, 0.01, ".0%"),
    "buckets.tail_share": ("tail begins at", 0.99, 0.01, ".0%"),
}
"""Settings of `clean` that a slider turns: its label, end, step and format."""


class CleaningExplorer(Explorer):
    """Controls over the thresholds of a cleaning, those of the study or others to begin with."""

    TITLE = rejudged.TITLE

    def __init__(
        self,
        cleaned: Cleaning,
        thresholds: Mapping[str, Any] | None = None,
        *,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        cleaned.check(thresholds or {})
        self.cleaned, self.study, self.sample = cleaned, cleaned.study, cleaned.sample()
        self._own = configs.flatten(self.sample.judge.config)
        self._start = configs.flatten(self.sample.settings(thresholds or {}))
        self._last: tuple[dict[str, Any], pl.DataFrame] | None = None
        self.damaged = self._slider("max_damaged_share")
        self.letters = self._slider("min_letter_share")
        self.length = self._slider("min_paragraph_bytes")
        self.identified = self._slider("min_identified_bytes")
        self.score = self._slider("agreement.min_score")
        self.mixed = self._slider("agreement.max_mixed_score")
        self.head = self._slider("buckets.head_share")
        self.tail = self._slider("buckets.tail_share")
        self._make_others()
        self._settings = {
            **dict(zip(SLIDERS, self._sliders(), strict=True)),
            "agreement.min_scores": self.scores,
            "keep": self.keep,
        }
        for name in set(self._settings) - set(cleaned.in_effect()):
            self._settings.pop(name).layout.display = "none"
        self.command, self.paragraphs = widgets.HTML(), widgets.HTML(layout=WIDE)
        rows = [
            (self.letters, self.damaged, self.length),
            (self.score, self.mixed, self.identified, self.scores),
            (self.keep, self.head, self.tail, self.picture),
            (self.language, self.reason, self.changed, self.page),
        ]
        super().__init__(
            HINT, rows, below=[self.command, self.paragraphs], run=self.study.name, state=state
        )

    @property
    def thresholds(self) -> dict[str, Any]:
        """The settings of `clean` that are not those of the study."""
        held = {name: _rounded(control.value) for name, control in self._settings.items()}
        own = {name: _rounded(_written(self._own[name])) for name in held}
        return {name: value for name, value in held.items() if value != own[name]}

    @property
    def judged(self) -> pl.DataFrame:
        """What becomes of each paragraph of the sample (`Sample.verdicts`)."""
        asked = self.thresholds
        if self._last is None or self._last[0] != asked:
            self._last = asked, self.sample.verdicts(asked)
        return self._last[1]

    @property
    def figure(self) -> go.Figure:
        """The present picture as a plain figure."""
        counted = self.sample.counted(self.judged)
        if self.picture.value == FLIPS:
            return verdicts.flips(counted, self.thresholds)
        return rejudged.compared(counted)

    @property
    def written(self) -> str:
        """The call that draws the present picture."""
        asked = repr(self.thresholds)
        frames = f"cleaned.compared({asked})"
        flips = self.picture.value == FLIPS
        return written_call(self.picture.value, frames + f", {asked}" * flips, {})

    @property
    def listed(self) -> Paragraphs:
        """The present page of kept and of rejected paragraphs."""
        first = PAGE * (self.page.value - 1)
        halves = self._halves()
        kept, rejected = (
            self.sample.decided(half.sort("turn").slice(first, PAGE), self.thresholds)
            for half in halves
        )
        kept_total, rejected_total = map(len, halves)
        return Paragraphs(kept=kept, rejected=rejected, totals=(kept_total, rejected_total))

    @property
    def overrides(self) -> list[str]:
        """The settings of the command line that clean by the present thresholds."""
        return [f"clean.{name}={value}" for name, value in self.thresholds.items()]

    def _slider(self, setting: str) -> widgets.IntSlider | widgets.FloatSlider:
        label, end, step, form = SLIDERS[setting]
        value = self._start[setting]
        kind = widgets.IntSlider if isinstance(value, int) else widgets.FloatSlider
        return kind(
            value=value,
            min=0,
            max=max(end, value),
            step=step,
            description=label,
            readout_format=form,
            continuous_update=False,
            style=LABEL,
            layout=widgets.Layout(width="350px"),
        )

    def _sliders(self) -> tuple[widgets.Widget, ...]:
        first = (self.damaged, self.letters, self.length, self.identified)
        return (*first, self.score, self.mixed, self.head, self.tail)

    def _make_others(self) -> None:
        self.scores = widgets.Text(
            value=_written(self._start["agreement.min_scores"]),
            placeholder=_calibrated(self.sample.judge.min_scores) or "such as sw:0.9,ur:0.8",
            description="least scores by language",
            continuous_update=False,
            style=LABEL,
            layout=widgets.Layout(width="350px"),
        )
        self.keep = widgets.Dropdown(
            options=[("the first is kept", "first"), ("none is kept", "none")],
            value=self._start["keep"],
            description="of equal paragraphs",
            style=LABEL,
        )
        self.picture = widgets.Dropdown(
            options=[("before and after", SHARES), ("what flips, by language", FLIPS)],
            description="picture",
            style=LABEL,
        )
        languages = self.sample.languages()
        self.language = widgets.Dropdown(
            options=[("all", ""), *((key, key) for key in languages)],
            description="paragraphs of language",
            style=LABEL,
        )
        self.reason = choices([], "rejected as")
        self.reason.options = [(spaced(reason), reason) for reason in REASONS]
        self.reason.rows = 4
        self.changed = widgets.Checkbox(description="only those that change", indent=False)
        self.page = widgets.BoundedIntText(
            value=1,
            min=1,
            max=self._most_pages(),
            description="page",
            style=LABEL,
            layout=widgets.Layout(width="130px"),
        )

    def _most_pages(self) -> int:
        return -(-self.sample.rows.height // PAGE)

    def _halves(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the kept and the rejected paragraphs that the filters ask for."""
        is_kept, was_kept = pl.col("after").is_null(), pl.col("before").is_null()
        rows = self.judged
        if self.language.value:
            rows = rows.filter(language=self.language.value)
        if self.changed.value:
            rows = rows.filter(is_kept != was_kept)
        rejected = rows.filter(~is_kept)
        if self.reason.value:
            rejected = rejected.filter(pl.col("after").is_in(self.reason.value))
        return rows.filter(is_kept), rejected

    def _adapt(self, change: Any) -> None:
        """Begin with the first page again, unless it is the page that was turned."""
        if change is not None and change.owner is not self.page:
            with self._held():
                self.page.max, self.page.value = self._most_pages(), 1

    def _draw(self) -> None:
        super()._draw()
        begin = study_call.told(self.study.folder, "corpus")
        told = f"{begin} {shlex.join(self.overrides)}"
        self.command.value = f"Clean by these: {coded(told)}" if self.overrides else ""
        try:
            longest = max(map(len, self._halves()))
        except UserError:  # settings that do not fit; the picture says so
            self.command.value = self.paragraphs.value = ""
            return
        with self._held():
            self.page.max = max(1, -(-longest // PAGE))
        self.paragraphs.value = self.listed._repr_html_()


def _written(value: Any) -> Any:
    """Write a tuple of settings as the command line takes it, and leave all else.

    >>> _written(("sw:0.9", "ur:0.8")), _written(0.5)
    ('sw:0.9,ur:0.8', 0.5)
    """
    return ",".join(value) if isinstance(value, tuple) else value


def _rounded(value: Any) -> Any:
    """Return what a slider stands at without the noise of its steps.

    >>> _rounded(3 * 0.1), _rounded(0.00005), _rounded("sw:0.9")
    (0.3, 5e-05, 'sw:0.9')
    """
    return round(value, NUM_DECIMALS) if isinstance(value, float) else value


def _calibrated(scores: Mapping[str, float]) -> str:
    """Write the least scores that calibration found, such as stand until others are set."""
    return ",".join(f"{key}:{score:.2g}" for key, score in scores.items())
