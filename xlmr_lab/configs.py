"""Strict configuration: frozen dataclasses, `section.field=value` overrides, fingerprints, help.

A component's configuration is a `@dataclass(frozen=True, kw_only=True, slots=True)` defined beside
the code that reads it, with a docstring under each field. A run's configuration is their nested
sum. It is built once from all overrides, so that checks across fields never see a half-applied
state. Left out on purpose: YAML, registries, interpolation, environment variables.
"""

import ast
import dataclasses
import difflib
import hashlib
import inspect
import itertools
import json
import textwrap
import typing
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from xlmr_lab import setting_values
from xlmr_lab.errors import UserError

Config = TypeVar("Config")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Leaf:
    """One setting: its dotted name, type, default and documentation."""

    name: str
    type: Any
    default: Any
    doc: str


def leaves(cls: type, prefix: str = "") -> dict[str, Leaf]:
    """Return every setting of a configuration class by its dotted name, in order of definition.

    The default is that of the nested sum: what a section's own class says yields to the default
    that the section has in the class which holds it. A setting without a default has None.
    """
    hints, docs = typing.get_type_hints(cls), _field_docs(cls)
    found: dict[str, Leaf] = {}
    for field in dataclasses.fields(cls):
        name, hint, default = prefix + field.name, hints[field.name], _default(field)
        if dataclasses.is_dataclass(hint):
            inner = leaves(typing.cast(type, hint), name + ".")
            defaults = {} if default is None else flatten(default, name + ".")
            for key, leaf in inner.items():
                found[key] = dataclasses.replace(leaf, default=defaults.get(key, leaf.default))
        else:
            doc = docs.get(field.name, "")
            found[name] = Leaf(name=name, type=hint, default=default, doc=doc)
    return found


def flatten(config: Any, prefix: str = "") -> dict[str, Any]:
    """Return a configuration's values by dotted name.

    >>> @dataclasses.dataclass(frozen=True, kw_only=True)
    ... class Inner:
    ...     alpha: float = 0.3
    >>> @dataclasses.dataclass(frozen=True, kw_only=True)
    ... class Outer:
    ...     seed: int = 1
    ...     sampling: Inner = Inner()
    >>> flatten(Outer())
    {'seed': 1, 'sampling.alpha': 0.3}
    """
    flat: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            flat |= flatten(value, prefix + field.name + ".")
        else:
            flat[prefix + field.name] = value
    return flat


def build(cls: type[Config], flat: Mapping[str, Any], prefix: str = "") -> Config:
    """Build a configuration from values by dotted name; what is not named keeps its default.

    Strings are parsed by the field's type, other values are checked against it.

    Raises:
        UserError: unknown name, value of the wrong type, or a value that `__post_init__` refuses.
    """
    known = leaves(cls, prefix)
    for name in flat:
        if name not in known:
            raise UserError(_unknown(name, known))
    return _construct(cls, flat, prefix)


def override(config: Config, assignments: Sequence[str]) -> Config:
    """Return the configuration with `section.field=value` assignments; the last of two wins.

    Raises:
        UserError: an assignment without "=", an unknown name, or a value that is not allowed.
    """
    flat = flatten(config)
    known = leaves(type(config))
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise UserError(f"expected section.field=value, got {assignment!r}")
        if name not in known:
            raise UserError(_unknown(name, known))
        flat[name] = setting_values.parse(name, known[name].type, value)
    return build(type(config), flat)


def to_dict(config: Any) -> dict[str, Any]:
    """Return a nested, JSON-able dict of a configuration (tuples become lists)."""
    nested: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return nested


def from_dict(cls: type[Config], nested: Mapping[str, Any]) -> Config:
    """Build a configuration from the nested dict that `to_dict` returns, strictly."""
    return build(cls, dict(_flat_items(cls, nested, "")))


def fingerprint(*parts: Any, digits: int = 10) -> str:
    """Hash configurations, dicts, lists, strings and numbers to a short name for what they say.

    Equal values have equal fingerprints: the order of keys and 1 against 1.0 make no difference.

    >>> fingerprint({"a": 1, "b": 2.0}) == fingerprint({"b": 2, "a": 1})
    True
    """
    plain = _plain(parts)
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:digits]


def help_text(
    config: Any,
    width: int = 80,
    sections: Collection[str] | None = None,
    others: Mapping[str, Any] = {},
) -> str:
    """List the settings with their present value and documentation, wrapped for a terminal.

    `sections`: the names to list, or the first parts of them; None: all.
    `others`: what a configuration is called and the configuration; where its value differs, it
    stands beside the present one.
    """
    values = flatten(config)
    beside = {called: flatten(other) for called, other in others.items()}
    lines = []
    for name, leaf in leaves(type(config)).items():
        if sections is not None and not {name, name.partition(".")[0]}.intersection(sections):
            continue
        differing = [
            f"{called}: {_show(other[name]) or 'empty'}"
            for called, other in beside.items()
            if other[name] != values[name]
        ]
        told = f"  ({'; '.join(differing)})" if differing else ""
        lines.append(f"  {name}={_show(values[name])}{told}")
        lines += textwrap.wrap(
            leaf.doc,
            width,
            initial_indent=" " * 6,
            subsequent_indent=" " * 6,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def _construct(cls: type[Config], flat: Mapping[str, Any], prefix: str) -> Config:
    hints, arguments = typing.get_type_hints(cls), dict[str, Any]()
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        name, hint, default = prefix + field.name, hints[field.name], _default(field)
        if dataclasses.is_dataclass(hint):
            known = {} if default is None else flatten(default, name + ".")
            named = {key: value for key, value in flat.items() if key.startswith(name + ".")}
            section = typing.cast(type, hint)
            arguments[field.name] = _construct(section, {**known, **named}, name + ".")
        elif name in flat:
            arguments[field.name] = setting_values.parse(name, hint, flat[name])
        elif _is_required(field):
            raise UserError(f"{name} must be given, it has no default; add {name}=VALUE")
    try:
        return cls(**arguments)
    except UserError as error:
        raise UserError(_placed(str(error), hints, prefix)) from None


def _placed(message: str, fields: Iterable[str], prefix: str) -> str:
    """Name the section that a complaint about a setting comes from, unless it does so itself.

    >>> _placed("alpha must be in [0, 1]", ["alpha"], "sampling.")
    'sampling.alpha must be in [0, 1]'
    """
    if not prefix or message.startswith(prefix):
        return message
    return prefix + message if message.split(" ")[0] in fields else f"{prefix[:-1]}: {message}"


def _plain(value: Any) -> Any:
    """Return a value as JSON would hold it, with whole floats as integers."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain(dataclasses.asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _flat_items(cls: type, nested: Mapping[str, Any], prefix: str) -> Iterable[tuple[str, Any]]:
    hints = typing.get_type_hints(cls)
    for key, value in nested.items():
        hint = hints.get(key)
        if hint is not None and dataclasses.is_dataclass(hint):
            if not isinstance(value, Mapping):
                raise UserError(f"{prefix}{key} must hold settings, got {value!r}")
            yield from _flat_items(typing.cast(type, hint), value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _unknown(name: str, known: Mapping[str, Leaf]) -> str:
    near = difflib.get_close_matches(name, known, 2, 0.5)
    tail = name.rsplit(".", 1)[-1]
    near += [k for k in known if k.rsplit(".", 1)[-1] == tail and k not in near]
    if near:
        return f"unknown setting {name!r}; did you mean {' or '.join(near[:3])}?"
    return f"unknown setting {name!r}; `--help` lists the settings"


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is field.default_factory is dataclasses.MISSING


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None


def _show(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _field_docs(cls: type) -> dict[str, str]:
    """Read the string under each annotated field from the class's source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError):
        return {}
    body = typing.cast(ast.ClassDef, tree.body[0]).body
    docs = {}
    for field, doc in itertools.pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(doc, ast.Expr)
            and isinstance(doc.value, ast.Constant)
            and isinstance(doc.value.value, str)
        ):
            docs[field.target.id] = " ".join(doc.value.value.split())
    return docs
