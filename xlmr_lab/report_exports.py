"""`xlmr-lab report ... export=svg,csv`: all figures and tables of a report as files, from the
executed notebooks that it was made of.

A file is named by its notebook, its place there and its title, and says inside which run it shows
and which cell draws it. The folder is replaced whole, so that nothing of an earlier report stays.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import notebook_parameters, storage
from xlmr_lab.errors import UserError
from xlmr_lab.figures import export, html_tables
from xlmr_lab.figures.export import Drawing, Origin

PLOTLY, HTML = "application/vnd.plotly.v1+json", "text/html"
FOLDER = "exports"
SETTING = "export="


def asked_for(arguments: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """Return the formats that the arguments of `report` ask for, and the other arguments.

    Raises:
        UserError: there is no such format, or they are asked for twice.

    >>> asked_for(["name=mine", "export=svg,tex"])
    (('svg', 'tex'), ['name=mine'])
    """
    asked = [word.removeprefix(SETTING) for word in arguments if word.startswith(SETTING)]
    if len(asked) > 1:
        raise UserError(f"export is given {len(asked)} times; write export={','.join(asked)}")
    rest = [word for word in arguments if not word.startswith(SETTING)]
    return (export.chosen(asked[0]) if asked else ()), rest


def write(
    notebooks: Sequence[Path], folder: Path, formats: Sequence[str], say: Callable[[str], None]
) -> None:
    """Write what executed notebooks show into `exports/` of a folder and tell it; without formats,
    do nothing.

    Raises:
        UserError: images are asked for, and kaleido or a browser is missing; what was there stays.
    """
    if not formats:
        return
    with storage.atomic_folder(folder / FOLDER) as target:
        drawings, num_tables = list[Drawing](), 0
        for source in notebooks:
            run = notebook_parameters.runs(source)
            for name, call, data in _shown(source):
                origin = Origin(run=run, call=call)
                if PLOTLY in data:
                    figure = export.read_figure(data[PLOTLY])
                    title = export.named(figure.layout.title.text or "")
                    stem = target / f"{name}-{title}"
                    drawings.append(Drawing(figure=figure, stem=stem, origin=origin))
                    continue
                for number, table in enumerate(html_tables.tables(data[HTML]), 1):
                    title = export.named(table.caption.partition(".")[0])
                    stem = target / f"{name}-{title}{f'-{number}' * (number > 1)}"
                    export.write_table(table, stem, origin, formats)
                    num_tables += 1
        export.write_figures(drawings, formats)
    told = f"{len(drawings)} figures and {num_tables} tables as {', '.join(formats)}"
    say(f"exported {told}: {folder / FOLDER}")


def _shown(source: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield what a notebook shows that can be exported: a name by its place, the cell, the data."""
    place = 0
    for cell in json.loads(source.read_text("utf-8"))["cells"]:
        for output in cell.get("outputs", ()):
            data = {name: _joined(value) for name, value in output.get("data", {}).items()}
            if PLOTLY in data or html_tables.tables(data.get(HTML, "")):
                place += 1
                yield f"{source.stem}-{place:02d}", "".join(cell["source"]), data


def _joined(value: Any) -> Any:
    """Return text that a notebook keeps in lines as one."""
    return "".join(value) if isinstance(value, list) else value
