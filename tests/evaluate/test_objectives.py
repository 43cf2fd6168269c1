"""Objectives: what is learned at the labelled positions."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from xlmr_lab.evaluate.examples import Examples
from xlmr_lab.evaluate.finetune import FinetuneConfig, finetune
from xlmr_lab.evaluate.objectives import check_labels, head, loss
from xlmr_lab.evaluate.task_model import predict, task_model
from xlmr_lab.evaluate.text import XLMR
from xlmr_lab.model.losses import IGNORE_INDEX

QUICK = FinetuneConfig(
    steps=150, batch_sequences=8, peak_learning_rate=5e-3, max_tokens=24, dropout=0.0
)


def examples_of(positions, labels, seed=0):
    rng = np.random.default_rng(seed)
    rows = [XLMR.single(rng.integers(4, 400, 8)) for _ in positions]
    return Examples.of(rows, positions, labels, language="qaa", layout=XLMR)


def test_the_loss_of_a_regression_is_the_mean_squared_error():
    logits = torch.tensor([[[1.0]], [[3.0]]])
    assert loss("regression", logits, torch.tensor([[2.0], [5.0]])) == pytest.approx(2.5)


def test_the_loss_of_a_span_by_hand():
    """Two rows: three positions, answered from the second to the third; one that stands alone."""
    logits = torch.tensor(
        [[[0.0, 1.0], [2.0, 0.0], [0.0, 0.0]], [[5.0, 7.0], [9.0, 9.0], [9.0, 9.0]]]
    )
    labels = torch.tensor([[0, 1, 2], [3, IGNORE_INDEX, IGNORE_INDEX]])
    begin = math.log(math.exp(0) + math.exp(2) + math.exp(0)) - 2
    end = math.log(math.exp(1) + 1 + 1) - 0
    assert float(loss("span", logits, labels)) == pytest.approx((begin + end) / 4)


def test_positions_that_a_row_does_not_have_change_no_span():
    logits = torch.randn(2, 5, 2, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([[0, 3, 0, 0, 0], [1, 0, 2, 0, 0]])
    wide = torch.cat([logits, torch.full((2, 2, 2), 50.0)], 1).requires_grad_()
    padded = torch.cat([labels, torch.full((2, 2), IGNORE_INDEX)], 1)
    found = loss("span", wide, padded)
    assert torch.equal(found, loss("span", logits, labels))
    found.backward()
    assert torch.isfinite(wide.grad).all()
    assert not wide.grad[:, 5:].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_loss_keeps_its_precision(dtype):
    logits = torch.zeros(1, 3, 2, dtype=dtype)
    assert loss("span", logits, torch.tensor([[3, 0, 0]])).dtype == dtype


@pytest.mark.parametrize(
    ("objective", "outputs"),
    [("classification", 5), ("tagging", 5), ("regression", 1), ("span", 2)],
)
def test_a_head_has_the_outputs_of_its_objective(objective, outputs):
    made = head(objective, 16, outputs, 0.1)
    assert made(torch.zeros(2, 3, 16)).shape == (2, 3, outputs)


@pytest.mark.parametrize(("objective", "outputs"), [("regression", 2), ("span", 1)])
def test_outputs_that_an_objective_does_not_have_are_a_bug(objective, outputs):
    with pytest.raises(AssertionError):
        head(objective, 16, outputs, 0.1)


def test_numbers_are_learnt_by_heart(encoder):
    values = np.linspace(0.0, 5.0, 8)
    examples = examples_of([np.array([0])] * 8, values)
    check_labels("regression", examples, 1)
    model = task_model(encoder, "regression", 1, dropout=0.0, seed=1)
    losses = finetune(model, examples, config=QUICK, seed=1)
    assert losses[-1] < 0.05 < losses[0]
    assert np.abs(predict(model, examples)[:, 0] - values).max() < 0.5


def test_spans_are_learnt_by_heart(encoder):
    rng = np.random.default_rng(1)
    labels = []
    for _ in range(8):
        flags = np.zeros(9, np.int64)
        begin, end = sorted(rng.integers(0, 9, 2))
        flags[begin] += 1
        flags[end] += 2
        labels.append(flags)
    positions = [np.arange(9)] * 8
    examples = examples_of(positions, np.concatenate(labels))
    check_labels("span", examples, 2)
    model = task_model(encoder, "span", 2, dropout=0.0, seed=1)
    losses = finetune(model, examples, config=dataclasses.replace(QUICK, steps=200), seed=1)
    assert losses[-1] < 0.1
    logits = predict(model, examples).reshape(8, 9, 2)
    assert (logits[..., 0].argmax(1) == [(row & 1).argmax() for row in labels]).all()
    assert (logits[..., 1].argmax(1) == [(row & 2).argmax() for row in labels]).all()


@pytest.mark.parametrize(
    ("objective", "labels"),
    [
        ("classification", [0, 3]),
        ("classification", [0, -1]),
        ("classification", [0.0, 1.0]),
        ("span", [1, 2]),
        ("span", [3, 0]),
        ("regression", [0.5, math.nan]),
    ],
)
def test_labels_of_another_kind_are_a_bug(objective, labels):
    with pytest.raises(AssertionError):
        check_labels(objective, examples_of([np.array([0])] * 2, labels), 3)
