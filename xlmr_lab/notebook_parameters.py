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
        UserError: there is no such notebook.
    """
    if not source.is_file():
        raise UserError(f"no notebook at {source}")
    cells = json.loads(source.read_text("utf-8"))["cells"]
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", ())]
    text = "\n".join("".join(cell["source"]) for cell in tagged)
    lines = text.splitlines()
    found = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.AnnAssign | ast.Assign) and node.value is not None:
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            kind = ast.unparse(node.annotation) if isinstance(node, ast.AnnAssign) else ""
            comment = lines[(node.end_lineno or node.lineno) - 1][node.end_col_offset or 0 :]
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
    """Return the runs that an executed notebook shows, as they were given it, commas between."""
    given = {each.name: ast.literal_eval(each.default) for each in parameters(executed)}
    injected = json.loads(executed.read_text("utf-8"))["metadata"].get("papermill", {})
    given |= injected.get("parameters", {})
    shown = [given[name] for name in given if name in RUNS or name.endswith("_run")]
    return ", ".join(dict.fromkeys(filter(None, shown)))


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
    except (ValueError, SyntaxError):
        several = f"; several values are several settings: {parameter.name}=A {parameter.name}=B"
        raise UserError(
            f"{parameter.name} is {parameter.kind}, got {text!r}{several * (',' in text)}"
        ) from None


def _truth(text: str) -> bool:
    """Read true or false, however their letters are."""
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"
