"""MediaWiki dumps, page by page: the articles of a wiki as plain text.

A dump is XML, `<page>` after `<page>`, and text inside is escaped, so pages are found by their tags
and parsed one by one: memory holds one page, a broken one costs itself, and a dump that was cut off
gives every whole page and the count of its missing end. Only articles are kept (namespace 0, no
redirects, wikitext), each with its newest revision. Language, the site's address and its names for
files and categories come from the dump's own `<siteinfo>`.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple
from urllib.parse import quote

from xlmr_lab.corpus.packing import MAX_RECORD_BYTES, PACKED_BYTES, Window
from xlmr_lab.corpus.unreadable import Count, PackingError, Reason, UnreadableError
from xlmr_lab.corpus.wikitext import FILES_AND_CATEGORIES, plain_text
from xlmr_lab.languages import LANGUAGES

SITE_BYTES = 1 << 18
"""How far into a dump its `<siteinfo>` is looked for (bytes)."""

_KEYS = {"simple": "en", "nb": "no", "be-tarask": "be", "be-x-old": "be"}
"""Keys of wikis whose code is another than that of their language."""

_PAGE = re.compile(rb"<page>")
_PAGE_END = re.compile(rb"</page>")
_PAGE_OR_END = re.compile(rb"<page>|</mediawiki>")
_NAMESPACE = re.compile(rb"<ns>\s*(-?\d+)\s*</ns>")
_NAMED = re.compile(r"<namespace key=\"(-?\d+)\"[^<>]*>([^<>]*)</namespace>")
_SHOWN_NOWHERE = ("-2", "6", "14")
"""Numbers of the namespaces of media, files and categories."""


class Site(NamedTuple):
    """What a dump says about itself."""

    language: str | None
    """Key of its language: the paper's where there is one, else the wiki's own code."""
    name: str
    """Name of its database, such as `swwiki`."""
    address: str
    """What the address of each article begins with."""
    namespaces: frozenset[str]
    """Names of the namespaces of files and categories, in lower case."""


class Article(NamedTuple):
    """An article as plain text."""

    page_id: str
    """The wiki's name and the page's number."""
    text: str
    url: str | None


def site(stream: BinaryIO) -> Site | None:
    """Return what the beginning of a dump says, None where it is no dump of MediaWiki."""
    return _site(Window(stream))


def articles(stream: BinaryIO, count: Count) -> Iterator[Article]:
    """Yield the articles of an unpacked dump, and count the pages that give none."""
    window = Window(stream)
    about = _site(window)
    if about is None:
        try:
            window.check()
            count("broken_record")
        except PackingError as error:
            count(error.reason)
        return
    while True:
        try:
            page = _next_page(window)
            if page is None:
                return
            article = _article(page, about)
        except UnreadableError as error:
            count(error.reason)
            if isinstance(error, PackingError):
                window.clear()
            if error.reason == "truncated":
                return
            continue
        yield article


def language_key(code: str) -> str:
    """Return the key of a wiki's language code: the paper's where it has one, else the code."""
    return code if code in LANGUAGES else _KEYS.get(code, code)


def _site(window: Window) -> Site | None:
    there = window.fill(SITE_BYTES)
    head = window.peek(0, there).partition(b"<page>")[0].decode("utf-8", "replace")
    if "<mediawiki" not in head:
        return None
    name = _inside(head, "dbname")
    code = re.search(r"<mediawiki[^<>]*\bxml:lang=\"([^\"]+)\"", head)
    own = re.match(r"([a-z_]+?)wiki$", name)
    base = _inside(head, "base")
    named = {number: label for number, label in _NAMED.findall(head)}
    spoken = own[1].replace("_", "-") if own else code[1] if code else None
    return Site(
        language=language_key(spoken) if spoken else None,
        name=name or "wiki",
        address=base.rpartition("/")[0],
        namespaces=frozenset(FILES_AND_CATEGORIES)
        | {named[number].lower() for number in _SHOWN_NOWHERE if number in named},
    )


def _inside(head: str, tag: str) -> str:
    match = re.search(f"<{tag}>([^<>]*)</{tag}>", head)
    return match[1].strip() if match else ""


def _next_page(window: Window) -> bytes | None:
    """Return the next page with its tags, None at the end of the dump."""
    if not window.seek(_PAGE_OR_END, len(b"</mediawiki>")):
        raise UnreadableError("truncated", "no end of the dump")
    if window.peek(0, 6) != b"<page>":
        window.clear()
        return None
    size, searched = PACKED_BYTES, 0
    while True:
        there = window.fill(size)
        end = window.find(_PAGE_END, searched)
        if end is not None:
            page = window.peek(0, end[1])
            window.advance(end[1])
            _require(len(page) <= MAX_RECORD_BYTES, "too_large")
            return page
        if there < size:
            window.check()
            raise UnreadableError("truncated", "the end is in a page")
        if there > MAX_RECORD_BYTES:
            window.advance(6)
            raise UnreadableError("too_large")
        size, searched = 2 * there, there - len(b"</page>")


def _article(page: bytes, about: Site) -> Article:
    _require(b"<redirect " not in page, "redirect")
    number = _NAMESPACE.search(page)
    _require(number is not None and number[1] == b"0", "not_an_article")
    try:
        root = ElementTree.fromstring(page)
    except ElementTree.ParseError as error:
        raise UnreadableError("broken_record", str(error)) from None
    revisions = root.findall("revision")
    newest = revisions[-1] if revisions else root
    _require(newest.findtext("model", "wikitext") == "wikitext", "not_an_article")
    text = plain_text(newest.findtext("text") or "", about.namespaces)
    _require(bool(text), "no_text")
    title = (root.findtext("title") or "").replace(" ", "_")
    url = f"{about.address}/{quote(title)}" if about.address and title else None
    return Article(f"{about.name}/{(root.findtext('id') or title).strip()}", text, url)


def _require(met: bool, reason: Reason) -> None:
    if not met:
        raise UnreadableError(reason)
