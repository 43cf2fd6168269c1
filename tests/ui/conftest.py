"""A real JupyterLab on this machine and a real Chromium to look at it; tests skip where there is
none.
"""

import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from served import ROOT, environment, free_port, wait_for

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Return a headless Chromium."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"no browser on this machine, looked for {', '.join(names)}")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    """Return a page; `page.foreign` lists the addresses it asked for beyond this machine, and
    `page.timed_out` is what it raises when it has waited too long."""
    api = pytest.importorskip("playwright.sync_api")
    context = browser.new_context(viewport={"width": 1400, "height": 1500})
    page = context.new_page()
    page.foreign, page.timed_out = [], api.TimeoutError
    page.on("request", lambda request: _note(page.foreign, request.url))
    page.on("websocket", lambda channel: _note(page.foreign, channel.url))
    yield page
    context.close()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that JupyterLab is served over."""
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="session")
def lab(
    browser: Any, make_study: Callable[..., None], tested_folder: Path, home: Path
) -> Iterator[str]:
    """Serve JupyterLab over the notebooks and a made-up `runs/tiny`, which notebook 16 shows beside
    made-up claims; return the address of `notebooks/`.
    """
    shutil.copytree(ROOT / "notebooks", home / "notebooks")
    make_study(home / "runs" / "tiny", num_languages=12)
    results = home / "notebooks" / "16_results.ipynb"
    text = results.read_text("utf-8").replace("notebooks/results/tiny-protocols", "runs/tiny")
    text = text.replace("notebooks/results/laptop", str(tested_folder))
    for path in (results, results.with_name("16_again.ipynb")):  # one for each test that saves it
        path.write_text(text, "utf-8")
    port, token = free_port(), secrets.token_hex(8)
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(
            _command(home, port, token), env=environment(home), stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(server, f"{address}/api?token={token}", home / "server.log")
        yield f"{address}/lab/tree/notebooks/{{name}}.ipynb?token={token}"
    finally:
        server.terminate()
        server.wait(30)


def _command(home: Path, port: int, token: str) -> list[str]:
    news = home / "settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    news.parent.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
    news.write_text(json.dumps(quiet))
    return [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"),
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={home}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        f"--LabApp.workspaces_dir={home / 'workspaces'}",
    ]


def _note(foreign: list[str], url: str) -> None:
    local = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:", "about:", "file:")
    if not url.startswith(local):
        foreign.append(url)
