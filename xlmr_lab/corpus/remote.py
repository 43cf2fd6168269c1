"""Files that are read where they lie: HTTP(S), public S3 buckets, Hugging Face, as one stream.

A connection that breaks is taken up again where it broke (`Range`, and `If-Range`, so that a file
that changed meanwhile is an error and no mixture); what a server says of its troubles decides how
long to wait (`Retry-After`, else twice as long each time). `s3://BUCKET/KEY` is read without
signature at the bucket's HTTPS address; Common Crawl's bucket answers such readers at
data.commoncrawl.org only, so it is read there. Left out: keys and private buckets; copy what needs
them first. Parquet on `hf://` and `s3://` is Polars' own business.
"""

import dataclasses
import email.utils
import http.client
import io
import logging
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

from xlmr_lab.errors import UserError

logger = logging.getLogger(__name__)

COMMON_CRAWL = "https://data.commoncrawl.org/"
"""Where Common Crawl publishes its files."""

SCHEMES = ("http://", "https://", "s3://", "hf://")

_TROUBLE = (408, 425, 429, 500, 502, 503, 504)
"""Answers that say: not now."""

_BREAKS = (OSError, http.client.HTTPException)
"""What a connection that breaks, or never comes about, raises."""

_HF = re.compile(r"hf://(datasets|spaces)/([^/@]+/[^/@]+)(?:@([^/]+))?/(.+)")
_MAX_DIGITS = 18
"""Digits of a number in a header at most; a longer one says nothing."""
_RANGE = re.compile(rf"bytes ([0-9]{{1,{_MAX_DIGITS}}})-[0-9]+/(?:[0-9]+|\*)")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class RemoteConfig:
    """How patient a reader is."""

    tries: int = 6
    """Attempts in a row that bring nothing, before it is an error."""
    timeout_seconds: float = 60.0
    """Silence of a connection before it counts as broken."""
    first_wait_seconds: float = 1.0
    """Wait after the first attempt that failed; each further one doubles it."""
    max_wait_seconds: float = 120.0
    """Longest wait, whatever the server asks for."""

    def __post_init__(self) -> None:
        if self.tries < 1:
            raise UserError(f"remote.tries must be at least 1, got {self.tries}")
        for name in ("timeout_seconds", "first_wait_seconds", "max_wait_seconds"):
            if getattr(self, name) <= 0:
                raise UserError(f"remote.{name} must be above 0, got {getattr(self, name)}")


def is_remote(place: str) -> bool:
    """Whether a place is an address and no path."""
    return place.startswith(SCHEMES)


def address(place: str) -> str:
    """Return the HTTPS address of a place.

    >>> address("s3://commoncrawl/crawl-data/x.gz")
    'https://data.commoncrawl.org/crawl-data/x.gz'
    """
    if place.startswith("s3://"):
        bucket, _, key = place.removeprefix("s3://").partition("/")
        if bucket == "commoncrawl":
            return COMMON_CRAWL + quote(key)
        return f"https://{bucket}.s3.amazonaws.com/{quote(key)}"
    if place.startswith("hf://"):
        match = _HF.fullmatch(place)
        if match is None:
            raise UserError(f"cannot read {place}; write hf://datasets/OWNER/NAME/PATH")
        kind, name, revision, path = match.groups()
        return f"https://huggingface.co/{kind}/{name}/resolve/{revision or 'main'}/{quote(path)}"
    return place


def open_url(place: str, config: RemoteConfig | None = None) -> io.BufferedReader:
    """Return a remote file as a stream that is read from front to back.

    Raises:
        UserError: no such file, no access, or nothing to be had after several attempts.
    """
    raw = RemoteFile(address(place), config or RemoteConfig())
    raw.connect()
    return io.BufferedReader(raw, 1 << 16)


class RemoteFile(io.RawIOBase):
    """The bytes of a URL; a connection that breaks is taken up again."""

    def __init__(
        self, url: str, config: RemoteConfig, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._url = url
        self._config = config
        self._sleep = sleep
        self._answer: Any = None
        self._place = 0
        self._left: int | None = None  # bytes that the server still promises
        self._mark = ""  # its ETag or time, which must stay the same
        self._failures = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def close(self) -> None:
        if self._answer is not None:
            self._answer.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        while True:
            if self._answer is None and not self.connect():
                return 0
            try:
                data = self._answer.read(len(buffer))
            except _BREAKS as error:
                self._failed(str(error) or type(error).__name__)
                continue
            if not data and self._left:
                self._failed(f"{self._left:,} bytes before the promised end")
                continue
            break
        if data:
            self._failures = 0
            self._place += len(data)
            self._left = None if self._left is None else self._left - len(data)
            buffer[: len(data)] = data
        return len(data)

    def connect(self) -> bool:
        """Ask for the file from here on; False where the server says that nothing is left.

        Raises:
            UserError: no such file, no access, it has changed, or attempts are used up.
        """
        while True:
            try:
                self._answer = urllib.request.urlopen(
                    self._request(), timeout=self._config.timeout_seconds
                )
                return self._take_up()
            except urllib.error.HTTPError as error:
                error.close()
                if error.code == 416 and self._place:
                    return False  # the file is as long as what was read
                if error.code not in _TROUBLE:
                    raise UserError(_refusal(self._url, error.code)) from None
                self._failed(f"HTTP {error.code}", _retry_after(error.headers))
            except _BREAKS as error:
                self._failed(str(getattr(error, "reason", error)) or type(error).__name__)

    def _request(self) -> urllib.request.Request:
        headers = {"Accept-Encoding": "identity", "User-Agent": "xlmr-lab"}
        if self._place:
            headers["Range"] = f"bytes={self._place}-"
            if self._mark:
                headers["If-Range"] = self._mark
        try:
            return urllib.request.Request(self._url, headers=headers)
        except ValueError as error:
            raise UserError(f"{self._url} is no address ({error})") from None

    def _take_up(self) -> bool:
        """Begin where the last connection ended."""
        headers = self._answer.headers
        mark = headers.get("ETag") or headers.get("Last-Modified") or ""
        mark = "" if mark.startswith("W/") else mark
        if self._place and self._mark and mark != self._mark:
            raise UserError(f"{self._url} changed while it was read; run again")
        self._mark = mark
        self._left = _number(headers.get("Content-Length") or "")
        if not self._place:
            return True
        there = _RANGE.fullmatch(headers.get("Content-Range") or "")
        begin = int(there[1]) if self._answer.status == 206 and there else 0
        if begin > self._place:
            raise UserError(f"{self._url}: the server sent another part than asked for")
        return self._pass_over(self._place - begin)

    def _pass_over(self, size: int) -> bool:
        """Read what was read before, from a server that sends all of a file again."""
        while size:
            data = self._answer.read(min(size, 1 << 20))
            if not data:
                raise ConnectionError("the connection broke before the place where it broke first")
            size -= len(data)
            self._left = None if self._left is None else self._left - len(data)
        return True

    def _failed(self, what: str, wait: float | None = None) -> None:
        """Wait before the next attempt, or give up."""
        if self._answer is not None:
            self._answer.close()
            self._answer = None
        self._failures += 1
        if self._failures >= self._config.tries:
            raise UserError(
                f"cannot read {self._url} from byte {self._place:,} on, after "
                f"{self._failures} attempts ({what}); see whether it can be reached and run again"
            )
        doubled = self._config.first_wait_seconds * 2 ** (self._failures - 1)
        seconds = min(self._config.max_wait_seconds, doubled if wait is None else wait)
        logger.info("%s: %s; again in %.0f s", self._url, what, seconds)
        self._sleep(seconds)


def _refusal(url: str, code: int) -> str:
    """Return what to do about an answer that will not change by asking again."""
    if code in (401, 403):
        return (
            f"{url}: the server refuses access (HTTP {code}); files that need a key must be "
            "copied here first"
            + ("; Common Crawl is open at " + COMMON_CRAWL if "commoncrawl" in url else "")
        )
    if code in (404, 410):
        host = urlsplit(url).netloc
        return f"{url}: no such file (HTTP {code}); check the path on {host}"
    return f"{url}: the server answered HTTP {code}; check the address"


def _number(said: str) -> int | None:
    """Return a number of a header, None where it is none; superscripts are digits, but none."""
    is_number = said.isascii() and said.isdigit() and len(said) <= _MAX_DIGITS
    return int(said) if is_number else None


def _retry_after(headers: Any) -> float | None:
    """Return the seconds that a server asks to wait: it gives a number or a date."""
    said = (headers.get("Retry-After") or "").strip()
    seconds = _number(said)
    if seconds is not None:
        return float(seconds)
    try:
        when = email.utils.parsedate_tz(said)
        return None if when is None else max(0.0, email.utils.mktime_tz(when) - time.time())
    except (ValueError, OverflowError):
        return None  # a date that no calendar has
