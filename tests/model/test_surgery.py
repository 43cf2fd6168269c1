"""Trimmed models keep their rows, extended ones their loss, and new ids can be learned.

Run with: pytest tests/model/test_surgery.py
"""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from xlmr_lab.errors import UserError
from xlmr_lab.model import surgery
from xlmr_lab.model.convert import from_huggingface, to_huggingface
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.model.surgery_proofs import LOSS_TOLERANCE

VOCAB_SIZE = 50
MASK = VOCAB_SIZE - 1
KEPT = np.array([0, 1, 2, 3, 5, 8, 13, 21, 34, 48, MASK])
NEW = -1
GROWN = np.array([*range(MASK), NEW, NEW, NEW, MASK])
SOURCES = [[5, 8], [13], []]


@pytest.fixture
def model(model: MaskedLM) -> MaskedLM:
    """The model of these tests, in single precision."""
    return model.float()


@torch.inference_mode()
def test_a_trimmed_model_has_the_rows_of_its_ids(model: MaskedLM):
    trimmed = surgery.gather(model, KEPT)
    for new, old in enumerate(KEPT):
        rows = (m.encoder.token_embedding.weight for m in (trimmed, model))
        for ours, theirs in (rows, (trimmed.head.bias, model.head.bias)):
            assert torch.equal(ours[new], theirs[old])
    same = trimmed.state_dict().keys() - {"encoder.token_embedding.weight", "head.bias"}
    assert all(torch.equal(trimmed.state_dict()[n], model.state_dict()[n]) for n in same)


def test_surgery_leaves_the_old_model_as_it_is_and_the_new_one_can_be_trained(model: MaskedLM):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    trimmed = surgery.gather(model, KEPT)
    positions = torch.tensor([[1, 2]])
    trimmed.loss(torch.tensor([[4, 10, 5, 6]]), positions, torch.tensor([[7, 8]])).backward()
    with torch.no_grad():
        for parameter in trimmed.parameters():
            assert parameter.grad is not None
            parameter.sub_(parameter.grad)
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in before.items())
    assert trimmed.encoder.token_embedding.weight.shape == (len(KEPT), 32)
    assert trimmed.encoder.vocab_size == trimmed.encoder.token_embedding.num_embeddings == len(KEPT)


@torch.inference_mode()
def test_new_rows_are_the_mean_of_their_old_pieces(model: MaskedLM):
    grown = surgery.extend(model, GROWN, SOURCES)
    old, new = model.encoder.token_embedding.weight, grown.encoder.token_embedding.weight
    torch.testing.assert_close(new[MASK], (old[5] + old[8]) / 2)
    assert torch.equal(new[MASK + 1], old[13])
    torch.testing.assert_close(new[MASK + 2], old[4:MASK].mean(0))
    assert torch.equal(new[:MASK], old[:MASK])
    assert torch.equal(new[-1], old[MASK])
    assert torch.equal(grown.head.bias[-1], model.head.bias[MASK])


@torch.inference_mode()
@pytest.mark.parametrize("start", ["mean", "random"])
def test_other_starts_are_drawn_with_the_spread_of_the_old_rows(model: MaskedLM, start):
    many = np.array([*range(MASK), *[NEW] * 500, MASK])
    draws = [
        surgery.extend(
            model, many, [[5]] * 500, start=start, seed=seed
        ).encoder.token_embedding.weight[MASK:-1]
        for seed in (1, 1, 2)
    ]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    ordinary = model.encoder.token_embedding.weight[4:MASK]
    centre = ordinary.mean(0) if start == "mean" else torch.zeros(32)
    spread = float((draws[0] - centre).std() / ordinary.std())
    assert abs(spread - 1) < 0.05
    assert (draws[0].mean(0) - centre).abs().max() < 0.3 * ordinary.std()


@torch.inference_mode()
@pytest.mark.parametrize("start", ["pieces", "mean", "random"])
@pytest.mark.parametrize("count", [1, 300])
def test_new_ids_have_no_probability_whatever_the_input(model: MaskedLM, start, count):
    """Rows of norm and bias are large here, so the bound is needed."""
    old_ids = np.array([*range(MASK), *[NEW] * count, MASK])
    generator = torch.Generator().manual_seed(4)
    sources = torch.randint(4, MASK, (count, 3), generator=generator).tolist()
    grown = surgery.extend(model, old_ids, sources, start=start).double()
    ids = torch.randint(0, MASK, (200, 20), generator=generator)
    probabilities = grown(ids).softmax(-1)[..., MASK:-1].sum(-1)
    assert 0 < float(probabilities.max()) <= surgery.MASS


@torch.inference_mode()
@pytest.mark.parametrize("start", ["pieces", "mean", "random"])
def test_the_loss_on_old_text_is_what_it_was(model: MaskedLM, ids, start, tmp_path: Path):
    """Before and after, and after export and import, where `<mask>` stands in the text."""
    grown = surgery.extend(model, GROWN, SOURCES, start=start)
    to_huggingface(grown, tmp_path / "grown")
    positions = torch.tensor([[1, 2, 9]] * 3)
    targets = ids.gather(1, positions)
    inputs = ids.scatter(1, positions, MASK)
    moved = torch.where(inputs == MASK, len(GROWN) - 1, inputs)
    before = float(model.loss(inputs, positions, targets))
    for made in (grown, from_huggingface(tmp_path / "grown")):
        after = float(made.loss(moved, positions, targets))
        assert math.isclose(before, after, rel_tol=LOSS_TOLERANCE)
    wrong = float(grown.loss(inputs, positions, targets))
    assert not math.isclose(before, wrong, rel_tol=1e-5), "the row of <mask> has moved"


def test_new_ids_are_learned_in_a_few_hundred_steps():
    """Blocks of a new id repeated: from a probability of almost nothing to a sure prediction."""
    config = EncoderConfig(
        num_layers=1,
        hidden_size=64,
        num_heads=2,
        ffn_size=64,
        dropout=0.0,
        attention_dropout=0.0,
    )
    generator = torch.Generator().manual_seed(1)
    model = MaskedLM(config, VOCAB_SIZE, generator=generator)
    old_ids = np.array([*range(MASK), *[NEW] * 20, MASK])
    sources = torch.randint(4, MASK, (20, 2), generator=generator).tolist()
    grown = surgery.extend(model, old_ids, sources)
    optimizer = torch.optim.AdamW(grown.parameters(), lr=6e-3)
    losses = []
    for _ in range(120):
        targets = torch.randint(MASK, MASK + 20, (16, 1), generator=generator)
        inputs = targets.repeat(1, 6)
        inputs[:, 3] = len(old_ids) - 1
        loss = grown.loss(inputs, torch.full_like(targets, 3), targets)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[0] > 15
    assert losses[-1] < 1.5  # of ln 20, were all new ids alike: 3.0


def test_a_vocabulary_of_another_model_is_refused(model: MaskedLM):
    for ids in ([0, 50], [-1, 0], []):
        with pytest.raises(UserError, match=r"ids must be in \[0, 50\)"):
            surgery.gather(model, np.array(ids, dtype=np.int64))
