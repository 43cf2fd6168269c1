"""A server on this machine, for tests that look at it in a browser: its port, its folders, when it
is there.
"""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
START_SECONDS = 180


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def environment(home: Path) -> dict[str, str]:
    """Return this environment with Jupyter's folders within `home`, and this package."""
    places = {
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
    }
    own = {name: str(home / folder) for name, folder in places.items()}
    paths = filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))
    return os.environ | own | {"PYTHONPATH": os.pathsep.join(paths)}


def wait_for(server: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    """Wait until a server answers at an address."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            alive = server.poll() is None and time.monotonic() < deadline
            assert alive, f"the server did not start:\n{log.read_text()[-2000:]}"
            time.sleep(0.25)
