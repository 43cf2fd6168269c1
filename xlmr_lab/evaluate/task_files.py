"""Task files: sentence pairs with labels, and tagged words, one file per split and language.

A task is a folder of `{train,dev,test}-<language>.tsv`, plain or compressed (.gz, .xz, .zst).
Machine-translated sets stand beside: `train.translated-sw.tsv` is the training set put into Swahili
(translate-train), `test.translated-from-sw.tsv` Swahili's test set put into the training language
(translate-test). Of NLI there are mixed test sets too: `test.switched-en-hi.tsv` has the grammar of
English and words of both, `test.crossed-en-hi.tsv` English premises with Hindi hypotheses; the
second language begins at the hyphen before a small letter (`en-zh-Hans`). NLI has a line `premise
TAB hypothesis TAB label`; NER a line `token TAB tag` for each word, IOB2, with a blank line between
sentences. WikiANN as XTREME prepares it writes `lang:token`: the prefix is taken off only in a file
where every token has it, so that a token may hold a colon. Reading is strict: what is not
well-formed is an error with file and line, because a task read wrongly still gives a number. Left
out: quoting, headers, CoNLL's other columns.
"""

import codecs
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import zstandard

from xlmr_lab.errors import UserError

ScoredSplit = Literal["dev", "test"]
Split = Literal["train"] | ScoredSplit
Form = Literal["", "translated", "translated-from", "switched", "crossed"]
"""A set as it was made; machine-translated into its language; or out of it, into the training
language; or in two languages, mixed within sentences or a sentence in each."""
SUFFIXES = ("", ".gz", ".xz", ".zst")
NLI_LABELS = ("entailment", "neutral", "contradiction")
"""The classes of XNLI in the order of their ids."""
IMPLIED_SCRIPTS = {"zh": "zh-Hans"}
"""What an ISO 639 code alone means, of the languages that have two keys (CLDR, likely subtags)."""
SYNONYMS = {"contradictory": "contradiction"}
"""How XNLI's machine-translated training files name a class."""


class Pairs(NamedTuple):
    """Sentence pairs of one file, with the label of each as an index into `NLI_LABELS`."""

    premises: list[str]
    hypotheses: list[str]
    labels: list[int]


class TaggedSentences(NamedTuple):
    """Sentences of one file as words, with the IOB2 tag of each word."""

    words: list[list[str]]
    tags: list[list[str]]
    documents: Sequence[int] = ()
    """Which document each sentence is of, by number; empty where the file does not tell."""


def iso_part(language: str) -> str:
    """Return the ISO 639 code of a language key.

    >>> iso_part("zh-Hans"), iso_part("sw")
    ('zh', 'sw')
    """
    return language.partition("-")[0]


def languages_of(key: str) -> tuple[str, ...]:
    """Return the languages of a set, by the key that its file is named by: one, or those of a mixed
    set in order.

    >>> languages_of("sw"), languages_of("zh-Hans"), languages_of("zh-Hans-sw")
    (('sw',), ('zh-Hans',), ('zh-Hans', 'sw'))
    """
    return tuple(re.split("-(?=[a-z])", key))


def read_nli(path: Path) -> Pairs:
    """Read a file of sentence pairs.

    Raises:
        UserError: a line without three columns or with another label, or a file without a pair.
    """
    pairs = Pairs([], [], [])
    for number, line in lines(path):
        if not line.strip():
            continue
        columns = [column.strip() for column in line.split("\t")]
        problem = _nli_problem(columns)
        if problem:
            raise UserError(f"{path}, line {number}: {problem}")
        premise, hypothesis, label = columns
        pairs.premises.append(premise)
        pairs.hypotheses.append(hypothesis)
        pairs.labels.append(NLI_LABELS.index(SYNONYMS.get(label, label)))
    if not pairs.labels:
        raise UserError(f"{path} is empty: expected lines premise TAB hypothesis TAB label")
    return pairs


def read_ner(path: Path, language: str, kinds: Collection[str] | None = None) -> TaggedSentences:
    """Read a file of tagged words; `kinds`, if given, are the only entity types allowed.

    Raises:
        UserError: a line without two columns, an empty token, a tag that is not IOB2, an entity
            type that is not in `kinds`, or a file without a word.
    """
    sentences = TaggedSentences([], [])
    words: list[str] = []
    tags: list[str] = []
    for number, line in lines(path):
        if line.strip():
            word, tag = _word_and_tag(
                line, tags[-1] if tags else "O", kinds, f"{path}, line {number}"
            )
            words.append(word)
            tags.append(tag)
        elif words:
            sentences.words.append(words)
            sentences.tags.append(tags)
            words, tags = [], []
    if words:
        sentences.words.append(words)
        sentences.tags.append(tags)
    if not sentences.words:
        raise UserError(f"{path} is empty: expected lines token TAB tag")
    return TaggedSentences(_without_prefix(sentences.words, language), sentences.tags)


def _nli_problem(columns: list[str]) -> str | None:
    """Say what is wrong with one line of a file of pairs, if anything."""
    allowed = ", ".join(NLI_LABELS)
    if len(columns) == 2 or (len(columns) == 3 and not columns[2]):
        return f"the label is missing: expected premise TAB hypothesis TAB label ({allowed})"
    if len(columns) != 3:
        return f"expected premise TAB hypothesis TAB label, got {len(columns)} columns"
    if _is_label(columns[2]):
        return None if columns[0] and columns[1] else "the premise or the hypothesis is empty"
    swapped = [number for number in (1, 2) if _is_label(columns[number - 1])]
    if swapped:
        return (
            f"the label is in column {swapped[0]}, expected in column 3: are the columns swapped?"
        )
    return f"unknown label {columns[2][:40]!r}: expected {allowed}"


def _is_label(text: str) -> bool:
    return SYNONYMS.get(text, text) in NLI_LABELS


def _word_and_tag(
    line: str, previous: str, kinds: Collection[str] | None, where: str
) -> tuple[str, str]:
    word, *rest = line.split("\t")
    if len(rest) != 1 or not rest[0].strip():
        columns = len(rest) + 1
        problem = "the tag is missing" if columns < 3 else f"got {columns} columns"
        raise UserError(f"{where}: {problem}, expected token TAB tag, got {line[:40]!r}")
    tag = rest[0].strip()
    if _is_tag(word) and not _is_tag(tag):
        raise UserError(
            f"{where}: tag {tag[:40]!r} must be O, B-TYPE or I-TYPE: are the columns swapped?"
        )
    check_tag(tag, previous, kinds, where)
    if not word:
        raise UserError(f"{where}: the token is empty, expected token TAB tag")
    return word, tag


def check_tag(tag: str, previous: str | None, kinds: Collection[str] | None, where: str) -> None:
    """Refuse what is no tag, or of no allowed type, or in IOB2 may not follow the tag before it;
    with None before it, an entity may begin with I-.

    Raises:
        UserError: it is so.
    """
    if not _is_tag(tag):
        raise UserError(f"{where}: tag {tag[:40]!r} must be O, B-TYPE or I-TYPE")
    if tag[0] == "I" and previous is not None and previous[1:] != tag[1:]:
        raise UserError(
            f"{where}: tag {tag!r} follows {previous!r}: in IOB2 an entity begins with B-"
        )
    kind = tag[2:]
    if kinds is not None and kind and kind not in kinds:
        raise UserError(
            f"{where}: entity type {kind!r} is not in the training file, which has "
            f"{', '.join(sorted(kinds)) or 'none'}"
        )


def _is_tag(text: str) -> bool:
    return text == "O" or (text[:2] in ("B-", "I-") and len(text) > 2)


def _without_prefix(sentences: list[list[str]], language: str) -> list[list[str]]:
    """Take the prefix `lang:` off all tokens of a file, if all have it."""
    for prefix in dict.fromkeys((f"{language}:", f"{iso_part(language)}:")):
        if all(word.startswith(prefix) for words in sentences for word in words):
            return [[word[len(prefix) :] for word in words] for words in sentences]
    return sentences


def lines(path: Path, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    """Yield numbered lines; only line feeds end them, not U+2028 or U+0085 inside a sentence.

    Raises:
        UserError: the file is not whole, or not in its encoding.
    """
    for number, line in enumerate(io.BytesIO(content(path).removeprefix(codecs.BOM_UTF8)), 1):
        try:
            yield number, line.removesuffix(b"\n").decode(encoding).removesuffix("\r")
        except UnicodeDecodeError:
            raise UserError(f"{path}, line {number} is not {encoding.upper()} text") from None


def content(path: Path) -> bytes:
    """Return what a file holds, unpacked by its suffix.

    Raises:
        UserError: it is not whole.
    """
    data = path.read_bytes()
    try:
        match path.suffix:
            case ".gz":
                return gzip.decompress(data)
            case ".xz":
                return lzma.decompress(data)
            case ".zst":
                return _zstd_decompress(data)
            case _:
                return data
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError) as error:
        raise UserError(
            f"{path} is no whole {path.suffix} file ({error}); fetch it again"
        ) from None


def _zstd_decompress(data: bytes) -> bytes:
    """Decompress all frames; zstandard's own readers pass over a last one that is cut short."""
    parts = []
    while data:
        frame = zstandard.ZstdDecompressor().decompressobj()
        parts.append(frame.decompress(data))
        if not frame.eof:
            raise EOFError("compressed data ended before the end of the frame")
        data = frame.unused_data
    return b"".join(parts)
