r"""Unicode normalisation: the same text gets the same code points, and nothing that shows is lost.

Line ends become line feeds; control and format characters go, but for the joiners that scripts from
Arabic to Malayalam spell with and the format characters that are seen; tags that were escaped by
mistake go; white space becomes single spaces; the rest is NFC. Not NFKC: what is compatible is not
the same (a superscript two is no two). The vectorised form is the only one, the function for a
single string calls it. Left out on purpose: lower-casing, quotation marks, and repairing broken
encodings (`filters` rejects those).
"""

import polars as pl

LINE_END = r"\r\n|[\r\x0b\x0c\u2028\u2029]"
"""Line ends beside the line feed: CR LF, CR, VT, FF, LINE SEPARATOR, PARAGRAPH SEPARATOR."""

_VISIBLE_FORMATS = r"\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
"""Format characters that are drawn: the Arabic, Syriac and Kaithi number and verse signs."""

_INVISIBLE = (
    r"[[\p{Cc}\p{Cf}]--[\t\n\u200c\u200d" + _VISIBLE_FORMATS + "]]"
)  # all but ZERO WIDTH NON-JOINER and JOINER, and those that white space or line ends cover

ESCAPED_TAG = r"&lt;/?[A-Za-z][A-Za-z0-9]*(?:\s[^\n]*?)?/?&gt;"
"""Markup that was escaped once too often, so that it shows: `&lt;a href=...&gt;`."""

_SPACES = r"[\s--\n]{2,}|[\s--[ \n]]"


def normalize(text: str) -> str:
    r"""Return a text normalised, line by line.

    >>> normalize("Cafe\u0301\u00a0 au\tlait \r\nd\u200bu matin")
    'Café au lait\ndu matin'
    """
    lines = pl.DataFrame({"text": [text]}).select(paragraphs(pl.col("text")).explode())
    return "\n".join(lines.select(normalized(pl.col("text"))).to_series().to_list())


def paragraphs(text: pl.Expr) -> pl.Expr:
    """Split texts at line ends into lists of paragraphs; a last line end begins no new one."""
    unified = text.str.replace_all(LINE_END, "\n")
    return unified.str.strip_suffix("\n").str.split("\n")


def normalized(paragraph: pl.Expr) -> pl.Expr:
    """Normalise paragraphs, which hold no line ends; doing it twice changes nothing."""
    visible = paragraph.str.replace_all(ESCAPED_TAG, "").str.replace_all(_INVISIBLE, "")
    spaced = visible.str.replace_all(_SPACES, " ").str.strip_chars(" ")
    return spaced.str.normalize("NFC")
