"""Jobs: all run, a failure stops no other, an interrupt stops all, orphans end themselves."""

import dataclasses
import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tqdm import tqdm

from xlmr_lab.ablations import jobs
from xlmr_lab.errors import UserError


def write(path: Path, text: str) -> None:
    """Write a file."""
    path.write_text(text)


def refuse(path: Path) -> None:
    """Fail as a user's mistake does."""
    raise UserError(f"{path.name} cannot be used")


def crash(path: Path) -> None:
    """Fail as a bug does."""
    raise ZeroDivisionError(path.name)


def die(path: Path, times: int) -> None:
    """End as one that is killed, the first `times` times."""
    tries = path.with_name(f"{path.name}.tries")
    count = len(tries.read_text()) if tries.exists() else 0
    if count < times:
        tries.write_text("x" * (count + 1))
        os._exit(1)
    path.write_text("done")


def pause() -> None:
    """Run for a while."""
    time.sleep(1)


def job(function, path: Path, **arguments) -> jobs.Job:
    """Return a job of one unit that is done when its file is there."""
    return jobs.Job(
        name=path.name,
        function=function,
        arguments={"path": path, **arguments},
        units=1,
        done=functools.partial(os.path.exists, path),
    )


@pytest.mark.slow
def test_all_jobs_run_in_processes_of_their_own(tmp_path) -> None:
    work = [job(write, tmp_path / f"{i}", text=str(i)) for i in range(3)]
    jobs.run(work, workers=2, label="test")
    assert [(tmp_path / f"{i}").read_text() for i in range(3)] == ["0", "1", "2"]


@pytest.mark.slow
def test_a_failure_stops_no_other_job_and_is_told_when_it_comes_and_once(tmp_path, caplog) -> None:
    bad = [job(refuse, tmp_path / name / "bad") for name in ("a", "b")]
    bad = [dataclasses.replace(one, name=name) for one, name in zip(bad, "ab", strict=True)]
    with pytest.raises(UserError, match=r"^2 of 3 jobs failed: a, b: as told above$"):
        jobs.run([*bad, job(write, tmp_path / "good", text="x")], workers=1, label="test")
    assert (tmp_path / "good").exists()
    (record,) = caplog.records
    assert record.getMessage() == "a failed, others go on: bad cannot be used"


@pytest.mark.slow
def test_a_failure_that_ends_all_is_told_in_the_end_alone(tmp_path, caplog) -> None:
    with pytest.raises(UserError, match=r"^1 of 1 jobs failed: bad: bad cannot be used$"):
        jobs.run([job(refuse, tmp_path / "bad")], workers=1, label="test")
    assert not caplog.records


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_that_is_killed_stops_no_other_job(tmp_path, workers) -> None:
    work = [job(write, tmp_path / str(i), text="x") for i in range(4)]
    work.insert(1, job(die, tmp_path / "bad", times=9))
    with pytest.raises(UserError, match=r"^1 of 5 jobs failed: bad: (as told|a worker .* killed)"):
        jobs.run(work, workers=workers, label="test")
    assert all((tmp_path / str(i)).exists() for i in range(4))


@pytest.mark.slow
def test_what_was_at_work_when_a_worker_was_killed_is_done_again(tmp_path, caplog) -> None:
    work = [job(write, tmp_path / str(i), text="x") for i in range(3)]
    jobs.run([job(die, tmp_path / "bad", times=1), *work], workers=2, label="test")
    assert (tmp_path / "bad").read_text() == "done"
    assert all((tmp_path / str(i)).exists() for i in range(3))
    (record,) = caplog.records
    assert record.getMessage().startswith("a worker process was killed; one by one now: ")


@pytest.mark.slow
def test_the_bar_tells_what_running_jobs_have_to_say(tmp_path, monkeypatch) -> None:
    told = []
    monkeypatch.setattr(tqdm, "set_postfix_str", lambda bar, text, **_: told.append(text))
    noted = [
        dataclasses.replace(
            job(time.sleep, tmp_path), arguments={}, noted="loss", note=lambda n=n: f"{n}"
        )
        for n in (1, 2)
    ]
    work = [dataclasses.replace(one, function=pause, name=f"{n}") for n, one in enumerate(noted)]
    jobs.run(work, workers=2, label="test")
    assert "loss 1, 2" in told


@pytest.mark.slow
def test_a_bug_keeps_its_own_error(tmp_path) -> None:
    with pytest.raises(ZeroDivisionError):
        jobs.run([job(crash, tmp_path / "bug")], workers=1, label="test")


ORPHANS = """
import functools, os, sys, time
from pathlib import Path
from xlmr_lab.ablations import jobs

def sleep(path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(60)

if __name__ == "__main__":
    done = functools.partial(int, 0)
    work = [jobs.Job(name="j", function=sleep, arguments={"path": sys.argv[1]}, units=1, done=done)]
    jobs.run(work, workers=1, label="test")
"""


@pytest.mark.slow
def test_workers_end_when_their_parent_is_killed(tmp_path) -> None:
    script, told = tmp_path / "orphans.py", tmp_path / "pid"
    script.write_text(ORPHANS)
    parent = subprocess.Popen([sys.executable, str(script), str(told)], stderr=subprocess.DEVNULL)
    worker = _wait_for(lambda: told.read_text() if told.exists() else "", 60)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    _wait_for(lambda: not _alive(int(worker)), 20)


INTERRUPTED = """
import functools, sys, time
from pathlib import Path
from xlmr_lab.ablations import jobs

def sleep(path):
    Path(path).write_text("started")
    time.sleep(20)

if __name__ == "__main__":
    done = functools.partial(int, 0)
    work = [
        jobs.Job(name=n, function=sleep, arguments={"path": sys.argv[1] + n}, units=1, done=done)
        for n in "abcd"
    ]
    jobs.run(work, workers=1, label="test")
"""


@pytest.mark.slow
def test_an_interrupt_starts_no_further_job(tmp_path) -> None:
    """Ctrl-C goes to the whole process group; what runs ends and what waits never starts."""
    script, told = tmp_path / "interrupted.py", tmp_path / "job-"
    script.write_text(INTERRUPTED)
    command = [sys.executable, str(script), str(told)]
    parent = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    _wait_for(lambda: (tmp_path / "job-a").exists(), 60)
    os.killpg(parent.pid, signal.SIGINT)
    assert parent.wait(timeout=60) != 0
    assert [path.name for path in tmp_path.glob("job-*")] == ["job-a"]


SAVING = """
import functools, sys, time
from pathlib import Path
from xlmr_lab.ablations import jobs
from xlmr_lab.pretrain.interrupts import Interrupts

def save(path, seconds):
    with Interrupts() as interrupts:
        Path(path).write_text("started")
        while not interrupts.received:
            time.sleep(0.05)
        time.sleep(seconds)
        Path(path).write_text("saved")

if __name__ == "__main__":
    done = functools.partial(int, 0)
    work = [
        jobs.Job(
            name=n,
            function=save,
            arguments={"path": sys.argv[1] + n, "seconds": seconds},
            units=1,
            done=done,
        )
        for n, seconds in (("a", 0), ("b", 4))
    ]
    jobs.run(work, workers=2, label="test")
"""


@pytest.mark.slow
def test_an_interrupt_waits_until_every_job_has_saved_and_no_longer(tmp_path) -> None:
    """The first that is through must not take the others' time, nor be waited for in vain."""
    script, told = tmp_path / "saving.py", tmp_path / "job-"
    script.write_text(SAVING)
    parent = subprocess.Popen(
        [sys.executable, str(script), str(told)], stderr=subprocess.DEVNULL, start_new_session=True
    )
    _wait_for(lambda: all((tmp_path / f"job-{n}").exists() for n in "ab"), 90)
    os.killpg(parent.pid, signal.SIGINT)
    assert parent.wait(timeout=40) != 0
    assert [(tmp_path / f"job-{n}").read_text() for n in "ab"] == ["saved", "saved"]


TERMINATED = """
import functools, sys, time
from pathlib import Path
from xlmr_lab import commands
from xlmr_lab.__main__ import main
from xlmr_lab.ablations import jobs

def sleep(path):
    Path(path).write_text("started")
    time.sleep(60)

def work(study, say):
    done = functools.partial(int, 0)
    job = jobs.Job(name="j", function=sleep, arguments={"path": sys.argv[1]}, units=1, done=done)
    jobs.run([job], workers=1, label="test")

if __name__ == "__main__":
    commands.VERBS["corpus"] = work
    sys.exit(main(["corpus"]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("whole", [False, True], ids=["the-command", "its-processes-too"])
def test_a_command_that_is_terminated_ends_in_order(tmp_path, whole) -> None:
    """As `kill` and `timeout` do it: workers end, one line says how to go on, nothing leaks."""
    script, told = tmp_path / "terminated.py", tmp_path / "job"
    script.write_text(TERMINATED)
    parent = subprocess.Popen(
        [sys.executable, str(script), str(told)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    _wait_for(told.exists, 60)
    (os.killpg if whole else os.kill)(parent.pid, signal.SIGTERM)
    _, errors = parent.communicate(timeout=30)
    assert parent.returncode == 128 + signal.SIGTERM
    told = "xlmr-lab: stopped; what is finished is kept, the same command goes on"
    assert errors.strip() == told


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"


def _wait_for(condition, seconds: float):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.1)
    pytest.fail("waited in vain")
