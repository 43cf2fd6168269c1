"""Babel's web pages as crawls publish them: WET and WARC files, in which no record says what
language it is in.

A record is a gzip member of its own, as in Common Crawl's files; times are zero, so the bytes
depend on the pages alone. A WARC record holds the page as HTML, a paragraph an element.
"""

import hashlib
import html
import uuid
import zlib
from collections.abc import Iterable

from xlmr_lab.babel.pages import Page

DATE = "2019-11-05T00:00:00Z"
"""The day of the paper (arXiv 1911.02116)."""


def wet(pages: Iterable[Page]) -> bytes:
    """Return pages as a .warc.wet.gz file."""
    return b"".join([_member(_info("wet")), *(_member(_conversion(page)) for page in pages)])


def warc(pages: Iterable[Page]) -> bytes:
    """Return pages as a .warc.gz file."""
    return b"".join([_member(_info("warc")), *(_member(_response(page)) for page in pages)])


def _conversion(page: Page) -> bytes:
    body = page.text.encode("utf-8")
    return _record("conversion", page.doc_id, page.url, "text/plain", body)


def _response(page: Page) -> bytes:
    paragraphs = "\n".join(f"<p>{html.escape(line)}</p>" for line in page.text.split("\n"))
    document = (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{page.doc_id}</title></head>'
        f"<body>\n{paragraphs}\n</body></html>\n"
    ).encode()
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(document)}\r\n\r\n"
    ).encode()
    kind = "application/http; msgtype=response"
    return _record("response", page.doc_id, page.url, kind, head + document)


def _info(name: str) -> bytes:
    return _record("warcinfo", name, "", "application/warc-fields", b"software: xlmr_lab\r\n")


def _record(kind: str, name: str, url: str, content_type: str, body: bytes) -> bytes:
    identity = uuid.UUID(bytes=hashlib.sha1(name.encode(), usedforsecurity=False).digest()[:16])
    head = [
        "WARC/1.0",
        f"WARC-Type: {kind}",
        f"WARC-Date: {DATE}",
        f"WARC-Record-ID: <urn:uuid:{identity}>",
        *([f"WARC-Target-URI: {url}"] if url else []),
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body + b"\r\n\r\n"


def _member(data: bytes) -> bytes:
    """Pack a record as gzip does, without the fields in which its versions differ."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(data) + packer.flush()
    sizes = zlib.crc32(data).to_bytes(4, "little") + (len(data) % 2**32).to_bytes(4, "little")
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + packed + sizes
