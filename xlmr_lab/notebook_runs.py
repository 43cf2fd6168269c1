"""`xlmr-lab report NOTEBOOK [name=value ...]`: one notebook with parameters, or over a grid of
them, and its page.

A name that is given several times takes each of its values, several names every combination. The
executed copies and the page of all stand in `runs/notebooks/NOTEBOOK/`.
"""

import difflib
import hashlib
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import (
    commands,
    notebook_execution,
    notebook_parameters,
    provenance,
    report_exports,
    reports,
)
from xlmr_lab.errors import UserError
from xlmr_lab.notebook_execution import Execution

FOLDER = Path("runs/notebooks")
MAX_NAME_BYTES = 60
"""Bytes of the parameters in the name of an executed copy; longer ones end in a digest. A name may
have 255 bytes in all, and a letter takes up to 4."""
HELP = """xlmr-lab report {name} [export=FORMATS] [name=value ...]

{about}

{parameters}
"""
ABOUT = (
    "Executes the notebook with these parameters and writes its page. A name given several times "
    "(alpha=0.3 alpha=0.7) takes each value; several such names, every combination. "
    "export=html,svg,png,csv,tex writes all figures and tables as files too."
)


def asked_for(arguments: Sequence[str]) -> Path | None:
    """Return the notebook that the arguments of `report` begin with: its path, or the name of one
    that comes with the lab.

    Raises:
        UserError: it is the name of no notebook.
    """
    word = arguments[0] if arguments else ""
    if word.endswith(".ipynb"):
        return Path(word)
    if not re.match(r"\d\d_", word):
        return None
    known = {path.stem: path for path in commands.notebooks()}
    if word not in known:
        near = difflib.get_close_matches(word, known, 1) or known
        raise UserError(f"no notebook {word!r}; did you mean {' or '.join(near)}?")
    return known[word]


def help_text(source: Path) -> str:
    """Return what a notebook can be asked for."""
    parameters = notebook_parameters.help_text(source)
    return HELP.format(name=source.name, about=textwrap.fill(ABOUT, 80), parameters=parameters)


def run(
    source: Path, settings: Sequence[str], formats: Sequence[str], say: Callable[[str], None]
) -> None:
    """Execute a notebook with each combination of its settings, write the page and tell where.

    Raises:
        UserError: the notebook has no such parameter, or no such value of it, and nothing ran; or
            a run stopped, and the page is written with its error.
    """
    wanted = notebook_parameters.grid(source, settings)
    folder = FOLDER / source.stem
    work, labels = list[Execution](), dict[str, str]()
    for values in wanted:
        label = _label(values, wanted)
        path = folder / f"{_named(source.stem, label, labels)}.ipynb"
        labels[path.stem] = label
        path.unlink(missing_ok=True)
        work.append(Execution(source=source, target=path, parameters=values))
    stopped = [
        ": ".join(filter(None, (labels[one.target.stem], str(error))))
        for one, error in notebook_execution.run_notebooks(work)
        if error
    ]
    executed = [one.target for one in work if one.target.is_file()]
    page, made = folder / "index.html", provenance.collect()
    reports.write_report(executed, page, title=source.stem, provenance=made, labels=labels)
    say(f"report: {page}")
    report_exports.write(executed, folder, formats, say)
    if stopped:
        raise UserError(f"{page} is not whole: {'; '.join(stopped)}")


def _label(values: Mapping[str, Any], wanted: Sequence[Mapping[str, Any]]) -> str:
    """Return the parameters that tell a run from the others."""
    varied = [name for name in values if any(other[name] != values[name] for other in wanted)]
    return ", ".join(f"{name} = {values[name]}" for name in varied)


def _named(stem: str, label: str, taken: Mapping[str, str]) -> str:
    """Return the name of an executed copy, which no other has."""
    words = re.sub(r"[^\w.=]+", "-", label.replace(" = ", "=")).strip("-.")
    if len(words.encode("utf-8")) > MAX_NAME_BYTES:
        digest = hashlib.sha256(words.encode("utf-8")).hexdigest()[:8]
        begun = words.encode("utf-8")[:MAX_NAME_BYTES].decode("utf-8", errors="ignore")
        words = f"{begun.rstrip('-.')}-{digest}"
    name = f"{stem}-{words}" if words else stem
    return name if name not in taken else f"{name}-{len(taken) + 1}"
