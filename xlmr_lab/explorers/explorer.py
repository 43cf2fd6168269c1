"""What every explorer is: controls over one figure, the call that draws it, and a state that can be
written down and come back to.

A subclass makes its controls as public attributes, gives them to `Explorer.__init__` in rows above
the figure or in boxes below it, and says what is drawn (`figure`) and by which call (`written`).
Setting `explorer.alpha.value` in Python does what the control does in a browser.
"""

import contextlib
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
from traitlets import TraitError

from xlmr_lab.errors import UserError
from xlmr_lab.explorers.canvas import Canvas
from xlmr_lab.explorers.controls import WIDE, coded, panel, text_form
from xlmr_lab.explorers.keyboard import MARK, OwnKeys
from xlmr_lab.explorers.saving import SaveControl
from xlmr_lab.figures import theme

LINE = 90
"""Characters of a line inside an empty picture."""


class Explorer(widgets.VBox):
    """Controls over one figure; `state` is a state that `Explorer.state` wrote down, and `run` the
    run that is shown, as its user names it, which pictures that are saved tell."""

    TITLE = ""
    """What stands over a picture that cannot be drawn."""

    def __init__(
        self,
        hint: str,
        rows: Sequence[Sequence[widgets.Widget]],
        *,
        below: Sequence[widgets.Widget] = (),
        run: str = "",
        state: Mapping[str, Any] | None = None,
    ) -> None:
        placed = [*(widget for row in rows for widget in row), *_leaves(below)]
        own = [widget for widget in placed if _is_control(widget)]
        names = {id(value): name for name, value in vars(self).items()}
        self._controls = {names[id(control)]: control for control in own}
        self._begun = self._values()
        self._holding = False
        self.call, self.view = widgets.HTML(), widgets.HTML()
        self.canvas = Canvas(theme.empty("nothing drawn yet", title=self.TITLE))
        self.saving = SaveControl(lambda: self.figure, lambda: self.written, run)
        told = widgets.VBox([self.call, self.view, self.saving, *below, OwnKeys()], layout=WIDE)
        super().__init__(panel(hint, rows, self.canvas, told), layout=WIDE)
        self.add_class(type(self).__name__).add_class(MARK)
        for control in own:
            control.observe(self._refresh, "value")
        self.restore(state or {})

    @property
    def figure(self) -> go.Figure:
        """The present picture as a plain figure."""
        raise NotImplementedError

    @property
    def written(self) -> str:
        """The call that draws the present picture, as Python; empty where there is none."""
        raise NotImplementedError

    @property
    def state(self) -> dict[str, Any]:
        """The values of the controls that do not stand where they began, fit for JSON."""
        return {
            name: _plain(value)
            for name, value in self._values().items()
            if value != self._begun[name]
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put the controls where a state has them, and the others where they began.

        Raises:
            UserError: the state is not of this explorer; the controls stand as they stood.
        """
        if unknown := sorted(set(state) - set(self._controls)):
            kind, known = type(self).__name__, ", ".join(self._controls)
            raise UserError(f"{kind} has no control {unknown[0]!r}; it has {known}")
        before = self._values()
        try:
            self._set_all(self._begun | dict(state))
            wrong = self._not_held(state)
        except (TraitError, TypeError, ValueError) as error:
            wrong = str(error)
        if wrong:
            self._set_all(before)
            raise UserError(f"the state does not fit {type(self).__name__}: {wrong}")

    def __repr__(self) -> str:
        return text_form(self)

    def _adapt(self, change: Any) -> None:
        """Fit controls to the one that changed; a subclass overrides it."""

    def _draw(self) -> None:
        """Draw the present picture, or say in its place why there is none."""
        draw(self.canvas, lambda: self.figure, title=self.TITLE)

    def _refresh(self, change: Any = None) -> None:
        self._adapt(change)
        if self._holding:
            return
        self._draw()
        self.saving.clear()
        written = self.written
        self.call.value = f"This picture: {coded(written)}" if written else ""
        again = f"{type(self).__name__}(..., state={self.state!r})"
        self.view.value = f"This view again: {coded(again)}" if self.state else ""

    def _not_held(self, state: Mapping[str, Any]) -> str:
        """Say which value of a state its control, having limits, took as another; "" if none."""
        for name, value in state.items():
            if (held := _plain(self._controls[name].value)) != _plain(value):
                return f"{name} cannot be {value!r}, the nearest is {held!r}"
        return ""

    def _values(self) -> dict[str, Any]:
        return {name: control.value for name, control in self._controls.items()}

    def _set_all(self, values: Mapping[str, Any]) -> None:
        """Set the controls in the order of the rows, and draw once."""
        with self._held():
            for name, control in self._controls.items():
                value = values[name]
                control.value = tuple(value) if isinstance(value, list) else value
        self._refresh()

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        """Let controls be changed without a drawing for each."""
        before, self._holding = self._holding, True
        try:
            yield
        finally:
            self._holding = before


def draw(canvas: Canvas, figure: Callable[[], go.Figure], *, title: str) -> None:
    """Show a figure, or under its title why there is none."""
    try:
        canvas.show(figure())
    except UserError as error:
        lines = "<br>".join(textwrap.wrap(str(error), LINE))
        canvas.show(theme.empty(lines, title=title))


def _leaves(placed: Sequence[widgets.Widget]) -> Iterator[widgets.Widget]:
    """Yield widgets, and of boxes what is in them."""
    for widget in placed:
        if isinstance(widget, widgets.Box):
            yield from _leaves(widget.children)
        else:
            yield widget


def _is_control(widget: widgets.Widget) -> bool:
    return isinstance(widget, widgets.ValueWidget) and not isinstance(widget, widgets.HTML)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
