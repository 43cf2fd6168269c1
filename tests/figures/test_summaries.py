"""Averages and differences before drawing, on numbers small enough to check by hand."""

import polars as pl
import pytest

from xlmr_lab.ablations import task_jobs
from xlmr_lab.errors import UserError
from xlmr_lab.figures import summaries

HELDOUT = pl.DataFrame(
    {
        "arm": ["a"] * 4 + ["b"] * 4,
        "seed": [1, 1, 2, 2] * 2,
        "alpha": [0.3] * 4 + [1.0] * 4,
        "step": [10] * 8,
        "language": ["en", "sw"] * 4,
        "loss": [3.0, 4.0, 3.2, 4.4, 2.5, 5.0, 2.5, 5.6],
    }
)


def test_languages_are_averaged_within_a_seed_and_the_interval_is_over_seeds() -> None:
    """Seed means of arm a are 3.5 and 3.8: mean 3.65, t(0.975, 1) = 12.706, error 0.15."""
    row = summaries.over_seeds(HELDOUT, ["arm"], "loss").row(0, named=True)
    assert row["mean"] == pytest.approx(3.65)
    assert row["high"] - row["mean"] == pytest.approx(12.7062 * 0.15, rel=1e-4)
    assert row["mean"] - row["low"] == pytest.approx(12.7062 * 0.15, rel=1e-4)
    assert row["num_seeds"] == 2


def test_one_seed_has_no_interval() -> None:
    row = summaries.over_seeds(HELDOUT.filter(pl.col("seed") == 1), ["arm"], "loss").row(0)
    assert row == ("a", 3.5, None, None, 1)


def test_change_is_paired_by_seed_and_language() -> None:
    changed = summaries.change(HELDOUT, column="alpha", reference=0.3, value="loss")
    assert changed["loss"].to_list() == pytest.approx([0, 0, 0, 0, -0.5, 1.0, -0.7, 1.2])


def test_change_against_a_missing_reference_names_what_there_is() -> None:
    with pytest.raises(UserError, match=r"no run has alpha = 0.7; there are 0.3, 1"):
        summaries.change(HELDOUT, column="alpha", reference=0.7, value="loss")


def test_only_the_last_step_of_each_run_is_kept() -> None:
    steps = pl.DataFrame({"arm": ["a"] * 3, "seed": [1, 1, 2], "step": [5, 10, 5]})
    assert summaries.last_step(steps)["step"].to_list() == [10, 5]


def test_filters_combine_and_an_empty_one_does_not_filter() -> None:
    frame = pl.DataFrame({"script": ["Latn", "Latn", "Arab"], "tier": ["high", "low", "low"]})
    kept = summaries.filtered(frame, {"script": ["Latn"], "tier": ["low"], "family": []})
    assert kept.rows() == [("Latn", "low")]
    assert summaries.filtered(frame, None).equals(frame)


def test_gain_pairs_scores_with_those_of_the_same_network_without_pretraining() -> None:
    shared = {"task": "nli", "protocol": "zero-shot", "selection": "last", "split": "test"}
    rows = [
        {"pretrained": pretrained, "seed": seed, "finetune_seed": 1, "value": value, "arm": arm}
        | shared
        | {"metric": "accuracy", "language": "sw"}
        for pretrained, arm, seed, value in (
            (True, "alpha=0.3", 1, 0.6),
            (True, "alpha=0.3", 2, 0.7),
            (False, summaries.FRESH, 1, 0.4),
            (False, summaries.FRESH, 3, 0.9),
            (False, "bilstm-crf", 1, 0.1),
        )
    ]
    gained = summaries.gain(pl.DataFrame(rows))
    assert gained.select("seed", pl.col("gain").round(6)).rows() == [(1, 0.2)]
    assert summaries.FRESH == task_jobs.BASELINE
