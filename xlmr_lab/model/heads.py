"""Heads on the encoder: masked LM, one label per sequence, one label per token (RoBERTa's, as in
the released models).

Dropout sits before each linear layer of the classifiers. There is no CRF on token labels (XLM-R
Sec. 5.2).

Shapes: B sequences, T positions, N rows, D model width, V vocabulary, C labels.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from xlmr_lab.model.adaptive import AdaptiveOutput
from xlmr_lab.model.dropout import dropout
from xlmr_lab.model.losses import masked_lm_loss
from xlmr_lab.model.tied import Tie


class MaskedLMHead(nn.Module):
    """Dense layer, GELU and layer norm, then the token embedding as output matrix with a bias of
    its own; with `cutoffs` the output is an adaptive softmax."""

    def __init__(
        self,
        hidden_size: int,
        vocab_size: int,
        *,
        layer_norm_eps: float,
        cutoffs: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.norm = nn.LayerNorm(hidden_size, eps=layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(vocab_size))
        self.adaptive = AdaptiveOutput(hidden_size, vocab_size, cutoffs) if cutoffs else None

    def transform(self, hidden: Tensor) -> Tensor:
        """Return what is multiplied with the token embedding, in the shape of `hidden` [..., D]."""
        output: Tensor = self.norm(F.gelu(self.dense(hidden)))
        return output

    def forward(self, hidden: Tensor, token_embedding: Tensor) -> Tensor:
        """Return logits [..., V] for `hidden` [..., D] and the tied `token_embedding` [V, D]."""
        rows = self.transform(hidden)
        if self.adaptive is not None:
            return self.adaptive.log_probabilities(rows, token_embedding, self.bias)
        return F.linear(rows, token_embedding, self.bias)

    def loss(
        self, hidden: Tensor, token_embedding: Tensor, targets: Tensor, *, tie: Tie | None = None
    ) -> Tensor:
        """Return the mean cross entropy in nats of `hidden` [B, P, D] against `targets` [B, P],
        without ever holding all logits; the gradient of the embedding is left at `tie` where one
        is given."""
        rows, wanted = self.transform(hidden).flatten(0, 1), targets.flatten()
        if self.adaptive is not None:
            return self.adaptive.loss(rows, token_embedding, self.bias, wanted, tie=tie)
        return masked_lm_loss(rows, token_embedding, self.bias, wanted, tie=tie)


class ClassificationHead(nn.Module):
    """A label for a sequence from the hidden state of `<s>`."""

    def __init__(self, hidden_size: int, num_labels: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.dropout = dropout
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.output = nn.Linear(hidden_size, num_labels)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return logits [B, C] for the hidden states [B, D] of `<s>`."""
        drop = self.dropout if self.training else 0.0
        features = torch.tanh(self.dense(dropout(hidden, drop)))
        logits: Tensor = self.output(dropout(features, drop))
        return logits


class TokenClassificationHead(nn.Module):
    """A label for every token (XLM-R Sec. 5.2: a linear layer, no CRF)."""

    def __init__(self, hidden_size: int, num_labels: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.dropout = dropout
        self.output = nn.Linear(hidden_size, num_labels)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return logits [B, T, C] for hidden states [B, T, D]."""
        drop = self.dropout if self.training else 0.0
        logits: Tensor = self.output(dropout(hidden, drop))
        return logits
