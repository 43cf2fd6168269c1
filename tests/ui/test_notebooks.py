"""Every notebook in a real JupyterLab, as a person opens it: it runs to its end without an error,
its figures are drawn, and nothing beyond this machine is asked for. In JupyterLab's dark theme the
same figures are dark, without a word of code.
"""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from xlmr_lab.figures import looks, theme

pytestmark = [pytest.mark.ui, pytest.mark.slow, pytest.mark.timeout(900)]

NAMES = [path.stem for path in sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))]
SECONDS, IDLE_SECONDS = 400, 3
"""How long a notebook may take, and how long its kernel rests before it is taken to be done."""
PLOTLY = "application/vnd.plotly.v1+json"
PLOTS = ".jp-NotebookPanel .jp-OutputArea .js-plotly-plot"
MARKS = ".points path, .lines path, .barlayer path, .hm image, .heatmaplayer image, .boxlayer path"
DRAWN = f"""() => [...document.querySelectorAll("{PLOTS}")]
  .filter(plot => plot.querySelector("{MARKS}")).length"""
COLORS = f"""() => {{
  const plot = document.querySelector("{PLOTS}");
  return [getComputedStyle(plot.querySelector(".main-svg")).backgroundColor,
    getComputedStyle(plot.querySelector(".gtitle")).fill];
}}"""
THEMES = "@jupyterlab/apputils-extension:themes"


class Server:
    """What JupyterLab's server answers, beside its pages."""

    def __init__(self, lab: str) -> None:
        self.base, self.token = lab.split("/lab/tree")[0], lab.rpartition("?")[2]

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """Return the answer to a request of its interface."""
        data = None if body is None else json.dumps(body).encode()
        address = f"{self.base}{path}?{self.token}"
        request = urllib.request.Request(address, data, method=method)
        with urllib.request.urlopen(request) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def cells(self, name: str) -> list[dict[str, Any]]:
        """Return the code cells of a notebook as it was last saved."""
        found = self.ask(f"/api/contents/notebooks/{name}.ipynb")["content"]["cells"]
        return [cell for cell in found if cell["cell_type"] == "code" and cell["source"]]

    def end_kernels(self) -> None:
        for session in self.ask("/api/sessions"):
            self.ask(f"/api/sessions/{session['id']}", "DELETE")

    def choose(self, theme: str) -> None:
        """Have JupyterLab and its kernels use a theme."""
        self.ask(f"/lab/api/settings/{THEMES}", "PUT", {"raw": json.dumps({"theme": theme})})


@pytest.fixture
def server(lab: str) -> Iterator[Server]:
    found = Server(lab)
    found.end_kernels()
    yield found
    found.end_kernels()
    found.choose("JupyterLab Light")


@pytest.fixture
def run(page: Any, lab: str, server: Server) -> Callable[[str], list[dict[str, Any]]]:
    """Return what opens a notebook, runs all its cells and returns them as JupyterLab saves them;
    a cell that is out of sight is in no page.
    """

    def opened(name: str) -> list[dict[str, Any]]:
        page.set_default_timeout(SECONDS * 1000)
        page.goto(f"{lab.format(name=name)}&reset")
        page.locator(".jp-NotebookPanel:visible .jp-Cell").first.wait_for()
        page.locator("#jp-main-statusbar").get_by_text("Idle").wait_for()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        deadline, idle = time.monotonic() + SECONDS, 0
        while time.monotonic() < deadline:
            page.wait_for_timeout(1000)
            (session,) = server.ask("/api/sessions")
            idle = idle + 1 if session["kernel"]["execution_state"] == "idle" else 0
            if idle == IDLE_SECONDS:
                idle = 0
                save(page, name)
                cells = server.cells(name)
                if all(cell["execution_count"] for cell in cells):
                    return cells
        raise AssertionError(f"{name} did not run to its end in {SECONDS} s")

    return opened


def save(page: Any, name: str) -> None:
    """Save a notebook, and wait until the file is written: to read it before would have the server
    set it aside as broken.
    """
    with page.expect_response(lambda r: r.request.method == "PUT" and f"/{name}.ipynb" in r.url):
        page.keyboard.press("Control+s")


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_to_its_end_and_its_figures_are_drawn(
    run: Callable[[str], list[dict[str, Any]]], page: Any, name: str
) -> None:
    outputs = [output for cell in run(name) for output in cell["outputs"]]
    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert [output for output in outputs if output.get("name") == "stderr"] == []
    assert sum(PLOTLY in output.get("data", {}) for output in outputs) >= 3
    page.locator(".jp-NotebookPanel .jp-WindowedPanel-outer").hover()
    for _ in range(40):
        if page.evaluate(DRAWN):
            break
        page.mouse.wheel(0, -700)
        page.wait_for_timeout(250)
    assert page.evaluate(DRAWN) >= 1
    assert page.foreign == []


@pytest.mark.parametrize("name", ["03_language_sampling", "05_masking_and_batches"])
def test_in_the_dark_theme_figures_are_dark(
    run: Callable[[str], list[dict[str, Any]]], page: Any, server: Server, name: str
) -> None:
    server.choose("JupyterLab Dark")
    run(name)
    page.wait_for_function(f"() => document.querySelector('{PLOTS} .gtitle') !== null")
    seen = [looks.DARK[color] for color in (theme.PAGE, theme.INK)]
    assert page.evaluate(COLORS) == [rgb(color) for color in seen]


def rgb(color: str) -> str:
    """Write a colour as a browser does."""
    return f"rgb({', '.join(str(int(color[i : i + 2], 16)) for i in (1, 3, 5))})"
