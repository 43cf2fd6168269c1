"""What is text: measures of a paragraph's characters, and the first reasons to leave one out.

A damaged character says that something went wrong before us: REPLACEMENT CHARACTER, control,
private-use and unassigned characters, and UTF-8 that was read as Latin-1 or Windows-1252, which
leaves telling pairs. Damage is measured before normalisation, which would sweep part of it away.
Left out here: published quality filters and language models.
"""

import polars as pl

_DAMAGED = r"[\x00-\x08\x0e-\x1f\x7f-\x9f\p{Co}\p{Cn}\x{FFFD}]"

_CP1252 = "\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d" + (
    "\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178"
)
"""What Windows-1252 shows for the bytes 80 to 9F, from EURO SIGN to Y WITH DIAERESIS."""

_CONTINUATION = rf"[\u0080-\u009f\u00a1-\u00bf{_CP1252}]"
"""A UTF-8 continuation byte as a character; without NO-BREAK SPACE, which French sets before
punctuation.
"""

_SYMBOL = (
    r"[\u0080-\u009f\u00a1-\u00a9\u00ac\u00ae-\u00b6\u00b8\u00b9\u00bc-\u00bf"
    r"\u20ac\u02c6\u2030\u02dc\u2122]"
)
"""Continuation bytes that no orthography sets after an accented letter (quotes and carons are:
"voilà…", "stáž").
"""

_MOJIBAKE = (
    # Lead bytes C2 C3 C4 C5 (Latin), CE CF (Greek), D0 D1 (Cyrillic), D7 (Hebrew), D8 D9 (Arabic).
    rf"[\u00c2-\u00c5\u00ce-\u00d1\u00d7-\u00d9]{_CONTINUATION}"
    rf"|[\u00d2-\u00d6\u00da\u00db]{_SYMBOL}"  # lead bytes of more Cyrillic, Armenian, Arabic
    rf"|[\u00e0-\u00f0]{_SYMBOL}{_CONTINUATION}"  # three and four bytes: India to China
    r"|\u00e2\u20ac"  # three bytes: quotation marks and dashes
)

_CODES = r"[\p{Lu}\p{Ll}][0-9]"
"""A digit right after a letter that has case: rare in words, every few characters in encoded
data.
"""

CODE_SHARE = 0.08
"""Largest share of such digits in a paragraph that is text."""

MARKUP = ["[[", "]]", "{{", "}}", "{|", "|}", "<ref", "'''"]
"""What is left where wikitext or a template was not turned into text."""

MAX_DAMAGED_SHARE = 0.005
MIN_LETTER_SHARE = 0.5
MIN_BYTES = 10
"""Thresholds where none are set; their units are those of `clean.CleanConfig`."""

MAX_BYTES = 1_000_000
"""A longer paragraph is no paragraph (bytes of UTF-8): a dump, or a page without line ends."""


def damaged_share(paragraph: pl.Expr) -> pl.Expr:
    """Return the share of damaged characters of paragraphs as they were read; a telling pair counts
    as two.
    """
    pairs = paragraph.str.count_matches(_MOJIBAKE)
    damaged = paragraph.str.count_matches(_DAMAGED) + 2 * pairs
    return damaged / _at_least_one(paragraph.str.len_chars())


def letter_share(text: pl.Expr) -> pl.Expr:
    """Return the share of letters and their marks among the characters that are not spaces, of
    normalised text.
    """
    letters = text.str.replace_all(r"[^\p{L}\p{M}]+", "").str.len_chars()
    return letters / _at_least_one(text.str.replace_all(" ", "", literal=True).str.len_chars())


def code_share(text: pl.Expr) -> pl.Expr:
    """Return how many of the characters are a digit glued to a letter, as in hashes, base64 and
    part numbers.
    """
    return text.str.count_matches(_CODES) / _at_least_one(text.str.len_chars())


def character_measures(paragraph: pl.Expr, text: pl.Expr) -> list[pl.Expr]:
    """Return the columns that `character_reason` needs, of paragraphs as read and their normalised
    text.
    """
    return [
        damaged_share(paragraph).cast(pl.Float32).alias("damaged_share"),
        letter_share(text).cast(pl.Float32).alias("letter_share"),
        code_share(text).cast(pl.Float32).alias("code_share"),
        text.str.contains_any(MARKUP).alias("is_markup"),
        text.str.len_bytes().cast(pl.Int64).alias("num_bytes"),
    ]


def character_reason(
    *,
    max_damaged_share: float = MAX_DAMAGED_SHARE,
    min_letter_share: float = MIN_LETTER_SHARE,
    min_bytes: int = MIN_BYTES,
) -> pl.Expr:
    """Return "empty", "not_text", "markup", "too_short", "too_long" or null from the measured
    columns.
    """
    damaged, num_bytes = pl.col("damaged_share"), pl.col("num_bytes")
    not_text = (
        (damaged > max_damaged_share)
        | (pl.col("letter_share") < min_letter_share)
        | (pl.col("code_share") > CODE_SHARE)
    )
    return (
        pl.when((num_bytes == 0) & (damaged == 0))
        .then(pl.lit("empty"))
        .when(not_text)
        .then(pl.lit("not_text"))
        .when("is_markup")
        .then(pl.lit("markup"))
        .when(num_bytes < min_bytes)
        .then(pl.lit("too_short"))
        .when(num_bytes > MAX_BYTES)
        .then(pl.lit("too_long"))
        .otherwise(pl.lit(None, dtype=pl.String))
    )


def _at_least_one(count: pl.Expr) -> pl.Expr:
    return pl.max_horizontal(count, pl.lit(1, dtype=pl.UInt32))
