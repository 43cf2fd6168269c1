"""AdamW: what decays, and that it is torch's own arithmetic."""

import pytest
import torch

from xlmr_lab.pretrain.optimizer import BETAS, EPSILON, build_optimizer


def model() -> torch.nn.Module:
    torch.manual_seed(1)
    return torch.nn.Sequential(
        torch.nn.Embedding(5, 4), torch.nn.Linear(4, 3), torch.nn.LayerNorm(3)
    )


def test_matrices_decay_and_vectors_do_not():
    optimizer = build_optimizer(model(), weight_decay=0.1)
    decays = {g["weight_decay"]: [p.ndim for p in g["params"]] for g in optimizer.param_groups}
    assert decays == {0.1: [2, 2], 0.0: [1, 1, 1]}


def test_every_parameter_is_optimized_once():
    built = model()
    optimizer = build_optimizer(built, weight_decay=0.1)
    grouped = [id(p) for group in optimizer.param_groups for p in group["params"]]
    assert sorted(grouped) == sorted(id(p) for p in built.parameters())


def test_first_update_by_hand():
    parameter = torch.nn.Parameter(torch.full((1, 1), 2.0, dtype=torch.float64))
    holder = torch.nn.Module()
    holder.weight = parameter
    optimizer = build_optimizer(holder, weight_decay=0.5)
    optimizer.param_groups[0]["lr"] = 0.1
    parameter.grad = torch.full((1, 1), -3.0, dtype=torch.float64)
    optimizer.step()
    assert parameter.item() == pytest.approx(2.0 - 0.1 * 0.5 * 2.0 + 0.1 * 3 / (3 + EPSILON))


def test_settings_are_robertas():
    group = build_optimizer(model(), weight_decay=0.0).param_groups[0]
    assert group["betas"] == BETAS == (0.9, 0.98)
    assert group["eps"] == EPSILON == 1e-6
