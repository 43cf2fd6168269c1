"""`xlmr-lab app`: the explorers of a campaign and of transfer as a page without code, served by
Voila on this machine only.

The notebook behind the page is one cell that calls `shown`, and is written where the page is
served from. Voila's own template fetches its icons from the network; the one here asks for nothing
beyond this machine.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import campaign_results, cell_results, results, storage
from xlmr_lab.errors import Terminated, UserError

DEFAULTS = {
    "run": "notebooks/results/tiny-protocols",
    "studies": "notebooks/results/laptop",
    "port": "8866",
    "browser": "true",
}
"""Settings of the verb and what they are where they are not given."""
HELP = """xlmr-lab app [run=FOLDER] [studies=FOLDER] [port=NUMBER] [browser=false]

Serve the explorers of tested claims and of transfer as a page without code, on
this machine only, until Ctrl-C.

  run      folder of a study with task scores
           (default: notebooks/results/tiny-protocols)
  studies  folder of tested claims, as `./lab ablate SCALE` leaves it
           (default: notebooks/results/laptop)
  port     port of 127.0.0.1 (default: 8866)
  browser  whether a browser is opened on the page (default: true)

It needs Voila, an extra: .venv/bin/pip install -c constraints.txt -e '.[app]'"""
MISSING = (
    "the app needs Voila, which is not installed; in the folder of the lab: "
    f"{sys.executable} -m pip install -c constraints.txt -e '.[app]'"
)
TEMPLATE = "xlmr-lab"
FETCHED = "https://cdn.jsdelivr.net/npm/@fortawesome/fontawesome-free@^5/css/"
"""Where Voila's template has its icons from; none are shown here."""
INDEX = f"""{{%- extends 'voila/templates/lab/index.html.j2' -%}}
{{%- block notebook_css -%}}
{{{{ super() | replace("{FETCHED}", "data:text/css,") }}}}
<style>#rendered_cells {{ padding: 0 2em 4em }}</style>
{{%- endblock notebook_css -%}}
"""
TITLE = "xlmr_lab"


def settings(arguments: Sequence[str]) -> dict[str, str]:
    """Return the settings of the verb.

    Raises:
        UserError: a word is none of them, or a value is not allowed.
    """
    given = dict(DEFAULTS)
    for word in arguments:
        name, equals, value = word.partition("=")
        if name not in DEFAULTS or not equals:
            known = ", ".join(f"{key}=" for key in DEFAULTS)
            raise UserError(f"app takes {known}; got {word!r}")
        given[name] = value
    if not given["port"].isdecimal() or not 0 < int(given["port"]) < 2**16:
        raise UserError(f"port must be a number from 1 to 65535, got {given['port']!r}")
    if given["browser"] not in ("true", "false"):
        raise UserError(f"browser must be true or false, got {given['browser']!r}")
    return given


def serve(arguments: Sequence[str], *, say: Callable[[str], None]) -> None:
    """Serve the page until it is interrupted.

    Raises:
        UserError: Voila is not installed, there is no such study or campaign, or the server ended.
    """
    given = settings(arguments)
    if importlib.util.find_spec("voila") is None:
        raise UserError(MISSING)
    run, studies = (_found(given[name], name) for name in ("run", "studies"))
    shown(str(run), str(studies))  # what cannot be shown is told here, and not in the browser
    say(f"page: http://127.0.0.1:{given['port']} (Ctrl-C ends it)")
    with tempfile.TemporaryDirectory(prefix="xlmr-lab-app-") as folder:
        notebook = _written(Path(folder), run, studies, Path.cwd())
        code = _served(_command(notebook, given), _environment(Path(folder)))
    if code:
        raise UserError(
            f"the server ended with status {code}, see above; port=NUMBER chooses another port"
        )


def shown(run: str, studies: str) -> Any:
    """Return the page as a widget."""
    from xlmr_lab.explorers.campaign import CampaignExplorer
    from xlmr_lab.explorers.page import Section, page
    from xlmr_lab.explorers.transfer import TransferExplorer

    study, tested = results.open_study(run), campaign_results.open_campaign(studies)
    told = tested.campaign()
    claims = f"Claims {', '.join(told['claims'])} at the scale {told['scale']}: {told['about']}."
    cells = CampaignExplorer(cell_results.cells(tested), run=tested.name)
    transfer = TransferExplorer(study.scores(), run=study.name)
    name = study.config()["name"] or Path(run).name
    return page(
        TITLE,
        [
            Section("The ablations as a whole", claims, cells),
            Section("Transfer to other languages", f"Scores of the study {name}.", transfer),
        ],
    )


def _found(folder: str, name: str) -> Path:
    """Return the run folder of a study or of a campaign.

    Raises:
        UserError: there is none.
    """
    try:
        if name == "run":
            return results.open_study(folder).folder.resolve()
        return campaign_results.open_campaign(folder).folder.resolve()
    except UserError as error:
        raise UserError(f"{name}={folder}: {error}") from error


def _written(folder: Path, run: Path, studies: Path, here: Path) -> Path:
    """Write the notebook and the template of the page, and return the notebook. It works in the
    folder `here`, so that pictures are saved there, and not where it is served from."""
    call = f"app.shown({str(run)!r}, {str(studies)!r})"
    source = f"import os\n\nfrom xlmr_lab import app\n\nos.chdir({str(here)!r})\n{call}"
    cell: dict[str, Any] = {"cell_type": "code", "id": "page", "metadata": {}, "source": source}
    cell |= {"outputs": [], "execution_count": None}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    whole = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}}
    notebook = folder / "app.ipynb"
    storage.write_json(notebook, whole | {"cells": [cell]})
    template = folder / "voila" / "templates" / TEMPLATE
    template.mkdir(parents=True)
    storage.write_json(template / "conf.json", {"base_template": "lab"})
    storage.write_text(template / "index.html.j2", INDEX)
    return notebook


def _command(notebook: Path, given: dict[str, str]) -> list[str]:
    return [
        *(sys.executable, "-m", "voila", str(notebook), f"--template={TEMPLATE}"),
        *("--Voila.ip=127.0.0.1", f"--port={given['port']}", "--Voila.port_retries=0"),
        *([] if given["browser"] == "true" else ["--no-browser"]),
    ]


def _served(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the server until it ends or is interrupted; return its exit status, 0 after Ctrl-C."""
    server = subprocess.Popen(command, env=environment)
    try:
        return server.wait()
    except Terminated:
        raise
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        server.wait()


def _environment(folder: Path) -> dict[str, str]:
    paths = filter(None, (str(folder), os.environ.get("JUPYTER_PATH")))
    return os.environ | {"JUPYTER_PATH": os.pathsep.join(paths)}
