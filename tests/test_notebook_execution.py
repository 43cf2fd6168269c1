"""Notebooks are executed with parameters, some at once, and none loses what another showed."""

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from xlmr_lab import notebook_execution
from xlmr_lab.errors import UserError
from xlmr_lab.figures import looks
from xlmr_lab.notebook_execution import Execution, run_notebooks
from xlmr_lab.report_page import page

AT_ONCE_SECONDS = 30
"""How long a notebook waits for another to begin."""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a notebook with two parameters and one line of work."""
    parameters = new_code_cell(
        "# Parameters\nrun: str = 'a'  # folder\nsize: int | None = 2  # number"
    )
    parameters.metadata["tags"] = ["parameters"]
    notebook = new_notebook(cells=[parameters, new_code_cell("10 // size")])
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    path = tmp_path / "small.ipynb"
    nbformat.write(notebook, path)
    return path


def executions(folder: Path, source: Path, sizes: list[int]) -> list[Execution]:
    return [
        Execution(source=source, target=folder / f"{n}.ipynb", parameters={"size": n})
        for n in sizes
    ]


def test_notebooks_run_side_by_side_in_the_light_look_and_are_told_in_order(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second ends before the first, and one that stops stops no other."""
    began, seen = threading.Barrier(2), list[tuple[int, str | None]]()
    is_second_done = threading.Event()

    def run(source: Path, target: Path, parameters: dict[str, int]) -> Path:
        size = parameters["size"]
        if size < 2:
            began.wait(AT_ONCE_SECONDS)
        if size == 0:
            assert is_second_done.wait(AT_ONCE_SECONDS)
        seen.append((size, os.environ.get(looks.VARIABLE)))
        is_second_done.set()
        if size == 1:
            raise UserError("it stopped")
        return target

    monkeypatch.delenv(looks.VARIABLE, raising=False)
    monkeypatch.setattr(notebook_execution, "run_notebook", run)
    found = [
        (one.parameters["size"], str(e or ""))
        for one, e in run_notebooks(executions(tmp_path, small, [0, 1, 2]), jobs=2)
    ]
    assert found == [(0, ""), (1, "it stopped"), (2, "")]
    assert seen[0] == (1, "light")
    assert {look for _, look in seen} == {"light"}
    assert looks.VARIABLE not in os.environ


def test_what_was_not_begun_is_dropped_when_no_more_is_taken(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = list[int]()

    def run(source: Path, target: Path, parameters: dict[str, int]) -> Path:
        begun.append(parameters["size"])
        time.sleep(0.02)
        raise UserError("it stopped")

    monkeypatch.setattr(notebook_execution, "run_notebook", run)
    results = run_notebooks(executions(tmp_path, small, [*range(100)]), jobs=1)
    next(results)
    results.close()
    assert begun[0] == 0
    assert len(begun) < 10


@pytest.mark.slow
def test_two_kernels_at_once_give_what_one_after_the_other_does(
    small: Path, tmp_path: Path
) -> None:
    work = executions(tmp_path, small, [2, 0, 5])
    told = [str(error or "") for _, error in run_notebooks(work, jobs=2)]
    assert [bool(line) for line in told] == [False, True, False]
    assert "ZeroDivisionError" in told[1]
    shown = [nbformat.read(one.target, 4).cells[-1]["outputs"] for one in (work[0], work[2])]
    assert [outputs[0]["data"]["text/plain"] for outputs in shown] == ["5", "2"]


@pytest.mark.slow
def test_a_command_that_is_ended_ends_its_notebooks(small: Path, tmp_path: Path) -> None:
    """Two kernels sleep for a minute; they and the command are gone in seconds."""
    notebook = nbformat.read(small, 4)
    marked = "import pathlib, time; pathlib.Path(f'begun-{size}').touch(); time.sleep(60)"
    notebook.cells[-1].source = marked
    nbformat.write(notebook, small)
    command = [sys.executable, "-m", "xlmr_lab", "report", str(small), "size=1", "size=2"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len([*tmp_path.glob("begun-*")]) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    kernels = psutil.Process(process.pid).children(recursive=True)
    assert len(kernels) >= 2
    process.terminate()
    _, told = process.communicate(timeout=20)
    assert process.returncode != 0
    assert "Traceback" not in told
    assert psutil.wait_procs(kernels, timeout=20)[1] == []


def test_a_misspelt_parameter_is_refused_before_anything_runs(small: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"small.ipynb has no parameter 'siez'; did you mean size"):
        notebook_execution.run_notebook(small, tmp_path / "out.ipynb", {"siez": 3})
    assert not (tmp_path / "out.ipynb").exists()


def test_a_missing_notebook_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no notebook at .*none.ipynb"):
        notebook_execution.run_notebook(tmp_path / "none.ipynb", tmp_path / "out.ipynb")


def test_a_notebook_that_stops_leaves_its_copy_and_says_why(small: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.ipynb"
    with pytest.raises(UserError, match=r"small.ipynb stopped: ZeroDivisionError: .*out.ipynb"):
        notebook_execution.run_notebook(small, target, {"size": 0})
    shown = page([("small", nbformat.read(target, 4))], title="t", summary="", provenance={})
    assert "ZeroDivisionError" in re.sub(r"<script>.*?</script>", "", shown, flags=re.DOTALL)
