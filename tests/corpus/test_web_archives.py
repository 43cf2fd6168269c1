"""Web archives: every record gives a document or a reason, whatever is broken around it."""

import gzip
import io
import time
from collections import Counter
from pathlib import Path

import pytest

from xlmr_lab.corpus import packing, web_archives

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "raw" / "warc"


def record(
    name: str, body: bytes, *, kind: str = "conversion", length: int | None = None, more: str = ""
) -> bytes:
    size = len(body) if length is None else length
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: https://{name}.example/\r\n"
        f"WARC-Record-ID: <urn:uuid:{name}>\r\nContent-Type: text/plain\r\n"
        f"{more}Content-Length: {size}\r\n\r\n"
    )
    return head.encode() + body + b"\r\n\r\n"


def answer(body: str, status: str = "200 OK", mime: str = "text/html") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {mime}\r\n\r\n{body}".encode()


def read(data: bytes) -> tuple[list[web_archives.Page], dict[str, int]]:
    reasons: Counter[str] = Counter()
    raw = packing.unpacked(io.BytesIO(data), packing.sniff(data[:8]))
    stream = io.BufferedReader(raw) if isinstance(raw, io.BytesIO) else raw  # type: ignore[arg-type]
    pages = list(web_archives.pages(stream, lambda r: reasons.update([r]), name="a.warc"))
    return pages, dict(reasons)


def names(data: bytes) -> list[str]:
    return [page.page_id for page in read(data)[0]]


TEXTS = {name: f"words of {name}\n".encode() * 30 for name in ("one", "two", "three", "four")}
RECORDS = [record(name, text) for name, text in TEXTS.items()]


@pytest.mark.parametrize("packed", [False, True])
def test_text_records_are_documents(packed: bool) -> None:
    info = record("info", b"about", kind="warcinfo")
    parts = [info, *RECORDS]
    pages, reasons = read(b"".join(gzip.compress(p) if packed else p for p in parts))
    assert [page.text.encode() for page in pages] == list(TEXTS.values())
    assert pages[0] == web_archives.Page("one", TEXTS["one"].decode(), "https://one.example/")
    assert reasons == {}


def test_pages_are_text_and_the_rest_has_a_reason() -> None:
    data = b"".join(
        record(name, body, kind=kind)
        for name, body, kind in (
            ("page", answer("<p>One</p><p>two</p>"), "response"),
            ("ask", b"GET / HTTP/1.1\r\n\r\n", "request"),
            ("gone", answer("<p>no", "410 Gone"), "response"),
            ("moved", answer("<p>no", "302 Found"), "response"),
            ("image", answer("x", mime="image/gif"), "response"),
            ("bare", b"plain words", "resource"),
            ("again", answer(""), "revisit"),
            ("part", b"half", "continuation"),
            ("empty", b" \n", "conversion"),
        )
    )
    pages, reasons = read(data)
    assert {page.page_id: page.text for page in pages} == {
        "page": "One\ntwo\n",
        "bare": "plain words\n",
    }
    assert reasons == {
        "bad_status": 1,
        "redirect": 1,
        "not_html_or_text": 1,
        "broken_record": 1,
        "no_text": 1,
    }


@pytest.mark.parametrize("error", [-7, -400, 3, 60, 700])
def test_a_wrong_length_ends_where_the_next_record_begins(error: int) -> None:
    text = TEXTS["two"]
    wrong = record("two", text, length=max(0, len(text) + error))
    pages, reasons = read(RECORDS[0] + wrong + RECORDS[2] + RECORDS[3])
    assert [page.text.encode() for page in pages] == list(TEXTS.values())
    assert reasons == {}


def test_a_wrong_http_length_does_not_matter() -> None:
    body = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\n<p>all words"
    assert read(record("a", body, kind="response"))[0][0].text == "all words\n"


@pytest.mark.parametrize("packed", [False, True])
def test_rubbish_between_records_costs_nothing_else(packed: bool) -> None:
    parts = [gzip.compress(r) for r in RECORDS] if packed else RECORDS
    pages, reasons = read(parts[0] + b"rubbish \r\n rubbish\r\n" * 4000 + b"".join(parts[1:]))
    assert len(pages) == 4
    assert reasons == {"broken_compression" if packed else "broken_record": 1}


def test_a_broken_member_costs_its_record() -> None:
    members = [gzip.compress(r) for r in RECORDS]
    for place in (20, len(members[1]) // 2, len(members[1]) - 6):
        broken = bytearray(members[1])
        broken[place] ^= 0xFF
        data = members[0] + bytes(broken) + members[2] + members[3]
        pages, reasons = read(data)
        assert [page.page_id for page in pages] == ["one", "three", "four"]
        assert reasons == {"broken_compression": 1}


@pytest.mark.parametrize("packed", [False, True])
def test_a_cut_off_archive_keeps_what_is_whole(packed: bool) -> None:
    parts = [gzip.compress(r) for r in RECORDS] if packed else RECORDS
    whole = b"".join(parts)
    for cut in (1, 4, 30, len(parts[3]) - 1):
        pages, reasons = read(whole[:-cut])
        assert len(pages) == 3 + (cut < 5)  # then only what follows the text is missing
        assert reasons == ({} if cut < 5 and not packed else {"truncated": 1})


@pytest.mark.parametrize("length", ["abc", "-5", "", "99999999999", "1" * 5000])
def test_a_length_that_is_none_costs_one_record(length: str) -> None:
    wrong = RECORDS[1].replace(b"Content-Length: 390", f"Content-Length: {length}".encode())
    assert wrong != RECORDS[1]
    pages, reasons = read(RECORDS[0] + wrong + RECORDS[2])
    assert [page.page_id for page in pages] == ["one", "three"]
    assert reasons == {"too_large" if length.startswith("9") else "broken_record": 1}


def test_a_record_that_is_too_large_is_counted() -> None:
    large = record("large", b"x" * (packing.MAX_RECORD_BYTES + 1))
    pages, reasons = read(RECORDS[0] + large + RECORDS[1])
    assert [page.page_id for page in pages] == ["one", "two"]
    assert reasons == {"too_large": 1}


def test_records_without_identifier_are_named_by_their_place() -> None:
    bare = RECORDS[1].replace(b"WARC-Record-ID: <urn:uuid:two>\r\n", b"")
    assert names(RECORDS[0] + bare) == ["one", f"a.warc/{len(RECORDS[0])}"]


ARC = (
    b"filedesc://x.arc 0.0.0.0 20080430204825 text/plain 75\n1 0 Somebody\n"
    b"URL IP-address Archive-date Content-type Archive-length\n\n"
)


def arc(url: str, body: bytes, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"{url} 93.184.216.119 20140216050221 text/html {size}\n".encode() + body + b"\n"


def test_arc_records_are_pages() -> None:
    first = arc("http://a.example/x?q=with spaces", answer("<p>first"))
    second = arc("http://b.example/", answer("<p>second"), length=400)
    third = arc("dns:b.example", b"1.2.3.4")
    data = ARC + first + second + third + arc("http://c.example/", answer("<p>third"))
    pages, reasons = read(data)
    assert [(page.url, page.text) for page in pages] == [
        ("http://a.example/x?q=with spaces", "first\n"),
        ("http://b.example/", "second\n"),
        ("http://c.example/", "third\n"),
    ]
    assert reasons == {"not_html_or_text": 1}
    assert names(data)[0] == f"a.warc/{len(ARC)}"


def test_a_length_of_many_digits_costs_one_page() -> None:
    first, last = arc("http://a.example/", answer("<p>a")), arc("http://c.example/", answer("<p>c"))
    wrong = arc("http://b.example/", answer("<p>b")).replace(b"html ", b"html " + b"1" * 5000)
    pages, reasons = read(ARC + first + wrong + last)
    assert [page.text for page in pages] == ["a\n", "c\n"]
    assert reasons == {"broken_record": 1}


@pytest.mark.parametrize(
    "words", [b"http: 1 ", b"<a href=http://x>x y</a> ", b"\nhttp: 1 ", b"\nhttp:1 11111111 x "]
)
def test_the_search_for_the_next_record_is_linear(words: bytes) -> None:
    wrong = record("two", b"x" * 9 + b"\n" + words * ((2 << 20) // len(words)), length=5)
    begin = time.process_time()
    pages, reasons = read(RECORDS[0] + wrong + RECORDS[2])
    assert time.process_time() - begin < 10  # what is quadratic takes minutes
    assert [page.page_id for page in pages] == ["one", "two", "three"]
    assert reasons == {"broken_record": 1}


def test_any_damage_leaves_a_count_and_no_crash() -> None:
    whole = b"".join(gzip.compress(r) for r in RECORDS) + gzip.compress(
        record("page", answer("<p>words"), kind="response")
    )
    for place in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        pages, reasons = read(bytes(damaged))
        assert len(pages) + sum(reasons.values()) >= 5 or reasons


@pytest.mark.real
@pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the real archives in ../shared/data")
def test_every_real_archive_is_read_or_counted() -> None:
    for path in sorted(FOLDER.glob("*/*")):
        whole = path.read_bytes()
        pages, reasons = read(whole)
        assert all(page.text.strip() for page in pages)
        if ".wat" not in path.name and path.name != "example-digest.warc":  # only requests in it
            assert pages or reasons, path.name
        for cut in (len(whole) // 3, len(whole) - 3):
            read(whole[:cut])
    same = [read((FOLDER / "warcio" / f"example.{kind}").read_bytes())[0] for kind in KINDS]
    assert {page.text for pages in same for page in pages} == {same[0][0].text}
    assert "Example Domain" in same[0][0].text


KINDS = ("warc", "warc.gz", "arc", "arc.gz")
