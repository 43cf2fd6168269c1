"""The campaign explorer in a real JupyterLab: ranges reach both pictures, also after a reload, and
the keyboard alone reaches and moves every control.
"""

from typing import Any

import pytest
from ui.test_lab import Notebook

pytestmark = [pytest.mark.ui, pytest.mark.slow, pytest.mark.timeout(900)]

EXPLORER = ".CampaignExplorer"
PLOTS = """selector => [...document.querySelectorAll(`${selector} .js-plotly-plot`)].map(plot => ({
  title: plot.layout.title.text,
  plotted: plot.data.map(t => [t.name, [...(t.y || [])], (t.line || {}).color || ""]),
  drawn: [...plot.querySelectorAll(".scatterlayer .js-line, .scatterlayer .points path")]
    .map(mark => `${mark.getAttribute("d")} ${mark.getAttribute("transform")} ${mark.style.stroke}`)
}))"""
CHANGED = f"([s, before]) => JSON.stringify(({PLOTS})(s)) !== before"
BOTH = f"s => ({PLOTS})(s).filter(picture => picture.drawn.length).length === 2"
REACHED = """selector => {
  const at = document.activeElement;
  if (!at.closest(selector)) return null;
  at.dataset.reached = "yes";
  const kinds = { ".noUi-handle": "range", "select[multiple]": "list", "select": "choice",
    "input[type=checkbox]": "check" };
  return Object.entries(kinds).find(([kind]) => at.matches(kind))?.[1] ?? "other";
}"""
VALUE = """() => {
  const at = document.activeElement;
  if (at.multiple) return [...at.selectedOptions].map(option => option.value).join();
  if (at.matches(".noUi-handle")) return at.parentElement.style.transform;
  return at.type === "checkbox" ? at.checked : at.value;
}"""
NAME = """() => {
  const own = document.activeElement.closest(".widget-inline-hbox, .widget-checkbox");
  return own ? own.querySelector("label, .widget-label, span").textContent.trim() : "";
}"""
CALLS = """selector =>
  [...document.querySelectorAll(`${selector} code`)].map(call => call.textContent).join()"""
UNREACHED = """selector => [...document.querySelectorAll(
    `${selector} :is(select, input[type=checkbox], .noUi-handle, button)`)]
  .filter(control => control.offsetParent !== null && !control.dataset.reached
    && !control.closest(".js-plotly-plot"))
  .map(control => control.outerHTML.slice(0, 150))"""
KEYS = {
    "range": ("ArrowRight", "ArrowLeft"),
    "list": ("ArrowDown", "Control+Space"),
    "choice": ("ArrowDown", "ArrowUp"),
    "check": ("Space", "Space"),
}
"""Keys that move a control of a kind, and that move it back."""
TEXT = "value => JSON.stringify(value)"
FAINT = "rgba(138, 143, 152, 0.40)"


class Pictures:
    """Both pictures of the explorer, the parallel coordinates first."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def now(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.page.evaluate(PLOTS, EXPLORER)
        return found

    def changed(self, before: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Wait until both are others than before and at rest, and return them."""
        for place in (0, 1):
            one = f"([s, before, n]) => JSON.stringify(({PLOTS})(s)[n]) !== before"
            text = self.page.evaluate(TEXT, before[place])
            self.page.wait_for_function(one, arg=[EXPLORER, text, place])
        self.page.wait_for_timeout(500)
        return self.now()


def colored(picture: dict[str, Any]) -> int:
    """Return how many cells the parallel coordinates plot in colour."""
    return sum(bool(color) and color != FAINT for _, _, color in picture["plotted"])


def dots(picture: dict[str, Any]) -> int:
    return sum(len(y) for name, y, _ in picture["plotted"] if name != "single seeds")


@pytest.fixture(scope="module")
def notebook(page: Any, lab: str) -> Notebook:
    return Notebook(page, lab.format(name="16_results"), EXPLORER.removeprefix("."))


def test_ranges_and_filters_reach_both_pictures_and_survive_a_reload(
    page: Any, notebook: Notebook
) -> None:
    pictures, explorer = Pictures(page), notebook.explorer
    first = pictures.now()
    number = colored(first[0])
    assert number == dots(first[1]) > 20
    assert len(first[0]["drawn"]) > number
    width = explorer.locator(".widget-inline-hbox").filter(has_text="width").first
    width.locator(".noUi-handle").first.press("End")
    wide = pictures.changed(first)
    assert 0 < colored(wide[0]) < number
    assert colored(wide[0]) == dots(wide[1])
    assert wide[0]["drawn"] != first[0]["drawn"]
    assert wide[1]["drawn"] != first[1]["drawn"]
    explorer.get_by_label("only resource tier").select_option(["low"])
    low = pictures.changed(wide)
    width.locator(".noUi-handle").first.press("Home")
    low = pictures.changed(low)
    assert colored(low[0]) == number
    page.get_by_label("below", exact=True).select_option(label="two cells compared")
    page.wait_for_function(CHANGED, arg=[EXPLORER, page.evaluate(TEXT, low)])
    page.wait_for_timeout(500)
    compared = pictures.now()
    notebook.reload()
    page.wait_for_function(BOTH, arg=EXPLORER)
    page.wait_for_timeout(500)
    again = pictures.now()
    assert [p["plotted"] for p in again] == [p["plotted"] for p in compared]
    explorer.get_by_label("only resource tier").select_option([])
    page.get_by_label("below", exact=True).select_option(label="one outcome")
    page.wait_for_function(CHANGED, arg=[EXPLORER, page.evaluate(TEXT, again)])
    assert notebook.errors() == 0
    assert page.foreign == []


def test_the_keyboard_reaches_and_moves_every_control(page: Any, notebook: Notebook) -> None:
    notebook.explorer.get_by_label("only claims").focus()
    calls, moved = page.evaluate(CALLS, EXPLORER), set()
    while (kind := page.evaluate(REACHED, EXPLORER)) is not None:
        name = page.evaluate(NAME)
        if kind in KEYS and name != "save as":
            before = page.evaluate(VALUE)
            there, back = KEYS[kind]
            page.keyboard.press(there)
            if page.evaluate(VALUE) == before:  # at its end already
                there, back = back, there
                page.keyboard.press(there)
            page.wait_for_function(f"([s, calls]) => ({CALLS})(s) !== calls", arg=[EXPLORER, calls])
            moved.add(name)
            page.keyboard.press(back)
            page.wait_for_function(f"([s, calls]) => ({CALLS})(s) === calls", arg=[EXPLORER, calls])
            assert page.evaluate(VALUE) == before, name
        page.keyboard.press("Tab")
    assert page.evaluate(UNREACHED, EXPLORER) == []
    assert {"only claims", "only seeds", "width", "loss of pieces, low", "outcome"} <= moved
    assert notebook.errors() == 0
