"""Progress of long work: a bar with the time left on a terminal, a sparse line elsewhere; and the
log's lines, which share the terminal with it.
"""

import logging
import multiprocessing
import os
import shutil
import sys
import textwrap

from tqdm import tqdm

QUIET_INTERVAL_SECONDS = 30.0
QUIET_FORMAT = "{desc}: {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"

LOG_FORMAT = "%(asctime)s %(message)s"
LINE_START = "\r\x1b[K"
"""What takes away a bar on the last line of a terminal."""


class LogLines(logging.Handler):
    """The log on standard error, each record on lines of its own while a bar is shown there: the
    bar is taken away and drawn again below. A worker does not know of its parent's bar, which is
    drawn again with the next of its updates. A terminal gets lines of its width, a pipe whole ones.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        text = self.format(record)
        if sys.stderr.isatty():
            is_worker = multiprocessing.parent_process() is not None
            text = LINE_START * is_worker + "\n".join(map(_fitted, text.splitlines()))
        try:
            tqdm.write(text, file=sys.stderr)
        except OSError:
            self.handleError(record)


def _fitted(line: str) -> str:
    """Return a line broken between words where the terminal would break it, the rest indented."""
    return textwrap.fill(
        line,
        shutil.get_terminal_size().columns,
        subsequent_indent=" " * len("12:34:56 "),
        break_long_words=False,
        break_on_hyphens=False,
    )


def start_log(level: int) -> None:
    """Have the log of this process written to standard error, from `level` on."""
    lines = LogLines()
    lines.setFormatter(logging.Formatter(LOG_FORMAT, datefmt="%H:%M:%S"))
    logging.basicConfig(level=level, handlers=[lines])


class _Lines:
    """Standard error with a line for each update, where tqdm would return to the line's start."""

    def write(self, text: str) -> None:
        line = text.strip()
        if line:
            sys.stderr.write(line + "\n")

    def flush(self) -> None:
        sys.stderr.flush()


def bar(total: int | None, label: str, unit: str = "step", initial: int = 0) -> "tqdm[None]":
    """Return a progress bar on standard error; update it with `update(n)`, use it with `with`.

    On a terminal it redraws itself with speed and time left; elsewhere it writes a line at most
    every `QUIET_INTERVAL_SECONDS`, and none for work that is shorter. Worker processes, and all but
    the first that torchrun starts, show none.
    """
    live, scaled = sys.stderr.isatty(), unit in ("B", "token")
    return tqdm(
        total=total,
        disable=multiprocessing.parent_process() is not None or os.environ.get("RANK", "0") != "0",
        desc=label,
        unit=unit if scaled else f" {unit}",
        initial=initial,
        file=sys.stderr if live else _Lines(),
        dynamic_ncols=live,
        ncols=None if live else 78,
        mininterval=0.2 if live else QUIET_INTERVAL_SECONDS,
        maxinterval=10.0 if live else QUIET_INTERVAL_SECONDS,
        delay=0.0 if live else QUIET_INTERVAL_SECONDS,
        leave=live,
        bar_format=None if live else QUIET_FORMAT,
        unit_scale=scaled,
    )
