"""Explorers below each other, each with a heading and what it is of: the page of `./lab app`."""

import html
from collections.abc import Iterable
from typing import NamedTuple

import ipywidgets as widgets

from xlmr_lab.explorers.controls import WIDE


class Section(NamedTuple):
    """One part of the page."""

    heading: str
    about: str
    """What is shown, in words."""
    explorer: widgets.Widget


def page(title: str, sections: Iterable[Section]) -> widgets.VBox:
    """Return the page."""
    parts = [widgets.HTML(f"<h1>{html.escape(title)}</h1>")]
    for heading, about, explorer in sections:
        parts += [widgets.HTML(f"<h2>{html.escape(heading)}</h2><p>{html.escape(about)}</p>")]
        parts += [explorer]
    return widgets.VBox(parts, layout=WIDE)
