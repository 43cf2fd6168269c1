"""The metadata of a dataset card as the Hugging Face hub reads them: YAML between lines of dashes.

They are written as JSON, which is YAML, so that no name needs escaping (`no` is false in YAML, "no"
is Norwegian). A language's hub code is its ISO 639 code, and the whole key as a BCP 47 tag stands
in `language_bcp47`; of invented languages the hub is told `mul`, several. Sizes are bytes of UTF-8
text; where the hub computes them itself they are those of its Arrow tables.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from xlmr_lab.corpus.documents import DOCUMENTS

VARIANTS = {"my_zaw": "my-x-zawgyi"}
"""BCP 47 tags of keys that do not follow the pattern, as the hub's card of CC-100 has them."""

PRIVATE = re.compile(r"q[a-t][a-z]")
"""Codes that ISO 639-2 leaves to local use."""

BOUNDS = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")
"""Bounds of the hub's `size_categories`, counted in examples."""

TYPES = {pl.String: "string", pl.Float32: "float32", pl.Int32: "int32", pl.Int64: "int64"}
"""The hub's names of the types of columns."""


def corpus_metadata(sizes: pl.DataFrame, **values: Any) -> dict[str, Any]:
    """Return the metadata of a folder of documents with these sizes (`statistics.SIZES`): a
    configuration for each language, whose only split is `train`; `values` go first.
    """
    keys = sizes["language"].to_list()
    features = [{"name": name, "dtype": TYPES[type(kind)]} for name, kind in DOCUMENTS.items()]
    files = [
        {
            "config_name": key,
            "data_files": [{"split": "train", "path": f"documents/{key}-*.parquet"}],
        }
        for key in keys
    ]
    split = ("language", "num_documents", "size_bytes")
    infos = [
        {
            "config_name": key,
            "features": features,
            "splits": [{"name": "train", "num_bytes": size, "num_examples": number}],
            "dataset_size": size,
        }
        for key, number, size in sizes.select(split).iter_rows()
    ]
    return {
        **values,
        "language": iso_codes(keys),
        "language_bcp47": [bcp47_tag(key) for key in keys],
        "multilinguality": ["multilingual" if len(keys) > 1 else "monolingual"],
        "size_categories": [size_category(int(sizes["num_documents"].sum()))],
        "task_categories": ["fill-mask"],
        "task_ids": ["masked-language-modeling"],
        "configs": files,
        "dataset_info": infos,
    }


def as_yaml(values: Mapping[str, Any]) -> str:
    """Write metadata: a line for each value, and for each item of a list of mappings.

    >>> print(as_yaml({"language": ["no"], "configs": [{"config_name": "no"}]}), end="")
    language: ["no"]
    configs:
    - {"config_name": "no"}
    """
    lines = []
    for key, value in values.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines += [f"{key}:", *(f"- {_json(item)}" for item in value)]
        else:
            lines.append(f"{key}: {_json(value)}")
    return "".join(f"{line}\n" for line in lines)


def iso_codes(keys: Iterable[str]) -> list[str]:
    """Return what the hub takes for the languages of these keys, sorted.

    >>> iso_codes(["zh-Hans", "hi_rom", "my_zaw", "qaa", "qab"])
    ['hi', 'mul', 'my', 'zh']
    """
    codes = {re.split("[-_]", key)[0] for key in keys}
    return sorted({"mul" if PRIVATE.fullmatch(code) else code for code in codes})


def bcp47_tag(key: str) -> str:
    """Return the BCP 47 tag of a language key.

    >>> [bcp47_tag(key) for key in ("sw", "zh-Hans", "hi_rom", "my_zaw", "qaa")]
    ['sw', 'zh-Hans', 'hi-Latn', 'my-x-zawgyi', 'qaa']
    """
    return VARIANTS.get(key, re.sub("_rom$", "-Latn", key))


def size_category(number: int) -> str:
    """Return the hub's category for a number of examples.

    >>> size_category(999), size_category(1000), size_category(2 * 10**12)
    ('n<1K', '1K<n<10K', 'n>1T')
    """
    place = max(0, len(str(number)) - 3)
    if place == 0:
        return f"n<{BOUNDS[0]}"
    return f"{BOUNDS[place - 1]}<n<{BOUNDS[place]}" if place < len(BOUNDS) else f"n>{BOUNDS[-1]}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
