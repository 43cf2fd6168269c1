"""Checks of fine-tuning runs: `pytest tests/evaluate/doctor/test_runs.py`."""

import copy

import numpy as np
import pytest
import torch

from xlmr_lab.evaluate.doctor.runs import (
    differing,
    reloaded,
    seed_spread,
)
from xlmr_lab.evaluate.finetune import FinetuneConfig, finetune
from xlmr_lab.evaluate.nli import encode
from xlmr_lab.evaluate.task_files import Pairs
from xlmr_lab.evaluate.task_model import task_model

CONFIG = FinetuneConfig(steps=3, batch_sequences=4, max_tokens=16, peak_learning_rate=1e-2)


@pytest.fixture
def examples(tokenizer):
    words = [f"{a}{b}" for a in "abcdefgh" for b in "xyz"]
    pairs = Pairs(words, words[::-1], [i % 3 for i in range(len(words))])
    return encode(tokenizer, pairs, language="en", max_tokens=16)


def model_of(encoder, seed=0):
    return task_model(encoder, "classification", 3, dropout=0.1, seed=seed)


@pytest.mark.parametrize("frozen_layers", [0, 1])
def test_a_trained_model_predicts_the_same_from_disk(encoder, examples, tmp_path, frozen_layers):
    config = FinetuneConfig(
        steps=3,
        batch_sequences=4,
        max_tokens=16,
        peak_learning_rate=1e-2,
        frozen_layers=frozen_layers,
    )
    fresh, model = model_of(copy.deepcopy(encoder)), model_of(encoder)
    finetune(model, examples, config=config, seed=0)
    assert reloaded(model, fresh, examples, tmp_path) is None


def test_a_model_whose_frozen_layers_moved_is_refused(encoder, examples, tmp_path):
    """They are not saved, for they are those of the pretrained encoder."""
    fresh, model = model_of(copy.deepcopy(encoder)), model_of(encoder)
    finetune(model, examples, config=CONFIG, seed=0)
    model.encoder.token_embedding.requires_grad_(False)
    verdict = reloaded(model, fresh, examples, tmp_path)
    assert verdict.name == "reloaded"
    assert verdict.evidence["largest_difference"] > 0


def test_differences_that_change_a_prediction_are_refused_and_others_flagged():
    logits = np.array([[0.0, 1.0], [2.0, 1.0]])
    moved = logits + np.array([[0.0, 1e-6], [0.0, 0.0]])
    assert differing(logits, moved).level == "flag"
    verdict = differing(logits, logits[:, ::-1])
    assert verdict.level == "refuse"
    assert "predicts 2 of 2 labels otherwise" in verdict.line
    assert differing(logits, logits.copy()) is None


def test_numbers_that_differ_are_refused():
    assert differing(np.array([[1.0]]), np.array([[1.1]])).level == "refuse"
    assert differing(np.array([[1.0]]), np.array([[1.0 + 1e-7]])).level == "flag"


def test_a_difference_within_the_spread_of_seeds_is_flagged_with_the_seeds_that_would_do():
    """Mean 0.01, deviation 0.02, 3 seeds: half the interval is 4.303 x 0.02 / sqrt(3) = 0.0497."""
    verdict = seed_spread([-0.01, 0.01, 0.03])
    assert (verdict.name, verdict.level) == ("seed spread", "flag")
    assert verdict.evidence["half_width"] == pytest.approx(0.0497, abs=1e-4)
    needed = verdict.evidence["num_needed"]
    assert needed == 18  # t(17) = 2.110: 2.110 x 0.02 / sqrt(18) = 0.00995, and 0.0102 for 17
    assert "a difference of 0.010 is within what 3 seeds leave open (+-0.050); about 18" in (
        verdict.line
    )


def test_a_difference_that_seeds_do_not_make_is_let_pass():
    assert seed_spread([0.10, 0.12, 0.11]) is None
    assert seed_spread([0.0, 0.01, 0.02], claimed=0.1) is None
    assert seed_spread([0.10, 0.12, 0.11], claimed=0.001) is not None


def test_one_seed_or_no_difference_at_all_is_flagged():
    assert "from 1 seed has no interval; run at least 3" in seed_spread([0.2]).line
    verdict = seed_spread([-0.1, 0.1])
    assert "not even 1,000 would do" in verdict.line
    assert "num_needed" not in verdict.evidence


def test_differences_that_are_none_pass_as_rarely_as_said():
    """At the level of 95 %: one in twenty."""
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=(1000, 4))
    share = np.mean([seed_spread(row.tolist()) is None for row in drawn])
    assert share == pytest.approx(0.05, abs=3 * (0.05 * 0.95 / 1000) ** 0.5)


def test_predictions_are_compared_without_dropout(encoder, examples, tmp_path):
    model = model_of(encoder)
    model.train()
    torch.manual_seed(0)
    assert reloaded(model, copy.deepcopy(model), examples, tmp_path) is None
