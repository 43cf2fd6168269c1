"""bf16 rounds products and leaves weights, gradients and moments in 32 bits."""

import pytest
import torch

from xlmr_lab.errors import UserError
from xlmr_lab.pretrain.optimizer import build_optimizer
from xlmr_lab.pretrain.precision import resolve
from xlmr_lab.pretrain.step import Objective, train_step

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_the_loss_is_near_and_not_the_same(plain_model, batch):
    exact, rounded = (Objective(plain_model, p)(*batch).item() for p in ("fp32", "bf16"))
    assert rounded == pytest.approx(exact, rel=1e-2)
    assert rounded != exact


def test_gradients_are_near(plain_model, batch):
    gradients = {}
    for precision in ("fp32", "bf16"):
        plain_model.zero_grad()
        Objective(plain_model, precision)(*batch).backward()
        gradients[precision] = torch.cat([p.grad.flatten() for p in plain_model.parameters()])
    difference = gradients["bf16"] - gradients["fp32"]
    assert 0 < difference.norm() < 0.02 * gradients["fp32"].norm()


def test_weights_gradients_and_moments_stay_in_32_bits(model, batch):
    optimizer = build_optimizer(model, weight_decay=0.01)
    settings = {"learning_rate": 1e-2, "clip_norm": 1.0}
    losses = [
        train_step(Objective(model, "bf16"), optimizer, batch, dropout_seed=s, **settings).loss
        for s in range(30)
    ]
    assert losses[-1] < losses[0] / 2
    assert losses[0].dtype == torch.float32
    held = [t for p in model.parameters() for t in (p, p.grad, *optimizer.state[p].values())]
    assert {tensor.dtype for tensor in held} == {torch.float32}


@pytest.mark.parametrize(
    ("precision", "device", "fast", "expected"),
    [
        ("auto", CPU, False, "fp32"),
        ("bf16", CPU, False, "bf16"),
        ("auto", CUDA, True, "bf16"),
        ("auto", CUDA, False, "fp32"),
        ("bf16", CUDA, True, "bf16"),
        ("fp32", CUDA, True, "fp32"),
    ],
)
def test_auto_is_bf16_where_a_gpu_has_it(
    monkeypatch: pytest.MonkeyPatch, precision, device, fast, expected
):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **settings: fast)
    assert resolve(precision, device) == expected


def test_a_gpu_that_emulates_bf16_is_refused_by_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **settings: False)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Old Card")
    with pytest.raises(UserError, match="Old Card has no bfloat16 of its own; set it to fp32"):
        resolve("bf16", CUDA)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_the_loss_is_near_that_of_the_cpu(plain_model, batch):
    exact = Objective(plain_model, "fp32")(*batch).item()
    moved = [tensor.to(CUDA) for tensor in batch]
    rounded = Objective(plain_model.to(CUDA), "bf16")(*moved).item()
    assert rounded == pytest.approx(exact, rel=1e-2)
