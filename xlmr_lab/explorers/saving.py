"""The control by which an explorer's picture is saved: a format, a button, and the path written.

Files stand in `runs/exports/` of the folder that `runs/` is found in from here or from any folder
above, else from here; their name is the picture's title with what tells views of one title apart.
"""

import hashlib
import html
from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets
import plotly.graph_objects as go

from xlmr_lab.errors import UserError
from xlmr_lab.explorers.controls import LABEL
from xlmr_lab.figures import export
from xlmr_lab.figures.export import Drawing, Origin

FOLDER = Path("runs/exports")
FORMATS = [
    ("data (CSV)", "csv"),
    ("page (HTML)", "html"),
    ("image (SVG)", "svg"),
    ("image (PNG)", "png"),
]


class SaveControl(widgets.HBox):
    """Saves what `draw` draws; `call` writes the call that draws it, `run` is the run shown, empty
    where there is none."""

    def __init__(self, draw: Callable[[], go.Figure], call: Callable[[], str], run: str) -> None:
        self.draw, self.written, self.run = draw, call, run
        self.format = widgets.Dropdown(options=FORMATS, description="save as", style=LABEL)
        self.format.layout.width = "200px"
        self.button = widgets.Button(description="save", layout={"width": "80px"})
        self.told = widgets.HTML()
        self.button.on_click(lambda _: self.save())
        layout = {"flex_flow": "row wrap", "align_items": "center", "grid_gap": "4px 8px"}
        super().__init__([self.format, self.button, self.told], layout=layout)

    def save(self) -> None:
        """Write the present picture and tell the path, or why it cannot be written."""
        try:
            figure, call = self.draw(), self.written()
            name = export.named(figure.layout.title.text or "")
            mark = hashlib.sha256(f"{self.run} {call}".encode()).hexdigest()[:6]
            drawing = Drawing(
                figure=figure,
                stem=_folder() / f"{name}-{mark}",
                origin=Origin(run=self.run, call=call),
            )
            (path,) = export.write_figures([drawing], [self.format.value])
        except (UserError, OSError) as error:
            self.told.value = f"not saved: {html.escape(str(error), quote=False)}"
            return
        self.told.value = f"saved: <code>{html.escape(str(path), quote=False)}</code>"

    def clear(self) -> None:
        """Forget what was told of a picture that is no longer shown."""
        self.told.value = ""


def _folder() -> Path:
    """Return where pictures are saved, as short as it can be said from here."""
    here = Path.cwd()
    for place in (here, *here.parents):
        if (place / FOLDER.parts[0]).is_dir():
            return (place if place != here else Path()) / FOLDER
    return FOLDER
