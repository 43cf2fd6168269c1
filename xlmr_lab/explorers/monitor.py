"""Train a short run of one's own on a study's text, watch its curves grow, stop it, go on with it.

The picture is `figures.learning_curves.side_by_side` of what the run's files hold, and the files
are the truth: a second monitor, or one in a kernel that was started anew, opens on the run that is
training, and shows the same; runs that another process trains can be watched as well. A thread
looks at the files while the run trains, so the kernel is free for other cells.

The run is a process of its own. It goes on when the kernel is restarted, shut down or killed, as a
training that was asked for should; what is to end it is Stop, in any monitor of the run: the step
is finished and saved, and Resume goes on with the same weights as if it had never stopped. Making a
monitor trains nothing: executed in batch, the notebook only shows.
"""

import html
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go

from xlmr_lab import durations, study_call, training_process, training_tries
from xlmr_lab.errors import UserError
from xlmr_lab.explorers.controls import dropdown, slider, written_call
from xlmr_lab.explorers.explorer import Explorer
from xlmr_lab.figures import learning_curves, theme
from xlmr_lab.results import Study
from xlmr_lab.training_curves import GrowingCurves
from xlmr_lab.training_process import Standing, TrainingRun
from xlmr_lab.training_tries import TrySettings

HINT = (
    "Set the sliders and press Start: a run of these settings trains in the background. Stop saves "
    "it, Resume goes on; other settings are another run. Draw a run of the study beside it, over "
    "the same steps or the same tokens."
)
POLL_SECONDS = 1.0
"""How often a run that trains is looked at."""
TRY_SECONDS = 60.0
"""How long a try takes that one begins with, about, at the study's speed."""
LENGTHS = tuple(n * 10**power for power in range(2, 7) for n in (1, 2, 5))
FACTORS = (1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8)
"""Learning rates and batches to choose from, as multiples of the study's."""
MINE, NONE = "a try with the settings below", "none"


class TrainingMonitor(Explorer):
    """Controls over one pretraining run of a study; `name` is what the call that is shown calls the
    study."""

    TITLE = learning_curves.TITLE

    def __init__(
        self, study: Study, *, name: str = "study", state: Mapping[str, Any] | None = None
    ) -> None:
        """Begin, without a state, with the try that trains, or was trained last."""
        self.study, self.name = study, name
        self._curves, self._lock = GrowingCurves(study), threading.RLock()
        self._follower: threading.Thread | None = None
        self._on_canvas: tuple[str, list[tuple[int, int]]] = ("", [])
        self._refused, self._is_stopping = "", False
        self._make_settings()
        own = self._own()
        self.shown = dropdown("run", own)
        self.beside = dropdown("draw beside it", self._others())
        self.beside.value = next((name for _, name in own if name), "")
        self.over = dropdown("over", [(said, over) for over, said in learning_curves.OVER.items()])
        self.start = _button("Start", "success", self._begin)
        self.stop = _button("Stop", "warning", self._end)
        self.resume = _button("Resume", "success", self._begin)
        self.told = widgets.HTML()
        choices = (self.shown, self.beside, self.over)
        settings = (self.steps, self.rate, self.batch, self.alpha)
        pressed = (self.start, self.stop, self.resume, self.told)
        super().__init__(HINT, [choices, settings, pressed], run=study.name, state=state)
        if state is None:
            self._open_latest()

    @property
    def watched(self) -> TrainingRun:
        """The run that is shown."""
        if not self.shown.value:
            return training_tries.tried(self.study, self.settings)
        for run in training_tries.arms(self.study):
            if run.name == self.shown.value:
                return run
        raise UserError(f"the run {self.shown.value} is gone; choose another")

    @property
    def settings(self) -> TrySettings:
        """The settings of the try."""
        return TrySettings(self.steps.value, self.rate.value, self.batch.value, self.alpha.value)

    @property
    def standing(self) -> Standing:
        """How the run stands at this moment."""
        return training_process.standing(self.watched)

    @property
    def drawn(self) -> list[TrainingRun]:
        """The runs of the picture, the one that is shown first."""
        own, beside = self.watched, self.beside.value
        others = [run for run in training_tries.begun(self.study) if run.name == beside]
        return [own] * (own.folder is not None) + [run for run in others if run.name != own.name]

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [run.name for run in self.drawn]

    @property
    def figure(self) -> go.Figure:
        """The present picture as a plain figure."""
        if not self.names:
            raise UserError("Nothing is trained yet: press Start, or choose a run to draw beside")
        return learning_curves.side_by_side(self._curves.read(self.names), over=self.over.value)

    @property
    def written(self) -> str:
        """The call that draws the present picture."""
        read = f"training_curves.read({self.name}, {self.names!r})"
        return written_call("learning_curves.side_by_side", read, {"over": self.over.value})

    def _make_settings(self) -> None:
        """Make the sliders of a try, which begin where the study is, but for its length."""
        own = training_tries.own_settings(self.study)
        lengths = {*LENGTHS, own.steps}
        seconds = training_tries.step_seconds(self.study)
        affordable = [n for n in lengths if n < own.steps and n * seconds <= TRY_SECONDS]
        rates = [float(f"{own.peak_learning_rate * factor:.3g}") for factor in FACTORS]
        batches = {max(1, round(own.batch_sequences * factor)) for factor in FACTORS}
        self.steps = slider("steps", lengths, value=max(affordable, default=min(lengths)))
        self.rate = slider("peak learning rate", rates, value=rates[FACTORS.index(1)], form="{:g}")
        self.batch = slider("blocks of a batch", batches, value=own.batch_sequences)
        alphas = {*(tenth / 10 for tenth in range(11)), own.alpha}
        self.alpha = slider("exponent \u03b1", alphas, value=own.alpha, form="{:g}")
        if not training_tries.has_one_exponent(self.study):
            self.alpha.layout.display = "none"

    def _open_latest(self) -> None:
        latest = training_tries.tries(self.study)
        is_training = [training_process.standing(run).state == "running" for run in latest]
        chosen = [run for run, trains in zip(latest, is_training, strict=True) if trains] or latest
        if chosen:
            with self._lock:
                self._set_all(self._values() | self._of_try(chosen[-1]))

    def _of_try(self, run: TrainingRun) -> dict[str, Any]:
        """Return where the sliders stand for a try; where one has no such place, they stay."""
        found = TrySettings.named(run.name.rpartition("/")[2])
        values = dict(zip(("steps", "rate", "batch", "alpha"), found, strict=True))
        known = {name: {value for _, value in getattr(self, name).options} for name in values}
        return values if all(values[name] in known[name] for name in values) else {}

    def _own(self) -> list[tuple[str, str]]:
        return [(MINE, ""), *_named(training_tries.arms(self.study))]

    def _others(self) -> list[tuple[str, str]]:
        return [(NONE, ""), *_named(training_tries.begun(self.study))]

    def _adapt(self, change: Any) -> None:
        """Have the list of runs, the buttons and the words be of this moment."""
        for control, runs in ((self.shown, self._own()), (self.beside, self._others())):
            if list(control.options) != runs:
                with self._held():
                    value = control.value
                    control.options = runs
                    control.value = value if value in dict(runs).values() else ""
        for setting in (self.steps, self.rate, self.batch, self.alpha):
            setting.disabled = bool(self.shown.value)
        if change is not None:
            self._refused = ""
        self._tell()

    def _tell(self) -> Standing:
        """Say how the run stands, and let those buttons be pressed that do something."""
        now, is_try = self.standing, not self.shown.value
        self._is_stopping = self._is_stopping and now.state == "running"
        own = now.state == "running" and not now.holder
        self.start.disabled = not (is_try and now.state == "not begun")
        self.resume.disabled = not (is_try and now.state in ("stopped", "failed"))
        self.stop.disabled = not own or self._is_stopping
        more = self._refused
        if self._is_stopping:
            more = "Stopping: the step is finished and saved."
        elif not is_try and now.state == "stopped":
            more = f"It goes on with {study_call.told(self.study.folder, 'pretrain')}"
        self.told.value = _said(now) + (f"<br>{html.escape(more)}" if more else "")
        return now

    def _refresh(self, change: Any = None) -> None:
        with self._lock:
            super()._refresh(change)
            if self._follower is None and self._tell().state == "running":
                self._follower = threading.Thread(target=self._follow, daemon=True)
                self._follower.start()

    def _follow(self) -> None:
        """Look at the run until it ends, or another is shown that does not train; also if files
        cannot be read for a moment, as of a run that is moved or made anew."""
        while True:
            try:
                if not self._look():
                    return
            except (OSError, ValueError, KeyError, UserError) as error:
                self.told.value = f"cannot be looked at for now: {html.escape(str(error))}"
            time.sleep(POLL_SECONDS)

    def _look(self) -> bool:
        """Draw what is new; return whether there will be more."""
        with self._lock:
            goes_on = self.comm is not None and self._tell().state == "running"
            if not goes_on:
                self._follower = None
            if self.comm is not None and (self._on_canvas != self._present() or not goes_on):
                super()._refresh()
            return goes_on

    def _draw(self) -> None:
        """Draw, unless it is drawn: a slider that changes no picture is heard at once."""
        now = self._present()
        if now != self._on_canvas:
            super()._draw()
            self._on_canvas = now

    def _present(self) -> tuple[str, list[tuple[int, int]]]:
        """Return what the picture depends on: its call, and what changes with each record."""
        files = [path for run in self.drawn if run.folder for path in run.folder.glob("*.jsonl")]
        return self.written, [(path.stat().st_size, path.stat().st_mtime_ns) for path in files]

    def _begin(self, _: Any) -> None:
        self._do(lambda: training_tries.start(self.study, self.settings))

    def _end(self, _: Any) -> None:
        home = self.watched.home
        if home is not None:
            self._do(lambda: self._ask_to_stop(home))

    def _ask_to_stop(self, home: Path) -> None:
        training_process.stop(home)
        self._is_stopping = True

    def _do(self, work: Callable[[], None]) -> None:
        """Do what a button is for, or say why not."""
        self._refused = ""
        try:
            work()
        except UserError as error:
            self._refused = str(error)
        self._refresh()


def _named(runs: Iterable[TrainingRun]) -> list[tuple[str, str]]:
    """Return what runs are called, each with its name."""
    return [(theme.lettered(run.label), run.name) for run in runs]


def _said(now: Standing) -> str:
    """Say how a run stands, as HTML; one that trains with the time of day, for a page whose kernel
    is gone says so for ever.
    """
    place = f"at step {now.step:,} of {now.steps:,}" if now.steps else "before the first step"
    bar = f"<progress value={now.step} max={now.steps or 1}></progress> "
    if now.state == "running":
        by = f" in another process ({html.escape(now.holder)})" if now.holder else ""
        left = (
            "" if now.seconds_left is None else f", about {durations.told(now.seconds_left)} left"
        )
        seen = f" (seen {time.strftime('%H:%M:%S')})"
        return f"{bar}<b>running</b>{by}, {place}{left}{seen}{_quoted(now.lines)}"
    if now.state == "failed":
        return f"<b>failed</b>, saved {place}; it said last:{_quoted(now.lines)}"
    return f"{bar if now.steps else ''}<b>{now.state}</b>" + f" {place}" * (now.state == "stopped")


def _quoted(lines: Iterable[str]) -> str:
    """Return lines of a log as HTML."""
    text = html.escape("\n".join(lines), quote=False)
    style = "white-space:pre-wrap;margin:2px 0;line-height:1.3"
    return f'<pre dir="auto" style="{style}">{text}</pre>' if text else ""


def _button(name: str, style: str, pressed: Callable[[Any], None]) -> widgets.Button:
    button = widgets.Button(description=name, button_style=style)
    button.on_click(pressed)
    return button
