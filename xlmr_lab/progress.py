"""Progress of long work: a bar with the time left on a terminal, a sparse line elsewhere."""

import multiprocessing
import os
import sys

from tqdm import tqdm

QUIET_INTERVAL_SECONDS = 30.0
QUIET_FORMAT = "{desc}: {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"


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
    live = sys.stderr.isatty()
    return tqdm(
        total=total,
        disable=multiprocessing.parent_process() is not None or os.environ.get("RANK", "0") != "0",
        desc=label,
        unit=unit,
        initial=initial,
        file=sys.stderr if live else _Lines(),
        dynamic_ncols=live,
        ncols=None if live else 78,
        mininterval=0.2 if live else QUIET_INTERVAL_SECONDS,
        maxinterval=10.0 if live else QUIET_INTERVAL_SECONDS,
        delay=0.0 if live else QUIET_INTERVAL_SECONDS,
        leave=live,
        bar_format=None if live else QUIET_FORMAT,
        unit_scale=unit in ("B", "token"),
    )
