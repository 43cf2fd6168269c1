"""The masked LM: its loss is the cross entropy of its logits at the masked positions, and it
learns."""

import torch
import torch.nn.functional as F  # noqa: N812

from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.losses import IGNORE_INDEX
from xlmr_lab.model.masked_lm import MaskedLM


def masked(ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    positions = torch.tensor([[1, 5, 9], [0, 2, 19], [3, 4, 5]])
    targets = ids.gather(1, positions)
    targets[1, 0] = IGNORE_INDEX
    return positions, targets


def test_loss_is_the_cross_entropy_at_masked_positions(model: MaskedLM, ids):
    positions, targets = masked(ids)
    logits = model(ids)[torch.arange(3)[:, None], positions]
    plain = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORE_INDEX)
    expected = torch.autograd.grad(plain, list(model.parameters()))
    loss = model.loss(ids, positions, targets)
    found = torch.autograd.grad(loss, list(model.parameters()))
    assert abs(loss.item() - plain.item()) < 1e-10 * plain.item()
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours - theirs).abs().max() < 1e-10 * max(theirs.abs().max(), 1e-3)


def test_the_output_matrix_is_the_token_embedding(model: MaskedLM):
    assert "head.bias" in model.state_dict()
    shapes = [tuple(p.shape) for p in model.parameters()]
    assert shapes.count((50, 32)) == 1


def test_initial_weights_are_a_function_of_the_generator(config: EncoderConfig):
    first, second = (
        MaskedLM(config, 50, generator=torch.Generator().manual_seed(1)).state_dict()
        for _ in range(2)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_one_batch_is_learned_by_heart(config: EncoderConfig, ids):
    model = MaskedLM(config, 50, generator=torch.Generator().manual_seed(1)).eval()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, fused=True)
    positions, targets = masked(ids)
    inputs = ids.scatter(1, positions, 49)
    for _ in range(60):
        optimizer.zero_grad()
        loss = model.loss(inputs, positions, targets)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
