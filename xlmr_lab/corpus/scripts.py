"""Which script a character belongs to, by its ISO 15924 code.

Python's `unicodedata` does not know scripts; the regular expressions of polars carry Unicode's
table of them (`Scripts.txt`), so there is no table here to keep up to date. Scripts are told by a
character's main script, not by its extensions: the danda of Indic scripts is common to them.
"""

from collections.abc import Iterable

import polars as pl

KNOWN_SCRIPTS = (
    "Latn", "Cyrl", "Grek", "Armn", "Geor", "Hebr", "Arab", "Syrc", "Thaa", "Nkoo", "Adlm", "Ethi",
    "Tfng", "Deva", "Beng", "Guru", "Gujr", "Orya", "Taml", "Telu", "Knda", "Mlym", "Sinh", "Olck",
    "Mtei", "Tibt", "Thai", "Laoo", "Mymr", "Khmr", "Java", "Sund", "Bali", "Bugi", "Mong", "Hani",
    "Hira", "Kana", "Bopo", "Yiii", "Hang", "Cher", "Cans", "Vaii", "Copt", "Goth", "Zyyy",
)  # fmt: skip
"""Scripts that are told apart; a letter of another one is `OTHER_SCRIPT`, one that several scripts
share is Zyyy."""

OTHER_SCRIPT = "Zzzz"
LETTER = r"[\p{L}\p{Mn}\p{Mc}--[\x{FE00}-\x{FE0F}\x{E0100}-\x{E01EF}]]"
"""A letter, or a mark other than those around emoji (enclosing ones, variation selectors)."""

SHARED_SCRIPTS = frozenset(("Zyyy", "Zinh"))
"""Common to many scripts, or inherited from the letter before: tell nothing of a text's script."""


def script_of(character: pl.Expr) -> pl.Expr:
    """Return the script of a column of single characters."""
    return pl.coalesce(
        *(
            pl.when(character.str.contains(rf"\p{{sc={code}}}")).then(pl.lit(code))
            for code in KNOWN_SCRIPTS
        ),
        pl.lit(OTHER_SCRIPT),
    )


def letter_scripts(characters: Iterable[str]) -> dict[str, str]:
    """Return the script of each character that is a letter or a mark on one; the others, and the
    signs that make or dress up emoji, are left out.

    >>> letter_scripts("aa7.\N{CYRILLIC SMALL LETTER DE}").values()
    dict_values(['Latn', 'Cyrl'])
    """
    column = pl.col("character")
    inherited = pl.when(column.str.contains(r"\p{sc=Zinh}")).then(pl.lit("Zinh"))
    distinct = list(dict.fromkeys(characters))
    table = pl.DataFrame({"character": distinct}, schema={"character": pl.String})
    letters = table.filter(column.str.contains(LETTER))
    return dict(letters.with_columns(script=pl.coalesce(inherited, script_of(column))).iter_rows())
