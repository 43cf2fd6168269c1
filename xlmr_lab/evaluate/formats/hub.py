"""XNLI in the Parquet files of the Hugging Face hub, one folder for each language or one for all.

Labels are numbers there, and other data sets number the same classes otherwise: a wrong order gives
an accuracy that looks like a bad model. So the order is read from the files' own metadata, or has
to be named; where both are, they must agree. In `all_languages` a premise is a record with a field
for each language, a hypothesis two lists, languages and sentences. Left out: fetching.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.places import Source
from xlmr_lab.evaluate.task_files import NLI_LABELS, Pairs

COLUMNS = ("premise", "hypothesis", "label")
METADATA = "huggingface"
"""Where the hub's library keeps the features of a data set, as JSON."""


def read(source: Source, label_order: Sequence[str] = ()) -> Pairs:
    """Read the pairs of a language from all files of a set.

    Raises:
        UserError: a file is no such Parquet, lacks the language, or does not tell what its labels
            mean.
    """
    pairs = Pairs([], [], [])
    for path in source.paths:
        frame, order = _frame(path, source.code), _order(path, label_order)
        pairs.premises.extend(_texts(path, frame["premise"]))
        pairs.hypotheses.extend(_texts(path, frame["hypothesis"]))
        for number, label in enumerate(frame["label"], 1):
            name = order[_label(f"{path}, row {number}", label)]
            pairs.labels.append(NLI_LABELS.index(name))
    if not pairs.labels:
        raise UserError(f"{source} is empty: expected rows of {', '.join(COLUMNS)}")
    return pairs


def _frame(path: Path, code: str) -> pl.DataFrame:
    """Return a file's pairs in one language, and their labels."""
    try:
        types = pl.read_parquet_schema(path)
        if missing := [name for name in COLUMNS if name not in types]:
            raise UserError(
                f"{path} has no column {' and '.join(missing)}; it has {', '.join(types)}"
            )
        texts = [_in_language(path, name, types[name], code) for name in COLUMNS[:2]]
        return pl.scan_parquet(path).select(*texts, "label").collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} is no whole Parquet file ({reason}); fetch it again") from None


def _in_language(path: Path, name: str, kind: pl.DataType, code: str) -> pl.Expr:
    """Return the expression that takes one language out of a column."""
    column = pl.col(name)
    if not isinstance(kind, pl.Struct):
        return column
    fields = [field.name for field in kind.fields]
    if fields == ["language", "translation"]:
        keys, values = (column.struct.field(field) for field in fields)
        place = keys.list.eval(pl.element() == code).list.arg_max()
        return pl.when(keys.list.contains(code)).then(values.list.get(place)).alias(name)
    if code not in fields:
        raise UserError(f"{path}: {name} has no language {code!r}; it has {', '.join(fields)}")
    return column.struct.field(code).alias(name)


def _texts(path: Path, column: pl.Series) -> list[str]:
    for number, value in enumerate(column, 1):
        if not isinstance(value, str):
            raise UserError(f"{path}, row {number}: {column.name} must be text, got {value!r}")
    return [value.strip() for value in column]


def _order(path: Path, named: Sequence[str]) -> list[str]:
    """Return the class of each label, by number."""
    features = json.loads(pl.read_parquet_metadata(path).get(METADATA, "{}"))
    told = features.get("info", {}).get("features", {}).get("label", {}).get("names", [])
    for origin, order in (("its metadata", told), ("label_order", named)):
        if order and sorted(order) != sorted(NLI_LABELS):
            raise UserError(
                f"{path}: {origin} calls the labels {', '.join(order)}; they must be "
                f"{', '.join(NLI_LABELS)} in any order"
            )
    if told and named and told != list(named):
        raise UserError(
            f"{path}: label_order is {', '.join(named)}, but the file's metadata says "
            f"{', '.join(told)}; leave label_order out"
        )
    if not told and not named:
        raise UserError(
            f"{path} does not tell what its numbered labels mean; name their classes in the order "
            f"of their numbers, such as label_order={','.join(NLI_LABELS)}"
        )
    return told or list(named)


def _label(where: str, label: object) -> int:
    if isinstance(label, int) and 0 <= label < len(NLI_LABELS):
        return label
    held_back = ": a test set without its labels cannot be scored; use the dev set"
    raise UserError(
        f"{where}: label {label!r} is no number of 0 to {len(NLI_LABELS) - 1}"
        f"{held_back if label in (-1, None) else ''}"
    )
