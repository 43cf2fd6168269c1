"""The values of settings: a string of the command line, or a value from JSON, as the type of its
field. Strict: nothing is rounded, and no infinity or "not a number" passes for a number.
"""

import contextlib
import math
import types
import typing
from collections.abc import Sequence
from typing import Any

from xlmr_lab.errors import UserError


def parse(name: str, hint: Any, value: Any) -> Any:
    """Turn a string from the command line, or a value from JSON, into the field's type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        inner = [a for a in arguments if a is not type(None)]
        if value is None or (isinstance(value, str) and value.lower() in ("none", "null")):
            return None
        return parse(name, inner[0], value)
    if origin is typing.Literal:
        choices = {str(choice): choice for choice in arguments}
        if str(value) not in choices:
            raise UserError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
        return choices[str(value)]
    if origin is tuple:
        return _parse_tuple(name, arguments, value)
    return _parse_scalar(name, hint, value)


def _parse_tuple(name: str, arguments: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    items = [x.strip() for x in value.split(",") if x.strip()] if isinstance(value, str) else value
    if not isinstance(items, Sequence):
        raise UserError(f"{name} must be a comma-separated list, got {value!r}")
    hints = [arguments[0]] * len(items) if arguments[-1] is Ellipsis else arguments
    if len(items) != len(hints):
        raise UserError(f"{name} must have {len(hints)} comma-separated values, got {value!r}")
    return tuple(parse(name, hint, item) for hint, item in zip(hints, items, strict=True))


def _parse_scalar(name: str, hint: Any, value: Any) -> Any:
    if hint is bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise UserError(f"{name} must be true or false, got {value!r}")
    if hint is str and isinstance(value, str):
        return value
    is_number = isinstance(value, str | int | float) and not isinstance(value, bool)
    if hint in (int, float) and is_number:
        with contextlib.suppress(ValueError):
            return _finite(value) if hint is float else _whole(value)
    raise UserError(f"{name} must be of type {hint.__name__}, got {value!r}")


def _finite(value: str | float) -> float:
    """Return a number, but neither nan nor infinity: both would slip through checks of a range."""
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _whole(value: str | float) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    return int(value)
