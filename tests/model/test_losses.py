"""The chunked loss equals plain cross entropy, with its gradients, and holds less.

Run with: pytest tests/model/test_losses.py
"""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from xlmr_lab.batches import masking
from xlmr_lab.model import losses
from xlmr_lab.model.losses import IGNORE_INDEX, masked_lm_loss

TOLERANCE = 1e-10


def inputs(
    rows: int = 37, vocab_size: int = 23, dtype: torch.dtype = torch.float64, width: int = 8
):
    generator = torch.Generator().manual_seed(1)
    hidden = torch.randn(rows, width, generator=generator, dtype=torch.float64)
    weight = torch.randn(vocab_size, width, generator=generator, dtype=torch.float64)
    bias = torch.randn(vocab_size, generator=generator, dtype=torch.float64)
    targets = torch.randint(0, vocab_size, (rows,), generator=generator)
    return *(x.to(dtype).requires_grad_() for x in (hidden, weight, bias)), targets


def test_equal_logits_cost_the_logarithm_of_the_vocabulary():
    loss = masked_lm_loss(
        torch.zeros(2, 3), torch.ones(10, 3), torch.zeros(10), torch.tensor([1, 9])
    )
    assert loss.item() == pytest.approx(math.log(10))


def test_ignore_index_is_the_masking_ones():
    assert masking.IGNORE_INDEX == IGNORE_INDEX


@pytest.mark.parametrize("chunk_rows", [1, 7, 37, 256])
@pytest.mark.parametrize("ignored", [[], [0], [3, 4, 36]])
def test_loss_and_gradients_equal_cross_entropy(chunk_rows: int, ignored: list[int]):
    *parameters, targets = inputs()
    targets[ignored] = IGNORE_INDEX
    hidden, weight, bias = parameters
    plain = F.cross_entropy(F.linear(hidden, weight, bias), targets, ignore_index=IGNORE_INDEX)
    expected = torch.autograd.grad(3.5 * plain, parameters)
    loss = masked_lm_loss(hidden, weight, bias, targets, chunk_rows=chunk_rows)
    found = torch.autograd.grad(3.5 * loss, parameters)
    assert abs(loss.item() - plain.item()) < 1e-10 * plain.item()
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours - theirs).abs().max() < 1e-10 * theirs.abs().max()


def test_the_loss_without_gradients_is_the_same():
    *parameters, targets = inputs()
    with torch.inference_mode():
        alone = masked_lm_loss(*parameters, targets)
    assert alone.item() == masked_lm_loss(*parameters, targets).item()


def test_gradients_that_nobody_can_take_are_not_computed(monkeypatch: pytest.MonkeyPatch):
    *parameters, targets = inputs()
    expected = masked_lm_loss(*parameters, targets).item()
    monkeypatch.setattr(losses, "_empty", lambda *_: pytest.fail("room for gradients was made"))
    with torch.no_grad():
        assert masked_lm_loss(*parameters, targets).item() == expected


def test_two_chunks_of_logits_are_held_and_never_three(alive):
    """The logits and what turns them into gradients; those of the chunk before are gone."""
    *parameters, targets = inputs(rows=64, vocab_size=3000)
    with alive(16 * 3000) as seen:
        masked_lm_loss(*parameters, targets, chunk_rows=16).backward()
    assert seen.most == 2


def test_nothing_to_predict_costs_nothing_and_teaches_nothing():
    *parameters, targets = inputs()
    targets[:] = IGNORE_INDEX
    loss = masked_lm_loss(*parameters, targets)
    loss.backward()
    assert loss.item() == 0.0
    assert not any(parameter.grad.any() for parameter in parameters)


@pytest.mark.parametrize(
    "vocab_size",
    [8000, *(pytest.param(size, marks=pytest.mark.slow) for size in (32_000, 300_000))],
)
def test_equal_to_cross_entropy_at_the_sizes_of_real_vocabularies(vocab_size: int):
    *parameters, targets = inputs(rows=40, vocab_size=vocab_size, width=24)
    targets[[0, 7, 39]] = torch.tensor([vocab_size - 1, IGNORE_INDEX, 0])
    plain = F.cross_entropy(F.linear(*parameters), targets, ignore_index=IGNORE_INDEX)
    expected = torch.autograd.grad(plain, parameters)
    loss = masked_lm_loss(*parameters, targets, chunk_rows=16)
    found = torch.autograd.grad(loss, parameters)
    assert abs(loss.item() - plain.item()) < TOLERANCE * plain.item()
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours - theirs).abs().max() < TOLERANCE * theirs.abs().max()


def test_half_precision_weights_keep_sums_in_32_bits():
    *exact, targets = inputs(rows=500)
    plain = F.cross_entropy(F.linear(exact[0], exact[1], exact[2]), targets)
    *half, _ = inputs(rows=500, dtype=torch.bfloat16)
    loss = masked_lm_loss(*half, targets)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(plain.item(), rel=0.01)
    assert all(parameter.grad.dtype == torch.bfloat16 for parameter in half)


def test_only_the_operands_of_products_are_rounded():
    """Of the rounded weights the loss is exact to 32 bits, however large the logits are."""
    *half, targets = inputs(rows=300, vocab_size=90, dtype=torch.bfloat16, width=64)
    loss = masked_lm_loss(*half, targets, chunk_rows=64)
    exact = F.cross_entropy(F.linear(*(x.detach().double() for x in half)), targets)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-6)


@pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param(
            "cuda",
            marks=[
                pytest.mark.gpu,
                pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
            ],
        ),
    ],
)
def test_autocast_leaves_gradients_of_32_bit_weights_in_32_bits(device: str):
    *exact, targets = inputs(rows=300, vocab_size=90, width=64)
    masked_lm_loss(*exact, targets).backward()
    *single, _ = inputs(rows=300, vocab_size=90, width=64, dtype=torch.float32)
    single = [x.detach().to(device).requires_grad_() for x in single]
    with torch.autocast(device, torch.bfloat16):
        loss = masked_lm_loss(*single, targets.to(device), chunk_rows=16)
    loss.backward()
    assert loss.dtype == torch.float32
    for ours, theirs in zip(single, exact, strict=True):
        wrong = (ours.grad.cpu() - theirs.grad).norm() / theirs.grad.norm()
        assert ours.grad.dtype == torch.float32
        assert wrong < 0.01
    rounded = single[1].grad.bfloat16().float()
    assert (rounded != single[1].grad).float().mean() > 0.9, "gradients were rounded to 16 bits"


def test_half_precision_does_not_drift_in_a_thousand_steps():
    """Two copies learn the same, one in 16 bits with weights kept in 32, one by plain cross entropy
    in 64: losses stay within 1 %, and the difference does not grow.
    """
    generator = torch.Generator().manual_seed(2)
    hidden = torch.randn(64, 16, generator=generator)
    targets = torch.randint(0, 60, (64,), generator=generator)
    start = [0.1 * torch.randn(60, 16, generator=generator), torch.zeros(60)]
    ours = [x.clone().requires_grad_() for x in start]
    theirs = [x.double().requires_grad_() for x in start]
    optimizers = [torch.optim.Adam(parameters, lr=2e-3) for parameters in (ours, theirs)]
    differences = []
    for _ in range(1000):
        with torch.autocast("cpu", torch.bfloat16):
            loss = masked_lm_loss(hidden, *ours, targets, chunk_rows=24)
        plain = F.cross_entropy(F.linear(hidden.double(), *theirs), targets)
        differences.append(loss.item() / plain.item() - 1)
        for optimizer, value in zip(optimizers, (loss, plain), strict=True):
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    assert differences[0] == pytest.approx(0, abs=1e-3)
    assert plain.item() < 0.5
    assert max(map(abs, differences)) < 0.01
    early, late = np.mean(differences[:500]), np.mean(differences[500:])
    assert abs(late - early) < 0.003


@pytest.mark.parametrize("kind", ["alone", "autocast"])
def test_never_holds_the_logits_of_all_rows(kind: str, largest):
    *parameters, targets = inputs(rows=1000, vocab_size=300, dtype=torch.float32)
    with largest() as seen, torch.autocast("cpu", torch.bfloat16, enabled=kind == "autocast"):
        masked_lm_loss(*parameters, targets, chunk_rows=64).backward()
    assert seen.elements == 64 * 300
    with largest() as seen:
        F.cross_entropy(F.linear(*parameters), targets).backward()
    assert seen.elements == 1000 * 300, "the measure finds what it looks for"


def test_gradient_can_be_taken_once():
    *parameters, targets = inputs()
    loss = masked_lm_loss(*parameters, targets)
    loss.backward(retain_graph=True)
    with pytest.raises(AssertionError, match="taken once"):
        loss.backward()


def test_a_confident_wrong_prediction_stays_finite():
    weight = torch.tensor([[1000.0], [-1000.0]])
    loss = masked_lm_loss(torch.ones(1, 1), weight, torch.zeros(2), torch.tensor([1]))
    assert loss.item() == pytest.approx(2000.0)
    assert np.isfinite(loss.item())
