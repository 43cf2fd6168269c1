"""Perplexities of documents and the buckets they fall into."""

import polars as pl
import pytest

from xlmr_lab.corpus.buckets import BUCKETS, BucketConfig, bucket, cutoffs, perplexity
from xlmr_lab.errors import UserError


def test_perplexity_is_per_token_of_the_whole_document() -> None:
    frame = pl.DataFrame({"document": [0, 0, 1], "log10": [-4.0, -2.0, 0.0], "tokens": [1, 2, 0]})
    whole = frame.group_by("document", maintain_order=True).agg(
        perplexity(pl.col("log10").sum(), pl.col("tokens").sum())
    )
    assert whole["perplexity"].to_list() == [100.0, None]
    assert whole.schema["perplexity"] == pl.Float32


def test_cutoffs_are_percentiles_of_each_language() -> None:
    perplexities = {
        "fr": pl.Series([float(i) for i in range(101)]),
        "sv": pl.Series([7.0, None], dtype=pl.Float32),
        "so": pl.Series([None], dtype=pl.Float32),
    }
    found = cutoffs(perplexities, config=BucketConfig())
    assert found == {"fr": (30.0, 60.0), "sv": (7.0, 7.0)}
    thirds = BucketConfig(head_share=1 / 3, tail_share=2 / 3)
    assert cutoffs(perplexities, config=thirds)["fr"] == pytest.approx((100 / 3, 200 / 3))


def test_buckets_are_a_share_of_each_language_and_all_where_nothing_is_known() -> None:
    frame = pl.DataFrame(
        {
            "lang": ["fr"] * 6 + ["so", "so"],
            "perplexity": [10.0, 29.9, 30.0, 59.9, 60.0, None, 5.0, None],
        }
    )
    limits = {"fr": (30.0, 60.0), "sv": (1.0, 2.0)}
    expression = bucket(pl.col("perplexity"), pl.col("lang"), limits)
    expected = ["head", "head", "middle", "middle", "tail", "all", "all", "all"]
    assert frame.select(expression)["bucket"].to_list() == expected
    without = frame.select(bucket(pl.col("perplexity"), pl.col("lang"), {}))["bucket"]
    assert without.to_list() == ["all"] * 8
    assert set(expected) == set(BUCKETS)


@pytest.mark.parametrize(("head", "tail"), [(0.0, 0.6), (0.7, 0.6), (0.3, 1.0), (-1, 2)])
def test_shares_out_of_order_are_refused(head: float, tail: float) -> None:
    with pytest.raises(UserError, match=r"buckets\.head_share and tail_share must be in order"):
        BucketConfig(head_share=head, tail_share=tail)
