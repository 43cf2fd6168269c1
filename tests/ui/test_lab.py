"""The explorers in a real JupyterLab: what is plotted and what is drawn follow the controls, also
after a reload.
"""

from typing import Any

import pytest

pytestmark = [pytest.mark.ui, pytest.mark.slow, pytest.mark.timeout(900)]

EXPLORER = ".jupyter-widgets .js-plotly-plot"
PLOTTED = """selector => {
  const plot = document.querySelector(selector);
  return plot && plot.data ? plot.data.map(t => ({ x: [...t.x], y: [...t.y] })) : null;
}"""
DRAWN = """selector => {
  const marks = ".scatterlayer .points path, .barlayer .point path, .errorbar path";
  const found = document.querySelectorAll(marks.split(", ").map(m => `${selector} ${m}`));
  return [...found].map(m => `${m.getAttribute("transform")} ${m.getAttribute("d")}`);
}"""
CHANGED = """([selector, before]) => {
  const plot = document.querySelector(selector);
  const now = plot && plot.data ? plot.data.map(t => ({ x: [...t.x], y: [...t.y] })) : null;
  return now !== null && JSON.stringify(now) !== before;
}"""
SOUGHT = """([explorer, selector]) => {
  if (document.querySelector(`${selector} .main-svg`)) return true;
  const found = document.querySelector(explorer);
  if (found && found.offsetParent) {
    found.scrollIntoView();  // and wait for its picture
    return false;
  }
  const panel = document.querySelector(
    ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer");
  if (!panel) return false;
  const isAtEnd = panel.scrollTop + panel.clientHeight > panel.scrollHeight - 4;
  panel.scrollTop = isAtEnd ? 0 : panel.scrollTop + panel.clientHeight / 2;
  return false;
}"""
COMPACT = "value => JSON.stringify(value)"


class Notebook:
    """One notebook in JupyterLab, run to its end, with its explorer in sight: the one of that
    class, or the only one."""

    def __init__(self, page: Any, address: str, explorer: str = "jupyter-widgets") -> None:
        self.page, self.place = page, f".{explorer}"
        self.plot, self.explorer = f"{self.place} .js-plotly-plot", page.locator(self.place)
        page.set_default_timeout(180_000)
        page.goto(f"{address}&reset")
        page.locator(".jp-NotebookPanel:visible .jp-Cell").first.wait_for()
        self.idle()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.ready()
        self.idle()

    def idle(self) -> None:
        self.page.locator("#jp-main-statusbar").get_by_text("Idle").wait_for()

    def ready(self, milliseconds: float = 180_000) -> None:
        """Go through the notebook, of which only what is in sight is there, to the explorer."""
        asked = [self.place, self.plot]
        self.page.wait_for_function(SOUGHT, arg=asked, polling=700, timeout=milliseconds)
        self.page.locator(f"{self.plot} .main-svg").first.wait_for()

    def plotted(self) -> list[dict[str, list[Any]]]:
        found: list[dict[str, list[Any]]] = self.page.evaluate(PLOTTED, self.plot)
        return found

    def drawn(self, marks: int) -> list[str]:
        """Wait until at least so many marks are drawn; return where and how each is."""
        self.page.wait_for_function(f"([s, n]) => ({DRAWN})(s).length >= n", arg=[self.plot, marks])
        found: list[str] = self.page.evaluate(DRAWN, self.plot)
        return found

    def redrawn(self, before: list[str]) -> None:
        """Wait until other marks than before are drawn."""
        differ = f"([s, before]) => JSON.stringify(({DRAWN})(s)) !== before"
        text = self.page.evaluate(COMPACT, before)
        self.page.wait_for_function(differ, arg=[self.plot, text])

    def changed(self, before: list[dict[str, list[Any]]]) -> list[dict[str, list[Any]]]:
        """Wait until other data than before is plotted, and return it."""
        text = self.page.evaluate(COMPACT, before)
        self.page.wait_for_function(CHANGED, arg=[self.plot, text])
        return self.plotted()

    def call(self) -> str:
        return str(self.explorer.locator(".widget-html code").first.text_content())

    def reload(self) -> None:
        """Save the notebook and load the page anew; the kernel goes on. Once of many times beside
        other work widgets did not come back, for which the page is loaded once more."""
        self.page.evaluate("() => document.activeElement.blur()")  # text fields keep their keys
        self.page.keyboard.press("Control+s")
        self.page.locator(".jp-mod-dirty").first.wait_for(state="detached")
        for is_last in (False, True):
            self.page.reload()
            try:
                self.ready(180_000 if is_last else 60_000)
                return
            except self.page.timed_out:
                if is_last:
                    raise

    def errors(self) -> int:
        return int(
            self.page.locator("[data-mime-type*='error'], [data-mime-type*='stderr']").count()
        )


def dots(plotted: list[dict[str, list[Any]]]) -> int:
    return sum(len(trace["y"]) for trace in plotted)


def test_the_sampling_explorer_follows_its_controls(page: Any, lab: str) -> None:
    notebook = Notebook(page, lab.format(name="03_language_sampling"))
    first, marks = notebook.plotted(), notebook.drawn(36)
    assert len(marks) == dots(first) == 36
    slider = page.locator(".noUi-handle").first
    slider.press("End")
    by_size = notebook.changed(first)
    page.wait_for_function("before => document.querySelector('.widget-html code') !== null")
    shares, *groups = by_size
    sampled = [y for trace in groups[::2] for y in trace["y"]]
    assert sampled == pytest.approx(shares["y"], rel=1e-3)
    notebook.redrawn(marks)
    page.get_by_label("corpus").select_option(label="the paper, Table 6")
    hundred = notebook.changed(by_size)
    assert dots(hundred) == len(notebook.drawn(300)) == 300
    assert "results.paper_sizes(), alpha=1.0" in notebook.call()
    notebook.reload()
    assert notebook.plotted() == hundred
    assert len(notebook.drawn(300)) == 300
    page.locator(".noUi-handle").first.press("Home")
    alike = notebook.changed(hundred)
    assert set(alike[1]["y"]) == {0.01}
    page.get_by_label("schedule").select_option(label="capped")
    capped = notebook.changed(alike)
    assert dots(capped) == 300
    page.locator(".widget-html code").filter(has_text="max_passes=4.0").wait_for()
    assert not page.get_by_text("exponent α", exact=True).is_visible()
    page.get_by_label("picture").select_option(label="by part of the run")
    parts = notebook.changed(capped)
    page.get_by_label("schedule").select_option(label="annealed α")
    assert notebook.changed(parts)[0]["y"] == [0.7, 0.5, 0.3, 0.3]
    assert page.get_by_text("exponent α", exact=True).is_visible()
    assert notebook.errors() == 0
    assert page.foreign == []


def test_the_ablation_explorer_follows_its_controls(page: Any, lab: str) -> None:
    notebook = Notebook(page, lab.format(name="16_again"), "AblationExplorer")
    tiers, marks = notebook.plotted(), notebook.drawn(9 + 9)
    assert len(marks) == 9 + 9
    assert [len(trace["y"]) for trace in tiers] == [3, 3, 3]
    notebook.explorer.get_by_label("show", exact=True).select_option(label="change from α = 0.3")
    changes = notebook.changed(tiers)
    assert [trace["y"][1] for trace in changes] == [0, 0, 0]
    notebook.redrawn(marks)
    notebook.explorer.get_by_label("only script").select_option(["Latn", "Arab"])
    some = notebook.changed(changes)
    notebook.explorer.get_by_label("single seeds").check()
    single = notebook.changed(some)
    assert dots(single) == dots(some) + 3 * dots(some)
    notebook.reload()
    assert notebook.plotted() == single
    assert len(notebook.drawn(dots(single))) >= dots(single)
    notebook.explorer.get_by_label("one line for each").select_option(label="language")
    languages = notebook.changed(single)
    assert len(languages) == 2 * 4
    assert "group='language', reference=0.3, seeds=True" in notebook.call()
    assert notebook.errors() == 0
    assert page.foreign == []


def test_the_vocabulary_explorers_follow_their_controls(page: Any, lab: str) -> None:
    notebook = Notebook(page, lab.format(name="04_vocabulary"))
    fertility = notebook.plotted()
    assert dots(fertility) == 12
    page.get_by_label("measure").select_option(label="premium")
    assert dots(notebook.changed(fertility)) == 12
    text = page.get_by_label("text", exact=True)
    text.fill("\u0645\u0631\u062d\u0628\u0627 ab")
    pieces = page.locator(".jupyter-widgets div[dir=rtl]")
    pieces.first.wait_for()
    assert pieces.first.inner_text() == "\u0645\u0631\u062d\u0628\u0627 ab"
    direction = "e => getComputedStyle(e).unicodeBidi"
    assert page.evaluate(direction, text.element_handle()) == "plaintext"
    solver = page.locator(".jupyter-widgets .js-plotly-plot").nth(1)
    solver.scroll_into_view_if_needed()
    assert solver.locator(".scatterlayer .trace").count() == 6
    page.get_by_label("model", exact=True).select_option(label="this study")
    page.locator(".widget-html code").filter(has_text="body_width=64").wait_for()
    page.wait_for_function(
        "() => document.querySelectorAll('.jupyter-widgets .js-plotly-plot')[1]"
        ".querySelectorAll('.scatterlayer .trace').length === 4"
    )
    assert notebook.errors() == 0
    assert page.foreign == []


def test_the_masking_explorer_follows_its_controls(page: Any, lab: str) -> None:
    notebook = Notebook(page, lab.format(name="05_masking_and_batches"))
    first = notebook.plotted()
    block = page.locator(".jupyter-widgets bdi[dir=ltr]")
    block.first.wait_for()
    page.get_by_label("language", exact=True).select_option(label="qac")
    page.locator(".widget-html code").filter(has_text="made.block('qac', 0").wait_for()
    page.locator(".noUi-handle").last.press("End")
    most = notebook.changed(first)
    assert sum(most[0]["y"]) > 40
    page.get_by_label("own text").fill("\u05d0\u05d1\u05d2 \u05d3")
    page.locator(".jupyter-widgets div[dir=rtl]").first.wait_for()
    text = notebook.changed(most)
    notebook.reload()
    assert notebook.plotted() == text
    assert notebook.errors() == 0
    assert page.foreign == []


def test_the_anatomy_explorer_follows_its_controls(page: Any, lab: str) -> None:
    notebook = Notebook(page, lab.format(name="06_model_anatomy"))
    paper = notebook.plotted()
    page.get_by_label("start from").select_option(label="tiny")
    study = notebook.changed(paper)
    page.locator(".noUi-handle").first.press("End")
    larger = notebook.changed(study)
    assert larger[0]["x"][0] > study[0]["x"][0]
    page.locator(".widget-html code").filter(has_text="tiny, changed").wait_for()
    assert notebook.errors() == 0
    assert page.foreign == []


def test_the_prediction_playground_follows_its_controls(page: Any, lab: str) -> None:
    notebook = Notebook(page, lab.format(name="09_masked_prediction"))
    first = notebook.plotted()
    page.get_by_label("language", exact=True).select_option(label="qab")
    other = notebook.changed(first)
    page.get_by_label("own text").fill("ab cd")
    page.get_by_text("write <mask> where a piece is to be guessed").wait_for()
    assert notebook.plotted() == other
    page.get_by_label("own text").fill("ab <mask> cd <mask>.")
    typed = notebook.changed(other)
    assert len(typed) == 4
    page.locator(".jupyter-widgets").get_by_text("<mask 2>").wait_for()
    notebook.reload()
    assert notebook.plotted() == typed
    assert notebook.errors() == 0
    assert page.foreign == []
