"""`xlmr-lab app` in a real browser: explorers without code on the results that come with the lab,
whose controls move what is drawn, and nothing is asked for beyond this machine.
"""

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served import ROOT, environment, free_port, wait_for

pytestmark = [
    pytest.mark.ui,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(importlib.util.find_spec("voila") is None, reason="Voila is not installed"),
]

PLOTTED = """selector => {
  const plot = document.querySelector(`${selector} .js-plotly-plot`);
  return plot && plot.data ? JSON.stringify(plot.data.map(t => [t.name, [...(t.y || [])]])) : null;
}"""
MARKS = """selector => [...document.querySelectorAll(
  `${selector} .scatterlayer .points path`)].map(mark => mark.getAttribute("transform")).join()"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the page; return its address."""
    home, port = tmp_path_factory.mktemp("app"), free_port()
    command = [sys.executable, "-m", "xlmr_lab", "app", f"port={port}", "browser=false"]
    address = f"http://127.0.0.1:{port}/"
    log = home / "server.log"
    with log.open("w") as file:
        server = subprocess.Popen(
            command, env=environment(home), cwd=ROOT, stdout=file, stderr=file
        )
    try:
        wait_for(server, f"{address}voila/static/voila.js", log)
        yield address
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 128 + signal.SIGTERM


def drawn(page: Any, explorer: str) -> tuple[str, str]:
    """Wait until the explorer has drawn, and return what is plotted and where marks are."""
    page.locator(f"{explorer} .js-plotly-plot .main-svg").first.wait_for()
    page.wait_for_function(f"s => ({MARKS})(s).length > 0", arg=explorer)
    return page.evaluate(PLOTTED, explorer), page.evaluate(MARKS, explorer)


def changed(page: Any, explorer: str, before: tuple[str, str]) -> tuple[str, str]:
    for ask, old in zip((PLOTTED, MARKS), before, strict=True):
        page.wait_for_function(f"([s, old]) => ({ask})(s) !== old", arg=[explorer, old])
    return drawn(page, explorer)


def test_the_page_shows_explorers_that_follow_their_controls(page: Any, app: str) -> None:
    page.set_default_timeout(180_000)
    page.goto(app)
    cells, transfer = ".CampaignExplorer", ".TransferExplorer"
    first, scores = drawn(page, cells), drawn(page, transfer)
    assert page.locator(".jp-InputArea-editor:visible, .jp-CodeMirrorEditor:visible").count() == 0
    page.locator(cells).get_by_label("only claims").select_option(["F3"])
    changed(page, cells, first)
    page.locator(transfer).get_by_label("a dot for each").select_option(label="family")
    changed(page, transfer, scores)
    page.reload()
    assert drawn(page, cells) == first  # a page has a kernel of its own and begins anew
    assert page.foreign == []


def test_it_listens_on_this_machine_only(app: str) -> None:
    port = int(app.rsplit(":", 1)[1].strip("/"))
    listening = Path("/proc/net/tcp").read_text() if os.path.exists("/proc/net/tcp") else ""
    own = [line.split()[1] for line in listening.splitlines() if line.split()[3:4] == ["0A"]]
    of_port = [place for place in own if place.endswith(f":{port:04X}")]
    if not listening:
        pytest.skip("the system does not tell who listens")
    assert of_port == [f"0100007F:{port:04X}"]
