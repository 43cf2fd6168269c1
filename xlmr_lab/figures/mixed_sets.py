"""Scores of sets that mix the language learned in with another, put beside those of the other.

A protocol that the paper lacks may score text in two languages, such as code-switched sentences:
its language is both, as `qaa-qam`. What it adds is asked of the language that was not learned in,
so its scores stand at that one's place, and the two orders are protocols of their own: where the
language learned in stands first, sentences have its grammar, or premises are in it. Sets of two
languages neither of which is learned in are left as they are.
"""

import re

import polars as pl

DETAILS = ("name", "script", "family", "tier", "size_bytes")
"""Columns of what is known of a language."""


def by_partner(part: pl.DataFrame) -> pl.DataFrame:
    """Return scores of one task in which rows of mixed sets have the language that was not learned
    in, and a protocol that tells the order of the two.
    """
    learned = part.filter("source")["language"].unique().to_list()
    keys = [key for key in part["language"].unique() if set(learned) & set(_mixed(key))]
    if not keys:
        return part
    partners = {key: next(one for one in _mixed(key) if one not in learned) for key in keys}
    orders = {key: _order(_mixed(key), other) for key, other in partners.items()}
    is_mixed, details = pl.col("language").is_in(keys), [c for c in DETAILS if c in part.columns]
    plain = part.filter(~is_mixed)
    known = plain.select("language", *details).unique("language")
    rows = part.filter(is_mixed).with_columns(
        protocol=pl.col("protocol") + pl.col("language").replace_strict(orders),
        language=pl.col("language").replace_strict(partners),
    )
    found = rows.drop(details).join(known, on="language", how="left", maintain_order="left")
    return pl.concat([plain, found.select(part.columns)])


def is_mixed() -> pl.Expr:
    """Tell whether the language of a row is two, as that of a mixed set is."""
    return pl.col("language").str.contains("-[a-z]")


def _order(languages: list[str], other: str) -> str:
    """Say where the language learned in stands, behind the name of a protocol.

    >>> _order(["qaa", "qam"], "qam"), _order(["qam", "qaa"], "qam")
    (', qaa first', ', qaa second')
    """
    first, second = languages
    return f", {first} first" if second == other else f", {second} second"


def _mixed(key: str) -> list[str]:
    """Return the languages of a mixed set's key, none where it is that of one language.

    >>> _mixed("qaa-qam"), _mixed("zh-Hans"), _mixed("zh-Hans-sw")
    (['qaa', 'qam'], [], ['zh-Hans', 'sw'])
    """
    found = re.split("-(?=[a-z])", key)
    return found if len(found) == 2 else []
