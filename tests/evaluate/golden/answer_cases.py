"""Answers to score, random and adversarial, from a seed: the input of the golden values.

`cases(language, seed)` gives (prediction, gold answers) pairs; `real_cases` the same with
spans of real contexts. Only `random.Random.random` is drawn from, and only characters that have
long been assigned are used, so every version of Python makes the same cases; `checksum` proves it.
Imports nothing of the package, so that the official scripts' own environment can run it.
"""

import hashlib
import json
import random

LANGUAGES = ("en", "es", "de", "ar", "hi", "vi", "zh")
NUM_CASES = 2000
SEED = 20

# Letters by script: first and last code point.
LETTERS = {
    "en": ((0x61, 0x7A), (0x41, 0x5A)),  # Latin, small and capital
    "es": ((0x61, 0x7A), (0xE0, 0xF6)),  # Latin-1 letters with accents
    "de": ((0x61, 0x7A), (0xDF, 0xFC)),
    "ar": ((0x0627, 0x063A), (0x0641, 0x0652)),  # letters, then letters and vowel marks
    "hi": ((0x0905, 0x0939), (0x093E, 0x094D)),  # letters; vowel signs and virama
    "vi": ((0x61, 0x7A), (0x1EA0, 0x1EF9)),  # Latin with two marks
    "zh": ((0x4E00, 0x9FA5), (0x3400, 0x3410), (0x9FA6, 0x9FB0), (0x20000, 0x20010)),
    "other": ((0x0410, 0x044F), (0x0391, 0x03A1), (0x0E01, 0x0E2E), (0x3041, 0x3093)),
    "wide": ((0xFF21, 0xFF3A), (0xFF41, 0xFF5A), (0xFF66, 0xFF9D)),  # full- and half-width
    "hangul": ((0xAC00, 0xD7A3),),
}
# LATIN A WITH ACUTE e1, A WITH GRAVE e0, U WITH HOOK ABOVE 1ee7, E WITH CIRCUMFLEX AND ACUTE 1ebf,
# U WITH HORN AND TILDE 1eef, COMBINING ACUTE 301; ARABIC ALEF 627, LAM 644, ALEF WITH HAMZA 623.
ARTICLES = {
    "en": ("a", "an", "the", "The", "THE", "A"),
    "es": ("un", "una", "unos", "unas", "el", "la", "los", "las", "El", "lo"),
    "de": tuple("ein eine einen einem eines einer der die das den dem des Der einE".split()),
    "ar": ("\u0627\u0644", " \u0627\u0644", "\u0627\u0644\u0627\u0644", "\u0623\u0644"),
    "hi": ("\u090f\u0915",),  # EK, "one": not an article to the script
    "vi": ("c\u1ee7a", "l\u00e0", "c\u00e1i", "chi\u1ebfc", "nh\u1eefng", "ca\u0301i", "L\u00c0"),
    "zh": ("\u7684", "\u4e00"),
}
# Punctuation and symbols: ASCII, inverted marks, quotes, dashes, Arabic, Devanagari, CJK,
# full-width, Armenian, Hebrew, Thai, Tibetan, connector; currency and other symbols that are none.
MARKS = (
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\u00a1\u00bf\u00ab\u00bb\u2018\u2019\u201c\u201d\u2010\u2013"
    "\u2014\u2026\u060c\u061b\u061f\u066a\u066d\u06d4\u0964\u0965\u0970\u3001\u3002\u3008\u300b"
    "\u300c\u300e\u3010\u301c\u30fb\uff01\uff0c\uff0e\uff1a\uff1f\uff08\uff09\uff3b\uff3f\uff5e"
    "\u055a\u05be\u05f3\u0e4f\u0f0b\u203f\u2040\ufe4f\u00b7\u2022\u20ac\u00a3\uff04\u00b0\u00a7\u00b6"
    "\u2122\u2212\u00d7\u2190\u02bc\u00b4"
)
# Space, no-break space, ideographic space, tab, line feed, next line, information separator, thin
# space, line separator; zero-width space, joiner and byte order mark, which are not white space.
SPACES = (" ", " ", " ", " ", "  ", "\u00a0", "\u3000", "\t", "\n", "\x85", "\x1c", "\u2009")
SPACES += ("\u2028", "\u200b", "\u200d", "\ufeff")
# Combining acute, Arabic fathatan, Devanagari nukta, cedilla, variation selector.
COMBINING = "\u0301\u064b\u093c\u0327\ufe0f"
# Letters whose lower case is special: I WITH DOT ABOVE, CAPITAL SHARP S, SIGMA, final SIGMA, DZ
# WITH CARON, KELVIN SIGN; digits: ASCII, Arabic-Indic, Devanagari, full-width, Roman, superscript.
SPECIAL = "\u0130\u1e9e\u03a3\u03c2\u01c4\u212a0129\u0660\u0669\u0966\u096f\uff10\uff19\u2160\u00b2"

Case = tuple[str, list[str]]


class Draw:
    """Choices from one stream, by `random()` alone."""

    def __init__(self, name: str):
        self.rng = random.Random(name)

    def below(self, n: int) -> int:
        return int(self.rng.random() * n)

    def of(self, items):
        return items[self.below(len(items))]

    def chance(self, p: float) -> bool:
        return self.rng.random() < p


def cases(language: str, seed: int = SEED) -> list[Case]:
    """Return a language's (prediction, gold answers) pairs."""
    draw = Draw(f"answers {language} {seed}")
    return [case(draw, language) for _ in range(NUM_CASES)]


def case(draw: Draw, language: str) -> Case:
    pieces = [piece(draw, language) for _ in range(1 + draw.below(7))]
    golds = [text(draw, pieces)]
    for _ in range(draw.of((0, 0, 1, 2, 3))):  # more answers: near ones, ties, others
        golds.append(text(draw, changed(draw, pieces, language)) if draw.chance(0.8) else golds[0])
    kind = draw.below(10)
    if kind == 0:
        return draw.of(("", " ", ".", draw.of(MARKS) * 2, draw.of(ARTICLES[language]))), golds
    if kind == 1:
        return text(draw, [piece(draw, language) for _ in range(1 + draw.below(5))]), golds
    if kind == 2:
        return recased(draw, golds[-1]), golds
    if kind == 3:  # empty gold answers, or nothing but what is deleted
        return text(draw, pieces[:1]), [
            *golds,
            draw.of(("", draw.of(MARKS), ARTICLES[language][0])),
        ]
    prediction = pieces
    for _ in range(1 + draw.below(3)):
        prediction = changed(draw, prediction, language)
    return text(draw, prediction), golds


def piece(draw: Draw, language: str) -> str:
    """Return a word, an article, or a mixture that tries the rules' edges."""
    kind = draw.below(12)
    if kind < 5:
        return word(draw, language)
    if kind < 7:
        return draw.of(ARTICLES[language if draw.chance(0.8) else draw.of(LANGUAGES)])
    if kind == 7:  # an article at the edge of something else
        parts = [
            draw.of(ARTICLES[language]),
            draw.of((*MARKS, *SPECIAL, *COMBINING, "x", "\u4e2d")),
        ]
        return "".join(parts if draw.chance(0.5) else parts[::-1])
    if kind == 8:
        return word(draw, language) + draw.of(MARKS) + word(draw, draw.of(tuple(LETTERS)))
    if kind == 9:
        return word(draw, "zh") + word(draw, draw.of(("en", "wide", "other", "hangul")))
    if kind == 10:
        return draw.of(MARKS) + draw.of(MARKS)
    return "".join(draw.of(SPECIAL) for _ in range(1 + draw.below(3)))


def word(draw: Draw, script: str) -> str:
    letters = ""
    for _ in range(1 + draw.below(4)):
        low, high = draw.of(LETTERS[script])
        # Few different letters, so that words come again.
        letters += chr(low + draw.below(min(4, high - low + 1)))
        letters += draw.of(COMBINING) if draw.chance(0.05) else ""
    return letters


def changed(draw: Draw, pieces: list[str], language: str) -> list[str]:
    """Return the pieces with one inserted, dropped, repeated, swapped, marked or recased."""
    found, place, kind = list(pieces), draw.below(max(1, len(pieces))), draw.below(6)
    if kind == 0 or not found:
        return [*found[:place], piece(draw, language), *found[place:]]
    if kind == 1:
        del found[place]
    elif kind == 2:
        found.insert(place, found[place])
    elif kind == 3:
        found[place], found[-1] = found[-1], found[place]
    elif kind == 4:
        found[place] = draw.of((draw.of(MARKS) + found[place], found[place] + draw.of(MARKS)))
    else:
        found[place] = recased(draw, found[place])
    return found


def recased(draw: Draw, value: str) -> str:
    return draw.of((value.upper, value.lower, value.title, value.swapcase))()


def text(draw: Draw, pieces: list[str]) -> str:
    """Join the pieces by all kinds of white space, and sometimes by nothing."""
    joined = "".join(p + ("" if draw.chance(0.15) else draw.of(SPACES)) for p in pieces)
    return joined.strip() if draw.chance(0.7) else joined


def sets(pairs: list[Case]) -> list[tuple[dict[str, str], dict[str, list[str]]]]:
    """Group the cases into sets of questions by id, of many sizes, some without a prediction."""
    groups, start = [], 0
    while start < len(pairs):
        size = 1 + len(groups) * 4
        part = dict(enumerate(pairs[start : start + size], start))
        golds = {str(i): golds for i, (_, golds) in part.items()}
        predictions = {str(i): given for i, (given, _) in part.items() if i % 17 != 3}
        groups.append((predictions, golds))
        start += size
    return groups


def real_cases(dataset: list[dict], seed: int = SEED) -> list[Case]:
    """Return a span of its context for each question, with the question's answers, in order.

    A span is the answer, something near it, or anywhere. Ids are not looked at: some files have
    one id for many questions.
    """
    draw, found = Draw(f"real {seed}"), []
    for article in dataset:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                golds = question["answers"]
                start, end = span(draw, draw.of(golds), len(paragraph["context"]))
                found.append((paragraph["context"][start:end], [gold["text"] for gold in golds]))
    return found


def span(draw: Draw, answer: dict, length: int) -> tuple[int, int]:
    start = answer["answer_start"]
    end, kind = start + len(answer["text"]), draw.below(4)
    if kind == 0:
        return start, end
    if kind == 1:
        return max(0, start - draw.below(12)), end + draw.below(12)
    if kind == 2:
        return start + draw.below(6), max(start, end - draw.below(6))
    start = draw.below(length)
    return start, start + draw.below(60)


def checksum(value: object) -> str:
    """Return the SHA-256 of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode("utf-8")).hexdigest()
