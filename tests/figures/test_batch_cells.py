"""F6's figures: held-out loss over tokens, by batch and length."""

import polars as pl
import pytest

from xlmr_lab import campaign_results, claim_results
from xlmr_lab.figures import batch_cells

RUNS = {
    ("base", 10, 100): (3.0, 2.0),
    ("large", 40, 100): (2.8, 1.8),
    ("long", 10, 400): (2.9, 1.7),
}
"""Losses half way and at the end."""


@pytest.fixture
def frame():
    """Two seeds, the second 0.1 above; two languages, the second a bit above; 5 tokens a block."""
    return pl.DataFrame(
        [
            {"arm": arm, "cell": arm, "batch_sequences": batch, "steps": steps, "seed": seed}
            | {"step": step, "tokens": step * batch * 5, "language": f"q{language}"}
            | {"name": f"q{language}", "tier": "high", "size_bytes": 9}
            | {"bits_per_byte": loss + 0.1 * seed + language}
            for (arm, batch, steps), losses in RUNS.items()
            for step, loss in zip((steps // 2, steps), losses, strict=True)
            for seed in (0, 1)
            for language in (0, 1)
        ]
    )


def test_curves_are_over_tokens_and_means_over_languages(frame):
    found = {trace.name: trace for trace in batch_cells.curves(frame).data}
    assert list(found) == ["base", "long", "large"]
    assert list(found["base"].x) == [2500, 5000]
    assert list(found["base"].y) == pytest.approx([3.55, 2.55])
    assert list(found["large"].x) == list(found["long"].x) == [10_000, 20_000]


def test_bars_are_over_seeds_and_not_over_languages(frame):
    base = batch_cells.curves(frame).data[0]
    half = 12.706 * 0.05  # two seeds, 0.1 apart
    assert base.error_y.array[0] == pytest.approx(half, rel=1e-3)


def test_arms_come_by_the_tokens_of_a_whole_run_fewest_first(frame):
    names = [trace.name for trace in batch_cells.curves(frame.reverse()).data]
    assert names == ["base", "long", "large"]
    shorter = frame.filter((pl.col("arm") != "large") | (pl.col("step") < 100))
    found = {trace.name: list(trace.x) for trace in batch_cells.curves(shorter).data}
    assert found["large"] == [10_000]


def test_nothing_is_said(frame):
    figure = batch_cells.curves(frame.clear())
    assert "F6" in figure.layout.annotations[0].text


def test_a_campaigns_batches_are_drawn(tested_folder):
    frame = claim_results.lengths(campaign_results.open_campaign(tested_folder))
    figure = batch_cells.curves(frame)
    assert [trace.name for trace in figure.data] == [
        "batch 32, 1500 steps",
        "batch 32, 6000 steps",
        "batch 128, 1500 steps",
    ]
    assert len({max(trace.x) for trace in figure.data[1:]}) == 1
