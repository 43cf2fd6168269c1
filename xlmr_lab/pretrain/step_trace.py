"""Where the time of a few steps goes, as a trace for chrome://tracing or ui.perfetto.dev.

Recording slows the steps down that it records, and changes no result. The first steps of a process
are left out: they allocate memory and load kernels.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity

from xlmr_lab import storage

logger = logging.getLogger(__name__)

SKIPPED_STEPS = 3
"""Steps before the first one that is recorded; the profiler warms up in the last of them."""


@contextlib.contextmanager
def step_trace(path: Path, num_steps: int) -> Iterator[Callable[[], None]]:
    """Record `num_steps` steps into `path`; 0 records nothing. Call what is yielded after each
    step."""
    if num_steps == 0:
        yield lambda: None
        return
    activities = [ProfilerActivity.CPU]
    if torch.cuda.is_available():
        activities.append(ProfilerActivity.CUDA)

    def write(profile: torch.profiler.profile) -> None:
        with storage.atomic_path(path) as partial:
            profile.export_chrome_trace(str(partial))
        logger.info("trace of up to %s steps, for ui.perfetto.dev: %s", num_steps, path)

    when = torch.profiler.schedule(wait=SKIPPED_STEPS - 1, warmup=1, active=num_steps, repeat=1)
    with torch.profiler.profile(
        activities=activities, schedule=when, on_trace_ready=write
    ) as profile:
        yield profile.step
