"""The chunked loss equals plain cross entropy, with its gradients."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from xlmr_lab.batches import masking
from xlmr_lab.model.losses import IGNORE_INDEX, masked_lm_loss


def inputs(rows: int = 37, vocab_size: int = 23, dtype: torch.dtype = torch.float64):
    generator = torch.Generator().manual_seed(1)
    hidden = torch.randn(rows, 8, generator=generator, dtype=torch.float64)
    weight = torch.randn(vocab_size, 8, generator=generator, dtype=torch.float64)
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


def test_nothing_to_predict_costs_nothing_and_teaches_nothing():
    *parameters, targets = inputs()
    targets[:] = IGNORE_INDEX
    loss = masked_lm_loss(*parameters, targets)
    loss.backward()
    assert loss.item() == 0.0
    assert not any(parameter.grad.any() for parameter in parameters)


def test_half_precision_weights_keep_sums_in_32_bits():
    *exact, targets = inputs(rows=500)
    plain = F.cross_entropy(F.linear(exact[0], exact[1], exact[2]), targets)
    *half, _ = inputs(rows=500, dtype=torch.bfloat16)
    loss = masked_lm_loss(*half, targets)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(plain.item(), rel=0.01)
    assert all(parameter.grad.dtype == torch.bfloat16 for parameter in half)


def test_never_holds_the_logits_of_all_rows(monkeypatch: pytest.MonkeyPatch):
    *parameters, targets = inputs(rows=1000, vocab_size=300)
    sizes = []
    original = torch.addmm

    def watched(*arguments):
        result = original(*arguments)
        sizes.append(result.shape)
        return result

    monkeypatch.setattr(torch, "addmm", watched)
    masked_lm_loss(*parameters, targets, chunk_rows=64).backward()
    assert {shape[1] for shape in sizes} == {300}
    assert max(shape[0] for shape in sizes) == 64


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
