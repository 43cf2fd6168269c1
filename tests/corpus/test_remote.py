"""Remote files, against a server on this machine that drops, lies and refuses."""

import email.utils
import gzip
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from xlmr_lab.corpus import remote, sources
from xlmr_lab.corpus.remote import RemoteConfig, RemoteFile
from xlmr_lab.errors import UserError

DATA = bytes(range(256)) * 2000
CONFIG = RemoteConfig(tries=4, timeout_seconds=5, first_wait_seconds=0.5, max_wait_seconds=60)


class Server:
    """A server whose answers are scripted, one for each request."""

    def __init__(self) -> None:
        self.data = DATA
        self.etag = '"v1"'
        self.script: list[Callable[[Any], None]] = []
        self.ranges: list[str | None] = []
        own = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                own.ranges.append(self.headers.get("Range"))
                (own.script.pop(0) if own.script else own.whole)(self)

            def log_message(self, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_port}/x.warc.wet.gz"

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def whole(self, handler: Any) -> None:
        self.part(handler)

    def part(self, handler: Any, *, give: int | None = None, promise: int = 0) -> None:
        """Answer with what was asked for: only `give` bytes of it, `promise` more in the header."""
        begin = int((handler.headers.get("Range") or "bytes=0-")[6:-1])
        if handler.headers.get("If-Range") not in (None, self.etag):
            begin = 0
        rest = self.data[begin:]
        handler.send_response(206 if begin else 200)
        if begin:
            size = len(self.data)
            handler.send_header("Content-Range", f"bytes {begin}-{size - 1}/{size}")
        handler.send_header("ETag", self.etag)
        handler.send_header("Content-Length", str(len(rest) + promise))
        handler.end_headers()
        handler.wfile.write(rest[:give])

    def dropping(self, give: int) -> Callable[[Any], None]:
        return lambda handler: self.part(handler, give=give)

    def refusing(self, code: int, **headers: str) -> Callable[[Any], None]:
        def answer(handler: Any) -> None:
            handler.send_response(code)
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        return answer


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


def fetch(url: str, waits: list[float] | None = None) -> bytes:
    raw = RemoteFile(url, CONFIG, sleep=(waits if waits is not None else []).append)
    try:
        return raw.read()
    finally:
        raw.close()


def test_a_file_is_read_whole(server: Server) -> None:
    with remote.open_url(server.url) as stream:
        assert stream.read(10) == DATA[:10]
        assert stream.tell() == 10
        assert stream.read() == DATA[10:]
    assert server.ranges == [None]


def test_a_dropped_connection_is_taken_up_where_it_broke(server: Server) -> None:
    waits: list[float] = []
    server.script = [server.dropping(100_000), server.dropping(150_000), server.dropping(0)]
    assert fetch(server.url, waits) == DATA
    assert server.ranges == [None, "bytes=100000-", "bytes=250000-", "bytes=250000-"]
    assert waits == [0.5, 0.5, 1.0]  # progress makes it patient again


def test_a_server_without_ranges_is_read_again_from_the_start(server: Server) -> None:
    def again(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("ETag", server.etag)
        handler.send_header("Content-Length", str(len(DATA)))
        handler.end_headers()
        handler.wfile.write(DATA)

    server.script = [server.dropping(70_000), again]
    assert fetch(server.url) == DATA


@pytest.mark.parametrize("said", ["\u00b2\u00b3", "\u0663", "9" * 5000, "-5", "", "7.5"])
def test_a_number_that_is_none_says_nothing(said: str) -> None:
    assert remote._number(said) is None
    assert remote._retry_after({"Retry-After": said}) is None
    assert remote._retry_after({"Retry-After": "Mon, 09 Jan 99999999 00:00:00 GMT"}) is None
    assert remote._number("0042") == 42


@pytest.mark.parametrize("length", ["\u00b2", "9" * 5000])
def test_a_length_that_is_none_is_passed_over(server: Server, length: str) -> None:
    def lie(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", length)
        handler.end_headers()
        handler.wfile.write(DATA)

    server.script = [lie]
    assert fetch(server.url) == DATA


def test_a_file_that_changed_meanwhile_is_an_error(server: Server) -> None:
    def change(handler: Any) -> None:
        server.etag = '"v2"'
        server.part(handler)

    server.script = [server.dropping(70_000), change]
    with pytest.raises(UserError, match="changed while it was read"):
        fetch(server.url)


def test_a_length_that_promises_too_much_is_believed_no_longer_than_needed(server: Server) -> None:
    def lie(handler: Any) -> None:
        server.part(handler, promise=500)

    server.script = [lie, server.refusing(416)]
    assert fetch(server.url) == DATA
    assert server.ranges[1] == f"bytes={len(DATA)}-"


def test_a_server_that_never_gives_the_rest_is_an_error(server: Server) -> None:
    server.script = [server.dropping(90_000)] + [server.dropping(0)] * 9
    with pytest.raises(UserError, match=r"from byte 90,000 on, after 4 attempts .*run again"):
        fetch(server.url)


def test_trouble_is_waited_out(server: Server) -> None:
    waits: list[float] = []
    date = email.utils.formatdate(time.time() + 30, usegmt=True)
    server.script = [
        server.refusing(503, Retry_After="7"),
        server.refusing(429, Retry_After=date),
        server.refusing(500),
    ]
    assert fetch(server.url, waits) == DATA
    assert waits[0] == 7
    assert 20 < waits[1] <= 30
    assert waits[2] == 2.0
    server.script = [server.refusing(503, Retry_After="9999")]
    waits.clear()
    fetch(server.url, waits)
    assert waits == [60]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (403, "refuses access .HTTP 403.*copied here first"),
        (401, "refuses access .HTTP 401"),
        (404, "no such file .HTTP 404.; check the path on 127.0.0.1"),
        (418, "answered HTTP 418"),
    ],
)
def test_a_refusal_is_an_error_at_once(server: Server, code: int, message: str) -> None:
    server.script = [server.refusing(code)]
    with pytest.raises(UserError, match=message):
        fetch(server.url)
    assert len(server.ranges) == 1


def test_a_server_that_is_not_there_is_an_error() -> None:
    waits: list[float] = []
    with pytest.raises(UserError, match=r"after 4 attempts \(.*refused"):
        fetch("http://127.0.0.1:9/x", waits)
    assert waits == [0.5, 1.0, 2.0]


def test_addresses_of_buckets_and_datasets() -> None:
    assert remote.address("s3://commoncrawl/a b") == "https://data.commoncrawl.org/a%20b"
    assert remote.address("s3://open/k/x.gz") == "https://open.s3.amazonaws.com/k/x.gz"
    expected = "https://huggingface.co/datasets/o/n/resolve/main/sw/x.jsonl.gz"
    assert remote.address("hf://datasets/o/n/sw/x.jsonl.gz") == expected
    assert "resolve/v2/x.txt" in remote.address("hf://datasets/o/n@v2/x.txt")
    with pytest.raises(UserError, match="write hf://datasets/OWNER/NAME/PATH"):
        remote.address("hf://n/x.txt")


def test_patience_is_checked() -> None:
    with pytest.raises(UserError, match=r"remote\.tries must be at least 1, got 0"):
        RemoteConfig(tries=0)
    with pytest.raises(UserError, match=r"remote\.timeout_seconds must be above 0"):
        RemoteConfig(timeout_seconds=0)


def test_an_archive_is_read_over_connections_that_break(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    record = "WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Record-ID: <urn:uuid:{0}>\r\n"
    record += "Content-Length: {1}\r\n\r\n{2}\r\n\r\n"
    texts = [f"words {i**9}\n" * 40 for i in range(3000)]
    packed = [gzip.compress(record.format(i, len(t), t).encode()) for i, t in enumerate(texts)]
    server.data = b"".join(packed)
    server.script = [server.dropping(len(server.data) // 3), server.dropping(7)]
    (file,) = sources.find(server.url)
    assert (file.language, file.source) == (None, file.place.split("/")[2])
    assert [document.text for document in sources.read(file)] == texts
