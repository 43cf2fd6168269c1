"""F3's figure: held-out loss by exponent, and arms whose exponent changes beside it."""

import polars as pl
import pytest

from xlmr_lab import campaign_results, claim_results
from xlmr_lab.figures import alpha_cells

LOSSES = {
    ("alpha=0.3", 0.3, "constant"): {"high": 1.0, "mid": 1.5, "low": 2.0},
    ("alpha=1", 1.0, "constant"): {"high": 0.9, "mid": 1.4, "low": 2.3},
    ("alpha annealed", 0.7, "annealed"): {"high": 0.8, "mid": 1.6, "low": 2.2},
}


@pytest.fixture
def frame():
    """Three arms and two seeds; seed 1 is 0.1 above seed 0 everywhere, the first step 3 above."""
    return pl.DataFrame(
        [
            {"arm": arm, "alpha": alpha, "schedule": schedule, "seed": seed, "step": step}
            | {"tier": tier, "language": f"q-{tier}"}
            | {"bits_per_byte": loss + 0.1 * seed + 3.0 * (step == 1)}
            for (arm, alpha, schedule), losses in LOSSES.items()
            for tier, loss in losses.items()
            for seed in (0, 1)
            for step in (1, 9)
        ]
    )


def lines(figure):
    """Return each series: its joined values, and those beside them."""
    found = {}
    for trace in figure.data:
        found.setdefault(trace.legendgroup, []).append(list(trace.y))
    return found


def test_a_line_has_constant_exponents_and_others_stand_beside_it(frame):
    found = lines(alpha_cells.by_alpha(frame))
    assert list(found) == ["high", "mid", "low", "high and low"]
    assert found["low"] == [pytest.approx([2.05, 2.35]), pytest.approx([2.25])]
    assert found["high and low"] == [pytest.approx([1.55, 1.65]), pytest.approx([1.55])]


def test_an_arm_of_a_schedule_does_not_count_at_its_first_exponent(frame):
    figure = alpha_cells.by_alpha(frame)
    assert list(figure.layout.xaxis.ticktext) == ["0.3", "1", "α annealed"]
    assert figure.layout.xaxis.tickvals[2] > 1
    assert [trace.mode for trace in figure.data][:2] == ["lines+markers", "markers"]


def test_changes_are_from_the_reference_and_share_its_seeds(frame):
    figure = alpha_cells.by_alpha(frame, reference=0.3)
    found = lines(figure)
    assert found["low"] == [pytest.approx([0.0, 0.3]), pytest.approx([0.2])]
    assert found["high"] == [pytest.approx([0.0, -0.1]), pytest.approx([-0.2])]
    low = next(trace for trace in figure.data if trace.legendgroup == "low")
    assert low.error_y.array[1] == pytest.approx(0.0, abs=1e-9)  # seeds differ by the same


def test_a_reference_that_no_run_has_is_said(frame):
    figure = alpha_cells.by_alpha(frame, reference=0.7)  # an annealed run starts there, no more
    assert not figure.data
    assert "No run has α = 0.7" in figure.layout.annotations[0].text


def test_no_runs_are_said(frame):
    figure = alpha_cells.by_alpha(frame.clear())
    assert not figure.data
    assert "F3" in figure.layout.annotations[0].text


def test_without_one_of_the_tiers_there_is_no_mean_of_both(frame):
    found = lines(alpha_cells.by_alpha(frame.filter(pl.col("tier") != "high")))
    assert list(found) == ["mid", "low"]


def test_one_exponent_and_nothing_else_is_drawn(frame):
    figure = alpha_cells.by_alpha(frame.filter(schedule="annealed"))
    assert list(figure.layout.xaxis.ticktext) == ["α annealed"]


def test_a_campaigns_arms_are_drawn(tested_folder):
    tested = campaign_results.open_campaign(tested_folder)
    figure = alpha_cells.by_alpha(claim_results.alphas(tested), reference=0.3)
    assert list(figure.layout.xaxis.ticktext) == ["0.01", "0.3", "0.7", "1", "α annealed"]
    assert [y for y in figure.data[0].y][1] == 0


def test_a_reference_at_which_a_schedule_begins_is_the_constant_arm_alone(frame):
    begun = frame.filter(schedule="annealed").with_columns(pl.lit(1.0).alias("alpha"))
    both = pl.concat([frame.filter(schedule="constant"), begun])
    found = lines(alpha_cells.by_alpha(both, reference=1.0))
    assert found["low"] == [pytest.approx([-0.3, 0.0]), pytest.approx([-0.1])]
