"""Perplexity of documents, and the buckets it sorts them into: head, middle and tail (CCNet Sec.
4.1).

A document's perplexity is 10 to the power of minus log10 of its probability per token. The cutoffs
are percentiles of each language's own documents, as in CCNet's code, so that every language has all
three buckets whatever the scale of its perplexities.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import polars as pl

from xlmr_lab.errors import UserError

Bucket = Literal["head", "middle", "tail", "all"]
"""The share of a language that is most like its encyclopaedia, the next, the rest; `all` where
nothing can be said.
"""

BUCKETS: tuple[Bucket, ...] = get_args(Bucket)


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketConfig:
    """Where a language's buckets end."""

    head_share: float = 0.3
    """Share of a language's documents that makes up its head (CCNet's code: 0.3)."""
    tail_share: float = 0.6
    """Share of a language's documents above which its tail begins (CCNet's code: 0.6)."""

    def __post_init__(self) -> None:
        if not 0 < self.head_share <= self.tail_share < 1:
            raise UserError(
                "buckets.head_share and tail_share must be in order between 0 and 1, "
                f"got {self.head_share} and {self.tail_share}"
            )


def perplexity(log10_probability: pl.Expr, num_tokens: pl.Expr) -> pl.Expr:
    """Return the perplexity of texts; null where there are no tokens.

    >>> frame = pl.DataFrame({"log10": [-6.0, 0.0], "tokens": [3, 0]})
    >>> frame.select(perplexity(pl.col("log10"), pl.col("tokens"))).to_series().to_list()
    [100.0, None]
    """
    exponent = pl.when(num_tokens > 0).then(-log10_probability / num_tokens)
    return pl.lit(10.0).pow(exponent).cast(pl.Float32).alias("perplexity")


def cutoffs(
    perplexities: Mapping[str, pl.Series], *, config: BucketConfig
) -> dict[str, tuple[float, float]]:
    """Return where each language's middle and tail begin, from the perplexities of its documents;
    nothing for a language that has none.
    """
    found = {}
    for language, values in perplexities.items():
        known = values.drop_nulls().cast(pl.Float64).to_numpy()
        if len(known):
            head, tail = np.quantile(known, (config.head_share, config.tail_share)).tolist()
            found[language] = (head, tail)
    return found


def bucket(
    perplexity: pl.Expr, language: pl.Expr, cutoffs: Mapping[str, tuple[float, float]]
) -> pl.Expr:
    """Return the bucket of documents: head below the first cutoff, middle below the second, tail
    from there; `all` without a perplexity or without cutoffs of the language.
    """
    head, tail = (
        language.replace_strict(
            list(cutoffs),
            [pair[place] for pair in cutoffs.values()],
            default=None,
            return_dtype=pl.Float64,
        )
        for place in (0, 1)
    )
    return (
        pl.when(perplexity.is_null() | head.is_null())
        .then(pl.lit("all"))
        .when(perplexity < head)
        .then(pl.lit("head"))
        .when(perplexity < tail)
        .then(pl.lit("middle"))
        .otherwise(pl.lit("tail"))
        .alias("bucket")
    )
