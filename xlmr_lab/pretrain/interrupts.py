"""SIGINT and SIGTERM as a flag that work looks at between steps, so that it can save and stop."""

import signal
import threading
import time
from types import FrameType

from xlmr_lab.errors import Terminated

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SAME_SECONDS = 2.0
"""A signal that comes so soon after the first means the same: what goes to all processes of a
command reaches a worker twice."""


class Interrupts:
    """While it is entered, the first signal sets `received`; a later SIGINT interrupts at once.
    SIGTERM never does: a parent may send it several times, and what cannot wait is killed.

    A signal is never lost: work that ends without having looked is followed by KeyboardInterrupt.
    Handlers can only be set in the main thread; in another one nothing is caught.
    """

    def __init__(self) -> None:
        self.received = False
        self._first: tuple[int, float] = (0, 0.0)
        self._previous: dict[int, object] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._receive) for number in SIGNALS}
        return self

    def __exit__(self, error_type: type[BaseException] | None, *error: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        if self.received and error_type is None:
            raise self.interruption()

    def interruption(self, told: str = "") -> KeyboardInterrupt:
        """Return what the signal that was received ends the work with; it is SIGINT's where another
        process received it."""
        kind = Terminated if self._first[0] == signal.SIGTERM else KeyboardInterrupt
        return kind(told)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self.received:
            self.received, self._first = True, (number, now)
        elif number == signal.SIGINT and now - self._first[1] > SAME_SECONDS:
            raise self.interruption()
