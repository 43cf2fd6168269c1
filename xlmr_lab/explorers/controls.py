"""What the explorers' controls share: labels in full, rows that wrap, and the call that draws the
present picture.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets

LABEL = {"description_width": "initial"}
"""Style of a control whose description is shown in full."""

WIDE = {"width": "100%"}
"""Layout of an explorer: as wide as the notebook."""


ANY_DIRECTION = "<style>.lab-any-direction textarea{unicode-bidi:plaintext}</style>"
"""Has each line of a text box run in the direction of its first letter."""


def text_box(description: str, value: str, placeholder: str) -> widgets.Textarea:
    """Return a box for a text in any script."""
    box = widgets.Textarea(
        value=value,
        placeholder=placeholder,
        description=description,
        style=LABEL,
        layout=widgets.Layout(width="min(680px, 100%)", height="64px"),
    )
    return box.add_class("lab-any-direction")


def choices(values: Iterable[str], description: str) -> widgets.SelectMultiple:
    """Return a list from which any number may be chosen; none chosen means all."""
    options = list(values)
    layout = widgets.Layout(width="auto", min_width="190px")
    return widgets.SelectMultiple(
        options=options,
        description=description,
        rows=min(5, max(2, len(options))),
        style=LABEL,
        layout=layout,
    )


def dropdown(description: str, options: Iterable[Any]) -> widgets.Dropdown:
    """Return a list from which one is chosen, the first to begin with."""
    return widgets.Dropdown(options=list(options), description=description, style=LABEL)


def slider(
    description: str,
    values: Iterable[float],
    *,
    value: float | None = None,
    form: str = "{:,}",
    width: str = "340px",
) -> widgets.SelectionSlider:
    """Return a slider over some numbers, written in a form; at the least to begin with, or at
    `value`, which is one of them."""
    known = sorted(set(values))
    return widgets.SelectionSlider(
        options=[(form.format(number), number) for number in known],
        value=known[0] if value is None else value,
        description=description,
        style=LABEL,
        layout=widgets.Layout(width=width),
    )


def show(controls: Iterable[widgets.Widget], shown: bool) -> None:
    """Show controls, or hide those that have no effect."""
    for control in controls:
        control.layout.display = None if shown else "none"


def text_form(explorer: widgets.Widget) -> str:
    """Return what stands in place of an explorer where no kernel draws it, as in a saved notebook.

    >>> text_form(widgets.VBox())
    'VBox: run this cell to use it'
    """
    return f"{type(explorer).__name__}: run this cell to use it"


def panel(
    hint: str,
    rows: Sequence[Sequence[widgets.Widget]],
    canvas: widgets.Widget,
    call: widgets.Widget,
) -> list[widgets.Widget]:
    """Return what to try, rows of controls, the canvas, and the call below it."""
    wrap = {
        "flex_flow": "row wrap",
        "align_items": "center",
        "width": "100%",
        "grid_gap": "4px 24px",
        "padding": "0 2px",  # a selection slider stands that far to the left, and would be cut
    }
    boxes = [widgets.Box(list(row), layout=widgets.Layout(**wrap)) for row in rows]
    return [widgets.HTML(ANY_DIRECTION + html.escape(hint, quote=False)), *boxes, canvas, call]


def written_call(function: str, frame: str, arguments: Mapping[str, Any]) -> str:
    """Write the call that draws a picture.

    >>> written_call("f", "study.sizes()", {"alpha": 0.3})
    'f(study.sizes(), alpha=0.3)'
    """
    written = filter(None, [frame, *(f"{name}={value!r}" for name, value in arguments.items())])
    return f"{function}({', '.join(written)})"


def coded(text: str) -> str:
    """Return Python as HTML to copy from.

    >>> coded("f(a < b)")
    '<code>f(a &lt; b)</code>'
    """
    return f"<code>{html.escape(text, quote=False)}</code>"
