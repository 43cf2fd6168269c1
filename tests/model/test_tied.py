"""The token embedding gets one gradient of its two uses: that of autograd, in less memory.

Run with: pytest tests/model/test_tied.py
"""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from xlmr_lab.model.losses import masked_lm_loss
from xlmr_lab.model.tied import Tie, first_rows, lookup

V, D, PAD = 11, 4, 1
IDS = torch.tensor([[0, 5, 5, 7], [0, 9, PAD, PAD]])


@pytest.fixture
def table() -> nn.Embedding:
    torch.manual_seed(0)
    return nn.Embedding(V, D, padding_idx=PAD, dtype=torch.float64)


def test_rows_are_looked_up_and_their_gradients_summed_by_hand(table: nn.Embedding) -> None:
    rows = lookup(table, IDS, Tie())
    assert torch.equal(rows, table.weight[IDS])
    rows.sum().backward()
    counts = torch.bincount(IDS.flatten(), minlength=V).double()
    counts[PAD] = 0
    assert torch.equal(table.weight.grad, counts[:, None].expand(V, D))


def test_the_gradient_of_both_ends_is_that_of_autograd(table: nn.Embedding) -> None:
    bias = torch.zeros(V, dtype=torch.float64, requires_grad=True)
    targets = torch.tensor([5, 2, 3, 0, 9, 9, 4, 10])

    def plain() -> Tensor:
        hidden = F.embedding(IDS, table.weight, PAD).flatten(0, 1).tanh()
        return F.cross_entropy(hidden @ table.weight.T + bias, targets)

    def tied() -> Tensor:
        tie = Tie()
        hidden = lookup(table, IDS, tie).flatten(0, 1).tanh()
        return masked_lm_loss(hidden, table.weight, bias, targets, chunk_rows=3, tie=tie)

    found = []
    for loss in (plain, tied):
        table.weight.grad = bias.grad = None
        (3 * loss()).backward()
        found.append((table.weight.grad.clone(), bias.grad.clone()))
    torch.testing.assert_close(found[0], found[1], rtol=1e-10, atol=1e-14)


def test_gradients_of_several_passes_add_up(table: nn.Embedding) -> None:
    bias, targets = torch.zeros(V, dtype=torch.float64), torch.tensor([5, 2, 3, 0, 9, 9, 4, 10])

    def once() -> None:
        tie = Tie()
        hidden = lookup(table, IDS, tie).flatten(0, 1)
        masked_lm_loss(hidden, table.weight, bias, targets, tie=tie).backward()

    once()
    first = table.weight.grad.clone()
    once()
    torch.testing.assert_close(table.weight.grad, 2 * first, rtol=1e-12, atol=1e-15)


def test_no_second_matrix_of_the_vocabularys_size_is_made(table: nn.Embedding) -> None:
    """One [V, D] gradient in a pass through both ends, as the profiler sees memory."""
    wide = nn.Embedding(5000, 64, padding_idx=PAD)
    bias = torch.zeros(5000, requires_grad=True)
    matrix = 5000 * 64 * 4
    with torch.profiler.profile(profile_memory=True) as profile:
        tie = Tie()
        hidden = lookup(wide, IDS, tie).flatten(0, 1)
        masked_lm_loss(hidden, wide.weight, bias, torch.arange(8), tie=tie).backward()
    sizes = [e.self_cpu_memory_usage for e in profile.events() if not e.cpu_children]
    assert sum(size >= matrix for size in sizes) == 1


def test_an_output_of_the_first_rows_alone_leaves_their_gradient(table: nn.Embedding) -> None:
    """That of autograd; in the backward pass one matrix of the whole size is made, with the rows
    that were looked up."""

    def loss(tie: Tie | None) -> Tensor:
        rows = F.embedding(IDS, table.weight, PAD) if tie is None else lookup(table, IDS, tie)
        return (rows.flatten(0, 1).tanh() @ first_rows(table.weight, 6, tie).T).pow(2).sum()

    found = []
    for tie in (None, Tie()):
        table.weight.grad = None
        loss(tie).backward()
        found.append(table.weight.grad.clone())
    torch.testing.assert_close(found[0], found[1], rtol=1e-12, atol=1e-14)
    assert found[1][9].any(), "a row that is looked up and no output"
    wide = nn.Embedding(5000, 64, padding_idx=PAD)
    with torch.profiler.profile(profile_memory=True) as profile:
        tie = Tie()
        rows = lookup(wide, IDS, tie).flatten(0, 1)
        (rows @ first_rows(wide.weight, 6, tie).T).sum().backward()
    sizes = [e.self_cpu_memory_usage for e in profile.events() if not e.cpu_children]
    assert sum(size >= 5000 * 64 * 4 for size in sizes) == 1


@pytest.mark.parametrize("output", ["whole", "first rows"])
def test_a_gradient_that_comes_too_late_is_not_lost_in_silence(table: nn.Embedding, output: str):
    """A backward pass through the lookup alone, before that of the output."""
    tie = Tie()
    hidden = lookup(table, IDS, tie).flatten(0, 1)
    if output == "whole":
        bias = torch.zeros(V, dtype=torch.float64)
        masked_lm_loss(hidden, table.weight, bias, torch.arange(8), tie=tie)
    else:
        first_rows(table.weight, 6, tie)
    with pytest.raises(AssertionError, match="the output's gradient must be first"):
        hidden.sum().backward()


def test_no_target_leaves_no_gradient(table: nn.Embedding) -> None:
    tie = Tie()
    hidden = lookup(table, IDS, tie).flatten(0, 1)
    bias = torch.zeros(V, dtype=torch.float64)
    nothing = hidden[:0]
    loss = masked_lm_loss(nothing, table.weight, bias, torch.arange(0), tie=tie) + 0 * hidden.sum()
    loss.backward()
    assert not table.weight.grad.any()
