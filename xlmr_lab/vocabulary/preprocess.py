"""Language-specific preprocessing before BPE, as XLM did it and XLM-R does not (Sec. 5.1, Fig. 7).

| language | steps, after XLM's tools/tokenize.sh |
|---|---|
| all | characters that do not print (controls, joiners, marks of direction) become spaces |
| zh, ja, th | words by a segmenter (see `segmenters`) |
| others | punctuation made uniform, split from words by Moses rules (see `moses`) |
| all, `tokenized_lowercased` | lower case, no accents: what XLM-15 did, XLM-100 did not |

Lines are preprocessed one by one, longer ones in parts, and come back as tokens between single
spaces. Any language key has a result: one that Moses does not know, such as an invented language,
has its general rules. `none` needs no library, and a segmenter is needed only for a text of its
language; nothing stands in for a missing library, since other tokens would be another experiment.

Accents are all nonspacing marks (Mn), as in XLM: with them go vowel signs of Hindi and Thai. Unlike
XLM's script, what was taken apart to find them is put together again, so Hangul stays whole.
"""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import moses, surrogates
from xlmr_lab.vocabulary.segmenters import SEGMENTERS
from xlmr_lab.vocabulary.settings import Preprocessing

PART_CHARACTERS = 4000
"""Longer lines are cut, at a space where there is one: the time of some rules grows with the square
of the length, and the Japanese segmenter refuses more than 49,149 bytes."""


class Steps(NamedTuple):
    """What is done to a line of a language that prints."""

    rules: tuple[moses.Rule, ...]
    """Substitutions, in their order."""
    split: Callable[[str], str]
    """Puts spaces between the tokens; it changes no other character."""


def preprocess(texts: Sequence[str], language: str, kind: Preprocessing) -> list[str]:
    """Return each text as its tokens, between single spaces; the result depends on the text alone.

    `language` is a key of `languages` or any other.

    Raises:
        UserError: the key is empty, a library for the language is missing, or a text has a lone
            surrogate.
    """
    if kind == "none":
        return list(texts)
    surrogates.refuse(texts)
    rules, split = steps(language)
    finish = without_accents if kind == "tokenized_lowercased" else str
    return [
        _single_spaced(finish(split(moses.normalize(part, rules))) for _, part in parts(text))
        for text in texts
    ]


def steps(language: str) -> Steps:
    """Return what is done to lines of a language.

    Raises:
        UserError: the key is empty, or a library for the language is missing.
    """
    if not language.strip():
        raise UserError(f"language must be a key such as 'en' or 'zh-Hans', got {language!r}")
    code = moses.code_of(language)
    if code in SEGMENTERS:
        return Steps((), SEGMENTERS[code]())
    return Steps(moses.rules(code), moses.splitter(code))


def parts(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text that are not blank, long ones in parts, each with where it starts.

    What does not print is a space in them; so a part has the length that it has in the text.
    """
    start = 0
    for line in text.split("\n"):
        line = _printing(line)
        begin = 0
        while begin < len(line):
            end = min(len(line), begin + PART_CHARACTERS)
            if end < len(line) and (cut := line.rfind(" ", begin + 1, end)) > 0:
                end = cut
            if not line[begin:end].isspace():
                yield start + begin, line[begin:end]
            begin = end
        start += len(line) + 1


def without_accents(text: str) -> str:
    """Return the text in lower case and without accents (XLM-15).

    >>> without_accents("Élan VITAL")
    'elan vital'
    """
    return text.lower().translate(PLAIN)


class _Plain(dict[int, str]):
    """Characters without their accents, found as they are asked for."""

    def __missing__(self, code: int) -> str:
        apart = unicodedata.normalize("NFD", chr(code))
        kept = "".join(c for c in apart if unicodedata.category(c) != "Mn")
        self[code] = plain = unicodedata.normalize("NFC", kept).lower()
        return plain


PLAIN = _Plain()
"""For `str.translate`: what each code point of lower-cased text becomes."""


def _printing(line: str) -> str:
    """Return the line with a space for each character that does not print, as in Moses."""
    if line.isprintable():
        return line
    return "".join(" " if unicodedata.category(c).startswith("C") else c for c in line)


def _single_spaced(found: Iterator[str]) -> str:
    return " ".join(" ".join(found).split())
