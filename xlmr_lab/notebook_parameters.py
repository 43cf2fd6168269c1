"""The cell of parameters of a notebook: its names, types and comments, and values for it as they
are typed.

papermill only warns of a name that the notebook does not have, and its own reading of the cell
misses types that are unions, so names and values are checked here, before anything runs. A name
that is given several times spans a grid.
"""

import ast
import dataclasses
import difflib
import itertools
import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from xlmr_lab.errors import UserError

RUNS = ("run", "studies")
"""Parameters that name a run folder, beside those that end in `_run`."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One line of the cell."""

    name: str
    """What it is set by."""
    kind: str
    """Its type as it is written, such as `float | None`; empty where it has none."""
    default: str
    """Its value, as Python."""
    said: str
    """The comment beside it."""


def parameters(source: Path) -> list[Parameter]:
    """Return what a notebook's cell of parameters sets, in order.

    Raises:
        UserError: there is no such notebook, or its cell of parameters is not Python alone.
    """
    cells = _read(source)["cells"]
    tagged = [cell for cell in cells if "parameters" in cell.get("metadata", {}).get("tags", ())]
    text = "\n".join("".join(cell["source"]) for cell in tagged)
    lines = re.split("\r\n?|\n", text)  # as Python does, which goes on behind other separators
    found = []
    for node in _statements(source, text):
        if isinstance(node, ast.AnnAssign | ast.Assign) and node.value is not None:
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            kind = ast.unparse(node.annotation) if isinstance(node, ast.AnnAssign) else ""
            line = lines[(node.end_lineno or node.lineno) - 1].encode("utf-8")
            comment = line[node.end_col_offset or 0 :].decode("utf-8")  # ast counts bytes
            found.append(
                Parameter(
                    name=ast.unparse(target),
                    kind=kind,
                    default=ast.unparse(node.value),
                    said=comment.strip().removeprefix("#").strip(),
                )
            )
    return found


def names(source: Path) -> list[str]:
    """Return the names that a notebook's cell of parameters sets."""
    return [parameter.name for parameter in parameters(source)]


def runs(executed: Path) -> str:
    """Return the runs that an executed notebook shows, as they were given it, commas between; one
    that it works out itself as it is written there.
    """
    papermill = _read(executed).get("metadata", {}).get("papermill", {})
    injected = papermill.get("parameters", {})
    shown = [
        injected.get(each.name, _literal(each.default))
        for each in parameters(executed)
        if each.name in RUNS or each.name.endswith("_run")
    ]
    return ", ".join(dict.fromkeys(str(run) for run in shown if run))


def require(source: Path, given: Iterable[str]) -> None:
    """Refuse names that a notebook does not have.

    Raises:
        UserError: names the first, and what may have been meant.
    """
    known = names(source)
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 2, 0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(known)}"
            raise UserError(f"{source.name} has no parameter {name!r}; {hint}")


def grid(source: Path, settings: Sequence[str]) -> list[dict[str, Any]]:
    """Return the values of each run that settings `name=value` ask for: one run, or every
    combination where names are given several times.

    Raises:
        UserError: the notebook has no such parameter, or not of such a value.
    """
    pairs = [setting.partition("=")[::2] for setting in settings]
    require(source, [name for name, _ in pairs])
    known = {parameter.name: parameter for parameter in parameters(source)}
    values: dict[str, list[Any]] = {}
    for name, text in pairs:
        value = _value(known[name], text)
        if value in values.setdefault(name, []):
            raise UserError(f"{name} is {text} twice; leave one out")
        values[name].append(value)
    return [dict(zip(values, row, strict=True)) for row in itertools.product(*values.values())]


def help_text(source: Path) -> str:
    """Return the parameters of a notebook for a terminal."""
    lines = [f"The parameters of {source.name}:", ""]
    for each in parameters(source):
        lines += [f"  {each.name}={each.default}  ({each.kind})", f"      {each.said}"]
    return "\n".join(lines)


def _read(source: Path) -> dict[str, Any]:
    """Return a notebook as it is stored.

    Raises:
        UserError: there is none, or it is none.
    """
    if not source.is_file():
        raise UserError(f"no notebook at {source}")
    wrong = "there are no cells"
    try:
        found = json.loads(source.read_text("utf-8"))
    except ValueError as error:  # no JSON, or not even UTF-8
        found, wrong = None, str(error)
    if isinstance(found, dict) and isinstance(found.get("cells"), list):
        return found
    allowed = "a notebook is JSON with a list of cells"
    raise UserError(f"{source} is no notebook: {wrong}; {allowed}; save it again from Jupyter")


def _statements(source: Path, text: str) -> list[ast.stmt]:
    """Return the statements of a notebook's cell of parameters.

    Raises:
        UserError: something in it is not Python, such as what only IPython understands.
    """
    try:
        return ast.parse(text).body
    except SyntaxError as error:
        told = f"line {error.lineno} of the parameters cell is {(error.text or '').strip()!r}"
        allowed = "the cell takes plain Python such as `size: int = 3  # what it is`"
        raise UserError(
            f"{source}: {told} ({error.msg}); {allowed}; move anything else to a cell of its own"
        ) from None


def _literal(text: str) -> Any:
    """Return the value of Python that is a literal, and the Python itself where it is none."""
    try:
        return ast.literal_eval(text)
    except (ValueError, TypeError):
        return text


def _value(parameter: Parameter, text: str) -> Any:
    """Return a value as the parameter's type reads it."""
    kinds = [kind.strip() for kind in parameter.kind.split("|")]
    if "None" in kinds and text == "None":
        return None
    readers: dict[str, Callable[[str], Any]] = {
        "int": int,
        "float": float,
        "bool": _truth,
        "str": str,
    }
    read = next((readers[kind] for kind in kinds if kind in readers), ast.literal_eval)
    try:
        return read(text)
    except (ValueError, SyntaxError, TypeError):
        several = f"; several values are several settings: {parameter.name}=A {parameter.name}=B"
        told = f"{parameter.name} is {parameter.kind or 'a Python literal'}, got {text!r}"
        raise UserError(told + several * ("," in text)) from None


def _truth(text: str) -> bool:
    """Read true or false, however their letters are."""
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"
