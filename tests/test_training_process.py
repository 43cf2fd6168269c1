"""How a run stands is read off its files, and a process is started and stopped by its folder."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from xlmr_lab import storage, training_process
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import folder as run_folder
from xlmr_lab.training_process import LOCK_NAME, LOG_NAME, TrainingRun

WAIT_SECONDS = 60
SLEEPER = """
import signal, sys, time
def end(*_):
    print("xlmr-lab: stopped at step 3 of 9; what is finished is kept", file=sys.stderr)
    sys.exit(143)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(60)
"""


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def run(tmp_path: Path) -> TrainingRun:
    """A try of 20 steps whose process has not begun, but whose run folder is there."""
    folder = tmp_path / "home" / "arms" / "alpha=0.3-s0-1"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"pretrain": {"steps": 20}}))
    return TrainingRun("tries/home", "a try", folder, tmp_path / "home")


def log(run: TrainingRun, *lines: str) -> None:
    assert run.home is not None
    (run.home / LOG_NAME).write_text("".join(f"{line}\n" for line in lines))


def save(run: TrainingRun, step: int) -> None:
    assert run.folder is not None
    (run.folder / "checkpoints" / f"step-{step:08d}").mkdir(parents=True)


def test_the_names_of_files_are_those_that_the_trainer_gives_them() -> None:
    assert training_process.TRAINING_LOCK_NAME == run_folder.LOCK_NAME
    assert training_process.TELEMETRY_NAME == run_folder.TELEMETRY_NAME
    assert training_process.CHECKPOINTS_NAME == run_folder.CHECKPOINTS_NAME
    assert training_process.CONFIG_NAME == run_folder.CONFIG_NAME


def test_a_run_that_is_not_there_is_not_begun(tmp_path: Path) -> None:
    assert training_process.standing(TrainingRun("x", "x", None, tmp_path)).state == "not begun"


def test_what_was_said_last_tells_a_stopped_run_from_a_failed_one(run: TrainingRun) -> None:
    save(run, 5)
    save(run, 12)
    log(run, "xlmr-lab: stopped at step 12 of 20; what is finished is kept, the same goes on")
    assert training_process.standing(run)[:3] == ("stopped", 12, 20)
    log(run, "going on", "xlmr-lab: no space left; free some space, the same command goes on")
    failed = training_process.standing(run)
    assert failed.state == "failed"
    assert failed.lines[-1].startswith("xlmr-lab: no space left")
    log(run, "12:00:00 step 12: held-out loss 5.000")  # killed: it had no time to say a word
    assert training_process.standing(run).state == "failed"


def test_a_run_is_finished_once_its_final_checkpoint_is_there(run: TrainingRun) -> None:
    log(run, "runs: somewhere")
    save(run, 19)
    assert training_process.standing(run).state == "failed"
    save(run, 20)
    assert training_process.standing(run)[:3] == ("finished", 20, 20)


def test_a_run_whose_checkpoint_was_removed_is_finished_if_its_study_lists_it(
    run: TrainingRun,
) -> None:
    assert run.home is not None
    assert training_process.standing(run._replace(home=None)).state == "stopped"
    (run.home / "arms.json").write_text('[{"folder": "arms/alpha=0.3-s0-1"}]')
    assert training_process.standing(run._replace(home=None)).state == "finished"


def test_the_time_left_goes_by_the_last_records(run: TrainingRun) -> None:
    assert run.folder is not None
    rows = [{"step": step, "seconds": step / 2} for step in range(1, 13)]
    text = "".join(f"{json.dumps(row)}\n" for row in rows) + '{"step": 13, "sec'
    (run.folder / "telemetry.jsonl").write_text(text)
    with storage.locked(run.folder / "training.lock", "training"):
        now = training_process.standing(run)
    assert now[:4] == ("running", 12, 20, pytest.approx(4.0))
    assert now.holder.split(" on ")[0].isdigit()  # no process of ours trains here


def test_a_lock_that_a_killed_process_left_is_not_held(tmp_path: Path) -> None:
    lock = tmp_path / "training.lock"
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom xlmr_lab import storage\n"
        f"with storage.locked(Path({str(lock)!r}), 'training'):\n"
        "    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    assert training_process.holder(lock).startswith(f"{process.pid} on ")
    process.kill()
    process.communicate()
    assert lock.exists()
    assert training_process.holder(lock) == ""
    lock.write_text(lock.read_text().replace(str(process.pid), "1"))  # a living process, no lock
    assert training_process.holder(lock) == ""


def test_a_process_runs_until_it_is_stopped_and_no_second_one_beside_it(tmp_path: Path) -> None:
    home, command = tmp_path / "home", [sys.executable, "-c", SLEEPER]
    training_process.start(home, command, cwd=tmp_path)
    until(lambda: "ready" in (home / LOG_NAME).read_text())
    run = TrainingRun("tries/home", "a try", None, home)
    assert training_process.standing(run).state == "running"
    assert training_process.standing(run).holder == ""
    with pytest.raises(UserError, match=r"a process trains in .* already"):
        training_process.start(home, command, cwd=tmp_path)
    assert "ready" in (home / LOG_NAME).read_text()
    training_process.stop(home)
    until(lambda: training_process.standing(run).state == "stopped")
    with pytest.raises(UserError, match="nothing trains in"):
        training_process.stop(home)


def test_a_process_ends_unseen_and_its_lock_with_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    training_process.start(home, [sys.executable, "-c", SLEEPER], cwd=tmp_path)
    pid = int((home / LOCK_NAME).read_text().split()[0])
    until(lambda: "ready" in (home / LOG_NAME).read_text())
    training_process.os.kill(pid, signal.SIGKILL)
    run = TrainingRun("tries/home", "a try", None, home)
    until(lambda: training_process.standing(run).state == "failed")
    assert training_process.standing(run).lines == ("ready",)


def test_a_process_of_another_machine_is_not_stopped_here(tmp_path: Path) -> None:
    with (tmp_path / LOCK_NAME).open("w") as file:
        training_process.fcntl.flock(file, training_process.fcntl.LOCK_EX)
        file.write("12 on elsewhere")
        file.flush()
        with pytest.raises(UserError, match=r"process 12 trains in .* on elsewhere; stop it there"):
            training_process.stop(tmp_path)
