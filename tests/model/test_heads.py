"""Heads: by hand, and their shapes."""

import torch

from xlmr_lab.model.heads import ClassificationHead, MaskedLMHead, TokenClassificationHead


def test_token_classification_is_one_linear_layer():
    head = TokenClassificationHead(2, 3).eval()
    with torch.no_grad():
        head.output.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
        head.output.bias.copy_(torch.tensor([0.0, 0.0, 10.0]))
    assert head(torch.tensor([[[2.0, 5.0]]])).tolist() == [[[2.0, 5.0, 17.0]]]


def test_classification_is_tanh_between_two_linear_layers():
    head = ClassificationHead(2, 2).eval()
    with torch.no_grad():
        head.dense.weight.copy_(torch.eye(2))
        head.dense.bias.zero_()
        head.output.weight.copy_(2 * torch.eye(2))
        head.output.bias.zero_()
    hidden = torch.tensor([[0.5, -1.0]])
    torch.testing.assert_close(head(hidden), 2 * torch.tanh(hidden))


def test_classifiers_drop_in_training_only():
    hidden = torch.ones(4, 16)
    for head in (ClassificationHead(16, 3, 0.5), TokenClassificationHead(16, 3, 0.5)):
        assert torch.equal(head.eval()(hidden), head(hidden))
        assert not torch.equal(head.train()(hidden), head(hidden))


def test_masked_lm_head_is_tied_to_the_matrix_it_is_given():
    head = MaskedLMHead(8, 11, layer_norm_eps=1e-5)
    hidden, matrix = torch.randn(2, 3, 8), torch.randn(11, 8)
    logits = head(hidden, matrix)
    assert logits.shape == (2, 3, 11)
    torch.testing.assert_close(logits, head.transform(hidden) @ matrix.T)
