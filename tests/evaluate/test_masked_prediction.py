"""Answers at hidden positions are those of the model's own logits."""

from pathlib import Path

import numpy as np
import pytest
import torch

from xlmr_lab.batches.masking import IGNORE_INDEX, Masked, mask
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import masked_prediction
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.masked_lm import MaskedLM

VOCAB_SIZE = 60


@pytest.fixture(scope="module")
def model() -> MaskedLM:
    config = EncoderConfig(
        num_layers=2, hidden_size=16, num_heads=2, ffn_size=32, max_tokens=32, init_std=0.5
    )
    return masked_prediction.untrained(config, VOCAB_SIZE)


@pytest.fixture(scope="module")
def masked() -> Masked:
    rng = np.random.default_rng(0)
    tokens = rng.integers(4, VOCAB_SIZE - 1, (37, 20), dtype=np.int32)
    return mask(tokens, vocab_size=VOCAB_SIZE, fraction=0.3, rng=rng)


@torch.inference_mode()
def logits(model: MaskedLM, masked: Masked) -> torch.Tensor:
    """Return those of every chosen position [B P, V], by way of all positions."""
    everywhere = model(torch.from_numpy(masked.inputs.astype(np.int64)))
    positions = torch.from_numpy(masked.positions)[..., None].expand(-1, -1, VOCAB_SIZE)
    return everywhere.gather(1, positions).flatten(0, 1)


def test_distributions_are_the_softmax_of_the_models_logits(
    model: MaskedLM, masked: Masked
) -> None:
    expected = logits(model, masked).softmax(-1).numpy()[: masked.positions.shape[1]]
    found = masked_prediction.distributions(model, masked.inputs[0], masked.positions[0], "qaa")
    assert found == pytest.approx(expected, abs=1e-5)
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_answers_are_in_the_order_of_the_positions(model: MaskedLM, masked: Masked) -> None:
    """Also across several chunks of blocks and of positions."""
    scores = logits(model, masked).softmax(-1)
    found = masked_prediction.answers(model, masked, "qaa")
    targets = torch.from_numpy(masked.targets.ravel())
    assert len(targets) > masked_prediction.CHUNK_ROWS
    assert found.targets.tolist() == targets.tolist()
    assert found.choices.tolist() == scores.argmax(-1).tolist()
    stood = scores.gather(1, targets[:, None])[:, 0]
    assert found.probabilities == pytest.approx(stood.numpy(), abs=1e-5)
    assert found.confidences == pytest.approx(scores.max(-1).values.numpy(), abs=1e-5)
    ranks = (scores.argsort(-1, descending=True) == targets[:, None]).nonzero()[:, 1] + 1
    assert found.ranks.tolist() == ranks.tolist()
    assert ((found.ranks == 1) == (found.choices == found.targets)).all()


def test_the_mean_loss_is_that_of_training(model: MaskedLM, masked: Masked) -> None:
    found = masked_prediction.answers(model, masked, "qaa")
    parts = (torch.from_numpy(part.astype(np.int64)) for part in masked)
    with torch.inference_mode():
        loss = float(model.loss(*parts))
    assert -np.log(found.probabilities).mean() == pytest.approx(loss, rel=1e-4)


def test_positions_that_do_not_count_are_left_out(model: MaskedLM, masked: Masked) -> None:
    targets = masked.targets.copy()
    targets[::2] = IGNORE_INDEX
    found = masked_prediction.answers(model, masked._replace(targets=targets), "qaa")
    assert found.targets.tolist() == masked.targets[1::2].ravel().tolist()


def test_a_checkpoint_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no checkpoint at .*step-1"):
        masked_prediction.load(tmp_path / "step-1")
