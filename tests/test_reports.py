"""Notebooks run in batch on a study, and the report they make needs nothing but itself."""

import json
import re
import resource
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import figure_checks
import pytest
from figure_checks import group_colors
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from xlmr_lab import campaign_results, notebook_execution, reports, results, storage
from xlmr_lab.errors import UserError
from xlmr_lab.report_page import page

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
GLUE = "notebooks/results/tiny-glue"
"""A finished study with GLUE's tasks, as notebooks find it."""
QA = "notebooks/results/small-qa"
"""One with question answering alone."""
MADE = "runs/made-up"
"""One with natural language inference and NER."""
MAX_BYTES, MAX_SECONDS = 200_000, 20
PLOTLY = "application/vnd.plotly.v1+json"


def outputs(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [output for cell in notebook["cells"] for output in cell.get("outputs", [])]


def names(source: Path) -> list[str]:
    """Return the names of a notebook's parameters."""
    cells = json.loads(source.read_text("utf-8"))["cells"]
    (cell,) = (c for c in cells if "parameters" in c["metadata"].get("tags", []))
    return re.findall(r"^(\w+):", "".join(cell["source"]), re.MULTILINE)


def cpu_seconds() -> float:
    """Return the processor time of finished child processes: kernels, on a machine of any load."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def with_finished_studies(study_folder: Path) -> Path:
    """Return the folder that a made-up study ran in, with finished ones as in the repository."""
    beside = study_folder.parents[1] / "notebooks"
    if not beside.exists():
        beside.symlink_to(NOTEBOOKS[0].parent, target_is_directory=True)
    return beside.parent


@pytest.fixture(scope="module")
def colors() -> dict[tuple[str | None, str, str], str]:
    """Return the colours seen so far: by study, kind of group, and group."""
    return {}


@pytest.mark.slow
@pytest.mark.parametrize("source", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_notebook_runs_and_stays_small(
    source: Path,
    study_folder: Path,
    tested_folder: Path,
    colors: dict[tuple[str | None, str, str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its figures have what figures need, and groups of languages the colours of other notebooks on
    the same study.
    """
    run = GLUE if source.stem == "17_glue" else MADE
    folders = {"run": run, "studies": str(tested_folder)}
    given = {name: folder for name, folder in folders.items() if name in names(source)}
    monkeypatch.chdir(with_finished_studies(study_folder))
    before = cpu_seconds()
    target = notebook_execution.run_notebook(source, tmp_path / source.name, given)
    assert cpu_seconds() - before < MAX_SECONDS
    text = target.read_text("utf-8")
    assert len(text.encode()) < MAX_BYTES
    assert str(Path.home()) not in text
    assert str(tmp_path) not in text
    notebook = json.loads(text)
    assert "widgets" not in notebook["metadata"]
    figures = [output for output in outputs(notebook) if PLOTLY in output.get("data", {})]
    assert len(figures) >= 4
    drawn = [output["data"][PLOTLY] for output in figures]
    assert all(figure["data"] for figure in drawn)
    wrong = [(figure["layout"]["title"]["text"], figure_checks.faults(figure)) for figure in drawn]
    assert [fault for fault in wrong if fault[1]] == []
    for key, color in (pair for figure in drawn for pair in group_colors(figure).items()):
        assert colors.setdefault((given.get("run"), *key), color) == color, f"{source.stem}: {key}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stem", "lacks", "times"),
    [
        ("17_glue", {"run": "glue"}, 4),
        ("11_ner_and_qa", {"qa_run": "qa"}, 4),
        ("11_ner_and_qa", {"run": "ner"}, 3),
    ],
)
def test_a_notebook_on_tasks_that_a_study_lacks_says_what_makes_them(
    stem: str,
    lacks: dict[str, str],
    times: int,
    study_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(with_finished_studies(study_folder))
    ((parameter, section),) = lacks.items()
    (source,) = (path for path in NOTEBOOKS if path.stem == stem)
    run = QA if section == "ner" else MADE
    target = notebook_execution.run_notebook(source, tmp_path / source.name, {parameter: run})
    shown = json.dumps(outputs(json.loads(target.read_text("utf-8"))))
    assert shown.count(f"./lab evaluate name=NEW evaluated={section}") >= times


def test_a_report_leaves_out_notebooks_on_tasks_that_a_study_lacks(
    study_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One on several tasks stays where there are scores of any of them."""
    monkeypatch.chdir(with_finished_studies(study_folder))
    for run, stems in {MADE: {"17_glue"}, QA: {"17_glue"}, GLUE: {"11_ner_and_qa"}}.items():
        taken = reports.wanted(results.open_study(run), NOTEBOOKS)
        shown = [path for path in NOTEBOOKS if path.stem not in stems and "run" in names(path)]
        assert taken == shown


def test_a_report_shows_of_each_task_the_studys_own_scores_where_it_has_them(
    study_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it has none, the notebook's other study stays."""
    monkeypatch.chdir(with_finished_studies(study_folder))
    expected = {MADE: {"run": MADE}, QA: {"run": QA, "qa_run": QA}}
    for run, parameters in expected.items():
        study = results.open_study(run)
        assert reports.parameters(study, Path("11_ner_and_qa.ipynb")) == parameters
        assert reports.parameters(study, Path("10_xnli_transfer.ipynb")) == {"run": run}


class Parts(HTMLParser):
    """What a browser would fetch, the tables, and the ids of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.anchors: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if tag == "a":
            self.anchors.append(values["href"])
        self.fetched += [values[n] for n in ("src", "srcset", "data") if n in values]
        self.fetched += [values["href"]] if tag == "link" else []
        self.ids += [values["id"]] if "id" in values else []


def small_page(*cells: Any, **outputs: Any) -> str:
    return page(
        [("one", new_notebook(cells=list(cells))), ("two", new_notebook())],
        title=outputs.get("title", "A <study>"),
        summary=outputs.get("summary", ""),
        provenance={"python": "3.11", "libraries": {"torch": "2"}},
    )


def body(text: str) -> str:
    """Return the page without its style and scripts."""
    return re.sub(r"<(style|script)\b.*?</\1>", "", text, flags=re.DOTALL)


def test_a_page_fetches_nothing_and_holds_plotly_once() -> None:
    figure = {"data": [{"type": "bar", "y": [1]}], "layout": {"title": {"text": "</script>"}}}
    cell = new_code_cell("draw()")
    cell.outputs = [new_output("display_data", {PLOTLY: figure}) for _ in range(2)]
    image = new_markdown_cell("![a](https://example.org/a.png)")
    text = small_page(new_markdown_cell("# Title"), cell, image)
    parts = Parts()
    parts.feed(text)
    assert parts.fetched == ["data:,"]
    assert text.count("plotly.js v") == 1
    held = re.findall(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)
    assert [json.loads(drawn) for drawn in held] == [figure, figure]


def test_code_is_folded_stderr_dropped_and_everything_escaped() -> None:
    cell = new_code_cell("1 < 2")
    cell.outputs = [
        new_output("stream", name="stderr", text="noise"),
        new_output("stream", name="stdout", text="a <b>"),
    ]
    shown = body(small_page(cell))
    assert "<details><summary>Code</summary><pre><code>1 &lt; 2</code></pre></details>" in shown
    assert "noise" not in shown
    assert "a &lt;b&gt;" in shown
    assert "A &lt;study&gt;" in shown


def test_cells_that_show_nothing_stand_in_one_fold_with_the_next_that_does() -> None:
    parameters = new_code_cell("run = 'a'")
    parameters.metadata["tags"] = ["parameters"]
    shows, silent, last = (new_code_cell(x) for x in ("show()", "import b", "import b"))
    shows.outputs = [new_output("display_data", {"text/plain": "shown"})]
    shown = body(small_page(parameters, silent, shows, new_markdown_cell("text"), last))
    assert shown.count("<details>") == 2
    fold = (
        "<summary>Parameters and code</summary><pre><code>run = &#x27;a&#x27;\n\nimport b\n\nshow()"
    )
    assert fold in shown
    assert shown.index("import b") < shown.index("shown") < shown.rindex("import b")


def test_what_the_summary_says_is_not_said_again() -> None:
    cell = new_code_cell("about()")
    cell.outputs = [new_output("display_data", {"text/markdown": "**Babel** is."})]
    shown = body(small_page(cell, summary="A study. **Babel** is."))
    assert shown.count("<strong>Babel</strong>") == 1
    assert body(small_page(cell)).count("<strong>Babel</strong>") == 1


def test_of_what_the_summary_says_in_part_the_rest_is_said() -> None:
    cell = new_code_cell("about()")
    cell.outputs = [new_output("display_data", {"text/markdown": "**Babel** is.\n\nSo is *this*."})]
    shown = body(small_page(cell, summary="**Babel** is."))
    assert shown.count("<strong>Babel</strong>") == shown.count("<em>this</em>") == 1


def test_a_table_in_markdown_scrolls_by_itself() -> None:
    shown = body(small_page(new_markdown_cell("| a | b |\n|---|---|\n| 1 | 2 |")))
    assert re.search(r'<div class="output"><table>\n<thead>.*</table></div>', shown, re.DOTALL)


def test_findings_are_a_table_with_folded_details() -> None:
    finding = {"claim": "a < b", "effect": "+1 [+0, +2]", "verdict": "inconclusive, leans for"}
    shown = body(
        page([], title="t", summary="", provenance={}, findings=[finding | {"details": "`run`"}])
    )
    assert "<td dir='auto'>a &lt; b<details><summary>Details</summary>" in shown
    assert "<code>run</code>" in shown
    assert "<span class='verdict inconclusive'>inconclusive, leans for</span>" in shown


def test_findings_say_what_their_effects_are_and_details_have_lines() -> None:
    finding = {"claim": "a", "effect": "2 supported", "verdict": "mixed", "details": "b\nc `d`"}
    shown = body(
        page([], title="t", summary="", provenance={}, findings=[finding], effects="parts")
    )
    assert "<th scope='col'>parts</th>" in shown
    assert "<p dir='auto'>b</p><p dir='auto'>c <code>d</code></p></details>" in shown


def test_the_richest_form_is_shown_and_a_widget_is_a_note() -> None:
    cell = new_code_cell("x")
    widget = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "VBox(...)"}
    table = {"text/html": "<table><tr><td>1</td></tr></table><script src='x'></script>"}
    cell.outputs = [
        new_output("execute_result", widget, execution_count=1),
        new_output("display_data", table | {"text/plain": "frame"}),
        new_output("display_data", {"text/markdown": "**bold**", "text/plain": "m"}),
        new_output("display_data", {"text/plain": "plain"}),
    ]
    shown = body(small_page(cell))
    assert "explorer stands here: run <code>./lab notebook</code> and open" in shown
    assert "<code>one.ipynb</code>" in shown
    assert "VBox" not in shown
    assert "<td>1</td>" in shown
    assert "src=" not in shown
    assert "<strong>bold</strong>" in shown
    assert ">plain</pre>" in shown


def test_contents_lead_to_every_part_and_links_between_notebooks_stay_inside() -> None:
    cells = [
        new_markdown_cell("# First\n\nsee [two](two.ipynb)"),
        new_markdown_cell("## Part"),
        new_markdown_cell("## Provenance"),
    ]
    parts = Parts()
    parts.feed(body(small_page(*cells)))
    assert parts.anchors == ["#one", "#one-1", "#two"]
    assert {"one", "one-1"} <= set(parts.ids)
    assert parts.tags.count("h1") == 1
    assert parts.tags.count("nav") == 1


def test_text_of_any_script_keeps_its_own_direction() -> None:
    shown = body(small_page(new_markdown_cell("# \u0633\u0644\u0627\u0645\n\n\u4f60\u597d")))
    assert re.search(r'<h2 id="one" dir="auto">\u0633', shown)
    assert '<p dir="auto">\u4f60\u597d</p>' in shown


def test_a_study_becomes_one_page_with_its_findings_first(
    study_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Executing is tested above; here each notebook is copied as it is."""

    def copied(source: Path, target: Path, parameters: dict[str, str]) -> Path:
        assert parameters == {"run": study.name}
        target.parent.mkdir(exist_ok=True)
        target.write_text(source.read_text("utf-8"), "utf-8")
        return target

    study = results.open_study(study_folder)
    monkeypatch.setattr(notebook_execution, "run_notebook", copied)
    path = reports.report_study(study, NOTEBOOKS)
    assert path == study_folder / "report" / "index.html"
    assert path.stat().st_size < 10_000_000
    shown = body(path.read_text("utf-8"))
    assert shown.count("<span class='verdict supported'>supported</span>") == 2
    assert shown.index("<span class='verdict") < shown.index("<nav")
    record, *rows = storage.read_jsonl(path.with_name("findings.jsonl"))
    assert record == {"provenance": study.provenance()}
    assert rows == study.findings().to_dicts()
    assert "Babel is a model organism" in shown
    assert "Zero-shot transfer" in shown
    assert "GLUE: one language alone" not in shown


def copied_but(stopping: str, given: list[dict[str, str]]) -> Any:
    """Return what copies a notebook as if it had run, and stops one, leaving its copy."""

    def run(source: Path, target: Path, parameters: dict[str, str]) -> Path:
        given.append({"stem": source.stem, **parameters})
        target.parent.mkdir(exist_ok=True)
        target.write_text(source.read_text("utf-8"), "utf-8")
        if source.stem == stopping:
            raise UserError(f"{source.name} stopped: KeyError; the executed copy is {target}")
        return target

    return run


def test_a_campaign_becomes_one_page_with_its_verdicts_first(
    tested_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the notebooks, those take part that show a campaign before all, the claims as a whole
    first; what shows a study with claims beside it would need that study.
    """
    given: list[dict[str, str]] = []
    monkeypatch.setattr(notebook_execution, "run_notebook", copied_but("", given))
    tested = campaign_results.open_campaign(tested_folder)
    path = reports.report_campaign(tested, NOTEBOOKS)
    assert path == tested_folder / "report" / "index.html"
    stems = [p.stem for p in NOTEBOOKS if names(p)[0] == "studies" and p.stem != "16_results"]
    assert "14_alpha_and_low_resource" in stems
    assert "10_xnli_transfer" not in stems
    expected = [{"stem": stem, "studies": tested.name} for stem in ("16_results", *stems)]
    assert sorted(given, key=str) == sorted(expected, key=str)  # some run at once
    shown = body(path.read_text("utf-8"))
    places = [shown.index(f'<h2 id="{one["stem"]}"') for one in expected]
    assert places == sorted(places)
    first = shown[: shown.index("<nav")]
    verdicts = tested.conclusions().unique("claim")["claim_verdict"].to_list()
    for verdict in set(verdicts):
        assert first.count(f"<span class='verdict {verdict}'>") == verdicts.count(verdict)
    assert first.count("<details>") == 15
    assert "<th scope='col'>its contrasts</th>" in first
    row = tested.conclusions().filter(contrast="F7").row(0, named=True)
    assert f"F7: {row['says']}: +" in first
    assert "Babel is a model organism" in first


def test_a_notebook_that_stops_is_on_the_page_and_stops_no_other(
    tested_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook_execution, "run_notebook", copied_but("16_results", []))
    with pytest.raises(UserError, match=r"index.html is not whole: 16_results.ipynb stopped: Key"):
        reports.report_campaign(campaign_results.open_campaign(tested_folder), NOTEBOOKS)
    page = (tested_folder / "report" / "index.html").read_text("utf-8")
    assert '<h2 id="16_results"' in page
    assert "F15: Larger vocabularies" in page


def test_a_contrast_that_is_not_known_is_told_with_what_is_missing() -> None:
    row = {"contrast": "F3-low", "says": "low lose", "effect": None, "low": None, "high": None}
    row |= {"unit": "points", "verdict": "inconclusive", "note": "nothing is known of 'a'"}
    told = reports._contrast(row | {"aside": False})
    assert told == "F3-low: low lose: not known (nothing is known of 'a')"
    known = row | {"effect": 1.0, "low": 0.5, "high": 1.5, "verdict": "supported", "note": ""}
    told = reports._contrast(known | {"aside": True})
    assert told == "F3-low: low lose: +1.00 [+0.50, +1.50] points, supported, beside the claim"
