"""What runs were predicted to take beside what they took: the same runs in both bars."""

import polars as pl
import pytest

from xlmr_lab.figures import tested_costs
from xlmr_lab.result_tables import COSTS


def costs(*rows: tuple[str, float | None, float | None]) -> pl.DataFrame:
    """Return runs of a kind with their predicted and their actual seconds."""
    known = {"name": "a-s0", "cells": ["a"], "seed": 0, "steps": 10}
    return pl.DataFrame(
        [
            known | {"kind": kind, "predicted_seconds": predicted, "seconds": seconds}
            for kind, predicted, seconds in rows
        ],
        schema=COSTS,
    )


def bars(figure):
    """Return seconds by what a bar shows and its kind of run."""
    return {
        (trace.name, kind): x
        for trace in figure.data
        for kind, x in zip(trace.y[0], trace.x, strict=True)
    }


def test_sums_are_of_the_runs_that_were_predicted_and_the_others_stand_apart():
    pretraining = [("pretraining", 600.0, 900.0), ("pretraining", 1200.0, 900.0)]
    apart, waiting = ("pretraining", None, 3600.0), ("pretraining", 60.0, None)
    figure = tested_costs.by_kind(costs(*pretraining, apart, waiting, ("fine-tuning", 60.0, 30.0)))
    minutes = {
        ("predicted", "pretraining"): 30,
        ("taken", "pretraining"): 30,
        ("taken, not predicted", "pretraining"): 60,
        ("predicted", "fine-tuning"): 1,
        ("taken", "fine-tuning"): 0.5,
        ("taken, not predicted", "fine-tuning"): 0,
    }
    assert bars(figure) == pytest.approx(minutes)
    assert figure.layout.xaxis.title.text.startswith("minutes")
    title = figure.layout.title.text
    assert "pretraining: 2 runs predicted to take 30 min took 30 min (1 of it)" in title
    assert "pretraining: 1 run without a prediction took 1 h" in title
    assert "fine-tuning: 1 run predicted to take 1 min took 30 s (0.5 of it)" in title


def test_without_predictions_there_is_what_was_taken():
    figure = tested_costs.by_kind(costs(("pretraining", None, 20.0), ("pretraining", None, 10.0)))
    assert bars(figure) == {("taken, not predicted", "pretraining"): 30}
    assert figure.layout.xaxis.title.text.startswith("seconds")


@pytest.mark.parametrize("rows", [(), (("pretraining", 60.0, None),)])
def test_where_nothing_was_taken_it_is_said(rows):
    figure = tested_costs.by_kind(costs(*rows))
    assert figure.layout.annotations[0].text == tested_costs.NOTHING
