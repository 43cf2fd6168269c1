"""The linear-chain CRF: `pytest tests/evaluate/test_crf.py`."""

import itertools
import math

import pytest
import torch

from xlmr_lab.evaluate.crf import Crf


def drawn(num_labels, sizes, seed=0, scale=2.0):
    """Return a CRF with random scores and random emissions in fp64 for sentences of some sizes,
    with nonsense behind the end of each."""
    generator = torch.Generator().manual_seed(seed)
    crf = Crf(num_labels).double()
    for parameter in crf.parameters():
        parameter.data = scale * torch.randn(parameter.shape, generator=generator).double()
    lengths = torch.tensor(sizes)
    emissions = scale * torch.randn(len(sizes), max(sizes), num_labels, generator=generator)
    behind = torch.arange(max(sizes)) >= lengths[:, None]
    return crf, emissions.double().masked_fill(behind[..., None], 1e4), lengths


def score(crf, emissions, path):
    """Return the score of one path, added up one by one."""
    total = crf.start[path[0]] + crf.stop[path[-1]]
    total += sum(emissions[word, label] for word, label in enumerate(path))
    return (total + sum(crf.transitions[a, b] for a, b in itertools.pairwise(path))).item()


def test_a_hand_worked_case():
    crf = Crf(2)
    with torch.no_grad():
        crf.start.copy_(torch.tensor([0.0, -1.0]))
        crf.stop.copy_(torch.tensor([0.0, 2.0]))
        crf.transitions.copy_(torch.tensor([[0.0, -3.0], [1.0, 0.0]]))
    emissions, lengths = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]]), torch.tensor([2])
    # 00: 0+1+0+0+0 = 1; 01: 0+1-3+0+2 = 0; 10: -1+1+1+0+0 = 1; 11: -1+1+0+0+2 = 2
    for path, expected in (((0, 0), 1.0), ((0, 1), 0.0), ((1, 0), 1.0), ((1, 1), 2.0)):
        assert crf.path_score(emissions, torch.tensor([path]), lengths).item() == expected
    total = math.exp(1) + math.exp(0) + math.exp(1) + math.exp(2)
    assert crf.log_partition(emissions, lengths).item() == pytest.approx(math.log(total))
    loss = crf.loss(emissions, torch.tensor([[0, 1]]), lengths)
    assert loss.item() == pytest.approx(math.log(total))
    assert crf.best_paths(emissions, lengths).tolist() == [[1, 1]]


@pytest.mark.parametrize("seed", range(5))
def test_the_sum_over_all_paths_and_the_best_are_those_of_counting_them_all(seed):
    crf, emissions, lengths = drawn(3, (5, 1, 3, 2, 4), seed)
    totals, best = crf.log_partition(emissions, lengths), crf.best_paths(emissions, lengths)
    for row, length in enumerate(lengths.tolist()):
        paths = list(itertools.product(range(3), repeat=length))
        scores = [score(crf, emissions[row], path) for path in paths]
        summed = math.log(math.fsum(math.exp(value) for value in scores))
        assert totals[row].item() == pytest.approx(summed, abs=1e-10)
        assert tuple(best[row, :length].tolist()) == paths[scores.index(max(scores))]
        assert best[row, length:].tolist() == [0] * (5 - length)
        padded = torch.zeros(1, 5, dtype=torch.long)
        padded[0, :length] = torch.tensor(paths[-2])
        one = slice(row, row + 1)
        found = crf.path_score(emissions[one], padded, lengths[one]).item()
        assert found == pytest.approx(scores[-2], abs=1e-10)


def test_the_probabilities_of_all_paths_sum_to_one():
    crf, emissions, lengths = drawn(3, (4,))
    paths = torch.tensor(list(itertools.product(range(3), repeat=4)))
    num = len(paths)
    losses = crf.loss(emissions.expand(num, -1, -1), paths, lengths.expand(num))
    assert (losses >= 0).all()
    assert (-losses).exp().sum().item() == pytest.approx(1, abs=1e-12)


def test_gradients_are_those_of_differences():
    crf, emissions, lengths = drawn(3, (4, 2, 1), scale=1.0)
    emissions = emissions.clamp(max=3).requires_grad_()
    labels = torch.tensor([[0, 2, 1, 1], [2, 0, 0, 0], [1, 0, 0, 0]])
    weights = torch.tensor([1.0, -2.0, 0.5]).double()

    def loss(given, *parameters):  # which gradcheck moves in place
        return (crf.loss(given, labels, lengths) * weights).sum()

    assert torch.autograd.gradcheck(loss, (emissions, *crf.parameters()))


def test_the_gradient_by_the_emissions_is_the_marginals_less_the_gold_path():
    crf, emissions, lengths = drawn(3, (3,))
    emissions.requires_grad_()
    crf.loss(emissions, torch.tensor([[0, 1, 2]]), lengths).sum().backward()
    marginals = torch.zeros(3, 3).double()
    total = crf.log_partition(emissions, lengths).item()
    for path in itertools.product(range(3), repeat=3):
        for word, label in enumerate(path):
            marginals[word, label] += math.exp(score(crf, emissions[0], path) - total)
    marginals[torch.arange(3), torch.tensor([0, 1, 2])] -= 1
    torch.testing.assert_close(emissions.grad[0], marginals)


def test_what_stands_behind_the_end_has_no_part():
    crf, emissions, lengths = drawn(4, (6, 3, 1))
    emissions.requires_grad_()
    labels = torch.tensor([[0, 1, 2, 3, 0, 1], [3, 3, 1, 0, 0, 0], [2, 0, 0, 0, 0, 0]])
    losses = crf.loss(emissions, labels, lengths)
    losses.sum().backward()
    for row, length in enumerate(lengths.tolist()):
        one, own = slice(row, row + 1), slice(0, length)
        alone = crf.loss(emissions[one, own], labels[one, own], lengths[one])
        torch.testing.assert_close(alone[0], losses[row], rtol=0, atol=1e-10)
        assert (emissions.grad[row, length:] == 0).all()
        best = crf.best_paths(emissions[one, own], lengths[one])
        assert best[0].tolist() == crf.best_paths(emissions, lengths)[row, own].tolist()


def test_long_sentences_with_large_scores_overflow_nothing():
    crf, emissions, lengths = drawn(5, (400,), scale=60.0)
    loss = crf.float().loss(emissions.float(), torch.zeros(1, 400, dtype=torch.long), lengths)
    assert torch.isfinite(loss).all()
    assert (loss > 0).all()


def test_it_learns_what_no_choice_word_by_word_can():
    """All words look alike, and their labels are 0 1 0 1 ...: only transitions tell them."""
    lengths = torch.tensor([6, 5, 2, 1])
    labels = (torch.arange(6) % 2).repeat(4, 1)
    inside = torch.arange(6) < lengths[:, None]
    word = torch.zeros(2, requires_grad=True)
    crf = Crf(2)
    optimizer = torch.optim.SGD([word, *crf.parameters()], lr=1.0)
    for _ in range(60):
        optimizer.zero_grad()
        crf.loss(word.expand(4, 6, 2), labels, lengths).mean().backward()
        optimizer.step()
    best = crf.best_paths(word.expand(4, 6, 2), lengths)
    assert (best == labels)[inside].all()
    softmax = torch.zeros(2, requires_grad=True)
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(softmax.expand(14, 2), labels[inside])
        softmax.grad = None
        loss.backward()
        softmax.data -= softmax.grad
    assert (softmax.argmax() == labels)[inside].float().mean() < 0.6
