"""Evaluation text in the training text: paragraphs that share a word n-gram with an evaluation set.

A paragraph is contaminated when it holds `num_words` words in a row of an evaluation text (13 as in
GPT-3 App. C), or when it is, as a whole, an evaluation text of fewer words. Words are divided by
white space and compared without case, punctuation and symbols; in scripts that write no spaces each
letter with its marks is a word, and `LETTERS_PER_WORD` of them count as one. Fingerprints are made
of code points by integer arithmetic alone, the same on every machine. Left out: n-grams across
paragraphs, short texts inside longer paragraphs, paraphrases and translations.
"""

import dataclasses
import gzip
import io
import itertools
import json
import lzma
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from xlmr_lab import storage
from xlmr_lab.corpus.normalize import normalized
from xlmr_lab.corpus.words import Hashes, Places, Words, blocks
from xlmr_lab.errors import UserError

Reason = Literal["contaminated"]

_UNPACK = {".gz": gzip.decompress, ".xz": lzma.decompress}
_DAMAGE = (OSError, EOFError, lzma.LZMAError, zlib.error, ValueError, RecursionError)
_TAG, _LANGUAGE = re.compile(r"[BIOESLU](-\S+)?"), re.compile(r"^[a-z]{2,3}:")
_WHOLE = np.uint64(0xD6E8FEB86659FD93)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ContaminationConfig:
    """Which text must not be in the corpus, and how much of it is too much."""

    evaluation_sets: tuple[str, ...] = ()
    """Files and folders of evaluation sets: TSV, JSON, JSONL, CoNLL or plain lines."""
    num_words: int = 13
    """Words in a row that a paragraph may not share with an evaluation text (GPT-3 App. C)."""
    min_words: int = 5
    """Least words of an evaluation text that is matched as a whole paragraph."""

    def __post_init__(self) -> None:
        if not 1 <= self.min_words <= self.num_words:
            allowed = f"from 1 to contamination.num_words ({self.num_words})"
            raise UserError(f"contamination.min_words must be {allowed}, got {self.min_words}")


def evaluation_files(config: ContaminationConfig) -> list[Path]:
    """Return the files of all evaluation sets, those of a folder in alphabetical order."""
    found: list[Path] = []
    for path in map(Path, config.evaluation_sets):
        found += sorted(file for file in path.rglob("*") if file.is_file()) or [path]
    return found


def evaluation_texts(config: ContaminationConfig) -> Iterator[str]:
    """Yield the texts of all evaluation sets, files of a folder in alphabetical order."""
    for path in evaluation_files(config):
        yield from read_texts(path)


def read_texts(path: Path) -> Iterator[str]:
    """Yield every string of .json and .jsonl, every sentence of CoNLL or IOB2, else every field
    between tabs; plain, .gz or .xz. Anything else is a `UserError`.
    """
    try:
        text = _UNPACK.get(path.suffix, bytes)(path.read_bytes()).decode("utf-8-sig")
        if ".json" in path.suffixes:
            yield from _strings(json.loads(text))
        elif ".jsonl" in path.suffixes:
            yield from _strings([json.loads(line) for line in text.split("\n") if line.strip()])
        else:
            yield from _fields(text.split("\n"))
    except _DAMAGE as error:
        allowed = "give TSV, JSON, JSONL, CoNLL or lines in UTF-8, plain, .gz or .xz"
        raise UserError(f"cannot read the evaluation set {path} ({error}); {allowed}") from None


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value.encode("utf-8", "replace").decode("utf-8")
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _fields(lines: Sequence[str]) -> Iterator[str]:
    """Yield sentences where the lines are tokens with tags, else the fields that tabs divide."""
    tokens = [line.split() for line in lines if line.strip() and not line.startswith("# ")]
    tagged = sum(any(map(_TAG.fullmatch, fields[1:])) for fields in tokens[:1000])
    if not tagged > 0.9 * len(tokens[:1000]):
        yield from (field for line in lines for field in line.split("\t"))
        return
    for blank, rows in itertools.groupby(lines, lambda line: not line.strip()):
        found = [row.split() for row in rows if not (blank or row.startswith("# "))]
        # IOB2 numbers its tokens, WikiANN names the language before each.
        yield " ".join(_LANGUAGE.sub("", row[row[0].isdigit() and len(row) > 2]) for row in found)


def build(texts: Iterable[str], num_words: int = 13, min_words: int = 5) -> Hashes:
    """Return the fingerprints of evaluation texts, sorted."""
    lines = dict.fromkeys(line for text in texts for line in text.splitlines())
    frame = pl.DataFrame({"text": list(lines)}, schema={"text": pl.String})
    clean = frame.select(normalized(pl.col("text"))).to_series().to_list()
    keys = [_fingerprints(words, num_words, min_words)[0] for words in blocks(clean)]
    return np.unique(np.concatenate([np.empty(0, dtype=np.uint64), *keys]))


def contaminated(
    text: pl.Series, fingerprints: Hashes, num_words: int = 13, min_words: int = 5
) -> pl.Series:
    """Return "contaminated" or null for normalised paragraphs; build with the same numbers."""
    shift = np.uint64(64 - min(26, len(fingerprints).bit_length() + 4))
    known = np.zeros(1 << (64 - int(shift)), dtype=bool)
    known[fingerprints >> shift] = True
    found, row = np.zeros(len(text), dtype=bool), 0
    for words in blocks(text.to_list()):
        keys, texts = _fingerprints(words, num_words, min_words)
        likely = np.flatnonzero(known[keys >> shift])
        places = np.searchsorted(fingerprints, keys[likely]).clip(max=len(fingerprints) - 1)
        found[row + texts[likely[fingerprints[places] == keys[likely]]]] = True
        row += len(words.bounds) - 1
    return pl.select(reason=pl.when(pl.Series(found)).then(pl.lit("contaminated"))).to_series()


def save(path: Path, fingerprints: Hashes) -> None:
    """Write fingerprints as a file of NumPy's, whole or not at all."""
    packed = io.BytesIO()
    np.save(packed, fingerprints.astype("<u8"), allow_pickle=False)
    storage.write_bytes(path, packed.getvalue())


def load(path: Path) -> Hashes:
    """Return the fingerprints of a file, mapped into memory."""
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _fingerprints(words: Words, num_words: int, min_words: int) -> tuple[Hashes, Places]:
    """Return the hashes of all n-grams and of whole short texts, and which text each is from."""
    units, lengths = words.units(), np.diff(words.bounds)
    sizes = num_words * units
    last = (words.bounds[1:] - sizes)[words.texts]
    places = np.flatnonzero(np.arange(len(last)) <= last)
    short = np.flatnonzero((lengths < sizes) & (lengths >= min_words * units))
    texts, whole = words.texts[places], words.ngrams(words.bounds[short], lengths[short]) ^ _WHOLE
    return np.append(words.ngrams(places, sizes[texts]), whole), np.append(texts, short)
