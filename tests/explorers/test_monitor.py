"""A real run is started, stopped and gone on with, by files that any monitor reads alike; a monitor
by itself trains nothing."""

import fcntl
import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import least_study
import pytest

from xlmr_lab import results, storage, training_curves, training_process, training_tries
from xlmr_lab.explorers.monitor import TrainingMonitor
from xlmr_lab.figures import learning_curves
from xlmr_lab.results import Study

WAIT_SECONDS = 180
STEPS = 500
STARTER = """
import sys, time
from xlmr_lab import results, training_tries
study = results.open_study(sys.argv[1])
training_tries.start(study, training_tries.own_settings(study)._replace(steps=int(sys.argv[2])))
print("started", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The least study, really pretrained."""
    return results.open_study(least_study.pretrained(tmp_path_factory.mktemp("home"), "least"))


@pytest.fixture
def made_up(study_folder: Path) -> Study:
    return results.open_study(study_folder)


@pytest.fixture
def copied(study_folder: Path, tmp_path: Path) -> Study:
    """Return a study whose files a test may change."""
    return results.open_study(shutil.copytree(study_folder, tmp_path / "runs" / "copied"))


@pytest.fixture(autouse=True)
def nothing_left_training(study_folder: Path) -> Iterator[None]:
    """Stop what a failed test leaves behind."""
    yield
    for lock in study_folder.parents[2].glob(f"*/runs/*/tries/*/{training_process.LOCK_NAME}"):
        if training_process.holder(lock):
            training_process.stop(lock.parent)


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def ended(monitor: TrainingMonitor) -> str:
    """Wait until a run has ended and the monitor has drawn its end; return how it stands."""
    until(lambda: monitor.standing.state != "running" and monitor._follower is None)
    return monitor.standing.state


def files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def drawn(monitor: TrainingMonitor, panel: int) -> list[tuple[int, float]]:
    """Return the points of the run that is shown in a panel of the picture, which is in front;
    none while another thread draws it."""
    lines, place = monitor.canvas.figure.data, 4 + panel if monitor.beside.value else panel
    return list(zip(lines[place].x, lines[place].y, strict=True)) if place < len(lines) else []


def recorded(monitor: TrainingMonitor, kind: str) -> list[tuple[int, float]]:
    assert monitor.watched.folder is not None
    rows = storage.read_jsonl(monitor.watched.folder / "metrics.jsonl")
    return [(row["step"], row["loss"]) for row in rows if row["kind"] == kind]


def weights(folder: Path) -> str:
    (final,) = folder.glob(f"arms/*/checkpoints/step-{STEPS:08d}/model.safetensors")
    return storage.checksum(final)


@pytest.mark.slow
def test_a_stopped_and_resumed_run_ends_with_the_weights_of_one_that_never_stopped(
    study: Study, tmp_path: Path
) -> None:
    before, monitor = files(study.folder.parents[1]), TrainingMonitor(study)
    monitor.steps.value, monitor.batch.value = STEPS, 32  # long enough to be stopped
    assert (monitor.start.disabled, monitor.stop.disabled, monitor.resume.disabled) == (0, 1, 1)
    monitor.start.click()
    assert (monitor.start.disabled, monitor.stop.disabled, monitor.resume.disabled) == (1, 0, 1)
    until(lambda: 50 < monitor.standing.step < STEPS)
    until(lambda: len(drawn(monitor, 0)) > 2)  # its thread draws while this one waits
    second = TrainingMonitor(study)
    assert second.settings == monitor.settings
    assert "<b>running</b>, at step" in second.told.value
    second.stop.click()
    assert "Stopping: the step is finished and saved" in second.told.value
    assert ended(monitor) == ended(second) == "stopped"
    step = monitor.standing.step
    assert 50 < step < STEPS
    assert f"<b>stopped</b> at step {step:,} of {STEPS:,}" in monitor.told.value
    assert drawn(monitor, 0) == [
        (n, pytest.approx(x, rel=1e-4)) for n, x in recorded(monitor, "step")
    ]
    monitor.beside.value = ""
    assert drawn(monitor, 1) == [
        (n, pytest.approx(x, rel=1e-4)) for n, x in recorded(monitor, "heldout")
    ]
    monitor.resume.click()
    assert ended(monitor) == "finished"
    assert [n for n, _ in recorded(monitor, "step")] == list(range(10, STEPS + 1, 10))
    assert (monitor.start.disabled, monitor.stop.disabled, monitor.resume.disabled) == (1, 1, 1)
    own = study.folder / "tries" / monitor.settings.name()
    after = files(study.folder.parents[1])
    assert {path for path in after if before.get(path) != after[path]} <= files(own).keys()
    command = training_tries.command(study, monitor.settings)
    at_once = [f"runs_dir={tmp_path}" if "runs_dir=" in word else word for word in command]
    subprocess.run(at_once, check=True, capture_output=True, cwd=study.folder.parents[1])
    assert weights(own) == weights(tmp_path / monitor.settings.name())


@pytest.mark.slow
def test_a_run_goes_on_when_what_started_it_is_killed(study: Study) -> None:
    command = [sys.executable, "-c", STARTER, str(study.folder), "20000"]
    kernel = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert kernel.stdout is not None
    assert kernel.stdout.readline() == b"started\n"
    os.killpg(kernel.pid, signal.SIGKILL)  # as Jupyter ends a kernel
    kernel.communicate()
    monitor = TrainingMonitor(study)
    assert monitor.steps.value == 20_000
    until(lambda: monitor.standing.step > 0)
    first = monitor.standing.step
    until(lambda: monitor.standing.step > first)
    monitor.stop.click()
    assert ended(monitor) == "stopped"


@pytest.mark.slow
def test_a_command_that_fails_is_shown_with_what_it_said_last(study: Study) -> None:
    call = study.folder / "call.json"
    kept = call.read_text("utf-8")
    held = json.loads(kept)
    held["settings"].append("sampling.basis=nonsense")
    call.write_text(json.dumps(held))
    try:
        monitor = TrainingMonitor(study)
        monitor.steps.value = 200
        monitor.start.click()
        assert ended(monitor) == "failed"
    finally:
        call.write_text(kept)
    assert "sampling.basis must be one of" in html.unescape(monitor.told.value)
    assert not monitor.resume.disabled
    monitor.resume.click()
    assert ended(monitor) == "finished"


def test_a_monitor_trains_nothing_and_writes_nothing(made_up: Study) -> None:
    before = files(made_up.folder)
    monitor = TrainingMonitor(made_up)
    monitor.steps.value, monitor.over.value = 200, "tokens"
    assert files(made_up.folder) == before
    assert "<b>not begun</b>" in monitor.told.value
    assert len(monitor.canvas.figure.data) == 4  # the study's own run, beside which it will be
    assert monitor._follower is None


def test_a_study_that_does_not_say_how_it_was_made_cannot_be_tried(made_up: Study) -> None:
    monitor = TrainingMonitor(made_up)
    monitor.start.click()
    assert "has no call.json, which says how it was made" in monitor.told.value
    monitor.rate.value = monitor.rate.options[0][1]
    assert "call.json" not in monitor.told.value


def test_a_run_of_the_study_is_watched_and_not_begun_here(made_up: Study) -> None:
    monitor = TrainingMonitor(made_up, state={"shown": "arms/alpha=1-s2", "beside": ""})
    assert "<b>finished</b>" in monitor.told.value
    assert monitor.start.disabled
    assert monitor.resume.disabled
    assert monitor.steps.disabled
    assert [trace.name for trace in monitor.canvas.figure.data] == ["α = 1, seed 2"] * 4
    assert drawn(monitor, 0) == [
        (n, pytest.approx(x, rel=1e-4)) for n, x in recorded(monitor, "step")
    ]


def test_a_run_that_another_process_trains_is_watched_until_it_ends(made_up: Study) -> None:
    lock = made_up.folder / "arms" / "alpha=1-s2" / "training.lock"
    with storage.locked(lock, "training"):
        monitor = TrainingMonitor(made_up, state={"shown": "arms/alpha=1-s2"})
        assert f"<b>running</b> in another process ({os.getpid()} on " in monitor.told.value
        assert monitor.stop.disabled
        assert monitor._follower is not None
    assert ended(monitor) == "finished"
    assert "<b>finished</b>" in monitor.told.value


def test_files_that_cannot_be_read_for_a_moment_end_no_watching(
    copied: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xlmr_lab.explorers.monitor.POLL_SECONDS", 0.05)
    folder = copied.folder / "arms" / "alpha=1-s2"
    with storage.locked(folder / "training.lock", "training"):
        monitor = TrainingMonitor(copied, state={"shown": "arms/alpha=1-s2"})
        config = (folder / "config.json").read_text("utf-8")
        (folder / "config.json").write_text("{")
        until(lambda: "cannot be looked at for now" in monitor.told.value)
        (folder / "config.json").write_text(config)
        until(lambda: "<b>running</b>" in monitor.told.value)
    assert ended(monitor) == "finished"


def test_a_run_that_is_gone_is_no_longer_a_choice(copied: Study) -> None:
    monitor = TrainingMonitor(copied, state={"beside": "arms/alpha=1-s2"})
    shutil.rmtree(copied.folder / "arms" / "alpha=1-s2")
    monitor.over.value = "tokens"
    assert monitor.beside.value == ""
    assert "arms/alpha=1-s2" not in dict(monitor.shown.options).values()


def test_a_refusal_to_stop_is_told_and_stop_can_be_pressed_again(
    copied: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = TrainingMonitor(copied)
    home = monitor.watched.home
    assert home is not None
    home.mkdir(parents=True)
    lock = home / training_process.LOCK_NAME
    with lock.open("w") as held:
        held.write("12 on elsewhere")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        monitor.over.value = "tokens"
        assert not monitor.stop.disabled
        monitor.stop.click()
        assert "on elsewhere; stop it there" in monitor.told.value
        assert not monitor.stop.disabled
    lock.unlink()


@pytest.mark.parametrize(
    ("control", "value"),
    [("shown", "arms/alpha=1-s2"), ("beside", "arms/alpha=0.01-s3"), ("over", "tokens")],
)
def test_each_choice_changes_the_picture_and_its_call_draws_it(
    made_up: Study, control: str, value: str
) -> None:
    monitor = TrainingMonitor(made_up)
    before = monitor.canvas.figure
    getattr(monitor, control).value = value
    assert monitor.canvas.figure != before
    call = re.search("<code>(.*)</code>", monitor.call.value)
    assert call
    names = {"learning_curves": learning_curves, "training_curves": training_curves}
    assert eval(html.unescape(call[1]), names | {"study": made_up}) == monitor.canvas.figure
    again = TrainingMonitor(made_up, state=monitor.state)
    assert again.canvas.figure == monitor.canvas.figure


def test_without_any_run_it_says_what_to_press(made_up: Study) -> None:
    monitor = TrainingMonitor(made_up, state={"beside": ""})
    assert "press Start" in monitor.canvas.figure.layout.annotations[0].text
