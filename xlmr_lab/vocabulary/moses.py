"""Moses rules: punctuation made uniform, then split from words, language by language.

They are those of sacremoses (MIT, 1 MB, a port of Moses' Perl scripts that is kept up), which has
Moses' lists of abbreviations; a language without a list has the English one, as in Moses. Its rules
are used as they are, with the Perl scripts' quotation marks and without XML escapes, as XLM did,
except that a combining mark is never cut from its letter: sacremoses does so for the marks that it
knows of, but would break Burmese, Khmer and Lao, and accents that are characters of their own, at
each other mark. Romanian also loses its diacritics, as in XLM (after the WMT16 scripts).
"""

import functools
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from xlmr_lab.vocabulary.extra import needed

ROMANIAN = dict(zip("ĂăÂâÎîȘșŞşȚțŢţ", "AaAaIiSsSsTtTt", strict=True))
"""Letters of Romanian, S and T with comma or, wrongly, cedilla below, and what they become."""


class Rule(NamedTuple):
    """One substitution."""

    needs: frozenset[str]
    """Characters beyond ASCII without which the pattern cannot match."""
    pattern: re.Pattern[str]
    template: str
    """Replacement; `\\g<1>` is a group."""


def code_of(language: str) -> str:
    """Return the code by which Moses knows the language of a key.

    A romanised language stays apart: the abbreviations of its code are in another script.

    >>> code_of("pt-BR"), code_of("hi_rom"), code_of("qaa")
    ('pt', 'hi_rom', 'qaa')
    """
    return language if language.endswith("_rom") else re.split("[-_]", language)[0].lower()


@functools.cache
def rules(code: str) -> tuple[Rule, ...]:
    """Return the substitutions that make the punctuation of a language uniform, in their order.

    Raises:
        UserError: sacremoses is missing.
    """
    with needed(code):
        import sacremoses

    normalizer = sacremoses.MosesPunctNormalizer(code, perl_parity=True)
    found = [*normalizer.REPLACE_UNICODE_PUNCTUATION, *normalizer.substitutions]
    if code == "ro":
        found += ROMANIAN.items()
    return tuple(
        Rule(frozenset(c for c in pattern if not c.isascii()), re.compile(pattern), template)
        for pattern, template in found
    )


def normalize(line: str, applied: Iterable[Rule]) -> str:
    """Return the line with the rules applied one after the other."""
    found = set(line)
    for needs, pattern, template in applied:
        if needs <= found:
            line = pattern.sub(template, line)
    return line


@functools.cache
def splitter(code: str) -> Callable[[str], str]:
    """Return what puts spaces between the tokens of a line; it changes no other character.

    Raises:
        UserError: sacremoses is missing.
    """
    with needed(code):
        import sacremoses

    moses: Any = sacremoses.MosesTokenizer(code)
    apart = rf"([^{moses.IsAlnum}{_combining_marks()}\s\.'\`\,\-])"
    moses.PAD_NOT_ISALNUM = re.compile(apart), moses.PAD_NOT_ISALNUM[1]
    # The same answers as its own methods, which build a set of all letters at each call.
    moses.islower = re.compile(f"[{moses.IsLower}]*").fullmatch
    moses.isanyalpha = re.compile(f"[{moses.IsAlpha}]").search
    moses.NONBREAKING_PREFIXES = frozenset(moses.NONBREAKING_PREFIXES)
    return functools.partial(moses.tokenize, return_str=True, escape=False)


@functools.cache
def _combining_marks() -> str:
    every = map(chr, range(sys.maxunicode + 1))
    return "".join(c for c in every if unicodedata.category(c).startswith("M"))
