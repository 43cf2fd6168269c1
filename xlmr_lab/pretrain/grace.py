"""What torchrun leaves its processes to save in, after a signal, against what saving may take."""

import math

from xlmr_lab.pretrain.checkpoint_writer import BYTES_PER_PARAMETER

GRACE_SECONDS = 30
"""Seconds between torchrun's SIGTERM and its SIGKILL, unless it was started with more."""
SLOW_DISK = 100e6
"""Bytes a second of a disk of the slower kind: written, read again and flushed."""


def advice(num_parameters: int, processes: int) -> list[str]:
    """Return how torchrun should have been started where two checkpoints, the one in flight and
    that of the signal, may take longer than it waits; nothing where they do not, or without it.

    >>> advice(100_000_000, 8) == advice(270_000_000, 1) == []
    True
    >>> advice(270_000_000, 8)[0].partition(": ")[2]
    'start it with --shutdown-timeout=65, unless you have'
    """
    size = BYTES_PER_PARAMETER * num_parameters
    seconds = math.ceil(2 * size / SLOW_DISK)
    if processes == 1 or seconds <= GRACE_SECONDS:
        return []
    return [
        f"saving after a signal may take {seconds} s (two checkpoints of {size / 1e9:.1f} GB at "
        f"{SLOW_DISK / 1e6:.0f} MB/s), torchrun kills after {GRACE_SECONDS} s: start it with "
        f"--shutdown-timeout={seconds}, unless you have"
    ]
