r"""The answer of a web server as text: HTTP, its encodings, the character set, HTML.

The character set is believed in this order: a byte order mark, UTF-8 where many characters say so
(no other text is valid UTF-8 for long), the HTTP header, the page's own `<meta>`, detection. What a
label promises must decode: one that lies is passed over, and a page in UTF-8 with few broken bytes
stays UTF-8 and gets REPLACEMENT CHARACTERS. HTML becomes text by resiliparse, a paragraph a line,
menus and all (XLM-R's corpus was made so: CCNet Sec. 3.1); its extraction of the main content is
an option. Left out: scripts, forms, PDF, the text of pictures.
"""

import codecs
import contextlib
import re
import zlib
from collections.abc import Callable
from typing import NamedTuple

import brotli
import zstandard
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import detect_encoding, detect_mime, map_encoding_to_html5

from xlmr_lab.corpus.packing import MAX_RECORD_BYTES
from xlmr_lab.corpus.unreadable import UnreadableError

MIN_UTF8_CHARACTERS = 8
"""Characters beyond ASCII from which valid UTF-8 is believed against any label."""

MAX_BROKEN_SHARE = 0.02
"""Broken bytes to characters beyond ASCII, up to which a page is UTF-8 with a few errors."""

_HTML = ("text/html", "application/xhtml+xml")
_PLAIN = ("text/plain",)
_UNSAID = ("", "application/octet-stream", "unknown/unknown", "*/*", "text/unknown")

_STATUS = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([^\s\"';,>]+)", re.IGNORECASE)
_META_BYTES = 4096
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDER = {
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "mac-cyrillic": "cp1251",  # what detection calls windows-1251
}
"""What browsers read where the narrower set is declared."""
_C1 = re.compile(rb"[\x80-\x9f]")
_WINDOWS = {
    "iso8859-1": "cp1252",
    "iso8859-2": "cp1250",
    "iso8859-7": "cp1253",
    "iso8859-9": "cp1254",
}
"""What Windows calls a set that it gave letters where ISO has control characters."""


class Answer(NamedTuple):
    """An HTTP response: names of headers in lower case, the body as it was sent."""

    status: int
    headers: dict[str, str]
    body: bytes


def answer(block: bytes) -> Answer:
    """Parse an HTTP response.

    Raises:
        UnreadableError: it has no status line.
    """
    status = _STATUS.match(block)
    if status is None:
        raise UnreadableError("broken_record", "no HTTP status line")
    ends = [(block.find(mark), len(mark)) for mark in (b"\r\n\r\n", b"\n\n")]
    end, size = min(((at, n) for at, n in ends if at >= 0), default=(len(block), 0))
    headers: dict[str, str] = {}
    for line in block[:end].decode("latin-1").splitlines()[1:]:
        name, _, value = line.partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
    return Answer(int(status[1]), headers, block[end + size :])


def answer_text(block: bytes, *, main_content: bool = False) -> str:
    """Return the text of a page as it came over HTTP, a paragraph a line.

    Raises:
        UnreadableError: no page, an error page, neither HTML nor plain text, too large, empty.
    """
    response = answer(block)
    if 300 <= response.status < 400:
        raise UnreadableError("redirect", str(response.status))
    if response.status != 200:
        raise UnreadableError("bad_status", str(response.status))
    declared = response.headers.get("content-type", "")
    if not _may_be_text(declared):
        raise UnreadableError("not_html_or_text", declared)
    return page_text(_body(response), declared, main_content=main_content)


def page_text(data: bytes, content_type: str, *, main_content: bool = False) -> str:
    """Return the text of a page of HTML or plain text, a paragraph a line.

    Raises:
        UnreadableError: neither HTML nor plain text, or nothing to read in it.
    """
    mime = _mime(content_type)
    if mime in _UNSAID:
        mime = detect_mime(data)
    if mime not in _HTML + _PLAIN:
        raise UnreadableError("not_html_or_text", mime)
    text = decoded(data, content_type, is_html=mime in _HTML)
    if mime in _HTML:
        text = extract_plain_text(
            text,
            preserve_formatting=True,
            main_content=main_content,
            list_bullets=False,
            alt_texts=False,
        )
    lines = [stripped for line in text.splitlines() if (stripped := line.strip())]
    if not lines:
        raise UnreadableError("no_text")
    return "\n".join(lines) + "\n"


def decoded(data: bytes, content_type: str = "", *, is_html: bool = False) -> str:
    """Decode a page by the best of what its labels and its bytes say; never fails."""
    for mark, unicode in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(unicode, "replace")
    if data.isascii() and b"\x1b" not in data:  # ESC: Japanese in seven bits
        return data.decode("ascii")
    # not final: a character that is cut off at the end is left out
    loose = codecs.getincrementaldecoder("utf-8")("replace").decode(data)
    beyond = len(loose) - len(loose.encode("ascii", "ignore"))
    if beyond >= MIN_UTF8_CHARACTERS and loose.count("\ufffd") <= MAX_BROKEN_SHARE * beyond:
        return loose
    labels = _CHARSET.findall(content_type)
    if is_html:
        labels += _CHARSET.findall(data[:_META_BYTES].decode("latin-1"))
    guessed = _detected(data)
    for name in (*map(codec, labels), "utf-8", guessed):
        with contextlib.suppress(UnicodeDecodeError):
            if name is not None:
                return data.decode(name)
    return data.decode(guessed or "utf-8", "replace")


def codec(label: str) -> str | None:
    """Return Python's name of the character set that browsers read for a label, if there is one."""
    known = map_encoding_to_html5(label, False)
    if known is None:
        return None
    try:
        name = codecs.lookup(known).name
    except LookupError:
        return None
    return _WIDER.get(name, name)


def _detected(data: bytes) -> str | None:
    """Return Python's name of the character set that the bytes look like."""
    name = detect_encoding(data, html5_compatible=False)
    try:
        name = codecs.lookup(name or "").name
    except LookupError:
        return None
    if _C1.search(data):
        name = _WINDOWS.get(name, name)
    return _WIDER.get(name, name)


def _mime(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _may_be_text(content_type: str) -> bool:
    return _mime(content_type) in _HTML + _PLAIN + _UNSAID


def _body(response: Answer) -> bytes:
    """Return the body of a response, decoded; what was decoded before stays as it is."""
    data = response.body
    if "chunked" in response.headers.get("transfer-encoding", "").lower():
        data = dechunked(data)
    coding = response.headers.get("content-encoding", "").lower()
    for name in reversed([part.strip() for part in coding.split(",")]):
        data = _DECODERS.get(name, bytes)(data)
        if len(data) > MAX_RECORD_BYTES:
            raise UnreadableError("too_large", "unpacked")
    return data


def dechunked(data: bytes) -> bytes:
    """Join the chunks of a body; from the first that is none, the rest is taken as it is.

    >>> dechunked(b"3\\r\\nabc\\r\\n2\\r\\nde\\r\\n0\\r\\n\\r\\n")
    b'abcde'
    """
    parts, at = [], 0
    while at < len(data):
        size = re.compile(rb"\s*([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n").match(data, at)
        if size is None:
            parts.append(data[at:])
            break
        length = int(size[1], 16)
        if length == 0:
            break
        parts.append(data[size.end() : size.end() + length])
        at = size.end() + length
        at += 2 if data.startswith(b"\r\n", at) else 1 if data.startswith(b"\n", at) else 0
    return b"".join(parts)


def _inflated(data: bytes, wbits: int = 47) -> bytes:
    """Unpack gzip or zlib, whichever its header says, as far as it goes; other bytes stay as they
    are.
    """
    decoder = zlib.decompressobj(wbits)
    parts: list[bytes] = []
    size = 0
    try:
        for at in range(0, len(data), 1 << 16):
            parts.append(decoder.decompress(data[at : at + (1 << 16)], MAX_RECORD_BYTES + 1))
            size += len(parts[-1])
            if decoder.eof or size > MAX_RECORD_BYTES:
                break
    except zlib.error:
        if wbits < 0:  # without a header any bytes may look packed for a while
            return data
    return b"".join(parts) if size else data


def _deflated(data: bytes) -> bytes:
    """Unpack what servers send as deflate: zlib, or without zlib's header."""
    out = _inflated(data)
    return _inflated(data, -15) if out is data else out


def _unbrotlied(data: bytes) -> bytes:
    decoder = brotli.Decompressor()
    try:
        out: bytes = decoder.process(data, output_buffer_limit=MAX_RECORD_BYTES + 1)
    except brotli.error:
        return data
    return out or data


def _unzstandarded(data: bytes) -> bytes:
    try:
        with zstandard.ZstdDecompressor().stream_reader(data) as reader:
            return reader.read(MAX_RECORD_BYTES + 1) or data
    except zstandard.ZstdError:
        return data


_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": _inflated,
    "x-gzip": _inflated,
    "deflate": _deflated,
    "br": _unbrotlied,
    "zstd": _unzstandarded,
}
