"""One training step is a function of weights, batch and dropout seed."""

import copy

import pytest
import torch

from xlmr_lab.batches.masking import IGNORE_INDEX
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.pretrain.optimizer import build_optimizer
from xlmr_lab.pretrain.step import (
    Objective,
    TensorBatch,
    add_gradients,
    clip,
    seed_dropout,
    train_step,
)

CPU = torch.device("cpu")


def stepped(model: MaskedLM, batch, *, clip_norm: float = 1.0, seed: int = 7, **how):
    model = copy.deepcopy(model)
    optimizer = build_optimizer(model, weight_decay=0.01)
    settings = {"learning_rate": 1e-2, "clip_norm": clip_norm, "dropout_seed": seed}
    result = train_step(Objective(model), optimizer, batch, **settings, **how)
    return model, result


def test_same_seed_same_step_whatever_was_drawn_before(model, batch):
    first, one = stepped(model, batch)
    torch.rand(1000)
    second, two = stepped(model, batch)
    assert one == two
    assert all(map(torch.equal, first.state_dict().values(), second.state_dict().values()))


def test_another_seed_drops_other_elements(model, batch):
    assert stepped(model, batch)[1].loss != stepped(model, batch, seed=8)[1].loss


def test_the_norm_reported_is_the_one_before_clipping(model, batch):
    _, free = stepped(model, batch, clip_norm=0.0)
    _, clipped = stepped(model, batch, clip_norm=free.gradient_norm.item() / 10)
    assert clipped.gradient_norm == free.gradient_norm


def test_clip_norm_bounds_the_gradient(model, batch):
    trained, _ = stepped(model, batch, clip_norm=0.01)
    norms = [p.grad.norm() for p in trained.parameters()]
    assert torch.stack(norms).norm().item() == pytest.approx(0.01, rel=1e-3)


def test_the_loss_falls_on_a_repeated_batch(model, batch):
    optimizer = build_optimizer(model, weight_decay=0.0)
    losses = [
        train_step(
            Objective(model), optimizer, batch, learning_rate=1e-2, clip_norm=1.0, dropout_seed=s
        )
        for s in range(30)
    ]
    assert losses[-1].loss < losses[0].loss / 2


def test_one_batch_is_learned_by_heart(plain_model, batch):
    optimizer = build_optimizer(plain_model, weight_decay=0.0)
    for step in range(300):
        result = train_step(
            Objective(plain_model),
            optimizer,
            batch,
            learning_rate=5e-3 * (1 - step / 300),
            clip_norm=1.0,
            dropout_seed=step,
        )
    assert result.loss < 0.01


def gradients(model: MaskedLM, batch, micro_sequences: int):
    """Return the loss and the gradient of each weight, in 64 bits."""
    model = copy.deepcopy(model).double()
    loss = add_gradients(Objective(model), batch, dropout_seed=7, micro_sequences=micro_sequences)
    return loss, [p.grad for p in model.parameters()]


@pytest.mark.parametrize("micro_sequences", [1, 2, 3, 4])
def test_parts_add_up_to_the_mean_over_the_whole_batchs_targets(
    plain_model, batch, micro_sequences: int
):
    batch.targets[0, 1:] = IGNORE_INDEX  # so that a mean of means would be another
    whole, expected = gradients(plain_model, batch, 0)
    loss, found = gradients(plain_model, batch, micro_sequences)
    assert loss.item() == pytest.approx(whole.item(), rel=1e-9)
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, rtol=1e-9, atol=1e-12)


def test_a_part_without_targets_adds_nothing(plain_model, batch):
    batch.targets[1] = IGNORE_INDEX
    whole, expected = gradients(plain_model, batch, 0)
    loss, found = gradients(plain_model, batch, 1)
    assert loss.item() == pytest.approx(whole.item(), rel=1e-6)
    assert all(map(torch.allclose, found, expected))


def test_parts_are_clipped_and_applied_once(model, batch):
    trained, result = stepped(model, batch, clip_norm=0.01, micro_sequences=1)
    norms = [p.grad.norm() for p in trained.parameters()]
    assert torch.stack(norms).norm().item() == pytest.approx(0.01, rel=1e-3)
    assert result.gradient_norm > 0.01


def test_each_part_drops_by_its_place_in_the_batch(model, batch):
    """Equal sequences lose different elements, and a sequence loses the same in whatever order the
    parts before it were."""
    same = TensorBatch(*(tensor[:1].expand(2, -1) for tensor in batch))
    losses = []
    model.loss, original = lambda *part: losses.append(original(*part)) or losses[-1], model.loss
    add_gradients(Objective(model), same, dropout_seed=7, micro_sequences=1)
    seed_dropout(7 + 1, CPU)
    alone = original(*(tensor[1:] for tensor in same))
    assert losses[0] != losses[1]
    assert losses[1] == alone


@pytest.mark.parametrize(("largest", "scale"), [(5.0, 1.0), (4.0, 0.8), (0.0, 1.0)])
def test_gradients_are_scaled_to_the_largest_norm_by_hand(largest: float, scale: float) -> None:
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    for weight, value in zip(weights, (3.0, 4.0), strict=True):
        weight.grad = torch.tensor([value])
    assert float(clip(weights, largest)) == 5.0
    found = torch.cat([weight.grad for weight in weights])
    torch.testing.assert_close(found, scale * torch.tensor([3.0, 4.0]))


def test_a_gradient_that_is_no_number_stays_none() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    weight.grad = torch.tensor([float("nan")])
    assert clip([weight], 1.0).isnan()
    assert weight.grad.isnan()
