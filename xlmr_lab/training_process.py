"""A pretraining run as a process of this machine: how it stands, by its files alone, begun and
stopped.

A run that is begun here is `python -m xlmr_lab pretrain ...` in the background, in a session of its
own: it goes on when whoever began it ends, as a notebook's kernel does, and anyone who opens the
folder can stop it. It holds a lock for as long as it lives, however it ends, and what it says is
beside it. A run of another process is known by the trainer's own lock; it is looked at and never
stopped. Looking writes nothing.
"""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from xlmr_lab import storage
from xlmr_lab.errors import UserError

State = Literal["not begun", "running", "stopped", "failed", "finished"]

LOCK_NAME, LOG_NAME = "process.lock", "process.log"
CONFIG_NAME, TELEMETRY_NAME, CHECKPOINTS_NAME = "config.json", "telemetry.jsonl", "checkpoints"
TRAINING_LOCK_NAME, ARMS_NAME = "training.lock", "arms.json"
"""Files of a run's folder, as `pretrain` names them, and the list of a study's finished runs."""
COMPLAINT, STOPPED = "xlmr-lab: ", "xlmr-lab: stopped"
"""How the command line says why it ended, and that it was asked to."""
MAX_LINES = 6
TAIL_BYTES = 1 << 14
"""So much of the end of a file is read for its last lines."""


class TrainingRun(NamedTuple):
    """Where a pretraining run lies."""

    name: str
    """Its folder, seen from the study's."""
    label: str
    """What a reader calls it."""
    folder: Path | None
    """Its run folder; None before the process has made one."""
    home: Path | None = None
    """Folder of the process that trains it; None where it was not begun here."""


class Standing(NamedTuple):
    """How a run stands."""

    state: State
    step: int = 0
    """The last logged step of one that is running, else the one of its last checkpoint."""
    steps: int = 0
    """Steps of the whole run; 0 where it is not known yet."""
    seconds_left: float | None = None
    """Of one that is running, by its speed since the records before; None before it is known."""
    holder: str = ""
    """Which process trains it, as in "123 on laptop"; empty where it was begun here."""
    lines: tuple[str, ...] = ()
    """What it said last: why it failed, or what it does before the first step."""


def standing(run: TrainingRun) -> Standing:
    """Say how a run stands at this moment."""
    own = holder(run.home / LOCK_NAME) if run.home else ""
    other = holder(run.folder / TRAINING_LOCK_NAME) if run.folder else ""
    lines = _last_lines(run.home / LOG_NAME) if run.home else []
    steps, saved = (_steps(run.folder), _saved_step(run.folder)) if run.folder else (0, 0)
    if own or other:
        step, left = _pace(run, steps)
        told = tuple(lines[-1:]) if not step else ()
        return Standing("running", max(step, saved), steps, left, "" if own else other, told)
    if run.folder and _is_finished(run.folder, steps, saved):
        return Standing("finished", steps, steps)
    if run.folder is None and not (run.home and (run.home / LOG_NAME).is_file()):
        return Standing("not begun")
    if run.home is None or _was_stopped(lines):
        return Standing("stopped", saved, steps)
    return Standing("failed", saved, steps, lines=tuple(lines))


def last_records(run: TrainingRun) -> list[dict[str, Any]]:
    """Return the last records of a run's telemetry: `step`, `seconds`, `tokens_per_second`; none
    before the first."""
    return [json.loads(line) for line in _tail(run.folder / TELEMETRY_NAME)] if run.folder else []


def start(home: Path, command: Sequence[str], *, cwd: Path) -> None:
    """Have a command train in the background, seen from `cwd`; `home` holds its lock and its log.

    Raises:
        UserError: it trains already, or the folder cannot be written.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        with (home / LOCK_NAME).open("a+") as lock:
            _hold(lock.fileno(), home)
            with (home / LOG_NAME).open("w", encoding="utf-8") as log:
                process = _spawn(command, cwd, log.fileno(), lock.fileno())
            lock.truncate(0)
            lock.write(f"{process.pid} on {socket.gethostname()}")
    except OSError as error:
        raise UserError(f"cannot train in {home} ({error}); free some space or mend it") from None
    threading.Thread(target=process.wait, daemon=True).start()  # or its end would leave a zombie


def stop(home: Path) -> None:
    """Ask the process that was begun in a folder to finish its step, save, and end.

    Raises:
        UserError: none trains there, or it does on another machine, or is another user's.
    """
    pid, _, host = holder(home / LOCK_NAME).partition(" on ")
    if not pid:
        raise UserError(f"nothing trains in {home}; there is nothing to stop")
    if host != socket.gethostname():
        raise UserError(f"process {pid} trains in {home} on {host}; stop it there")
    try:
        os.kill(int(pid), signal.SIGTERM)
    except ProcessLookupError:  # it has just ended
        return
    except PermissionError:
        raise UserError(f"process {pid}, which trains in {home}, is another user's") from None


def holder(lock: Path) -> str:
    """Return which process holds a lock file, as in "123 on laptop", "" if none does.

    The lock is tried only where the named process lives: to try it is to hold it for a moment, in
    which a trainer that starts would be refused.
    """
    try:
        named = lock.read_text("utf-8")
    except FileNotFoundError:
        return ""
    pid, _, host = named.partition(" on ")
    if not pid.isdigit() or (host == socket.gethostname() and not _lives(int(pid))):
        return ""
    with contextlib.suppress(FileNotFoundError), lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:  # held, or a disk without locks, where the process is all there is to go by
            return named
    return ""


def _hold(lock: int, home: Path) -> None:
    """Hold a lock file, which a process inherits; on a disk without locks nothing is held."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(f"a process trains in {home} already; look at it, or stop it") from None
    except OSError as error:
        if error.errno not in storage.WITHOUT_LOCKS:
            raise


def _spawn(command: Sequence[str], cwd: Path, log: int, lock: int) -> "subprocess.Popen[bytes]":
    """Start a command that finds this package, and hears no signal that is not for it."""
    paths = [str(storage.WITH_LAB), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        list(command),
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=[lock],
        start_new_session=True,
    )


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _steps(folder: Path) -> int:
    place = folder / CONFIG_NAME
    return int(storage.read_json(place)["pretrain"]["steps"]) if place.is_file() else 0


def _saved_step(folder: Path) -> int:
    """Return the step of the last checkpoint, 0 before the first."""
    found = (folder / CHECKPOINTS_NAME).glob("step-*")
    numbers = (path.name.removeprefix("step-") for path in found)
    return max((int(number) for number in numbers if number.isdigit()), default=0)


def _is_finished(folder: Path, steps: int, saved: int) -> bool:
    """Tell whether the final checkpoint is there, or was when the study listed its runs."""
    listed = folder.parents[1] / ARMS_NAME
    names = storage.read_json(listed) if listed.is_file() else []
    return 0 < steps == saved or any(Path(row["folder"]).name == folder.name for row in names)


def _pace(run: TrainingRun, steps: int) -> tuple[int, float | None]:
    """Return the last logged step and the seconds that the others will take."""
    rows = last_records(run)
    if len(rows) < 2:
        return (rows[-1]["step"] if rows else 0), None
    before, last = rows[max(0, len(rows) - 11)], rows[-1]
    each = (last["seconds"] - before["seconds"]) / (last["step"] - before["step"])
    return last["step"], each * (steps - last["step"])


def _tail(path: Path) -> list[str]:
    """Return the last whole lines of a file; none where there is no such file."""
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES)
            file.seek(start)
            lines = file.read().decode("utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return []
    return lines[bool(start) : -1]


def _last_lines(log: Path) -> list[str]:
    return [line.strip() for line in _tail(log) if line.strip()][-MAX_LINES:]


def _was_stopped(lines: Sequence[str]) -> bool:
    """Tell whether the last complaint of the command line is that it was asked to stop."""
    said = [line for line in lines if line.startswith(COMPLAINT)]
    return bool(said) and said[-1].startswith(STOPPED)
