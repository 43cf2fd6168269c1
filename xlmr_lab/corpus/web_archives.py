"""Web archives, record by record: WARC and WET as Common Crawl publishes them, and the older ARC.

A WET file's text records are documents as they are; a WARC's responses and resources, and an ARC's
pages, become text by `web_pages`. Requests, metadata and revisits hold no page and are passed over.
Every other record gives a document or the count of a reason. A record whose length is wrong ends
where the next one begins; behind what cannot be read the next record's header is looked for, so
that damage costs the record it hits. The framing is our own: FastWARC is faster, but it ends for
good at a broken gzip member, gives a record that was cut off as a whole one, and knows no ARC.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from xlmr_lab.corpus import web_pages
from xlmr_lab.corpus.packing import MAX_RECORD_BYTES, Window
from xlmr_lab.corpus.unreadable import Count, PackingError, Reason, UnreadableError

MAX_HEADER_BYTES = 1 << 16
"""The longest header of a record that is looked for (bytes)."""

LOOK_AHEAD_BYTES = 1 << 20
"""How far behind the promised end of a record the next one is looked for (bytes)."""

MAX_LENGTH_DIGITS = 20
"""Digits of a record's length at most; more of them are no length."""

_WARC = re.compile(rb"WARC/[01]\.\d+[ \t]*\r?\n")
_ARC = re.compile(
    rb"(?P<url>(?:https?|ftp|gopher|dns|filedesc|warcinfo|metadata|urn|whois):[^\r\n]{0,8192}) "
    rb"(?P<ip>[0-9A-Fa-f.:]+) (?P<date>\d{8,20}) (?P<type>[^ \r\n]*) (?P<length>-?\w+)\r?\n"
)
_START = re.compile(b"%b|(?m:^)%b" % (_WARC.pattern, _ARC.pattern))
"""Where a record may begin. An ARC's header begins a line: the time of a search is then linear."""
_FIELD = re.compile(
    r"\n(WARC-Type|WARC-Target-URI|WARC-Record-ID|Content-Type|Content-Length)[ \t]*:([^\r\n]*)",
    re.IGNORECASE,
)
_HEADER_END = re.compile(rb"\n\r?\n")
_SHORTEST = 64
"""Bytes that the header of a record has at least."""
_BLANK = re.compile(rb"[\r\n]+")


class Record(NamedTuple):
    """A record of an archive: its kind, where its page was, what its bytes are."""

    kind: str
    """Type of a WARC record; `arc` for a page of an ARC file, `about` for what it says of itself.
    """
    url: str | None
    record_id: str | None
    content_type: str
    block: bytes
    offset: int
    """Where it begins in the unpacked archive (bytes)."""


class Page(NamedTuple):
    """The text of a record."""

    page_id: str
    """The record's own identifier, else the archive's name and the place in it."""
    text: str
    url: str | None


def pages(
    stream: BinaryIO, count: Count, *, name: str = "", main_content: bool = False
) -> Iterator[Page]:
    """Yield the pages of an unpacked archive, and count the records that give none."""
    for record in records(stream, count):
        try:
            text = _text(record, main_content)
        except UnreadableError as error:
            count(error.reason)
            continue
        if text is not None:
            yield Page(record.record_id or f"{name}/{record.offset}", text, record.url)


def records(stream: BinaryIO, count: Count) -> Iterator[Record]:
    """Yield the records of an archive, and count those that are broken."""
    window = Window(stream)
    lost = False
    while True:
        try:
            if lost and not window.seek(_START, MAX_HEADER_BYTES):
                return
            lost = False
            record = _next(window)
        except UnreadableError as error:
            count(error.reason)
            lost = True
            if isinstance(error, PackingError):
                window.clear()
            else:
                window.advance(1)
            continue
        if record is None:
            return
        yield record


def _next(window: Window) -> Record | None:
    """Return the record that begins here, None at the end, and move behind it."""
    while blank := _at_start(_BLANK, window):
        window.advance(len(blank[0]))
    if not window.fill(1):
        window.check()
        return None
    if _at_start(_WARC, window):
        return _warc_record(window)
    if header := _at_start(_ARC, window, MAX_HEADER_BYTES):
        return _arc_record(window, header)
    reason: Reason = "broken_record" if window.fill(_SHORTEST) >= _SHORTEST else "truncated"
    raise UnreadableError(reason, "no header of a record")


def _at_start(
    pattern: re.Pattern[bytes], window: Window, size: int = _SHORTEST
) -> re.Match[bytes] | None:
    """Match the bytes right here, of which there may be fewer than `size`."""
    window.fill(size)
    return pattern.match(window.peek(0, size))


def _warc_record(window: Window) -> Record:
    end = _header_end(window)
    fields: dict[str, str] = {}
    for name, value in _FIELD.findall(window.peek(0, end).decode("utf-8", "replace")):
        fields.setdefault(name.lower(), value.strip())
    offset = window.offset
    block = _block(window, end, fields.get("content-length", ""), b"\r\n\r\n")
    return Record(
        kind=fields.get("warc-type", "").lower(),
        url=fields.get("warc-target-uri", "").strip("<>") or None,
        record_id=fields.get("warc-record-id", "").strip("<>").removeprefix("urn:uuid:") or None,
        content_type=fields.get("content-type", ""),
        block=block,
        offset=offset,
    )


def _header_end(window: Window) -> int:
    """Return the length of a WARC record's header with the empty line behind it."""
    size = 4096
    while True:
        there = window.fill(size)
        match = window.find(_HEADER_END)
        if match is not None:
            return match[1]
        if there < size:
            window.check()
            raise UnreadableError("truncated", "the end is in a header")
        if size >= MAX_HEADER_BYTES:
            raise UnreadableError("broken_record", "a header without end")
        size *= 4


def _arc_record(window: Window, header: re.Match[bytes]) -> Record:
    """Return a record of version 1: one line of header, a line feed behind the block."""
    offset = window.offset
    url = header["url"].decode("utf-8", "replace")
    if url.startswith("filedesc:"):
        kind, length = "about", header["length"].replace(b"-1", b"0")
    else:
        kind, length = "arc", header["length"]
    block = _block(window, header.end(), length.decode("latin-1"), b"\n")
    if kind == "about" and length == b"0":
        window.seek(_START, MAX_HEADER_BYTES)
    content_type = header["type"].decode("latin-1")
    return Record(kind, url, None, content_type, block, offset)


def _block(window: Window, start: int, length: str, trailer: bytes) -> bytes:
    """Return the block of a record whose header ends at `start`, and move behind it.

    Where something else than `trailer` follows it, the length is wrong, and the block ends where
    the next record begins.
    """
    if not (length.isascii() and length.isdigit() and len(length) <= MAX_LENGTH_DIGITS):
        raise UnreadableError("broken_record", f"length {length[:40]!r}")
    end = start + int(length)
    if end - start > MAX_RECORD_BYTES:
        raise UnreadableError("too_large", length)
    there = window.fill(end + len(trailer))
    behind = window.peek(end, end + len(trailer))
    if there >= end and not behind.strip(b"\r\n") and behind[-1:] in (b"\n", b""):
        block = window.peek(start, end)
        window.advance(end + len(behind))
        return block
    if there >= end:
        there = window.fill(end + LOOK_AHEAD_BYTES)
    match = window.find(_START, start)
    if match is not None:
        block = window.peek(start, match[0])
        window.advance(match[0])
        return block.removesuffix(trailer)
    if there < end:
        window.check()
        raise UnreadableError("truncated", f"{there - start} of {length} bytes")
    block = window.peek(start, end)
    window.advance(end)
    return block


def _text(record: Record, main_content: bool) -> str | None:
    """Return a record's text, None where it is of a kind that holds no page."""
    if record.kind == "conversion":
        text = record.block.decode("utf-8", "replace")
        if not text.strip():
            raise UnreadableError("no_text")
        return text
    if record.kind in ("continuation", ""):
        raise UnreadableError("broken_record", "a part of a record")
    if record.kind not in ("response", "resource", "arc"):
        return None
    if (record.url or "").startswith(("metadata:", "dns:", "whois:")):
        raise UnreadableError("not_html_or_text", record.content_type)
    is_answer = record.kind == "response" or record.block.startswith(b"HTTP/")
    if is_answer:
        return web_pages.answer_text(record.block, main_content=main_content)
    return web_pages.page_text(record.block, record.content_type, main_content=main_content)
