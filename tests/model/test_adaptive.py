"""Adaptive softmax: torch's own numbers, without its memory, up to two million ids.

Run with: pytest tests/model/test_adaptive.py
"""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from xlmr_lab.errors import UserError
from xlmr_lab.model import surgery
from xlmr_lab.model.adaptive import AdaptiveOutput
from xlmr_lab.model.convert import to_huggingface
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.initial_weights import initialize
from xlmr_lab.model.losses import CPU_CHUNK, IGNORE_INDEX
from xlmr_lab.model.masked_lm import MaskedLM

CUTOFFS = (10, 25)
TOLERANCE = 1e-10


def output(width: int = 32, vocab_size: int = 50, cutoffs=CUTOFFS):
    """Return an output with large random weights, hidden states, token matrix and bias."""
    generator = torch.Generator().manual_seed(1)
    made = AdaptiveOutput(width, vocab_size, cutoffs)
    initialize(made, std=0.5, generator=generator)
    made = made.double()
    hidden, weight, bias = (
        torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()
        for shape in ((60, width), (vocab_size, width), (vocab_size,))
    )
    targets = torch.randint(0, vocab_size, (60,), generator=generator)
    return made, hidden, weight, bias, targets


@pytest.fixture
def adaptive_model(config: EncoderConfig) -> MaskedLM:
    """The small model with an output of three bands."""
    config = dataclasses.replace(config, adaptive_cutoffs=CUTOFFS)
    return MaskedLM(config, 50, generator=torch.Generator().manual_seed(1)).eval()


def test_loss_and_gradients_are_those_of_torchs_adaptive_softmax():
    """Which has no biases in its further bands, and no targets that do not count."""
    made, hidden, weight, bias, targets = output()
    with torch.no_grad():
        bias[10:] = 0
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(32, 50, list(CUTOFFS), head_bias=True).double()
    with torch.no_grad():
        theirs.head.weight.copy_(torch.cat([weight[:10], made.bands.weight]))
        theirs.head.bias.copy_(torch.cat([bias[:10], made.bands.bias]))
        for (narrow, rows), ours, ours_rows in zip(
            theirs.tail, made.narrow, made.rows, strict=True
        ):
            narrow.weight.copy_(ours.weight)
            rows.weight.copy_(ours_rows.weight)
    other = hidden.detach().clone().requires_grad_()
    expected = theirs(other, targets).loss
    expected.backward()
    found = made.loss(hidden, weight, bias, targets)
    found.backward()
    assert abs(found.item() - expected.item()) < TOLERANCE * expected.item()
    pairs = [
        (hidden.grad, other.grad),
        (weight.grad[:10], theirs.head.weight.grad[:10]),
        (made.bands.weight.grad, theirs.head.weight.grad[10:]),
        *((x.weight.grad, y[0].weight.grad) for x, y in zip(made.narrow, theirs.tail, strict=True)),
        *((x.weight.grad, y[1].weight.grad) for x, y in zip(made.rows, theirs.tail, strict=True)),
    ]
    for ours, wanted in pairs:
        assert (ours - wanted).abs().max() < TOLERANCE * wanted.abs().max()
    torch.testing.assert_close(
        made.log_probabilities(hidden, weight, bias), theirs.log_prob(other), rtol=1e-10, atol=1e-10
    )


@torch.no_grad()
def test_the_loss_is_the_probability_of_the_targets_that_count():
    made, hidden, weight, bias, targets = output()
    targets[[0, 5, 59]] = IGNORE_INDEX
    scores = made.log_probabilities(hidden, weight, bias)
    torch.testing.assert_close(scores.exp().sum(-1), torch.ones(60, dtype=torch.float64))
    plain = F.nll_loss(scores, targets, ignore_index=IGNORE_INDEX)
    assert abs(made.loss(hidden, weight, bias, targets) - plain) < TOLERANCE * plain
    targets[:] = IGNORE_INDEX
    assert made.loss(hidden, weight, bias, targets) == 0


def test_every_weight_has_a_gradient_though_no_target_is_in_its_band():
    made, hidden, weight, bias, targets = output()
    made.loss(hidden, weight, bias, targets % 10).backward()
    assert all(x.grad is not None for x in [hidden, weight, bias, *made.parameters()])
    assert not made.rows[0].weight.grad.any()


@pytest.mark.slow
def test_two_million_ids_are_never_scored_at_once(largest):
    """60 targets lie in the last band of 1.9 million ids: 114 million logits, held in two parts."""
    made = AdaptiveOutput(16, 2_000_000, (1000, 100_000))
    initialize(made, std=0.02, generator=torch.Generator().manual_seed(1))
    hidden, weight = torch.randn(60, 16), torch.zeros(2_000_000, 16, requires_grad=True)
    targets = torch.arange(1_999_940, 2_000_000)
    with largest() as seen:
        loss = made.loss(hidden, weight, torch.zeros(2_000_000), targets)
        loss.backward()
    assert loss.item() == pytest.approx(math.log(1_900_000) + math.log(1002), rel=0.01)
    assert seen.elements <= CPU_CHUNK[1] < 60 * 1_900_000
    assert sum(x.numel() for x in made.parameters()) < weight.numel() / 10


@pytest.mark.slow
def test_a_model_of_two_million_ids_takes_a_step():
    config = EncoderConfig(
        num_layers=1, hidden_size=16, num_heads=2, ffn_size=16, adaptive_cutoffs=(1000, 50_000)
    )
    model = MaskedLM(config, 2_000_000, generator=torch.Generator().manual_seed(1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, fused=True)
    ids = torch.tensor([[5, 900, 70_000, 1_999_998]])
    losses = []
    for _ in range(4):
        loss = model.loss(ids, torch.tensor([[1, 2, 3]]), ids[:, 1:])
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0]


def test_logits_are_normalised_and_the_loss_is_theirs(adaptive_model: MaskedLM, ids):
    positions = torch.tensor([[1, 5, 9], [0, 2, 19], [3, 4, 5]])
    targets = ids.gather(1, positions)
    logits = adaptive_model(ids)
    torch.testing.assert_close(logits.exp().sum(-1), torch.ones(3, 20))
    at = logits[torch.arange(3)[:, None], positions].flatten(0, 1)
    loss = adaptive_model.loss(ids, positions, targets)
    torch.testing.assert_close(loss, F.cross_entropy(at, targets.flatten()))


def test_the_gradient_of_a_pass_through_both_ends_is_that_of_autograd(adaptive_model, ids):
    model = adaptive_model.double()
    positions = torch.tensor([[1, 5, 9], [0, 2, 19], [3, 4, 5]])
    targets = ids.gather(1, positions)
    model.loss(ids, positions, targets).backward()
    tied = model.encoder.token_embedding.weight.grad.clone()
    model.zero_grad()
    hidden = model.encoder(ids, positions=positions)
    model.head.loss(hidden, model.encoder.token_embedding.weight, targets).backward()
    torch.testing.assert_close(
        tied, model.encoder.token_embedding.weight.grad, rtol=1e-10, atol=1e-14
    )


def test_no_gradient_of_the_vocabularys_size_is_made_at_the_output(adaptive_model, largest, ids):
    """The embedding's comes once, from the lookup."""
    wide = MaskedLM(adaptive_model.encoder.config, 3000)
    matrix = wide.encoder.token_embedding.weight
    with torch.profiler.profile(profile_memory=True) as profile:
        wide.loss(ids, torch.tensor([[1, 5, 9]] * 3), ids[:, :3]).backward()
    sizes = [e.self_cpu_memory_usage for e in profile.events() if not e.cpu_children]
    assert sum(size >= 4 * matrix.numel() for size in sizes) == 1


def test_one_batch_is_learned_by_heart(adaptive_model: MaskedLM):
    ids = torch.arange(4, 49).view(3, 15)
    positions = torch.tensor([[1, 5, 9], [0, 2, 12], [3, 4, 5]])
    targets = ids.gather(1, positions)
    bands = torch.bucketize(targets, torch.tensor(CUTOFFS), right=True)
    assert bands.unique().tolist() == [0, 1, 2]
    inputs = ids.scatter(1, positions, 49)
    optimizer = torch.optim.Adam(adaptive_model.parameters(), lr=1e-2, fused=True)
    for _ in range(80):
        optimizer.zero_grad()
        loss = adaptive_model.loss(inputs, positions, targets)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05


def test_without_cutoffs_the_model_is_what_it_was(config: EncoderConfig):
    model = MaskedLM(config, 50)
    assert model.head.adaptive is None
    assert not [name for name in model.state_dict() if "adaptive" in name]


@pytest.mark.parametrize(
    ("cutoffs", "message"),
    [
        ((25, 10), "must be above 0 and ascend, got 25,10"),
        ((0, 10), "must be above 0 and ascend, got 0,10"),
        ((10, 20, 30), "3 bands each 4 times narrower .* too many for hidden_size 32"),
    ],
)
def test_impossible_cutoffs_are_refused(config: EncoderConfig, cutoffs, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(config, adaptive_cutoffs=cutoffs)


def test_a_cutoff_beyond_the_vocabulary_is_refused(config: EncoderConfig):
    config = dataclasses.replace(config, adaptive_cutoffs=(10, 50))
    with pytest.raises(UserError, match="must be below the vocabulary's 50 ids, got 50"):
        MaskedLM(config, 50)


def test_such_a_model_is_neither_exported_nor_cut(adaptive_model: MaskedLM, tmp_path: Path):
    with pytest.raises(UserError, match="adaptive softmax cannot be exported"):
        to_huggingface(adaptive_model, tmp_path / "out")
    with pytest.raises(UserError, match="adaptive softmax, take one pretrained"):
        surgery.gather(adaptive_model, np.arange(50))
