"""C4's rules on the lines of a document (Raffel et al. 2020, Sec. 2.2), applied to paragraphs.

Left out: the rule on lines with code of curly brackets, which is one on documents (`quality`).
"""

from typing import Literal

import polars as pl

from xlmr_lab.corpus.quality import QualityConfig
from xlmr_lab.corpus.words import STOPS

LineReason = Literal["c4_line_javascript", "c4_line_policy", "c4_line_short", "c4_line_unfinished"]
"""Why a paragraph was left out as a line, in the order of the tests."""

MIN_LINE_WORDS, POLICY = 5, r"(?i)terms of use|(privacy|cookie) policy|use(s| of)? cookies"
"""C4's least words of a line, and what it knows notices by."""

_FINISHED = rf"[{STOPS}]\p{{Pe}}*$|[\p{{Pi}}\p{{Pf}}\"'\u300d\u300f]$"
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Tibetan}\p{Myanmar}\p{Khmer}]"


def line_reason(text: pl.Expr, config: QualityConfig) -> pl.Expr:
    """Return why C4 leaves out a line, or null; for normalised paragraphs."""
    if "c4" not in config.sets:
        return pl.lit(None, dtype=pl.String)
    last = text.str.tail(4)
    finished = last.str.contains(_FINISHED) & ~last.str.contains(r"(\.\.\.|\u2026)$")
    few = text.str.count_matches(" ", literal=True) < MIN_LINE_WORDS - 1
    tests: dict[LineReason, pl.Expr] = {
        "c4_line_javascript": text.str.contains_any(["javascript"], ascii_case_insensitive=True),
        "c4_line_policy": text.str.contains(POLICY),
        "c4_line_short": few & ~text.str.contains(_UNSPACED),
        "c4_line_unfinished": ~finished & config.finished_lines,
    }
    return pl.coalesce(*(pl.when(test).then(pl.lit(name)) for name, test in tests.items()))
