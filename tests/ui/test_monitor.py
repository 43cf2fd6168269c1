"""The training monitor in a real JupyterLab: a run is started, watched, stopped, and gone on with
after the page was loaded anew, while the kernel is free for other cells."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import least_study
import pytest
from ui.test_lab import Notebook

from xlmr_lab import storage, training_process

pytestmark = [pytest.mark.ui, pytest.mark.slow, pytest.mark.timeout(900)]

CELLS = (
    "from xlmr_lab import results\n"
    "from xlmr_lab.explorers.monitor import TrainingMonitor\n"
    "from xlmr_lab.figures import theme\n"
    "theme.use()",
    "TrainingMonitor(results.open_study('runs/real'))",
    "answer = globals().get('answer', 45) + 1; answer",
)
STEPS = "500"
ANSWER = "47"
"""Of the last cell, the second time."""
POINTS = """selector => document.querySelectorAll(
  `${selector} .scatterlayer .trace .point`).length"""
LINE = """selector => Math.max(0, ...[...document.querySelectorAll(
  `${selector} .scatterlayer .js-line`)].map(line => line.getAttribute("d").length))"""


@pytest.fixture
def address(home: Path, lab: str) -> Iterator[str]:
    """Return the address of a notebook that watches a really pretrained study; what trains in the
    end is stopped."""
    least_study.pretrained(home, "real")
    cells = [
        {"cell_type": "code", "id": str(number), "metadata": {}, "source": source}
        | {"execution_count": None, "outputs": []}
        for number, source in enumerate(CELLS)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (home / "notebooks" / "monitor.ipynb").write_text(json.dumps(notebook))
    yield lab.format(name="monitor")
    for lock in home.glob(f"runs/real/tries/*/{training_process.LOCK_NAME}"):
        if training_process.holder(lock):
            training_process.stop(lock.parent)


def button(page: Any, name: str) -> Any:
    return page.locator(".TrainingMonitor").get_by_role("button", name=name, exact=True)


def own(notebook: Notebook) -> list[int]:
    """Return the steps of the training loss of the try, once it is plotted."""
    plotted = notebook.plotted()
    return plotted[4]["x"] if len(plotted) == 8 else []


def grown(notebook: Notebook, before: int) -> int:
    """Wait until more than so many points of the try are plotted; return how many are."""
    deadline = time.monotonic() + 180
    while len(own(notebook)) <= before:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return len(own(notebook))


def test_a_run_is_started_watched_stopped_and_resumed_after_a_reload(
    page: Any, home: Path, address: str
) -> None:
    notebook = Notebook(page, address, "TrainingMonitor")
    told = notebook.explorer
    told.get_by_text("not begun").wait_for()
    before = notebook.plotted()
    assert len(before) == 4
    _choose_steps(page)
    button(page, "Start").click()
    told.get_by_text("running").wait_for()
    first = grown(notebook, 3)
    marks, line = page.evaluate(POINTS, notebook.plot), page.evaluate(LINE, notebook.plot)
    asked = time.monotonic()
    page.locator(".jp-Cell", has_text="globals").click()
    page.keyboard.press("Control+Enter")
    page.locator(".jp-OutputArea-output", has_text=ANSWER).last.wait_for()
    assert time.monotonic() - asked < 10
    grown(notebook, first + 5)
    page.wait_for_function(f"([s, n]) => ({LINE})(s) > n", arg=[notebook.plot, line])
    page.wait_for_function(f"([s, n]) => ({POINTS})(s) > n", arg=[notebook.plot, marks])
    button(page, "Stop").click()
    told.get_by_text("stopped").wait_for()
    assert button(page, "Stop").is_disabled()
    stopped = own(notebook)
    assert 0 < stopped[-1] < 500
    notebook.reload()
    assert own(notebook) == stopped
    button(page, "Resume").click()
    told.get_by_text("running").wait_for()
    told.get_by_text("finished").wait_for()
    assert own(notebook)[-1] == 500
    (metrics,) = (home / "runs/real/tries").glob("steps=500-*/arms/*/metrics.jsonl")
    rows = [row for row in storage.read_jsonl(metrics) if row["kind"] == "step"]
    shown = notebook.plotted()[4]
    assert shown["x"] == [row["step"] for row in rows]
    assert shown["y"] == pytest.approx([row["loss"] for row in rows], rel=1e-4)
    assert notebook.errors() == 0
    assert page.foreign == []


def test_the_notebook_shows_the_studys_run_and_starts_nothing(
    page: Any, home: Path, lab: str
) -> None:
    notebook = Notebook(page, lab.format(name="07_pretrain"), "TrainingMonitor")
    notebook.explorer.get_by_text("not begun").wait_for()
    assert len(notebook.plotted()) == 4
    assert not (home / "runs" / "tiny" / "tries").exists()
    button(page, "Start").click()
    page.get_by_text("has no call.json, which says how it was made").wait_for()
    assert notebook.errors() == 0
    assert page.foreign == []


def _choose_steps(page: Any) -> None:
    """Move the sliders: 500 steps of the largest batch, long enough to be stopped."""
    batch = page.locator(".TrainingMonitor .widget-inline-hbox", has_text="blocks of a batch")
    batch.locator(".noUi-handle").press("End")
    steps = page.locator(".TrainingMonitor .widget-inline-hbox", has_text="steps")
    for _ in range(12):
        if steps.locator(".widget-readout").inner_text() == STEPS:
            page.get_by_text(f"state={{'steps': {STEPS}, 'batch': 32}}").wait_for()
            return
        steps.locator(".noUi-handle").press("ArrowRight")
        page.wait_for_timeout(300)
    raise AssertionError(f"the slider has no {STEPS} steps")
