"""Lines of the log beside a bar: on a real terminal of 80 columns each has its own, and a pipe gets
no carriage returns.
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = """
import logging
import multiprocessing
import os

from xlmr_lab import progress, workers

logger = logging.getLogger("lab")


def warn(number):
    workers.begin(os.getppid())
    logger.info("not told")
    logger.warning("a worker warns of %d", number)


if __name__ == "__main__":
    progress.start_log(logging.INFO)
    logger.info("before the bar")
    with progress.bar(3, "pretrain") as bar:
        for step in range(1, 4):
            bar.set_postfix_str("loss 4.915, 43.0ktok/s", refresh=False)
            logger.info("step %d: %s", step, "passes so far (at the end) " * 3)
            worker = multiprocessing.get_context("spawn").Process(target=warn, args=(step,))
            worker.start()
            worker.join()
            bar.update()
    logger.info("after the bar")
"""
TIME = r"\d\d:\d\d:\d\d "


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    path = tmp_path / "work.py"
    path.write_text(SCRIPT, "utf-8")
    return [sys.executable, str(path)]


def on_a_terminal(command: list[str], columns: int = 80) -> str:
    """Return what a command writes to a terminal of its own."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=environment()
    ):
        os.close(theirs)
        found = b""
        while part := _read(ours):
            found += part
    os.close(ours)
    return found.decode("utf-8")


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # the other end is closed
        return b""


def screen(written: str, columns: int = 80) -> list[str]:
    """Return the rows of a terminal after what was written to it."""
    rows, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[[\d;]*[A-Za-z]|.|\n|\r", written):
        if part == "\r":
            column = 0
        elif part == "\n" or column == columns:
            row, column = row + 1, 0
            rows += [""] * (row == len(rows))
        if part == "\x1b[K":
            rows[row] = rows[row][:column]
        elif not part.startswith(("\x1b", "\r", "\n")):
            rows[row] = rows[row][:column].ljust(column) + part + rows[row][column + 1 :]
            column += 1
    return [row.rstrip() for row in rows]


def test_a_screen_is_read_as_a_terminal_shows_it() -> None:
    assert screen("abc\rx\r\nlong", columns=3) == ["xbc", "lon", "g"]
    assert screen("bar 10 %\r\x1b[Kline\r\n") == ["line", ""]


def test_on_a_terminal_lines_stand_alone_and_the_bar_below(command: list[str]) -> None:
    rows = screen(on_a_terminal(command))
    told = re.compile(TIME + "(before|after|step|a worker)")
    assert sum(bool(told.match(row)) for row in rows) == 2 + 2 * 3
    bars = [row for row in rows if "pretrain:" in row]
    assert len(bars) == 1, rows
    assert bars[0].startswith("pretrain: 100%")
    assert not re.search(TIME, bars[0])
    assert "after the bar" in rows[rows.index(bars[0]) + 1]
    others = [row for row in rows if row and row not in bars and not told.match(row)]
    assert others == [f"{' ' * 9}far (at the end)"] * 3, "what is too long is broken between words"


def test_a_pipe_gets_lines_and_nothing_that_moves_a_cursor(command: list[str]) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment()
    )
    assert done.stdout == ""
    assert not re.search(r"[\r\x1b]", done.stderr)
    lines = done.stderr.splitlines()
    assert len(lines) == 2 + 2 * 3
    assert all(re.match(TIME, line) for line in lines)
