r"""Plain text, JSON Lines and Parquet, read as a stream of rows.

Text holds one paragraph a line, and a blank line ends a document; a run of more than
`MAX_PARAGRAPHS` lines without one is cut there. JSONL and Parquet hold a column `text` (paragraphs
end in "\n") and may hold `url` and `doc_id`. These files are the user's own, so what cannot be read
is an error that names file and line, never a count.
"""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from xlmr_lab.corpus.packing import sniff, unpacked
from xlmr_lab.corpus.remote import is_remote
from xlmr_lab.corpus.unreadable import PackingError
from xlmr_lab.errors import UserError

MAX_PARAGRAPHS = 100
"""Paragraphs of a document of plain text at most; the next one begins another document."""

_ALLOWED = {"text": str | None, "url": str | None, "doc_id": str | int | float | None}
"""What the fields of a JSON object may be; a `doc_id` that is a number is written as it is."""

SNIFFED_BYTES = 8
"""Bytes that tell how a file is packed."""

ROWS_AT_ONCE = 1000
"""Rows of a Parquet file in memory at a time."""


def text_rows(place: str, raw: BinaryIO, packing: str | None) -> Iterator[dict[str, Any]]:
    """Yield the documents of plain text.

    Raises:
        UserError: broken packing, not UTF-8, a NUL byte.
    """
    lines: list[bytes] = []
    for number, line in enumerate(_lines(place, raw, packing), 1):
        blank = not line.strip()
        if not blank:
            lines.append(line)
        if lines and (blank or len(lines) == MAX_PARAGRAPHS):
            yield {"text": _decoded(place, lines, number - len(lines) - blank + 1)}
            lines = []
    if lines:
        yield {"text": _decoded(place, lines, number - len(lines) + 1)}


def aligned_lines(path: Path) -> list[str]:
    """Return the lines of a text, plain or packed, blank ones too, as they are aligned with those
    of another.

    Raises:
        UserError: broken packing, not UTF-8, a NUL byte.
    """
    return list(iterate_lines(path))


def iterate_lines(path: Path) -> Iterator[str]:
    """Yield the same lines one by one."""
    with path.open("rb") as raw:
        packing = sniff(raw.read(SNIFFED_BYTES))
        raw.seek(0)
        for number, line in enumerate(_lines(str(path), raw, packing), 1):
            yield _decoded(str(path), [line], number).rstrip("\r\n")


def json_rows(place: str, raw: BinaryIO, packing: str | None) -> Iterator[dict[str, Any]]:
    """Yield the objects of JSON Lines that hold a text.

    Raises:
        UserError: broken packing, not UTF-8, broken JSON, no text, a field that is no string.
    """
    for number, line in enumerate(_lines(place, raw, packing), 1):
        if not line.strip():
            continue
        text = _decoded(place, [line], number)
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{place}, line {number:,}: not valid JSON ({_fault(error)})") from None
        if not isinstance(row, dict) or "text" not in row:
            raise UserError(
                f'{place}, line {number:,}: expected a JSON object with a "text", got {text[:60]!r}'
            )
        for name, allowed in _ALLOWED.items():
            value = row.get(name)
            if not isinstance(value, allowed):
                got = f"{value!r:.60}" if isinstance(value, int | float) else type(value).__name__
                raise UserError(f'{place}, line {number:,}: "{name}" must be a string, got {got}')
            if isinstance(value, str):
                row[name] = _encodable(value)
        yield row | {"text": row["text"] or ""}


def _fault(error: ValueError | RecursionError) -> str:
    """Return what is wrong with a line that the JSON parser refuses."""
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    deep = isinstance(error, RecursionError)
    return "nested too deeply" if deep else "a number of too many digits"


def packed_parquet_rows(place: str, raw: BinaryIO, packing: str | None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a Parquet file that is packed once more; it is unpacked in memory.

    Raises:
        UserError: broken packing, not Parquet, no text.
    """
    return parquet_rows(place, io.BytesIO(b"".join(_lines(place, raw, packing))))


def parquet_rows(place: str, source: str | Path | io.BytesIO) -> Iterator[dict[str, Any]]:
    """Yield the rows of a Parquet file: a path, or what Polars can scan from afar (`hf://`, s3).

    Raises:
        UserError: not Parquet, no text, out of reach.
    """
    try:
        # a path may hold "[" or "*"; from afar they are a pattern
        table = pl.scan_parquet(source, glob=is_remote(place))
        schema = table.collect_schema()
        if schema.get("text") != pl.String:
            raise UserError(
                f'{place} must have a column "text" of strings; its columns: {", ".join(schema)}'
            )
        wanted = [name for name in ("text", "url", "doc_id") if name in schema]
        strings = table.select(pl.col(wanted).cast(pl.String)).with_columns(
            pl.col("text").fill_null("")
        )
        for batch in strings.collect_batches(chunk_size=ROWS_AT_ONCE, maintain_order=True):
            yield from batch.iter_rows(named=True)
    except (pl.exceptions.PolarsError, OSError) as error:
        first = str(error).partition("\n")[0]
        raise UserError(f"{place} is not a Parquet file that can be read ({first})") from None


def _lines(place: str, raw: BinaryIO, packing: str | None) -> Iterator[bytes]:
    """Yield the lines of a file, unpacked; broken packing is an error that says where."""
    number = 0
    try:
        for number, line in enumerate(unpacked(raw, packing), 1):  # noqa: B007
            yield line
    except PackingError as error:
        raise UserError(
            f"{place} is damaged after line {number:,} ({error.detail}); fetch or pack it again"
        ) from None


def _decoded(place: str, lines: list[bytes], first: int) -> str:
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
                raise UserError(f"{place}, line {number:,}: a NUL byte, so this is no text file")
        except UnicodeDecodeError as error:
            raise UserError(
                f"{place}, line {number:,}: not UTF-8 (byte {line[error.start]:#04x} at column "
                f"{error.start + 1:,}); convert it, as `iconv -f windows-1252 -t utf-8` does with "
                "Western text, or leave the file out"
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
