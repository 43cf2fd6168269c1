"""Notebooks are thin: parameters, calls, readings; no logic, no outputs, nothing to merge by
hand.
"""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
MAX_CODE_CELLS, MAX_CELL_LINES, MAX_LINES = 15, 8, 80

pytestmark = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def cells(path: Path, kind: str = "code") -> list[dict[str, Any]]:
    notebook = json.loads(path.read_text("utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def test_it_is_thin(path: Path) -> None:
    lines = [len(source(cell).splitlines()) for cell in cells(path)]
    assert len(lines) <= MAX_CODE_CELLS
    imports = next(i for i, cell in enumerate(cells(path)) if "\nfrom xlmr_lab" in source(cell))
    assert max(lines[:imports] + lines[imports + 1 :]) <= MAX_CELL_LINES
    assert sum(lines) <= MAX_LINES


def test_it_defines_nothing_and_hides_nothing(path: Path) -> None:
    forbidden = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.Try, ast.For, ast.While, ast.With)
    for cell in cells(path):
        for node in ast.walk(ast.parse(source(cell))):
            assert not isinstance(node, forbidden), ast.unparse(node)
        assert not re.search(r"^\s*[%!]|sys\.path|pip install", source(cell), re.MULTILINE)


def test_it_has_one_tagged_cell_of_typed_commented_literal_parameters(path: Path) -> None:
    tagged = [c for c in cells(path) if "parameters" in c["metadata"].get("tags", [])]
    assert len(tagged) == 1
    assert cells(path)[0] is not None
    assert source(cells(path)[0]) == source(tagged[0])
    code = source(tagged[0])
    for statement in ast.parse(code).body:
        assert isinstance(statement, ast.AnnAssign), ast.unparse(statement)
        assert statement.value is not None
        ast.literal_eval(statement.value)
        assert "  # " in code.splitlines()[statement.lineno - 1]


def test_its_parameters_are_not_taken_for_a_magic(path: Path) -> None:
    """IPython reads a cell of the single line `run: str = ...` as the magic command %run."""
    assert len(source(cells(path)[0]).splitlines()) > 1


def test_it_opens_with_a_title_and_a_question_of_the_paper(path: Path) -> None:
    first = json.loads(path.read_text("utf-8"))["cells"][0]
    assert first["cell_type"] == "markdown"
    assert source(first).startswith("# ")
    assert re.search(r"\*\*Question\.\*\*.*\(XLM-R", source(first), re.DOTALL)


def test_it_ends_with_limits_and_provenance(path: Path) -> None:
    everything = json.loads(path.read_text("utf-8"))["cells"]
    headings = [source(c).splitlines()[0] for c in everything if source(c).startswith("## ")]
    assert headings[-2:] == ["## Limits", "## Provenance"]
    assert "provenance()" in source(everything[-1])


def test_every_figure_or_table_has_a_reading_before_it(path: Path) -> None:
    """Parameters, imports and the study open it; later two calls may share one reading."""
    kinds = [cell["cell_type"] for cell in json.loads(path.read_text("utf-8"))["cells"]]
    opening, *others = re.findall("c+", "".join(kind[0] for kind in kinds))
    assert opening == "ccc"
    assert max(map(len, others)) <= 2


def test_below_each_explorer_stands_a_plain_figure(path: Path) -> None:
    sources = [source(cell) for cell in cells(path)]
    for place, text in enumerate(sources):
        if re.match(r"\w+Explorer\(", text):
            assert re.match(
                r"\w+\.\w+\((study\.|made\.|cleaned\.|arms\b|cells\b|\w+_results\.|\))",
                sources[place + 1],
            )


def test_it_is_stored_without_outputs(path: Path) -> None:
    notebook = json.loads(path.read_text("utf-8"))
    assert "widgets" not in notebook["metadata"]
    for cell in cells(path):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


def test_its_links_lead_to_notebooks_that_exist(path: Path) -> None:
    for cell in cells(path, "markdown"):
        for target in re.findall(r"\]\(([^)#]+\.ipynb)\)", source(cell)):
            assert (FOLDER / target).is_file(), target
