"""Progress: whole sparse lines in a log, nothing for short work, a live bar on a terminal."""

import io
import sys
import time

import pytest

from xlmr_lab import progress


class Terminal(io.StringIO):
    """Standard error that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def work(seconds: float, total: int | None = 10) -> None:
    with progress.bar(total, "encode", initial=2) as bar:
        for _ in range(8):
            time.sleep(seconds / 8)
            bar.update(1)


def test_a_log_gets_whole_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "QUIET_INTERVAL_SECONDS", 0.05)
    work(seconds=0.4)
    written = capsys.readouterr().err
    assert "\r" not in written
    lines = written.splitlines()
    assert 1 <= len(lines) <= 8
    assert all(line.startswith("encode: ") and "/10 [" in line for line in lines)
    assert all(" step/s]" in line for line in lines), "a number and its unit"


def test_short_work_leaves_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    work(seconds=0.02)
    assert capsys.readouterr() == ("", "")


def test_work_of_unknown_length_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "QUIET_INTERVAL_SECONDS", 0.05)
    work(seconds=0.4, total=None)
    assert "/? [" in capsys.readouterr().err


def test_a_terminal_gets_a_bar_that_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    work(seconds=0.02)
    assert "\r" in terminal.getvalue()
    assert "10/10" in terminal.getvalue()
    assert terminal.getvalue().endswith("\n")
