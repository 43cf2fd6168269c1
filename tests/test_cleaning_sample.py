"""A sample is judged as the whole is: all of small text, whole small pieces of large text, copies
and buckets found anew.
"""

from pathlib import Path

import polars as pl
import pytest

from xlmr_lab import cleaning_results, cleaning_sample, results
from xlmr_lab.cleaning_results import Cleaning
from xlmr_lab.cleaning_sample import Sample
from xlmr_lab.corpus import measure


@pytest.fixture(scope="module")
def cleaning(study_folder: Path) -> Cleaning:
    return cleaning_results.open_cleaning(results.open_study(study_folder))


@pytest.fixture(scope="module")
def sample(cleaning: Cleaning) -> Sample:
    return cleaning.sample()


def test_small_text_is_there_whole_and_stands_for_itself(sample: Sample) -> None:
    assert sample.rows.height == sample.num_measured
    assert set(sample.rows["weight"]) == {1}
    assert sorted(sample.rows["turn"]) == list(range(sample.num_measured))
    assert sample.languages() == ["qaa", "qab", "qac", "qad"]


def test_of_large_text_small_pieces_stay_whole_and_weights_make_up_for_the_rest(
    cleaning: Cleaning,
) -> None:
    pieces = measure.pieces(cleaning.measured)
    lengths = sorted(pl.read_parquet(path).height for path in pieces)
    rows, total = cleaning_sample.read(pieces, None, limit=4 * lengths[0])
    assert total == sum(lengths)
    assert rows.height < 0.8 * total
    heights = rows.group_by("claimed").agg(pl.len(), pl.col("weight").max(), sum=pl.sum("weight"))
    assert heights.filter(weight=1)["len"].min() == lengths[0]
    assert heights["weight"].max() > 1
    assert heights["sum"].sum() == pytest.approx(total, rel=0.15)
    assert set(rows["is_clean"]) == {None}


def test_what_is_not_changed_is_the_same_before_and_after(sample: Sample) -> None:
    same = sample.verdicts({})
    assert same["before"].equals(same["after"], null_equal=True)
    other = sample.verdicts({"min_paragraph_bytes": 60})
    assert other["before"].equals(same["before"], null_equal=True)
    lost = other.filter(pl.col("before").is_null() & pl.col("after").is_not_null())
    assert set(lost["after"]) == {"too_short"}
    assert lost["num_bytes"].max() < 60


def test_of_copies_the_first_stays_or_none(sample: Sample) -> None:
    both = sample.verdicts({"keep": "none"})
    first, none = (both[side] == "duplicate" for side in ("before", "after"))
    assert (first & ~none).fill_null(value=False).sum() == 0
    assert none.sum() > first.sum() > 0


def test_the_head_has_the_share_that_it_is_given(sample: Sample) -> None:
    own = sample.verdicts({"buckets.head_share": 0.59}).filter(language="qaa")
    kept = own.filter(pl.col("after").is_null())
    before, after = ((kept[f"bucket_{side}"] == "head").mean() for side in ("before", "after"))
    assert before == pytest.approx(0.3, abs=0.1)
    assert after == pytest.approx(0.59, abs=0.1)
    assert kept.filter(bucket_after="head")["perplexity"].max() < (
        kept.filter(bucket_after="tail")["perplexity"].min()
    )


def test_counts_are_of_all_paragraphs_the_largest_language_first(sample: Sample) -> None:
    frame = sample.compare({"min_letter_share": 0.9})
    assert frame["num_paragraphs"].sum() == sample.num_measured
    assert frame["language"].unique(maintain_order=True).to_list() == ["qaa", "qab", "qac", "qad"]
    assert frame["name"][0] == "Avelo"


def test_each_paragraph_says_which_measure_decided(sample: Sample) -> None:
    thresholds = {"min_paragraph_bytes": 30}
    rows = sample.verdicts(thresholds)
    for reason in set(rows["after"]) - {None}:
        told = sample.decided(rows.filter(after=reason).head(3), thresholds)
        assert all(told["decided"]), reason
        assert told["stage"].null_count() == 0
    short = sample.decided(rows.filter(after="too_short").head(1), thresholds)
    assert short["decided"][0] == f"{short['num_bytes'][0]} bytes, least 30"
    kept = sample.decided(rows.filter(pl.col("after").is_null()).head(1), thresholds)
    assert kept["stage"][0] is None
    assert kept["decided"][0]
