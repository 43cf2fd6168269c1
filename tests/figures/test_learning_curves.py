"""Runs stand side by side over the same steps or the same tokens, and are compared where both were
measured."""

import polars as pl
import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.figures import learning_curves
from xlmr_lab.training_curves import CURVES


def run(name: str, heldout: dict[int, float], *, steps: int, step_tokens: int) -> pl.DataFrame:
    rows = [
        {"run": name, "measure": measure, "value": value, "step": step}
        | {"tokens": step * step_tokens, "steps": steps, "all_tokens": steps * step_tokens}
        for step, loss in heldout.items()
        for measure, value in (("loss", loss + 1), ("heldout", loss), ("learning_rate", 1e-3))
    ]
    return pl.DataFrame(rows, schema=CURVES)


MINE = run("mine", {100: 6.0, 200: 5.0, 300: 4.5}, steps=400, step_tokens=10)
THEIRS = run("alpha=0.3, seed 1", {100: 6.5, 300: 5.5}, steps=300, step_tokens=20)


def test_each_run_has_a_line_in_each_panel_with_its_records() -> None:
    figure = learning_curves.side_by_side(pl.concat([MINE, THEIRS]))
    lines = {(trace.name, trace.yaxis): trace for trace in figure.data}
    assert list(lines["mine", "y2"].x) == [100, 200, 300]
    assert list(lines["mine", "y2"].y) == [6.0, 5.0, 4.5]
    assert list(lines["α = 0.3, seed 1", "y"].y) == [7.5, 6.5]
    assert len(lines) == 8
    assert [trace.name for trace in figure.data if trace.showlegend] == [
        "α = 0.3, seed 1",
        "mine",
    ]


def test_an_axis_is_as_long_as_the_longest_run_is_to_be() -> None:
    both = pl.concat([MINE, THEIRS])
    assert learning_curves.side_by_side(both).layout.xaxis.range == (0, 408)
    assert learning_curves.side_by_side(both, over="tokens").layout.xaxis.range == (0, 6120)


def test_runs_are_compared_at_the_same_steps_or_at_the_same_tokens() -> None:
    both = pl.concat([MINE, THEIRS])
    by_step = learning_curves.side_by_side(both).layout.title.text
    assert "mine: step 300 of 400, held-out loss 4.500 at step 300" in by_step
    assert "At step 300 it has 4.500 and α = 0.3, seed 1 5.500, a difference of −1.000" in by_step
    by_tokens = learning_curves.side_by_side(both, over="tokens").layout.title.text
    assert "At 3,000 tokens it has 4.500 and α = 0.3, seed 1 6.250" in by_tokens


def test_runs_that_share_no_measurement_are_not_compared() -> None:
    late = run("late", {900: 3.0}, steps=900, step_tokens=10)
    assert "At step" not in learning_curves.side_by_side(pl.concat([MINE, late])).layout.title.text


def test_without_records_it_says_so() -> None:
    with pytest.raises(UserError, match="nothing is recorded yet"):
        learning_curves.side_by_side(pl.DataFrame(schema=CURVES))
