"""Locks: one process at a time, refused with the other's number, and gone with it."""

import errno
import fcntl
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from xlmr_lab import storage
from xlmr_lab.errors import UserError

HOLDS = (
    "import os, sys; from pathlib import Path; from xlmr_lab import storage\n"
    "with storage.locked(Path(sys.argv[1]), 'working'):\n"
    "    print('held', flush=True); sys.stdin.read()\n"
)


def test_a_lock_is_there_while_it_is_held_and_others_are_told_by_whom(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with storage.locked(lock, "working"):
        told = rf"another process \({os.getpid()} on .+\) is working; wait until it has ended"
        for _ in range(2):
            with pytest.raises(UserError, match=told), storage.locked(lock, "working"):
                pass
    assert list(tmp_path.iterdir()) == []
    with storage.locked(lock, "working"):
        assert lock.exists()


def test_a_lock_goes_with_a_process_that_is_killed(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDS, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        told = rf"another process \({holder.pid} on .*\) is working"
        with pytest.raises(UserError, match=told), storage.locked(lock, "working"):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert lock.exists()
    with storage.locked(lock, "working"):
        assert lock.read_text().startswith(f"{os.getpid()} on ")
    assert not lock.exists()


def test_a_disk_without_locks_is_told_and_others_errors_are_not_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    error = OSError(errno.ENOSYS, "Function not implemented")

    def refuse(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(fcntl, "flock", refuse)
    with caplog.at_level(logging.WARNING), storage.locked(tmp_path / "lock", "working"):
        assert "has no locks: see that one process uses it" in caplog.text
    error = OSError(errno.EIO, "Input/output error")
    with pytest.raises(OSError, match="Input/output"), storage.locked(tmp_path / "lock", "working"):
        pass
