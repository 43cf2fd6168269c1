"""House rules that no linter knows: sizes, names, packaging, and nothing of one machine."""

import ast
import gzip
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("xlmr_lab", "tests", "notebooks", "data_cards", ".ci")
MADE = {"__pycache__", ".ipynb_checkpoints", ".ruff_cache", ".mypy_cache", ".pytest_cache"}

MAX_FILE_KB = 500
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40
MAX_POSITIONAL_ARGUMENTS = 6
EXCESS_LINES: dict[str, int] = {}
"""Files and functions that read better whole, with the length that they may have."""

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "core"}


def files(*suffixes: str) -> list[Path]:
    """Return the project's files, without what is made at run time."""
    found = [path for path in ROOT.iterdir() if path.is_file() and path.name != ".git"]
    for folder in FOLDERS:
        found += [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    kept = [path for path in found if not MADE & set(path.relative_to(ROOT).parts)]
    return sorted(path for path in kept if not suffixes or path.suffix in suffixes)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


CODE = [path for path in files(".py") if name_of(path).startswith("xlmr_lab/")]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def num_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function's signature and body, without decorators and docstring."""
    first, *rest = function.body
    start = rest[0].lineno if rest and ast.get_docstring(function) is not None else first.lineno
    signature = first.lineno - function.lineno
    return signature + (function.end_lineno or start) - start + 1


def test_no_file_is_too_large_for_git() -> None:
    too_large = {
        name_of(p): p.stat().st_size for p in files() if p.stat().st_size > MAX_FILE_KB << 10
    }
    assert not too_large


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_files_and_functions_are_short(path: Path) -> None:
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= EXCESS_LINES.get(name_of(path), MAX_FILE_LINES), f"{lines} lines"
    for function in functions(path):
        limit = EXCESS_LINES.get(f"{name_of(path)}:{function.name}", MAX_FUNCTION_LINES)
        assert num_lines(function) <= limit, f"{function.name} has {num_lines(function)} lines"


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_many_arguments_are_given_by_name(path: Path) -> None:
    for function in functions(path):
        positional = function.args.posonlyargs + function.args.args
        assert len(positional) <= MAX_POSITIONAL_ARGUMENTS, function.name


def test_exceptions_are_still_needed() -> None:
    for name in EXCESS_LINES:
        path, _, wanted = name.partition(":")
        lengths = {function.name: num_lines(function) for function in functions(ROOT / path)}
        total = len((ROOT / path).read_text("utf-8").splitlines())
        needed = lengths[wanted] > MAX_FUNCTION_LINES if wanted else total > MAX_FILE_LINES
        assert needed, f"{name} is no longer long"


def test_lengths_leave_out_the_docstring() -> None:
    code = 'def f(\n    a,\n):\n    """Say.\n\n    More.\n    """\n    return a\n'
    (function,) = ast.parse(code).body
    assert isinstance(function, ast.FunctionDef)
    assert num_lines(function) == 4


@pytest.mark.parametrize("path", files(".py"), ids=name_of)
def test_a_file_is_named_for_what_it_holds(path: Path) -> None:
    assert path.stem not in FORBIDDEN_NAMES


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_every_module_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree)
    if path.name == "__init__.py" and path.parent.name != "xlmr_lab":
        assert len(tree.body) == 1, "the __init__ of a part holds its docstring only"


def test_no_test_folder_is_a_package() -> None:
    assert [
        name_of(p) for p in files(".py") if p.name == "__init__.py" and "tests" in p.parts
    ] == []


MACHINE = re.compile(r"/(work|root|farm)/|/home/(?!me\b)\w|/Users/\w")


TEXT_FILES = [path for path in files() if path.suffix != ".png"]


@pytest.mark.parametrize("path", TEXT_FILES, ids=name_of)
def test_no_file_knows_the_machine_it_was_written_on(path: Path) -> None:
    found = [
        f"line {number}: {line.strip()[:80]}"
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if MACHINE.search(line)
    ]
    assert not found


def text_of(path: Path) -> str:
    """Return the text of a file, also of one that is packed."""
    written = path.read_bytes()
    return (gzip.decompress(written) if path.suffix == ".gz" else written).decode("utf-8")


def test_machine_paths_are_recognised() -> None:
    for text in ("/work" + "/main", "see /root" + "/.cache", "'/home/" + "jane/x'"):
        assert MACHINE.search(text)
    for text in ("/homework/x", "/home/me/text", "https://x.org/tmp/y", "work/b"):
        assert not MACHINE.search(text)


def test_what_is_made_at_run_time_is_ignored_by_git() -> None:
    ignored = (ROOT / ".gitignore").read_text("utf-8").split()
    assert {"/runs/", "/data/", "/.venv/", "*.egg-info/", "__pycache__/"} <= set(ignored)


def test_every_part_and_its_data_are_packaged() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    for path in CODE:
        assert (path.parent / "__init__.py").is_file(), f"{name_of(path.parent)} is no package"
    data = settings["package-data"]
    globs = {f"{part.replace('.', '/')}/{glob}" for part, items in data.items() for glob in items}
    others = [p for p in files() if name_of(p).startswith("xlmr_lab/") and p.suffix != ".py"]
    for path in others:
        assert any(path.relative_to(ROOT).match(glob) for glob in globs), name_of(path)
