"""What is wrong with a figure as a notebook keeps it: axes without a name, text that cannot be
read, a title that does not say what was measured; and which colours groups of languages have.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from xlmr_lab.figures import looks, theme

MEASURES = re.compile(r"loss|rate|norm|parameters|operations|bytes|F1|match|accuracy")
"""What the heading of a panel says if it names the panel's values."""
GROUPS = ("resource tier", "script", "family")
"""Titles of legends whose groups have a colour each."""
Figure = Mapping[str, Any]


def faults(figure: Figure) -> list[str]:
    """Return what is wrong with a figure by itself."""
    found = [f"no name on {axis}" for axis in _unnamed(figure)]
    for color in sorted(set(_text_colors(figure))):
        dark = looks.DARK.get(color.lower(), color)
        ratios = [
            looks.contrast(color, theme.PAGE),
            looks.contrast(dark, looks.DARK[theme.PAGE]),
        ]
        if min(ratios) < looks.CONTRAST:
            found.append(f"text in {color} has contrasts {ratios}")
    if figure["data"] and "<br>" not in figure["layout"]["title"]["text"]:
        found.append("the title does not say what was measured")
    return found


def group_colors(figure: Figure) -> dict[tuple[str, str], str]:
    """Return the colours of groups that the legend tells, by its title and the group."""
    legend = figure["layout"].get("legend", {}).get("title", {}).get("text", "")
    found = {}
    for trace in figure["data"] if legend in GROUPS else ():
        color = trace.get("line", {}).get("color") or trace.get("marker", {}).get("color")
        name = re.sub(r" \(.*", "", trace.get("name") or "")
        is_group = name in theme.TIER_COLORS or legend != theme.GROUPS["tier"]
        if name and is_group and isinstance(color, str):
            found[legend, name] = color.lower()
    return found


def _unnamed(figure: Figure) -> Iterator[str]:
    """Yield the axes of numbers that have data and neither a name of their own, nor that of another
    panel, nor a heading that names their values.
    """
    layout = figure["layout"]
    notes = [note.get("text", "") for note in layout.get("annotations", ())]
    headed = any(MEASURES.search(note) for note in notes)
    for letter in "xy":
        values: dict[str, list[Any]] = {}
        for trace in figure["data"]:
            name = (trace.get(f"{letter}axis") or letter).replace(letter, f"{letter}axis")
            values.setdefault(name, []).extend(_listed(trace.get(letter)))
        settings = {name: layout.get(name, {}) for name in values}
        named = any(axis.get("title", {}).get("text") for axis in settings.values())
        for name, axis in settings.items():
            labels = axis.get("ticktext") or axis.get("categoryarray") or values[name]
            hidden = axis.get("visible") is False or axis.get("showticklabels") is False
            if not (named or headed or hidden or not labels or _are_words(labels)):
                yield name


def _are_words(labels: list[Any]) -> bool:
    return any(re.search(r"[^\W\d]", str(label)) for label in labels if label is not None)


def _listed(values: Any) -> list[Any]:
    """Return values as they are, or that there are some where they are packed."""
    return [0] if isinstance(values, Mapping) else list(values or ())


def _text_colors(figure: Figure) -> Iterator[str]:
    """Yield the colours that text stands in on the ground of the figure."""
    layout = figure["layout"]
    yield layout["template"]["layout"]["font"]["color"]
    parts = [note for note in layout.get("annotations", ()) if "bgcolor" not in note]
    fonts = [part.get("font", {}) for part in parts]
    fonts += [trace.get("textfont", {}) for trace in figure["data"] if trace["type"] == "scatter"]
    fonts += [axis.get("tickfont", {}) for name, axis in layout.items() if "axis" in name]
    for font in fonts:
        if isinstance(font.get("color"), str):
            yield font["color"]
    texts = [layout["title"]["text"], *(part.get("text", "") for part in parts)]
    yield from (color for text in texts for color in re.findall(r"color:\s*(#\w{6})", text))
