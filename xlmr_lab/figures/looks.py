"""The looks that a figure is shown in, light and dark, and how one becomes the other.

Figures are made in the colours of the light look, also for files and papers. What shows a figure on
a screen (a notebook, an explorer, the report) replaces each colour by its own counterpart in the
text of the figure's JSON, so that no function that draws knows of looks. The ground is part of the
look: a figure stays readable where the page is not what it was taken for. Text has at least
`CONTRAST` to the ground in both.
"""

import json
import os
import re
from pathlib import Path
from typing import Any, Literal, get_args

import plotly.io as pio
from plotly.io.base_renderers import PlotlyRenderer

from xlmr_lab.errors import UserError

Look = Literal["light", "dark"]
VARIABLE = "XLMR_LAB_LOOK"
"""Environment variable that chooses the look of notebooks."""
CONTRAST = 4.5
"""Least contrast of text to its ground (WCAG 2, AA)."""
DARK = {
    "#ffffff": "#111111",
    "#1f2933": "#e3e6ea",
    "#0072b2": "#4ba3e3",
    "#e69f00": "#f2b134",
    "#009e73": "#2fc79a",
    "#cc79a7": "#e08fbe",
    "#56b4e9": "#9ad7fa",
    "#d55e00": "#f4763a",
    "#8f8a26": "#c2bc4e",
    "#8a8f98": "#a3a8b1",
    "#8a5f00": "#f2b134",
    "#00734f": "#2fc79a",
    "#a0457b": "#e08fbe",
    "#1a6fa3": "#9ad7fa",
    "#b04c00": "#f4763a",
    "#6b671c": "#c2bc4e",
    "#5f6570": "#a3a8b1",
    "#f1f5f9": "#1b2127",
    "#b5d8ee": "#1d4e70",
    "#0b2239": "#d8edfb",
    "#d9ecf7": "#16303f",
    "#f5d9c8": "#4a2b1b",
    "#dfe5ec": "#3a424c",
}
"""The counterpart of each colour of a figure: ground and ink, the palette, the palette as text is
written in it, shades. JupyterLab's dark pages have the same ground."""
RENDERER = "xlmr_lab_dark"
_COLOR = re.compile(r"#[0-9a-fA-F]{6}\b|(?<=rgba\()\d+, \d+, \d+")
_THEMES = Path("lab/user-settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings")


class DarkRenderer(PlotlyRenderer):
    """What notebooks show figures by, in the dark look."""

    def to_mimebundle(self, fig_dict: dict[str, Any]) -> dict[str, Any]:
        """Return the outputs of a figure given as JSON-able parts."""
        bundle: dict[str, Any] = json.loads(darkened(json.dumps(super().to_mimebundle(fig_dict))))
        return bundle


def show_in(look: Look) -> None:
    """Have this process show figures in a look: offline, small when saved."""
    if look == "dark":
        pio.renderers[RENDERER] = DarkRenderer()
    pio.renderers.default = RENDERER if look == "dark" else "plotly_mimetype"


def shown(text: str) -> str:
    """Return the JSON of a figure in the look that this process shows figures in."""
    return darkened(text) if pio.renderers.default == RENDERER else text


def darkened(text: str) -> str:
    """Return the JSON of a figure in the dark look.

    >>> darkened('{"color": "#0072B2", "fillcolor": "rgba(0, 114, 178, 0.2)"}')
    '{"color": "#4ba3e3", "fillcolor": "rgba(75, 163, 227, 0.2)"}'
    """
    return _COLOR.sub(lambda found: _counterpart(found[0]), text)


def chosen(look: str | None) -> Look:
    """Return a look as asked for; None: that of the environment variable `XLMR_LAB_LOOK`, else that
    of JupyterLab's theme as set on this machine, else light.

    Raises:
        UserError: there is no such look.
    """
    wanted = look or os.environ.get(VARIABLE) or _of_jupyterlab()
    for known in get_args(Look):
        if wanted == known:
            return known
    source = "look" if look else VARIABLE
    raise UserError(f"{source} must be {' or '.join(get_args(Look))}, got {wanted!r}")


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2).

    >>> contrast("#000000", "#ffffff")
    21.0
    """
    low, high = sorted(map(_luminance, (one, other)))
    return round((high + 0.05) / (low + 0.05), 2)


def _counterpart(color: str) -> str:
    if color.startswith("#"):
        return DARK.get(color.lower(), color)
    named = "#" + "".join(f"{int(part):02x}" for part in color.split(", "))
    return ", ".join(str(part) for part in _channels(DARK.get(named, named)))


def _luminance(color: str) -> float:
    parts = [value / 255 for value in _channels(color)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return sum(w * x for w, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _channels(color: str) -> list[int]:
    return [int(color[i : i + 2], 16) for i in (1, 3, 5)]


def _of_jupyterlab() -> Look:
    """Return the look of the theme in JupyterLab's settings; light where it follows the system,
    which a kernel cannot ask.
    """
    from jupyter_core.paths import jupyter_config_dir

    own = os.environ.get("JUPYTERLAB_SETTINGS_DIR")
    path = Path(own, *_THEMES.parts[2:]) if own else Path(jupyter_config_dir()) / _THEMES
    if not path.is_file():
        return "light"
    text = re.sub(r"^\s*//.*$", "", path.read_text("utf-8"), flags=re.MULTILINE)
    theme = re.search(r'"theme"\s*:\s*"([^"]*)"', text)
    adaptive = re.search(r'"adaptive-theme"\s*:\s*true', text)
    return "dark" if theme and "dark" in theme[1].lower() and not adaptive else "light"
