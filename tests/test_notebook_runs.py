"""One notebook with parameters from the command line, or over a grid, with its figures as files."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from xlmr_lab import notebook_execution, notebook_parameters, notebook_runs, report_exports
from xlmr_lab.__main__ import main
from xlmr_lab.errors import UserError

CELLS = """# Parameters
run: str = "runs/a"  # folder of a study
size: int | None = 2  # a number
share: float = 0.5
names: dict[str, float] = {"x": 1.0}  # by name
loud: bool = False  # or not"""
DRAWN = """import plotly.graph_objects as go
from xlmr_lab.figures import looks, tables, theme
import polars as pl
theme.use()"""


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a notebook with one figure and one table, in an empty working directory."""
    tagged = new_code_cell(CELLS)
    tagged.metadata["tags"] = ["parameters"]
    cells = [
        new_markdown_cell("# Sizes"),
        tagged,
        new_code_cell(DRAWN),
        new_code_cell("theme.finish(go.Figure(go.Bar(y=[10 / size])), title='Ten by size')"),
        new_code_cell("tables.show(pl.DataFrame({'size': [size]}), 'A size. Alone.')"),
    ]
    made = new_notebook(cells=cells)
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "P", "language": "python"}
    nbformat.write(made, tmp_path / "sizes.ipynb")
    monkeypatch.chdir(tmp_path)
    return Path("sizes.ipynb")


def test_parameters_are_read_with_types_and_comments(notebook: Path) -> None:
    found = {each.name: each for each in notebook_parameters.parameters(notebook)}
    assert list(found) == ["run", "size", "share", "names", "loud"]
    assert (found["size"].kind, found["size"].default) == ("int | None", "2")
    assert (found["run"].said, found["share"].said) == ("folder of a study", "")
    assert "size=2  (int | None)" in notebook_runs.help_text(notebook)


def test_values_are_read_by_their_types(notebook: Path) -> None:
    settings = ["run=runs/b, c", "size=3", "share=1", "names={'y': 2}", "loud=true"]
    (values,) = notebook_parameters.grid(notebook, settings)
    assert values == {
        "run": "runs/b, c",
        "size": 3,
        "share": 1.0,
        "names": {"y": 2},
        "loud": True,
    }
    assert isinstance(values["share"], float)
    assert notebook_parameters.grid(notebook, ["size=None"]) == [{"size": None}]
    assert notebook_parameters.grid(notebook, []) == [{}]


def test_names_given_several_times_span_a_grid(notebook: Path) -> None:
    found = notebook_parameters.grid(notebook, ["size=1", "share=0.1", "size=2", "share=0.3"])
    assert [(row["size"], row["share"]) for row in found] == [
        (1, 0.1),
        (1, 0.3),
        (2, 0.1),
        (2, 0.3),
    ]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["siez=3"], "sizes.ipynb has no parameter 'siez'; did you mean size"),
        (["size"], "size is int | None, got ''"),
        (["size=many"], "size is int | None, got 'many'"),
        (["share=0.1,0.2"], "several values are several settings: share=A share=B"),
        (["loud=yes"], "loud is bool, got 'yes'"),
        (["names=x"], "names is dict"),
        (["names={[]: 1.0}"], "names is dict"),
        (["size=1", "size=01"], "size is 01 twice"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_runs(
    notebook: Path, settings: list[str], said: str
) -> None:
    with pytest.raises(UserError, match=said.replace("|", r"\|")):
        notebook_runs.run(notebook, settings, (), lambda told: None)
    assert not Path("runs").exists()


def test_a_misspelt_notebook_is_named(notebook: Path) -> None:
    with pytest.raises(UserError, match="no notebook '03_langage_sampling'; did you mean 03_lang"):
        notebook_runs.asked_for(["03_langage_sampling"])
    found = notebook_runs.asked_for(["03_language_sampling"])
    assert found is not None
    assert found.is_file()
    assert notebook_runs.asked_for(["name=mine"]) is notebook_runs.asked_for([]) is None
    assert notebook_runs.asked_for(["notebooks/results/laptop"]) is None


def with_parameters(cell: str) -> Path:
    """Write a notebook of one's own that has this cell of parameters, and return where it is."""
    tagged = new_code_cell(cell)
    tagged.metadata["tags"] = ["parameters"]
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Mine"), tagged]), "mine.ipynb")
    return Path("mine.ipynb")


def test_a_comment_behind_letters_of_several_bytes_is_whole(notebook: Path) -> None:
    own = with_parameters("word: str = 'مرحبا\u2028é'  # what to say\nsize: int = 2  # α")
    said = [each.said for each in notebook_parameters.parameters(own)]
    assert said == ["what to say", "α"]


def test_a_cell_of_parameters_that_is_not_python_is_told_in_one_line(notebook: Path) -> None:
    own = with_parameters("size: int = 2\n%matplotlib inline")
    with pytest.raises(UserError) as caught:
        notebook_runs.run(own, [], (), lambda told: None)
    told = str(caught.value)
    assert "mine.ipynb: line 2 of the parameters cell is '%matplotlib inline'" in told
    assert told.endswith("move anything else to a cell of its own")
    assert "\n" not in told


@pytest.mark.parametrize(
    "content", [b"", b'{"cells": [', b"\xff\xfe", b"[]", b'{"worksheets": []}']
)
def test_a_file_that_is_no_notebook_is_told_in_one_line(notebook: Path, content: bytes) -> None:
    notebook.write_bytes(content)
    with pytest.raises(UserError, match=r"sizes.ipynb is no notebook: .* save it again") as caught:
        notebook_runs.help_text(notebook)
    assert "\n" not in str(caught.value)


def test_only_the_runs_of_a_notebook_are_read_from_its_parameters(notebook: Path) -> None:
    own = with_parameters("run = 'runs/a'\nk = 2 * 3\nother_run = str(k)\nthird_run: str = ''")
    assert notebook_parameters.runs(own) == "runs/a, str(k)"


def test_a_value_that_is_no_literal_is_refused_where_the_notebook_gives_no_type(
    notebook: Path,
) -> None:
    own = with_parameters("k = 2 * 3")
    assert notebook_parameters.grid(own, ["k=4"]) == [{"k": 4}]
    with pytest.raises(UserError, match="k is a Python literal, got 'four'"):
        notebook_parameters.grid(own, ["k=four"])


def test_a_long_text_gives_a_copy_a_name_that_files_may_have(
    notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy(source: Path, target: Path, values: dict[str, str]) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())

    monkeypatch.setattr(notebook_execution, "run_notebook", copy)
    texts = ["ب" * 150, "ب" * 149 + "ت", "short"]
    notebook_runs.run(notebook, [f"run={text}" for text in texts], (), lambda told: None)
    names = sorted(path.stem for path in Path("runs/notebooks/sizes").glob("*.ipynb"))
    assert len(names) == 3
    assert names[0] == "sizes-run=short"
    for name in names[1:]:
        assert re.fullmatch("sizes-run=ب{28}-[0-9a-f]{8}", name)


@pytest.mark.slow
def test_a_grid_becomes_one_page_whose_figures_are_files_too(
    notebook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "sizes.ipynb", "size=5", "size=2", "export=csv,tex"]) == 0
    folder = Path("runs/notebooks/sizes")
    assert f"report: {folder / 'index.html'}" in capsys.readouterr().out
    page = (folder / "index.html").read_text("utf-8")
    assert "Sizes (size = 5)" in page
    assert "Sizes (size = 2)" in page
    executed = json.loads((folder / "sizes-size=5.ipynb").read_text("utf-8"))
    assert executed["metadata"]["papermill"]["parameters"] == {"size": 5}
    files = {path.name: path.read_text("utf-8") for path in (folder / "exports").iterdir()}
    assert set(files) == {
        f"sizes-size={size}-{name}"
        for size in (2, 5)
        for name in ("01-ten-by-size.csv", "02-a-size.csv", "02-a-size.tex")
    }
    figure = files["sizes-size=5-01-ten-by-size.csv"]
    assert figure.startswith("# run: runs/a\n# call: theme.finish(go.Figure(")
    assert "bar,x y,,2.0," in figure


@pytest.mark.slow
def test_a_run_that_stops_is_on_the_page_and_stops_no_other(
    notebook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "sizes.ipynb", "size=0", "size=2"]) == 2
    assert "size = 0: sizes.ipynb stopped: ZeroDivisionError" in capsys.readouterr().err
    page = Path("runs/notebooks/sizes/index.html").read_text("utf-8")
    assert "ZeroDivisionError" in page
    assert "Sizes (size = 2)" in page


def test_exports_are_asked_for_once_and_do_nothing_by_default(tmp_path: Path) -> None:
    assert report_exports.asked_for(["a=1"]) == ((), ["a=1"])
    assert report_exports.asked_for(["export=svg,csv", "a=1"]) == (("svg", "csv"), ["a=1"])
    with pytest.raises(UserError, match="export is given 2 times; write export=svg,csv"):
        report_exports.asked_for(["export=svg", "export=csv"])
    report_exports.write([], tmp_path, (), lambda told: None)
    assert list(tmp_path.iterdir()) == []
