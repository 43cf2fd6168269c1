"""Language models of others: ARPA files, read into a `LanguageModel`, and KenLM's binaries, through
its own package.

An ARPA file is the text form of a back-off model that KenLM, SRILM and others write, plain or
packed with gzip. Its header's counts are held against what follows, and what cannot be right is an
error that names the line. As in KenLM, the first n - 1 words of every n-gram must be an n-gram
themselves, and where the file has no `<unk>` an unknown word gets `LOG10_UNKNOWN`.
"""

import gzip
import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from xlmr_lab.corpus.language_model import Ids, LanguageModel, Table, Vocabulary, unigram_slots
from xlmr_lab.errors import UserError

BOS, EOS, UNKNOWN = "<s>", "</s>", "<unk>"

LOG10_UNKNOWN = -100.0
"""The log-probability of an unknown word where the file gives none; KenLM's."""

LINES_AT_ONCE = 100_000
"""Lines that are taken apart together."""

Fields = Sequence[list[bytes]]
Score = Callable[[Ids, Ids], npt.NDArray[np.float64]]


def read(path: Path) -> tuple[LanguageModel, list[str]]:
    """Return the model of a file, and its words by id.

    Raises:
        UserError: no such file, a damaged one, or no ARPA model.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return _model(_Lines(path, file))
    except FileNotFoundError:
        raise UserError(f"no ARPA file at {path}") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path} is damaged ({error}); fetch or pack it again") from None


def scorer(path: Path, pieces: Sequence[str]) -> Score:
    """Return the function that scores texts, given as ids of `pieces`, under an ARPA file or a
    KenLM binary (any other name).

    Raises:
        UserError: a file that cannot be used, or a binary without the package `kenlm`.
    """
    if path.suffix not in (".arpa", ".gz"):
        return _kenlm_scorer(path, pieces)
    model, words = read(path)
    places = {word: place for place, word in enumerate(words)}
    ids_of = np.array([places.get(piece, places[UNKNOWN]) for piece in pieces], dtype=np.int64)
    return lambda ids, lengths: model.score(ids_of[ids], lengths)


def _kenlm_scorer(path: Path, pieces: Sequence[str]) -> Score:
    try:
        import kenlm
    except ImportError:
        raise UserError(
            f"{path} needs the package kenlm (pip install kenlm); or give the model as .arpa"
        ) from None
    try:
        model = kenlm.Model(str(path))
    except OSError as error:
        raise UserError(f"{path} is no model that KenLM can read ({error})") from None

    def score(ids: Ids, lengths: Ids) -> npt.NDArray[np.float64]:
        names = iter([pieces[i] for i in ids.tolist()])
        texts = (" ".join(itertools.islice(names, length)) for length in lengths.tolist())
        return np.array([model.score(text) for text in texts], dtype=np.float64)

    return score


class _Lines:
    """The lines of a file and the number of the last one, for errors."""

    def __init__(self, path: Path, lines: Iterable[bytes]) -> None:
        self._path = path
        self._lines = iter(lines)
        self.number = 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self.number += 1
            yield line.strip()

    def take(self, count: int) -> list[bytes]:
        """Return the next lines, as many as there are of `count`."""
        taken = list(itertools.islice(self._lines, count))
        self.number += len(taken)
        return taken

    def expect(self, wanted: bytes) -> None:
        """Go past blank lines and the one that is wanted."""
        found = next((line for line in self if line), b"the end of the file")
        if found != wanted:
            self.fail(f"expected {_shown(wanted)}, got {_shown(found)}")

    def fail(self, problem: str, number: int = 0) -> NoReturn:
        raise UserError(f"{self._path}, line {number or self.number:,}: {problem}")


def _model(lines: _Lines) -> tuple[LanguageModel, list[str]]:
    counts = _counts(lines)
    words: dict[bytes, int] = {}
    unigrams = np.zeros((2, 0))
    tables: list[Table] = []
    for order, count in enumerate(counts, 1):
        lines.expect(b"\\%d-grams:" % order)
        logs, ids = [np.zeros((0, 2))], [np.zeros((0, order), dtype=np.int64)]
        for fields in _fields(lines, order, count):
            logs.append(_logs(lines, fields, order))
            ids.append(_ids(lines, fields, order, words))
        if order == 1:
            if UNKNOWN.encode() not in words:
                words[UNKNOWN.encode()] = len(words)
                logs.append(np.array([[LOG10_UNKNOWN, 0]]))
            unigrams = np.concatenate(logs)
        else:
            whole = np.concatenate(ids), np.concatenate(logs)
            tables.append(_table(lines, tables, *whole, len(words)))
    lines.expect(b"\\end\\")
    for word in (BOS, EOS):
        if word.encode() not in words:
            lines.fail(f"the file has no word {word}, so it is no model of whole texts")
    vocabulary = Vocabulary(len(words), words[BOS.encode()], words[EOS.encode()])
    names = [word.decode("utf-8", errors="replace") for word in words]
    return LanguageModel(vocabulary, unigram_slots(*unigrams.T), tables), names


def _counts(lines: _Lines) -> list[int]:
    """Read the header: how many n-grams there are of each order."""
    if not any(line == b"\\data\\" for line in lines):
        lines.fail("no line \\data\\, so this is no ARPA file")
    counts: list[int] = []
    for line in lines:
        if not line:
            break
        name, _, count = line.partition(b"=")
        wanted = b"ngram %d" % (len(counts) + 1)
        if name.split() != wanted.split() or not count.strip().isdigit():
            lines.fail(f"expected {wanted.decode()}=<count>, got {_shown(line)}")
        counts.append(int(count))
    if not counts:
        lines.fail("the header counts no n-grams")
    return counts


def _fields(lines: _Lines, order: int, count: int) -> Iterator[Fields]:
    """Yield the fields of all lines of one order, many lines at a time."""
    for start in range(0, count, LINES_AT_ONCE):
        wanted = min(count - start, LINES_AT_ONCE)
        first = lines.number + 1
        taken = lines.take(wanted)
        fields = list(map(bytes.split, taken))
        for place, length in enumerate(map(len, fields)):
            if not order < length <= order + 2:
                found = f"{_shown(taken[place].strip())} after {start + place:,}"
                lines.fail(f"expected {count:,} {order}-grams, got {found}", first + place)
        if len(fields) < wanted:
            lines.fail(f"the file ends after {start + len(fields):,} of {count:,} {order}-grams")
        yield fields


def _logs(lines: _Lines, fields: Fields, order: int) -> npt.NDArray[np.float64]:
    """Return the log-probability and back-off of each n-gram; a back-off that is not there is
    zero.
    """
    pairs = [(entry[0], entry[-1] if len(entry) > order + 1 else b"0") for entry in fields]
    try:
        logs = np.array(pairs).astype(np.float64).reshape(-1, 2)
    except ValueError:
        logs = np.array([[_number(text) for text in pair] for pair in pairs])
    wrong = np.flatnonzero(~(logs[:, 0] <= 0) | ~(logs[:, 1] < np.inf))
    if len(wrong):
        number = lines.number - len(fields) + 1 + int(wrong[0])
        found = _shown(b" ".join(fields[wrong[0]]))
        lines.fail(f"a log-probability must be a number not above 0, got {found}", number)
    return logs


def _number(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _ids(
    lines: _Lines, fields: Fields, order: int, words: dict[bytes, int]
) -> npt.NDArray[np.int64]:
    """Return the ids of each n-gram's words; unigrams are given the next ones."""
    first = lines.number - len(fields) + 1
    if order == 1:
        for number, entry in enumerate(fields, first):
            if entry[1] in words:
                lines.fail(f"the word {_shown(entry[1])} is there twice", number)
            words[entry[1]] = len(words)
    flat = [words.get(word, -1) for entry in fields for word in entry[1 : order + 1]]
    ids = np.array(flat, dtype=np.int64).reshape(-1, order)
    unknown = np.argwhere(ids < 0)
    if len(unknown):
        row, place = unknown[0]
        word = _shown(fields[row][place + 1])
        lines.fail(f"the word {word} is not among the 1-grams", first + int(row))
    return ids


def _table(
    lines: _Lines, tables: Sequence[Table], ids: npt.NDArray[np.int64], logs: Any, size: int
) -> Table:
    """Return the table of the order above those that there are."""
    contexts, words = ids[:, 0], ids[:, -1]
    for table, column in zip(tables, ids.T[1:-1], strict=True):
        contexts = table.find(contexts, column)
    first = lines.number - len(ids) + 1
    if (contexts < 0).any():
        row = int(np.argmax(contexts < 0))
        lines.fail("the first words of this n-gram are no n-gram of the file", first + row)
    keys = contexts * size + words
    seen = np.unique(keys, return_index=True)[1]
    if len(seen) < len(keys):
        row = int(np.delete(np.arange(len(keys)), seen)[0])
        lines.fail("this n-gram is there twice", first + row)
    probability, backoff = logs.T
    return Table.build(contexts, words, size, log10_probability=probability, log10_backoff=backoff)


def _shown(line: bytes) -> str:
    text = line.decode("utf-8", errors="replace")
    return repr(text if len(text) <= 60 else f"{text[:60]}...")
