"""Wikitext as plain text: what a reader sees of an article's prose, a paragraph a line.

Templates, tables, references, formulas, galleries, files and categories go; headings and list items
are paragraphs; links leave their words. Nested structure is taken out first, in one pass over the
braces, since articles hold more of it than prose and some never close it. The rest is parsed by
mwparserfromhell line by line; a line that holds nothing but words, simple links and emphasis needs
no parser, and comes out the same. Left out: the text that templates would write, but for the few of
`_KEPT` that only dress their words; conversion between scripts (`-{...}-`) takes the first variant.
"""

import html
import re
from collections.abc import Collection, Iterator, Sequence

import mwparserfromhell
from mwparserfromhell.nodes import ExternalLink, Wikilink
from mwparserfromhell.wikicode import Wikicode

FILES_AND_CATEGORIES = ("file", "image", "media", "category")
"""Names of namespaces whose links show no words, in every wiki; each adds those in its language."""

MAX_INVISIBLE_CHARACTERS = 50_000
"""What a tag hides at most; one that closes later than that was never meant to."""

MAX_LINK_LINES = 12
"""Lines that one link, such as a file with its caption, may span."""

MAX_MARKS = 2000
"""Marks in a line up to which it is parsed; the parser's time grows with their square."""

_KEPT = re.compile(
    r"\s*(?:lang\s*\|[^|]*\||lang-[\w-]+\s*\||nowrap\s*\||nobr\s*\||small\s*\||big\s*\||"
    r"formatnum:|lc:|uc:|ucfirst:)(?:[1-9]=)?([^|=\[\]{}]*)(?:\|[^|]*=[^|]*)*",
    re.IGNORECASE,
)
"""Templates that show their words as they are; the group holds the words."""

_INVISIBLE = re.compile(
    r"<(?P<end>/?)(?P<name>ref|references|math|chem|ce|gallery|timeline|syntaxhighlight|source|score|"
    r"imagemap|graph|templatestyles|templatedata|mapframe|maplink|hiero|categorytree|inputbox|"
    r"includeonly|style|script|section|indicator)\b[^<>]*?(?P<alone>/?)>",
    re.IGNORECASE,
)
"""Tags around what shows no words."""

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_PARAMETER = re.compile(r"\{\{\{[^{}]*\}\}\}")
_BREAK = re.compile(r"<(?:br|hr|p|/p|/div|/li|/h[1-6])\b[^<>]*>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#?[A-Za-z0-9]{2,31});")
_NO_CHARACTER = re.compile(r"&#[0-9]{11,};?")
"""A number of more digits than any character has, and perhaps than Python converts."""
_DRESS = re.compile(
    r"</?(?:small|big|su[bp]|b|i|u|s|q|em|strong|span|div|center|font|code|tt|del|ins|nowiki|poem|"
    r"blockquote|cite|abbr|var|kbd|samp|noinclude|onlyinclude|[uo]l|li|h[1-6])\b[^<>]*>",
    re.IGNORECASE,
)
_VARIANTS = re.compile(r"-\{(?:[\w-]*\|)?(?:[\w-]+:)?([^{}:;]*)(?:;[^{}]*)?\}-")
_SWITCH = re.compile(r"__[^\W\d_a-z]+__")

_NESTED = re.compile(
    r"(?P<template>\{\{)|(?P<template_end>\}\})|(?P<table>^[ \t:*#]*\{\||<table\b[^<>]*>)"
    r"|(?P<table_end>^[ \t]*\|\}(?!\})|</table\s*>)",
    re.MULTILINE | re.IGNORECASE,
)

_HEADING = re.compile(r"(={1,6})(.+?)\1\s*$")
_LIST = re.compile(r"[*#:;]+\s*")
_ROW = re.compile(r"[|!]|\{\||\}\}")
"""How a line begins that a table or template left behind which never closed."""

_LINK = re.compile(r"\[\[([^\[\]{}|<>\n&]+)(?:\|([^\[\]{}<>\n&]+))?\]\]")
_ADDRESS = re.compile(r"\[(?:https?|ftp)://[^\s\[\]{}|<>'&]+ ([^\s\[\]{}|<>'&][^\[\]{}|<>'&\n]*)\]")
_MEDIA = re.compile(
    r"\.(?:jpe?g|png|svg|gif|tiff?|webp|og[gvap]|opus|flac|webm|mp[34g]|pdf|djvu|stl|midi?|wav|xcf)\s*$",
    re.IGNORECASE,
)
"""How a file's name ends, whatever its namespace is called."""

_EMPHASIS = re.compile(r"(?<!')('''|'')(?!')([^'\n]+)\1(?!')")
_SPECIAL = re.compile(r"[\[\]{}<>|&]|''|://|~~~")
_STRAY = re.compile(r"\[\[|\]\]|\{\{+|\}\}+|'{2,}|</?[A-Za-z][^<>]*>|</?ref\b|\{\||\|\}")
_EMPTY_BRACKETS = re.compile(r" ?[(\uff08]\s*(?:[,;:\u060c\u061b\u3001\uff0c]\s*)*[)\uff09]")
_HOLE = re.compile(r"([(\uff08])\s*(?:[,;:\u060c\u061b\u3001\uff0c]\s*)+")
_SPACES = re.compile(r"[ \t\u00a0]{2,}|\u00a0")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z]+)*|simple")


def plain_text(wikitext: str, namespaces: Collection[str] = FILES_AND_CATEGORIES) -> str:
    r"""Return the prose of an article, each paragraph ended by a line feed.

    `namespaces` are the names, in lower case, of files and categories in the wiki's language.

    >>> plain_text("'''Kilimo''' ni [[chakula|mazao]].{{Mbegu}}\n[[Category:Kilimo]]")
    'Kilimo ni mazao.\n'
    """
    return "".join(f"{line}\n" for line in _paragraphs(reduced(wikitext), namespaces))


def reduced(wikitext: str) -> str:
    """Return an article without what shows no words: only links, emphasis and lists are left."""
    text = _PARAMETER.sub("", without_invisible(_COMMENT.sub("", wikitext)))
    text = _INVISIBLE.sub("", text)  # those that never close
    text = _DRESS.sub("", _BREAK.sub(" ", without_nested(text)))
    return _ENTITY.sub(_character, _SWITCH.sub("", _VARIANTS.sub(r"\1", text)))


def _character(entity: re.Match[str]) -> str:
    """Return the character of an entity, unless it would be taken for markup."""
    character = _unescaped(entity[0])
    return entity[0] if set(character) & set("<>[]{}|='&") else character


def _unescaped(text: str) -> str:
    """Return a text with characters for its entities, REPLACEMENT CHARACTER for impossible ones."""
    return html.unescape(_NO_CHARACTER.sub("\ufffd", text))


def without_invisible(text: str) -> str:
    """Return a text without references, formulas and the like; a tag that never closes hides
    nothing.
    """
    out: list[str] = []
    at, opened, name = 0, -1, ""
    for tag in _INVISIBLE.finditer(text):
        if opened >= 0 and tag.end() - opened > MAX_INVISIBLE_CHARACTERS:
            opened = -1
        same = tag["name"].lower() == name
        if tag["alone"] and opened < 0:
            out.append(text[at : tag.start()])
            at = tag.end()
        elif tag["end"] and opened >= 0 and same:
            out.append(text[at:opened])
            at, opened = tag.end(), -1
        elif not tag["alone"] and not tag["end"] and (opened < 0 or same):
            opened, name = tag.start(), tag["name"].lower()
    return "".join((*out, text[at:]))


def without_nested(text: str) -> str:
    """Return a text without its templates and tables; what never closes loses its opening only."""
    out: list[str] = []
    opened: list[tuple[str, int]] = []
    at = 0
    for match in _NESTED.finditer(text):
        out.append(text[at : match.start()])
        at = match.end()
        kind, _, end = str(match.lastgroup).partition("_")
        if not end:
            opened.append((kind, len(out)))
            continue
        places = [i for i, (open_kind, _) in enumerate(opened) if open_kind == kind]
        if places:
            start = opened[places[-1]][1]
            inner = "".join(out[start:])
            del opened[places[-1] :], out[start:]
            kept = _KEPT.fullmatch(inner) if kind == "template" else None
            out.append(kept[1] if kept else "")
    return "".join((*out, text[at:]))


def _paragraphs(text: str, namespaces: Collection[str]) -> Iterator[str]:
    for line in _joined(text.split("\n")):
        line = line.strip()
        if not line or line.startswith("----") or _ROW.match(line):
            continue
        heading = _HEADING.match(line)
        words = (
            heading[2] if heading else _LIST.sub("", line, count=1) if line[0] in "*#:;" else line
        )
        words = _tidy(_words(words.strip(), namespaces))
        broken = "|" in words and _is_invisible(words.partition("|")[0], namespaces)
        if any(map(str.isalnum, words)) and not broken:
            yield words


def _joined(lines: Sequence[str]) -> Iterator[str]:
    """Yield lines, those of a link that goes on in the next ones as one."""
    number = 0
    while number < len(lines):
        taken, line = 1, lines[number]
        opened = line.count("[[") - line.count("]]")
        while opened > 0 and taken < MAX_LINK_LINES and number + taken < len(lines):
            more = lines[number + taken]
            opened += more.count("[[") - more.count("]]")
            taken += 1
        if opened == 0 and taken > 1:
            line = " ".join(lines[number : number + taken])
            number += taken - 1
        yield line
        number += 1


def _words(line: str, namespaces: Collection[str]) -> str:
    """Return a line without its markup: at once where it is simple, else by the parser."""
    simple = simple_words(line, namespaces)
    if simple is None and len(_SPECIAL.findall(line)) > MAX_MARKS:
        return line
    return parsed_words(line, namespaces) if simple is None else simple


def simple_words(line: str, namespaces: Collection[str]) -> str | None:
    """Return a line's words where its only markup are simple links and emphasis, else None."""

    def shown(link: re.Match[str]) -> str:
        title: str = link[1]
        return "" if ":" in title and _is_invisible(title, namespaces) else link[2] or title

    words = _LINK.sub(shown, line) if "[[" in line else line
    if "://" in words:
        words = _ADDRESS.sub(r"\1", words)
    if "''" in words:
        words = _EMPHASIS.sub(r"\2", _EMPHASIS.sub(r"\2", words))
    return None if _SPECIAL.search(words) else words


def parsed_words(line: str, namespaces: Collection[str]) -> str:
    """Return a line's words as mwparserfromhell finds them, without files and categories."""
    code: Wikicode = mwparserfromhell.parse(line)
    for link in code.filter_wikilinks():
        if _is_invisible(str(link.title), namespaces):
            _remove(code, link)
    for address in code.filter_external_links():
        if not address.title:
            _remove(code, address)
    return _unescaped(str(code.strip_code(normalize=True, collapse=False)))


def _remove(code: Wikicode, node: Wikilink | ExternalLink) -> None:
    """Remove a node, unless it went with the one around it."""
    if code.contains(node):
        code.remove(node)


def _is_invisible(title: str, namespaces: Collection[str]) -> bool:
    """Whether a link shows no words: a file, a category, the same article in another language."""
    prefix, colon, _ = title.partition(":")
    name = prefix.strip().replace("_", " ").lower()
    return bool(colon) and (
        name in namespaces
        or _LANGUAGE.fullmatch(prefix.strip()) is not None
        or _MEDIA.search(title) is not None
    )


def _tidy(words: str) -> str:
    """Remove what broken markup left, brackets that held a template, and spaces at its place."""
    words = _unescaped(words)
    if _SPECIAL.search(words):
        words = _STRAY.sub("", words)
    words = _SPACES.sub(" ", words)
    if "(" in words or "\uff08" in words:
        words = _HOLE.sub(r"\1", _EMPTY_BRACKETS.sub("", words))
    words = words.replace(" , ", ", ")
    return words.strip(" \t=")
