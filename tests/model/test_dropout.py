"""The dropout of CPU tensors: rate, scale, gradient and where its randomness comes from."""

import pytest
import torch

from xlmr_lab.model.dropout import STEPS, add_dropped, dropout


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        yield


def test_probability_zero_returns_the_tensor_itself():
    x = torch.ones(3)
    assert dropout(x, 0.0) is x


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_share_dropped_is_the_probability(probability: float):
    kept = dropout(torch.ones(1_000_000), probability)
    share = (kept == 0).double().mean().item()
    error = 4 * (probability * (1 - probability) / kept.numel()) ** 0.5 + 1 / STEPS
    assert share == pytest.approx(probability, abs=error)


def test_what_is_kept_is_scaled_by_the_rounded_probability():
    rounded = round(0.1 * STEPS) / STEPS
    kept = dropout(torch.ones(1000, dtype=torch.float64), 0.1)
    assert kept.unique().tolist() == pytest.approx([0.0, 1 / (1 - rounded)], rel=1e-7)


def test_elements_are_dropped_independently_of_their_neighbours():
    dropped = (dropout(torch.ones(1_000_000), 0.3) == 0).double()
    for distance in (1, 2, 4, 256):
        both = (dropped[distance:] * dropped[:-distance]).mean().item()
        assert both == pytest.approx(0.09, abs=0.002)


def test_the_generator_of_torch_decides_and_goes_on():
    torch.manual_seed(5)
    first, second = dropout(torch.ones(100), 0.5), dropout(torch.ones(100), 0.5)
    torch.manual_seed(5)
    assert torch.equal(dropout(torch.ones(100), 0.5), first)
    assert not torch.equal(first, second)


def test_add_dropped_adds_what_dropout_gives():
    residual, x = torch.randn(7, 9), torch.randn(7, 9)
    torch.manual_seed(5)
    separate = residual + dropout(x, 0.4)
    torch.manual_seed(5)
    torch.testing.assert_close(add_dropped(residual, x, 0.4), separate)
    assert torch.equal(add_dropped(residual, x, 0.0), residual + x)


def test_gradient_flows_where_nothing_was_dropped():
    x = torch.randn(50, requires_grad=True)
    y = dropout(x, 0.5)
    y.sum().backward()
    assert torch.equal(x.grad == 0, y == 0)


def test_shape_and_type_are_kept():
    x = torch.randn(3, 5, 7, dtype=torch.float64)
    y = dropout(x, 0.2)
    assert y.shape == x.shape
    assert y.dtype == torch.float64
