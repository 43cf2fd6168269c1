"""What a file's name says: its form, its packing, its language, its source.

A place is a path or an address; only its last part is looked at, and for the source the folders
above it.
"""

import re
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

from xlmr_lab.corpus.remote import is_remote
from xlmr_lab.errors import UserError

LAYOUT = "<source>/<language>.{txt,jsonl,parquet}[.gz|.bz2|.xz|.zst]"
OTHERS = "*.{warc,wet,arc}[.gz|.zst], *.xml[.gz|.bz2|.xz|.zst] or *.paths[.gz]"

Form = Literal["txt", "jsonl", "parquet", "archive", "dump", "list"]

_PACKED = r"(?:\.(?P<packing>gz|bz2|xz|zst))?"
_LANGUAGE = r"[A-Za-z0-9_-]+"
_TEXT = re.compile(rf"(?P<language>{_LANGUAGE})\.(?P<form>txt|jsonl|parquet)" + _PACKED)
_OTHERS: dict[Form, re.Pattern[str]] = {
    "archive": re.compile(r".+\.(?:warc|wet|arc)" + _PACKED),
    "dump": re.compile(r"(?:(?P<wiki>[a-z_]+)wiki-)?.*\.xml(?:-p\d+p\d+)?" + _PACKED),
    "list": re.compile(r".+\.paths" + _PACKED),
}
_CRAWL = re.compile(r"/(CC-[A-Z]+-\d{4}[\w-]*)/")


def file_name(place: str) -> str:
    """Return the last part of a path or address."""
    return urlsplit(place).path.rpartition("/")[2] if is_remote(place) else Path(place).name


def form_of(place: str) -> Form:
    """Return what a file holds.

    Raises:
        UserError: the name does not tell.
    """
    form = known_form(place)
    if form is None and ".wat" in file_name(place):
        raise UserError(f"{place} holds links and no text; give the WET or WARC file")
    if form is None:
        raise UserError(f"cannot tell the format of {place}; name it {LAYOUT} or {OTHERS}")
    return form


def known_form(place: str) -> Form | None:
    """Return what a file holds, None where the name does not tell."""
    text = _TEXT.fullmatch(file_name(place))
    if text is not None:
        return cast(Form, text["form"])
    if is_remote(place) and place.endswith(".parquet"):
        return "parquet"  # a pattern such as *.parquet, which Polars resolves
    found = (form for form, pattern in _OTHERS.items() if pattern.fullmatch(file_name(place)))
    return next(found, None)


def language_of(place: str) -> str | None:
    """Return the language of a file of text; the wiki's code of a dump, if its name has one."""
    text = _TEXT.fullmatch(file_name(place))
    if text is not None:
        return text["language"]
    dump = _OTHERS["dump"].fullmatch(file_name(place))
    return dump["wiki"].replace("_", "-") if dump and dump["wiki"] else None


def is_language(key: str) -> bool:
    """Whether a key can name a language: it becomes a part of paths, and so holds no "/" nor ".".

    >>> is_language("zh-Hans"), is_language("../sw")
    (True, False)
    """
    return re.fullmatch(_LANGUAGE, key) is not None


def packing_of(place: str) -> str | None:
    """Return the packing of a file of text."""
    text = _TEXT.fullmatch(file_name(place))
    return text["packing"] if text else None


def source_of(place: str) -> str:
    """Return the name of what a file belongs to: a crawl, a dataset, a folder, a server.

    >>> source_of("https://data.commoncrawl.org/crawl-data/CC-MAIN-2018-51/wet.paths.gz")
    'CC-MAIN-2018-51'
    """
    crawl = _CRAWL.search(place)
    if crawl:
        return crawl[1]
    if not is_remote(place):
        return Path(place).resolve().parent.name
    parts = [part for part in place.partition("://")[2].split("/") if part] or [place]
    if place.startswith("hf://") and len(parts) > 2:
        return parts[2].partition("@")[0]
    return parts[-2] if len(parts) > 1 else parts[0]
