r"""Where raw text comes from: `<path>/<source>/<language>.{txt,jsonl,parquet}[.gz|.xz|.zst]`, read
as a stream.

The folder names the source, the file's name up to its first dot the language: a key of the paper's
CC-100 table or any other made of letters, digits, "-" and "_". Text holds one paragraph a line, and
a blank line ends a document; a run of more than `MAX_PARAGRAPHS` lines without one is cut there.
JSONL and Parquet hold a column `text` (paragraphs end in "\n") and may hold `url` and `doc_id`.
What cannot be read is an error that names file and line. Left out here: WET, WARC, MediaWiki dumps.
"""

import contextlib
import gzip
import io
import json
import lzma
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import polars as pl
import zstandard

from xlmr_lab.errors import UserError

LAYOUT = "<source>/<language>.{txt,jsonl,parquet}[.gz|.xz|.zst]"

MAX_PARAGRAPHS = 100
"""Paragraphs of a document of plain text at most; the next one begins another document."""

ROWS_AT_ONCE = 1000
"""Rows of a Parquet file in memory at a time."""

BUFFER_BYTES = 1 << 20
"""Unpacked text that is read ahead."""

_NAME = re.compile(
    r"(?P<language>[A-Za-z0-9_-]+)\.(?P<form>txt|jsonl|parquet)(?:\.(?P<packing>gz|xz|zst))?"
)

_DAMAGE = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, zstandard.ZstdError)
"""What the decompressors raise for a broken file; a failing disk raises another `OSError`."""


class SourceFile(NamedTuple):
    """A file of raw text, the source it belongs to, and the language it claims to be in."""

    path: Path
    source: str
    language: str


class RawDocument(NamedTuple):
    """A document as it was read; its paragraphs are divided by line ends."""

    doc_id: str
    text: str
    url: str | None
    source: str
    language: str


def find(path: Path, languages: Sequence[str] = ()) -> list[SourceFile]:
    """Return the files of the languages in the order asked, each by source; no language stands for
    all found.

    Raises:
        UserError: no such folder, no file of a language, or two files for one source and language.
    """
    found = _found(path)
    known = sorted({file.language for file in found})
    missing = [language for language in languages if language not in known]
    if missing or not known:
        wanted = ", ".join(missing) or "any language"
        there = ", ".join(known) or "nothing of that form"
        raise UserError(
            f"no text of {wanted} in {path}; expected files {LAYOUT}, found languages: {there}"
        )
    if len(set(languages)) < len(languages):
        raise UserError(f"a language is named twice in {','.join(languages)}; name each once")
    return [file for key in languages or known for file in found if file.language == key]


def read(
    file: SourceFile, *, advance: Callable[[int], object] | None = None
) -> Iterator[RawDocument]:
    """Yield the documents of a file; `advance` is told the bytes of the file that were read since
    the last time.

    Raises:
        UserError: broken compression, not UTF-8, a NUL byte, broken JSON or Parquet, no text.
    """
    form = _match(file.path)["form"]
    with contextlib.ExitStack() as stack:
        raw = stack.enter_context(file.path.open("rb"))
        place = 0
        for document in _documents(file, raw, form):
            if advance is not None:
                advance(raw.tell() - place)
                place = raw.tell()
            yield document
        if advance is not None:
            advance(file.path.stat().st_size - place)


def _found(path: Path) -> list[SourceFile]:
    if not path.is_dir():
        raise UserError(f"no corpus at {path}; give a folder that holds files {LAYOUT}")
    found: dict[tuple[str, str], SourceFile] = {}
    for entry in sorted(path.glob("*/*")):
        match = _NAME.fullmatch(entry.name)
        if match and entry.is_file():
            file = SourceFile(entry, entry.parent.name, match["language"])
            other = found.setdefault((file.source, file.language), file)
            if other is not file:
                raise UserError(
                    f"two files of language {file.language!r} in one source: {other.path} and "
                    f"{entry}; keep one, or put them into two folders"
                )
    return list(found.values())


def _match(path: Path) -> re.Match[str]:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise UserError(f"cannot tell the format of {path}; name it {LAYOUT}")
    return match


def _documents(file: SourceFile, raw: BinaryIO, form: str) -> Iterator[RawDocument]:
    rows: Iterable[dict[str, Any]]
    if form == "txt":
        rows = ({"text": text} for text in _texts(file.path, raw))
    elif form == "jsonl":
        rows = _json_rows(file.path, raw)
    else:
        rows = _parquet_rows(file.path, raw)
    for number, row in enumerate(rows):
        doc_id = row.get("doc_id")
        yield RawDocument(
            doc_id=f"{file.source}/{file.language}/{number}" if doc_id is None else str(doc_id),
            text=row["text"],
            url=row.get("url"),
            source=file.source,
            language=file.language,
        )


def _texts(path: Path, raw: BinaryIO) -> Iterator[str]:
    """Yield the documents of plain text."""
    lines: list[bytes] = []
    for number, line in enumerate(_lines(path, raw), 1):
        blank = not line.strip()
        if not blank:
            lines.append(line)
        if lines and (blank or len(lines) == MAX_PARAGRAPHS):
            yield _decoded(path, lines, number - len(lines) - blank + 1)
            lines = []
    if lines:
        yield _decoded(path, lines, number - len(lines) + 1)


def _json_rows(path: Path, raw: BinaryIO) -> Iterator[dict[str, Any]]:
    """Yield the objects of JSON Lines that hold a text."""
    for number, line in enumerate(_lines(path, raw), 1):
        if not line.strip():
            continue
        text = _decoded(path, [line], number)
        try:
            row = json.loads(text)
        except json.JSONDecodeError as error:
            raise UserError(f"{path}, line {number:,}: not valid JSON ({error.msg})") from None
        if not isinstance(row, dict) or "text" not in row:
            raise UserError(
                f'{path}, line {number:,}: expected a JSON object with a "text", got {text[:60]!r}'
            )
        for name in ("text", "url"):
            if not isinstance(row.get(name), str | None):
                raise UserError(
                    f'{path}, line {number:,}: "{name}" must be a string, got {row[name]!r:.60}'
                )
        yield row | {"text": _encodable(row["text"] or "")}


def _parquet_rows(path: Path, raw: BinaryIO) -> Iterator[dict[str, Any]]:
    """Yield the rows of a Parquet file; a packed one is unpacked in memory."""
    packing = _match(path)["packing"]
    source = io.BytesIO(b"".join(_lines(path, raw))) if packing else path
    try:
        table = pl.scan_parquet(source)
        schema = table.collect_schema()
        if schema.get("text") != pl.String:
            raise UserError(
                f'{path} must have a column "text" of strings; its columns: {", ".join(schema)}'
            )
        wanted = [name for name in ("text", "url", "doc_id") if name in schema]
        strings = table.select(pl.col(wanted).cast(pl.String)).with_columns(
            pl.col("text").fill_null("")
        )
        for batch in strings.collect_batches(chunk_size=ROWS_AT_ONCE, maintain_order=True):
            yield from batch.iter_rows(named=True)
    except pl.exceptions.PolarsError as error:
        first = str(error).partition("\n")[0]
        raise UserError(f"{path} is not a Parquet file that can be read ({first})") from None


def _lines(path: Path, raw: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file, unpacked; broken packing is an error that says where."""
    number = 0
    try:
        for number, line in enumerate(_unpacked(path, raw), 1):  # noqa: B007
            yield line
    except _DAMAGE as error:
        raise UserError(
            f"{path} is damaged after line {number:,} ({error}); fetch or pack it again"
        ) from None


def _unpacked(path: Path, raw: BinaryIO) -> Iterable[bytes]:
    packing = _match(path)["packing"]
    if packing == "gz":
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), BUFFER_BYTES)
    if packing == "xz":
        return io.BufferedReader(lzma.LZMAFile(raw), BUFFER_BYTES)
    if packing == "zst":
        return io.BufferedReader(_ZstdFile(raw), BUFFER_BYTES)
    return raw


class _ZstdFile(io.RawIOBase):
    """A zstd stream of one or more frames; unlike the library's reader it refuses one that was cut
    off.
    """

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._begun = False
        self._rest = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            packed = self._rest or self._raw.read(1 << 17)
            if not packed:
                if self._begun:
                    raise EOFError("the file ended inside a zstd frame")
                return 0
            self._ready = memoryview(self._frame.decompress(packed))
            self._begun, self._rest = not self._frame.eof, self._frame.unused_data
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size


def _decoded(path: Path, lines: list[bytes], first: int) -> str:
    """Decode lines, the first of which has the number `first` in its file."""
    data = b"".join(lines)
    try:
        if b"\0" not in data:
            return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    for number, line in enumerate(lines, first):
        try:
            if "\0" in line.decode("utf-8"):
                raise UserError(f"{path}, line {number:,}: a NUL byte, so this is no text file")
        except UnicodeDecodeError as error:
            raise UserError(
                f"{path}, line {number:,}: not UTF-8 (byte {line[error.start]:#04x} at column "
                f"{error.start + 1:,}); convert it to UTF-8, or leave the file out"
            ) from None
    raise AssertionError("lines that decode one by one decode together")


def _encodable(text: str) -> str:
    r"""Replace lone surrogates, which JSON can spell ("\ud800") and UTF-8 cannot, by REPLACEMENT
    CHARACTER.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
