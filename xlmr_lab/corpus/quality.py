"""Document filters with published thresholds, in named sets; the first rule broken is the reason.

`measure` gives each document's measures as columns and `reason` compares them with thresholds, so
other thresholds need no second look at the text. The sets: "ccnet" (least length, from cc_net's
code), "gopher_quality" and "gopher_repetition" (Gopher Sec. A.1.1, Table A1), "c4" (C4 Sec. 2.2, as
in its last version and its code), "fineweb" (FineWeb Sec. 3.6; the rule on lists is in its code
only, which has 0.01 for duplicate characters). Words are those of `words`: scripts without
spaces count so many letters as one and have no mean length or stop words, Thai and Lao no sentences
or finished lines; such measures are null and break no rule. Of equal lines or n-grams the first is
no duplicate, and characters, of words alone, count once. Not implemented: C4's bad words, citation
marks, words of 1,000 letters; Gopher's paragraphs, which are lines here; rules on URLs.
"""

import dataclasses
import operator
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from xlmr_lab.corpus.words import (
    BRACKET,
    BREAK,
    DIGIT,
    LETTER,
    QUOTE,
    STOP,
    THAI,
    Hashes,
    Places,
    Words,
    before,
    blocks,
    divide,
    mixed,
)
from xlmr_lab.errors import UserError

SetName = Literal["ccnet", "gopher_quality", "gopher_repetition", "c4", "fineweb"]

Reason = Literal[
    "ccnet_short", "gopher_few_words", "gopher_many_words", "gopher_short_words",
    "gopher_long_words", "gopher_hashes", "gopher_ellipses", "gopher_bullets",
    "gopher_ellipsis_lines", "gopher_no_letters", "gopher_stop_words", "gopher_duplicate_lines",
    "gopher_duplicate_characters", "gopher_top_2_gram", "gopher_top_3_gram",
    "gopher_top_4_gram", "gopher_duplicate_5_grams", "gopher_duplicate_6_grams",
    "gopher_duplicate_7_grams", "gopher_duplicate_8_grams", "gopher_duplicate_9_grams",
    "gopher_duplicate_10_grams", "c4_lorem_ipsum", "c4_curly_brackets", "c4_few_sentences",
    "fineweb_unfinished_lines", "fineweb_duplicate_characters", "fineweb_short_lines",
    "fineweb_list",
]  # fmt: skip
REASONS: tuple[Reason, ...] = get_args(Reason)
"""Why a document was left out, in the order of the tests."""

STOP_WORDS = {"en": ("the", "be", "to", "of", "and", "that", "have", "with")}
"""Gopher's stop words by language; other languages have no list."""

Numbers = npt.NDArray[Any]

_SIGNS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class Rule(NamedTuple):
    """A document is left out when its measure compares so with the threshold."""

    set: SetName
    measure: str
    sign: str
    threshold: float


RULES: Mapping[str, Rule] = {
    "ccnet_short": Rule("ccnet", "num_characters", "<", 300),
    "gopher_few_words": Rule("gopher_quality", "num_words", "<", 50),
    "gopher_many_words": Rule("gopher_quality", "num_words", ">", 100_000),
    "gopher_short_words": Rule("gopher_quality", "mean_word_length", "<", 3),
    "gopher_long_words": Rule("gopher_quality", "mean_word_length", ">", 10),
    "gopher_hashes": Rule("gopher_quality", "hashes_per_word", ">", 0.1),
    "gopher_ellipses": Rule("gopher_quality", "ellipses_per_word", ">", 0.1),
    "gopher_bullets": Rule("gopher_quality", "bullet_line_share", ">", 0.9),
    "gopher_ellipsis_lines": Rule("gopher_quality", "ellipsis_line_share", ">", 0.3),
    "gopher_no_letters": Rule("gopher_quality", "alphabetic_word_share", "<", 0.8),
    "gopher_stop_words": Rule("gopher_quality", "num_stop_words", "<", 2),
    "gopher_duplicate_lines": Rule("gopher_repetition", "duplicate_line_share", ">", 0.3),
    "gopher_duplicate_characters": Rule("gopher_repetition", "duplicate_character_share", ">", 0.2),
    "gopher_top_2_gram": Rule("gopher_repetition", "top_2_gram_share", ">", 0.2),
    "gopher_top_3_gram": Rule("gopher_repetition", "top_3_gram_share", ">", 0.18),
    "gopher_top_4_gram": Rule("gopher_repetition", "top_4_gram_share", ">", 0.16),
    "gopher_duplicate_5_grams": Rule("gopher_repetition", "duplicate_5_gram_share", ">", 0.15),
    "gopher_duplicate_6_grams": Rule("gopher_repetition", "duplicate_6_gram_share", ">", 0.14),
    "gopher_duplicate_7_grams": Rule("gopher_repetition", "duplicate_7_gram_share", ">", 0.13),
    "gopher_duplicate_8_grams": Rule("gopher_repetition", "duplicate_8_gram_share", ">", 0.12),
    "gopher_duplicate_9_grams": Rule("gopher_repetition", "duplicate_9_gram_share", ">", 0.11),
    "gopher_duplicate_10_grams": Rule("gopher_repetition", "duplicate_10_gram_share", ">", 0.1),
    "c4_lorem_ipsum": Rule("c4", "num_lorem_ipsum", ">=", 1),
    "c4_curly_brackets": Rule("c4", "num_curly_brackets", ">=", 1),
    "c4_few_sentences": Rule("c4", "num_sentences", "<", 3),
    "fineweb_unfinished_lines": Rule("fineweb", "finished_line_share", "<=", 0.12),
    "fineweb_duplicate_characters": Rule("fineweb", "duplicate_character_share", ">=", 0.1),
    "fineweb_short_lines": Rule("fineweb", "short_line_share", ">=", 0.67),
    "fineweb_list": Rule("fineweb", "lines_per_word", ">", 0.3),
}
"""The published rules, by the reason that they give."""

MEASURES = pl.Schema({rule.measure: pl.Float64() for rule in RULES.values()})
"""A document's measures; null where its writing has no such thing."""

SHORT_LINE, SHORT_LINE_WORDS = 30, 5
"""Shorter lines are short (FineWeb Sec. 3.6): characters, and words in scripts without spaces."""

_BULLETS = [ord(mark) for mark in "-*\u2022\u2023\u2043\u25a0\u25aa\u25cf\u25e6"]
_DOT, _ELLIPSIS = ord("."), 0x2026
_CLOSING = (QUOTE, BRACKET)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class QualityConfig:
    """Which published filters documents and their lines must pass."""

    sets: tuple[SetName, ...] = ()
    """Named sets of rules; "c4" also leaves out lines."""
    thresholds: tuple[str, ...] = ()
    """Other thresholds than the published ones, as `reason=number` (gopher_few_words=20)."""
    finished_lines: bool = False
    """Whether C4's lines must end in a full stop or closing quotation mark (for English)."""

    def __post_init__(self) -> None:
        for entry in self.thresholds:
            name, _, value = entry.partition("=")
            if name not in RULES or RULES[name].set not in self.sets:
                known = [key for key, rule in RULES.items() if rule.set in self.sets]
                raise UserError(
                    f"quality.thresholds: no reason {name!r} in the sets {','.join(self.sets)!r}; "
                    f"there are {', '.join(known) or 'none'}"
                )
            if not value.replace(".", "", 1).isdecimal():
                raise UserError(f"quality.thresholds must be reason=number, got {entry!r}")
        if self.finished_lines and "c4" not in self.sets:
            raise UserError("quality.finished_lines has no effect without c4 in quality.sets")


def reason(config: QualityConfig) -> pl.Expr:
    """Return the reason of the first rule that a row of measures breaks, or null."""
    changed = {name: float(value) for name, value in (x.split("=") for x in config.thresholds)}
    broken = [pl.lit(None, dtype=pl.String)]
    for name, rule in RULES.items():
        if rule.set in config.sets:
            test = _SIGNS[rule.sign](pl.col(rule.measure), changed.get(name, rule.threshold))
            broken.append(pl.when(test).then(pl.lit(name)))
    return pl.coalesce(broken)


def measure(text: pl.Series, stop_words: Sequence[str] = ()) -> pl.DataFrame:
    """Return the measures of documents; without stop words their number is null."""
    stops = divide(stop_words).hashes
    columns: dict[str, list[Numbers]] = {name: [] for name in MEASURES}
    for words in blocks(text.str.strip_suffix("\n").to_list()):
        for part in (_counts(words, stops), _lines(words), _repetition(words)):
            for name, numbers in part.items():
                columns[name].append(numbers.astype(np.float64))
    lorem = text.str.contains_any(["lorem ipsum"], ascii_case_insensitive=True)
    columns["num_lorem_ipsum"] = [lorem.cast(pl.Float64).to_numpy()]
    whole = {name: np.concatenate([np.empty(0), *parts]) for name, parts in columns.items()}
    return pl.DataFrame(whole, schema=MEASURES, nan_to_null=True)


def _counts(words: Words, stops: Hashes) -> dict[str, Numbers]:
    """Return what is counted in characters and words."""
    codes, kinds, (first, last) = words.codes, words.kinds, words.tokens
    num_words, spaced = words.counts.sum(axis=1), words.units() == 1
    is_stop = np.isin(words.hashes, stops)
    found = np.stack([words.texts[is_stop].astype(np.uint64), words.hashes[is_stop]])
    num_stops = np.bincount(np.unique(found, axis=1)[0].astype(np.int64), minlength=len(num_words))
    mean_length = _share(np.diff(words.rank[words.starts]), np.diff(words.bounds))
    letters = before((kinds >= LETTER).view(np.int8))
    alphabetic = _per_text(words, first[letters[last] > letters[first]])
    return {
        "num_characters": np.diff(words.starts),
        "num_words": num_words,
        "mean_word_length": np.where(spaced, mean_length, np.nan),
        "hashes_per_word": _share(_per_text(words, np.flatnonzero(codes == ord("#"))), num_words),
        "ellipses_per_word": _share(_per_text(words, _ellipses(codes)), num_words),
        "alphabetic_word_share": _share(alphabetic, _per_text(words, first)),
        "num_stop_words": np.where(spaced & (len(stops) > 0), num_stops, np.nan),
        "num_curly_brackets": _per_text(words, np.flatnonzero(codes == ord("{"))),
    }


def _ellipses(codes: npt.NDArray[np.uint32]) -> Places:
    """Return where ellipses begin, of one character or of three full stops or more."""
    dots = np.flatnonzero(codes == _DOT)
    dots = dots[(codes[dots - 1] != _DOT) & (codes[dots + 1] == _DOT)]  # a line feed is last
    dots = dots[codes[dots + 2] == _DOT]
    return np.sort(np.concatenate([dots, np.flatnonzero(codes == _ELLIPSIS)]))


def _lines(words: Words) -> dict[str, Numbers]:
    """Return what is counted in lines that are not blank."""
    kinds, codes, units = words.kinds, words.codes, words.units()
    breaks = np.flatnonzero(kinds == BREAK)
    begins = np.append(0, breaks[:-1] + 1)
    first, ends = begins[begins < breaks], breaks[begins < breaks]
    total = _per_text(words, first)
    texts = np.repeat(np.arange(len(total)), total)
    last, before = kinds[ends - 1], kinds[np.maximum(ends - 2, 0)]
    dotted = np.all([codes[np.maximum(ends - i, 0)] == _DOT for i in (1, 2, 3)], axis=0)
    armenian = codes[np.maximum(ends - 2, 0)] - np.uint32(0x531) < 0x57  # COLON is its full stop
    closed = np.where(np.isin(last, _CLOSING), before, last) == STOP
    finished = closed | (last == QUOTE) | (armenian & (codes[ends - 1] == ord(":")))
    members, leads = _groups(words.spans(first, ends), texts)
    copies = members[~leads]
    copied = np.bincount(texts[copies], (words.rank[ends] - words.rank[first])[copies], len(total))
    limit = np.where(units == 1, SHORT_LINE, SHORT_LINE_WORDS * units)
    marks = {
        "bullet_line_share": np.isin(codes[first], _BULLETS),
        "ellipsis_line_share": dotted | (codes[ends - 1] == _ELLIPSIS),
        "finished_line_share": finished,
        "short_line_share": ends - first < limit[texts],
        "duplicate_line_share": np.isin(np.arange(len(first)), copies),
    }
    shares = {name: _share(_per_text(words, first[mark]), total) for name, mark in marks.items()}
    sentences = _per_text(words, first[~closed]) + _per_text(words, _sentence_ends(words))
    is_thai = words.counts.argmax(axis=1) == THAI - LETTER
    return shares | {
        "finished_line_share": np.where(is_thai, np.nan, shares["finished_line_share"]),
        "num_sentences": np.where(is_thai, np.nan, sentences),
        "duplicate_character_share": _share(copied, np.diff(words.rank[words.starts])),
        "lines_per_word": _share(total, words.counts.sum(axis=1)),
    }


def _sentence_ends(words: Words) -> Places:
    """Return where full stops end sentences; those of ASCII only before a space or a mark."""
    stops = np.flatnonzero(words.kinds == STOP)
    after = words.kinds[stops + 1]
    closed = (after != STOP) & (after < DIGIT)
    wide = (words.codes[stops] > 0x7F) & (after != STOP)
    return stops[closed | wide]


def _repetition(words: Words) -> dict[str, Numbers]:
    """Return the shares of characters in the most frequent and in all duplicate n-grams."""
    lengths = np.append(0, np.cumsum(words.sizes))
    total, units = np.diff(lengths[words.bounds]), words.units()[words.texts]
    limits = words.bounds[1:][words.texts]
    first, shares = np.arange(len(words.texts)), {}
    for n in range(2, 11):
        first = first[first + n * units[first] <= limits[first]]
        members, leads = _groups(words.ngrams(first, n * units[first]), words.texts[first])
        first = first[members]
        ends = first + n * units[first]
        if n < 5:
            groups = np.flatnonzero(leads)
            counts = np.diff(groups, append=len(leads))
            sizes = lengths[ends[groups]] - lengths[first[groups]]
            best = np.zeros(len(total), dtype=np.int64)
            np.maximum.at(best, words.texts[first[groups]], (counts << 32) + sizes)
            covered = np.minimum((best >> 32) * (best & 0xFFFFFFFF), total)
        else:
            copies = np.sort(first[~leads])
            ends = copies + n * units[copies]
            begins = np.maximum(copies, np.append(0, ends)[:-1])
            sizes = lengths[ends] - lengths[begins]
            covered = np.bincount(words.texts[copies], sizes, len(total))
        shares[f"{'top' if n < 5 else 'duplicate'}_{n}_gram_share"] = _share(covered, total)
        first = np.sort(first)  # longer repeated n-grams begin like these
    return shares


def _groups(keys: Hashes, texts: Places) -> tuple[Places, npt.NDArray[np.bool_]]:
    """Return where keys are that a text has more than once, equal ones side by side in order, and
    which of these places are the first of their key.
    """
    keys = keys ^ mixed(np.arange(texts.max(initial=0) + 1, dtype=np.uint64))[texts]
    low = np.uint64((1 << len(keys).bit_length()) - 1)
    packed = np.sort((keys & ~low) | np.arange(len(keys), dtype=np.uint64))
    order = (packed & low).astype(np.int64)
    same = np.zeros(len(keys) + 1, dtype=bool)
    same[1:-1] = keys[order[1:]] == keys[order[:-1]]
    members = same[1:] | same[:-1]
    return order[members], ~same[:-1][members]


def _per_text(words: Words, places: Places) -> Places:
    """Count places, which ascend, by the text that they are in."""
    return np.diff(np.searchsorted(places, words.starts))


def _share(part: Numbers, whole: Numbers) -> Numbers:
    return part / np.maximum(whole, 1e-9)
