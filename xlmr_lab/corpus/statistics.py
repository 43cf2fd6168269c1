"""Sizes of a cleaned corpus: documents, paragraphs, bytes and words of each language, as in XLM-R
Table 6.

Words are runs between white space, as the paper's "tokens" seem to be: fair inside a language that
writes spaces, meaningless across scripts (a Chinese sentence is one word). No sampling should rest
on them.
"""

from pathlib import Path

import polars as pl

from xlmr_lab.corpus import documents

SIZES = pl.Schema(
    {
        "language": pl.String,
        "num_documents": pl.Int64,
        "num_paragraphs": pl.Int64,
        "size_bytes": pl.Int64,
        "num_words": pl.Int64,
    }
)
"""Size of a language's documents; `num_words` counts runs between white space."""


def sizes(folder: Path) -> pl.DataFrame:
    """Return the size of each language of a folder of documents, in alphabetical order of the
    languages.

    Raises:
        UserError: the folder holds no documents.
    """
    words = pl.col("text").str.count_matches(r"\S+")
    counted = (
        documents.scan(folder)
        .group_by(pl.col("lang").alias("language"))
        .agg(
            num_documents=pl.len(),
            num_paragraphs=pl.col("num_paragraphs").cast(pl.Int64).sum(),
            size_bytes=pl.col("num_bytes").sum(),
            num_words=words.cast(pl.Int64).sum(),
        )
        .sort("language")
    )
    return counted.cast(SIZES).collect(engine="streaming")
