"""Verdicts on languages: of each paragraph by itself and of its document.

The language of a short paragraph cannot be told from its few words: it gets the verdict on its
document, and where the whole document is as short, the word of its file is taken, if it has one.
With two identifiers a document's language is what most of its text is said to be in, paragraph by
paragraph; with one, or where no paragraph is long enough, what the openings of its paragraphs are.
"""

import polars as pl

from xlmr_lab.corpus import identifiers as naming
from xlmr_lab.corpus.identifiers import VERDICT, Identifiers
from xlmr_lab.corpus.paragraphs import judged_by_characters

DOCUMENT_CHARACTERS = 300
"""Characters that the verdict on a document's openings rests on."""

OPENING_CHARACTERS = 60
"""Characters of each of its paragraphs that they are taken from."""

VOTER_BYTES = 50
"""Least length of a paragraph that votes on its document's language (bytes)."""


def identify(frame: pl.DataFrame, identifiers: Identifiers) -> pl.DataFrame:
    """Add the verdicts on each paragraph with letters (`own_*`) and on its document (`document_*`),
    the size of what the latter rests on, `document_bytes`, and the language that the document's
    paragraphs vote for, `voted` ("" where none does).

    A document is judged by those of its paragraphs that are text by the default thresholds.
    """
    rows = frame.with_row_index("row")
    lettered = rows.filter(pl.col("letter_share") > 0).select("row", "text")
    own = identifiers.measure(lettered["text"]).rename(lambda name: f"own_{name}")
    rows = rows.join(
        lettered.select("row").hstack(own), on="row", how="left", maintain_order="left"
    ).drop("row")
    passing = judged_by_characters(rows).filter(pl.col("reason").is_null())
    winners = elected(passing.with_columns(vote=settled(passing, "own", identifiers)))
    documents = _documents(passing, winners, identifiers)
    return rows.join(documents, on="document", how="left", maintain_order="left").with_columns(
        pl.col("voted").fill_null("")
    )


def settled(frame: pl.DataFrame, verdict: str, identifiers: Identifiers) -> pl.Series:
    """Return the language that the verdict whose columns begin with a word settles on, "" where
    there is none.
    """
    known, two = identifiers.known(), identifiers.lab is not None
    own = frame.select(pl.col(f"{verdict}_{name}").alias(name) for name in VERDICT)
    return own.select(label=naming.label(known, two=two).fill_null(""))["label"]


def elected(ballots: pl.DataFrame) -> pl.DataFrame:
    """Return for each document with a voter the language that most bytes of its paragraphs `vote`
    for, and the voters' mean scores.

    Those vote that have a language and are at least `VOTER_BYTES` long.
    """
    voters = ballots.filter((pl.col("num_bytes") >= VOTER_BYTES) & (pl.col("vote") != ""))
    weight = pl.col("num_bytes")
    sums = voters.group_by("document", "vote", maintain_order=True).agg(
        weight=weight.sum(),
        lid_score=(pl.col("own_lid_score") * weight).sum() / weight.sum(),
        lab_score=(pl.col("own_lab_score") * weight).sum() / weight.sum(),
    )
    ranked = sums.sort("document", "weight", "vote", descending=[False, True, False])
    first = ranked.group_by("document", maintain_order=True).first()
    return first.select("document", "lid_score", "lab_score", voted="vote")


def with_verdict(frame: pl.DataFrame, min_identified_bytes: int) -> pl.DataFrame:
    """Add the verdict that counts: a long enough paragraph's own, else that of its document if it
    is long enough, else none.

    `identified` says whether the verdict is the paragraph's own.
    """
    own = (pl.col("num_bytes") >= min_identified_bytes) & pl.col("own_lid_label").is_not_null()
    whole = pl.col("document_bytes") >= min_identified_bytes
    return frame.with_columns(identified=own).with_columns(
        pl.when("identified").then(f"own_{name}").when(whole).then(f"document_{name}").alias(name)
        for name in VERDICT
    )


def _documents(
    passing: pl.DataFrame, winners: pl.DataFrame, identifiers: Identifiers
) -> pl.DataFrame:
    """Return the verdict on each document: by votes with two identifiers, else by its openings."""
    openings = pl.col("text").str.slice(0, OPENING_CHARACTERS).str.join(" ")
    whole = passing.group_by("document", maintain_order=True).agg(
        opening=openings.str.slice(0, DOCUMENT_CHARACTERS), document_bytes=pl.col("num_bytes").sum()
    )
    whole = whole.join(winners, on="document", how="left", maintain_order="left")
    by_votes = pl.col("voted").is_not_null() & (identifiers.lab is not None)
    elected_ones = whole.filter(by_votes).with_columns(
        lid_label="voted", lab_label="voted", mixed_score=0.0, is_menu=False
    )
    others = whole.filter(~by_votes).drop("lid_score", "lab_score")
    verdicts = identifiers.measure(others["opening"], prefix_characters=DOCUMENT_CHARACTERS)
    columns = ["document", "document_bytes", "voted", *VERDICT]
    judged = others.hstack(verdicts).select(columns)
    types = judged.schema
    by_votes_alone = elected_ones.select(pl.col(name).cast(types[name]) for name in columns)
    both = [by_votes_alone, judged]
    return pl.concat(both).rename({name: f"document_{name}" for name in VERDICT})
