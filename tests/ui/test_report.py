"""The report in a real browser, from the disk: every figure is drawn, nothing is fetched, nothing
runs off the page.
"""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from xlmr_lab import results
from xlmr_lab.figures import ablation, corpus, findings, sampling, tables, theme, transfer
from xlmr_lab.reports import write_report
from xlmr_lab.results import Study

pytestmark = [pytest.mark.ui, pytest.mark.timeout(900)]

ARABIC, CHINESE = "\u0644\u063a\u0629 \u0639\u0631\u0628\u064a\u0629", "\u8bed\u8a00" * 60


@pytest.fixture(scope="module")
def study(study_folder: Path) -> Study:
    return results.open_study(study_folder)


@pytest.fixture(scope="module")
def report(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a report of figures and tables as a notebook's execution would save them."""
    theme.use("light")
    shown = [
        corpus.sizes(study.sizes()),
        corpus.cleaning(study.cleaning()),
        sampling.distribution(results.paper_sizes(), alpha=0.3, log=True),
        transfer.by_language(study.scores(), task="nli"),
        ablation.heldout_by_alpha(study.heldout(), seeds=True),
        findings.forest(study.findings()),
    ]
    cells = [new_markdown_cell(f"# Everything\n\n{ARABIC}\n\n{CHINESE}"), new_code_cell("draw()")]
    cells[1].outputs = [
        *(new_output("display_data", f._repr_mimebundle_()) for f in shown),
        new_output("display_data", {"text/html": findings.table(study.findings())._repr_html_()}),
        new_output("display_data", {"text/html": tables.sizes(study.sizes())._repr_html_()}),
        new_output("error", ename="ValueError", evalue="bad", traceback=["x" * 400]),
    ]
    folder = tmp_path_factory.mktemp("report")
    nbformat.write(new_notebook(cells=cells), folder / "all.ipynb")
    return write_report(
        [folder / "all.ipynb"], folder / "index.html", title="A report", provenance={"a": "b" * 300}
    )


@pytest.fixture(scope="module")
def loaded(page: Any, report: Path) -> Any:
    page.set_viewport_size({"width": 1000, "height": 900})
    page.set_default_timeout(180_000)
    page.goto(report.as_uri())
    page.locator("html[data-drawn=all]").wait_for()
    return page


@pytest.fixture
def opened(loaded: Any) -> Any:
    """Return the page of the report, as wide as a small window and light."""
    loaded.set_viewport_size({"width": 1000, "height": 900})
    loaded.emulate_media(color_scheme="light")
    loaded.evaluate("() => { delete document.documentElement.dataset.look; dress(); }")
    return loaded


def test_every_figure_is_drawn_from_its_data(opened: Any) -> None:
    marks = opened.evaluate(
        """() => [...document.querySelectorAll(".figure .js-plotly-plot")].map(plot => ({
          plotted: plot.data.reduce((n, t) => n + t.y.length, 0),
          drawn: plot.querySelectorAll(".points path, .barlayer .point path").length }))"""
    )
    assert len(marks) == 6
    assert marks[0] == {"plotted": 12, "drawn": 12}
    assert all(mark["drawn"] > 0 for mark in marks)


def test_it_asks_for_nothing(opened: Any) -> None:
    opened.wait_for_timeout(500)
    requests = opened.evaluate("() => performance.getEntriesByType('resource').map(e => e.name)")
    assert [name for name in requests if not name.startswith("data:")] == []
    assert opened.foreign == []


@pytest.mark.parametrize("width", [1000, 760, 390])
def test_nothing_runs_off_the_page(opened: Any, width: int) -> None:
    opened.set_viewport_size({"width": width, "height": 900})
    opened.wait_for_function(
        "width => document.documentElement.scrollWidth <= width", arg=width, timeout=30_000
    )


def test_on_a_phone_a_figure_keeps_room_for_its_words_and_scrolls_by_itself(opened: Any) -> None:
    opened.set_viewport_size({"width": 390, "height": 900})
    opened.wait_for_function(
        "() => document.querySelector('.figure .main-svg').getBoundingClientRect().width === 600"
    )
    box = opened.locator(".figure").first
    assert box.evaluate("e => e.scrollWidth > e.clientWidth && e.clientWidth <= 390")
    assert box.evaluate("e => e.scrollHeight === e.clientHeight")


def test_text_runs_in_its_own_direction(opened: Any) -> None:
    direction = "e => getComputedStyle(e).direction"
    assert opened.get_by_text(ARABIC).evaluate(direction) == "rtl"
    assert opened.get_by_text(CHINESE).evaluate(direction) == "ltr"


def test_figures_take_the_colours_of_the_page(opened: Any) -> None:
    ink = """() => [getComputedStyle(document.body).color,
      getComputedStyle(document.querySelector(".figure .gtitle")).fill]"""
    light = opened.evaluate(ink)
    opened.emulate_media(color_scheme="dark")
    opened.wait_for_function(f"before => ({ink})()[1] !== before", arg=light[1])
    dark = opened.evaluate(ink)
    assert light[0] == light[1]
    assert dark[0] == dark[1]
    assert dark != light


COLORS = """() => {
  const seen = e => getComputedStyle(e), first = name => document.querySelector(name);
  const bar = ".figure .barlayer .point path";
  return { page: seen(document.body).color, ground: seen(first("body")).backgroundColor,
    title: seen(first(".figure .gtitle")).fill, paper: seen(first(".figure .main-svg")).background,
    table: seen(first(".lab-table td")).color, bar: seen(first(bar)).fill };
}"""


def test_a_button_changes_the_look_of_page_figures_and_tables(opened: Any) -> None:
    light = opened.evaluate(COLORS)
    assert light["ground"] == "rgb(255, 255, 255)"
    opened.get_by_role("button", name="Dark page").click()
    opened.wait_for_function(f"before => ({COLORS})().title !== before", arg=light["title"])
    dark = opened.evaluate(COLORS)
    assert dark["ground"] == "rgb(17, 17, 17)"
    assert dark["ground"] in dark["paper"]
    assert dark["page"] == dark["title"] == dark["table"] == "rgb(227, 230, 234)"
    assert dark["bar"] != light["bar"]
    opened.get_by_role("button", name="Light page").click()
    opened.wait_for_function(f"before => ({COLORS})().title === before", arg=light["title"])
    assert opened.evaluate(COLORS) == light


def test_paper_is_always_light(opened: Any) -> None:
    opened.emulate_media(color_scheme="dark")
    opened.get_by_role("button", name="Light page").wait_for()
    opened.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    assert opened.evaluate(COLORS)["title"] == "rgb(31, 41, 51)"
    opened.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    assert opened.evaluate(COLORS)["title"] == "rgb(227, 230, 234)"


def test_code_opens_on_demand_and_errors_are_in_sight(opened: Any) -> None:
    assert not opened.get_by_text("draw()").is_visible()
    opened.get_by_text("Code", exact=True).click()
    assert opened.get_by_text("draw()").is_visible()
    assert opened.get_by_role("alert").is_visible()
