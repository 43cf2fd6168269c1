"""Web pages: encodings undone, character sets found out, HTML as paragraphs."""

import contextlib
import gzip
import zlib

import brotli
import pytest
import zstandard

from xlmr_lab.corpus import web_pages
from xlmr_lab.corpus.unreadable import UnreadableError

GREEK = "Η γλώσσα των ανθρώπων αλλάζει με τον καιρό και με τον τόπο."
RUSSIAN = "Языки мира меняются со временем, и никто не знает, какими они будут потом."
HTML = "<!doctype html><html><head><title>t</title></head><body>{}</body></html>"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html%b\r\n%b\r\n%b"


def page(body: bytes, charset: str = "", headers: str = "") -> str:
    said = f"; charset={charset}" if charset else ""
    return web_pages.answer_text(ANSWER % (said.encode(), headers.encode(), body))


def reason(block: bytes) -> str:
    with pytest.raises(UnreadableError) as caught:
        web_pages.answer_text(block)
    return caught.value.reason


def test_a_page_is_its_paragraphs() -> None:
    body = HTML.format(
        "<script>x()</script><ul><li>Menu</ul><p>One  two<br>three</p><p>four <b>5</b></p>"
        "<img alt='no text'><table><tr><td>a<td>b</table>"
    )
    assert page(body.encode()) == "Menu\nOne two\nthree\nfour 5\na\t\tb\n"


def test_the_main_content_leaves_menus_out() -> None:
    body = HTML.format("<nav><ul><li>Home<li>About</ul></nav><main><p>The words.</p></main>")
    block = ANSWER % (b"", b"", body.encode())
    assert "Home" in web_pages.answer_text(block)
    assert web_pages.answer_text(block, main_content=True) == "The words.\n"


@pytest.mark.parametrize(
    ("text", "actual", "declared"),
    [
        (GREEK, "utf-8", "utf-8"),
        (GREEK, "iso-8859-7", "iso-8859-7"),
        (GREEK, "utf-8", "iso-8859-1"),  # lies
        (GREEK, "utf-8", "shift_jis"),
        (GREEK, "utf-8", ""),
        (GREEK, "iso-8859-7", "utf-8"),
        (RUSSIAN, "windows-1251", "utf-8"),
        (RUSSIAN, "koi8-r", "koi8-r"),
        (RUSSIAN, "koi8-r", "x-nonsense"),
        (GREEK, "utf-8-sig", "windows-1251"),
        (GREEK, "utf-16", "utf-8"),
        ("\u65e5\u672c\u8a9e\u306e\u6587\u7ae0\u3067\u3059\u3002\u2460", "cp932", "shift_jis"),
        ("\u4e2d\u6587\u7f51\u9875\u7684\u6587\u5b57\u3002\u7e41\u9ad4", "gb18030", "gb2312"),
        ("\u65e5\u672c\u8a9e\u306e\u6587\u7ae0\u3067\u3059\u3002", "iso-2022-jp", "iso-2022-jp"),
    ],
)
def test_labels_are_believed_where_the_bytes_agree(text: str, actual: str, declared: str) -> None:
    body = HTML.format(f"<p>{text}</p>").encode(actual)
    assert page(body, declared) == f"{text}\n"


def test_the_label_inside_the_page_is_read() -> None:
    body = f'<html><head><meta charset="windows-1251"></head><p>{RUSSIAN}'.encode("windows-1251")
    assert page(body) == f"{RUSSIAN}\n"
    old = '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-7">'
    assert page(f"<html>{old}<p>{GREEK}".encode("iso-8859-7")) == f"{GREEK}\n"


def test_a_few_broken_bytes_do_not_change_the_character_set() -> None:
    data = (GREEK * 3).encode() + b"\xff" + (GREEK * 3).encode()
    assert web_pages.decoded(data) == GREEK * 3 + "\ufffd" + GREEK * 3
    assert web_pages.decoded((GREEK * 3).encode()[:-2], "text/html; charset=utf-8").startswith(
        GREEK * 2
    )
    assert web_pages.decoded(b"caf\xe9 \x81", "") != ""


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "raw", "br", "zstd", "none"])
def test_content_encodings_are_undone(coding: str) -> None:
    plain = HTML.format(f"<p>{GREEK}</p>").encode()
    raw = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(plain),
        "x-gzip": gzip.compress(plain),
        "deflate": zlib.compress(plain),
        "raw": raw.compress(plain) + raw.flush(),
        "br": brotli.compress(plain),
        "zstd": zstandard.ZstdCompressor().compress(plain),
        "none": plain,  # the label stayed when the crawler unpacked the page
    }[coding]
    label = {"raw": "deflate", "none": "gzip"}.get(coding, coding)
    assert page(packed, "utf-8", f"Content-Encoding: {label}\r\n") == f"{GREEK}\n"
    chunked = b"".join(
        b"%x\r\n%b\r\n" % (len(packed[i : i + 20]), packed[i : i + 20])
        for i in range(0, len(packed), 20)
    )
    headers = f"Content-Encoding: {label}\r\nTransfer-Encoding: chunked\r\n"
    assert page(chunked + b"0\r\n\r\n", "utf-8", headers) == f"{GREEK}\n"
    assert page(packed, "utf-8", headers) == f"{GREEK}\n"  # not chunked after all


def test_a_cut_off_encoding_gives_what_there_is() -> None:
    plain = HTML.format("".join(f"<p>Line {i} {GREEK}</p>" for i in range(500))).encode()
    packed = gzip.compress(plain)
    text = page(packed[: len(packed) // 2], "utf-8", "Content-Encoding: gzip\r\n")
    assert text.startswith("Line 0 ")


def test_what_unpacks_to_too_much_is_too_large() -> None:
    bomb = ANSWER % (b"", b"Content-Encoding: gzip\r\n", gzip.compress(b"\0" * (17 << 20)))
    assert reason(bomb) == "too_large"


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (b"HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\n<p>moved", "redirect"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n<p>no", "bad_status"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n\x89PNG", "not_html_or_text"),
        (b"HTTP/1.1 200 OK\r\n\r\n%PDF-1.4 ", "not_html_or_text"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}", "not_html_or_text"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p> <script>x</script>", "no_text"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html", "no_text"),
        (b"no answer at all", "broken_record"),
        (b"", "broken_record"),
    ],
)
def test_what_is_no_page_has_a_reason(block: bytes, expected: str) -> None:
    assert reason(block) == expected


def test_headers_may_end_in_bare_line_feeds() -> None:
    block = b"HTTP/1.0 200 OK\nContent-Type: text/plain\nContent-Length: 9999\n\nwords\n"
    assert web_pages.answer_text(block) == "words\n"
    assert web_pages.answer_text(b"HTTP/1.0 200 OK\n\n<!doctype html><p>words") == "words\n"


@pytest.mark.parametrize(
    "html", ["<div>" * 100_000 + "x", "<" * 300_000, "<!--" * 50_000 + "x", "&" * 300_000 + "x"]
)
def test_hostile_html_is_survived(html: str) -> None:
    with contextlib.suppress(UnreadableError):
        assert page(html.encode())
