"""Execute notebooks with parameters, one or several at a time.

papermill only warns of a parameter that the notebook does not have, so names are checked before
anything runs. Widget state is not saved (five megabytes of JavaScript a notebook); what an explorer
shows stands below it as a plain figure. A notebook that stops leaves its executed copy, with the
error in it. Papermill loads slowly, hence inside.
"""

import contextlib
import dataclasses
import json
import logging
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from xlmr_lab import notebook_parameters, progress, storage
from xlmr_lab.environment_variables import held
from xlmr_lab.errors import UserError
from xlmr_lab.figures.looks import VARIABLE

logger = logging.getLogger(__name__)

LIGHT = {VARIABLE: "light"}
"""Has a kernel show figures in the light look, of which a page makes the other."""
KERNEL = "ipykernel"
"""What the command line of a kernel has in it."""
JOBS = 2
"""Notebooks at work at once: each is a process with a few hundred megabytes."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """A notebook, where its executed copy goes, and its parameters."""

    source: Path
    target: Path
    parameters: Mapping[str, Any]


def run_notebook(source: Path, target: Path, parameters: Mapping[str, Any] | None = None) -> Path:
    """Execute a notebook with parameters in the working directory and save the executed copy.

    Raises:
        UserError: the notebook is missing, has no such parameter, or stopped with an error (then
            the executed copy is at `target`).
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    notebook_parameters.require(source, parameters or {})
    logging.getLogger("papermill").setLevel(logging.ERROR)  # it warns of names that it cannot read
    failure = None
    with tempfile.TemporaryDirectory() as folder, held(LIGHT):
        executed = Path(folder) / target.name
        try:
            papermill.execute_notebook(
                str(source),
                str(executed),
                dict(parameters or {}),
                progress_bar=False,
                store_widget_state=False,
                extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
            )
        except PapermillExecutionError as error:
            failure = f"{error.ename}: {error.evalue}"
        except RuntimeError as error:  # the kernel died, or did not start
            failure = str(error)
        storage.write_text(target, _without_machine(executed.read_text("utf-8")))
    if failure:
        raise UserError(f"{source.name} stopped: {failure}; the executed copy is {target}")
    logger.info("executed %s: %s", source.name, target)
    return target


def run_notebooks(
    executions: Sequence[Execution], *, jobs: int = JOBS
) -> Iterator[tuple[Execution, UserError | None]]:
    """Execute notebooks, `jobs` at a time, and yield each in their order with what stopped it.

    Who takes no more than the first has those dropped that were not begun.
    """
    bar = progress.bar(len(executions), "notebooks", unit="notebook")
    # Held around all of them: as one notebook lets go of it, another still wants it.
    with held(LIGHT), bar, ThreadPoolExecutor(jobs) as pool:
        begun = [
            pool.submit(run_notebook, one.source, one.target, one.parameters) for one in executions
        ]
        try:
            for one, future in zip(executions, begun, strict=True):
                error = future.exception()
                if error is not None and not isinstance(error, UserError):
                    raise error
                bar.update(1)
                yield one, error
        except BaseException as error:  # also of who takes no more
            pool.shutdown(wait=False, cancel_futures=True)
            while isinstance(error, KeyboardInterrupt) and any(one.running() for one in begun):
                _end_kernels()
                time.sleep(0.2)
            raise


def _end_kernels() -> None:
    """End the kernels of this process. Outside the main thread nothing else does when it is
    interrupted, and what waits for a kernel would wait as long as its notebook takes."""
    import psutil

    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if any(KERNEL in word for word in child.cmdline()):
                child.terminate()


def _without_machine(text: str) -> str:
    """Drop what papermill notes about where the notebook ran, folders and environment, and the
    indentation, which would be a third of a notebook with figures."""
    notebook = json.loads(text)
    ran = notebook["metadata"].get("papermill", {})
    for name in ("input_path", "output_path", "environment_variables"):
        ran.pop(name, None)
    return json.dumps(notebook, ensure_ascii=False, separators=(",", ":")) + "\n"
