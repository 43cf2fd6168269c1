"""The masked language model: encoder and masked-LM head with tied embeddings (XLM-R Sec. 3, BERT
Sec. 3.1).

The loss looks at masked positions only, so neither the last layer nor the output matrix is applied
elsewhere: with 15 % masked that is most of their cost.

Shapes: B sequences, T positions, P masked positions in a sequence, D model width, V vocabulary.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from xlmr_lab.model.encoder import Encoder, EncoderConfig
from xlmr_lab.model.heads import MaskedLMHead
from xlmr_lab.model.initial_weights import initialize
from xlmr_lab.model.tied import Tie


class MaskedLM(nn.Module):
    """An encoder that predicts masked tokens."""

    def __init__(
        self,
        config: EncoderConfig,
        vocab_size: int,
        *,
        languages: Sequence[str] = (),
        generator: torch.Generator | None = None,
    ) -> None:
        """Build the model with initial weights drawn from `generator` (torch's default one if
        None). `languages` are the keys of those that get an embedding, if any do."""
        super().__init__()
        self.encoder = Encoder(config, vocab_size, languages=languages, generator=generator)
        self.head = MaskedLMHead(
            config.hidden_size,
            vocab_size,
            layer_norm_eps=config.layer_norm_eps,
            cutoffs=config.adaptive_cutoffs,
        )
        initialize(self.head, std=config.init_std, generator=generator)

    def forward(
        self, ids: Tensor, attention_mask: Tensor | None = None, languages: Tensor | None = None
    ) -> Tensor:
        """Return logits [B, T, V] at every position; training uses `loss`, which does not hold
        them."""
        hidden = self.encoder(ids, attention_mask, languages=languages)
        logits: Tensor = self.head(hidden, self.encoder.token_embedding.weight)
        return logits

    def loss(
        self,
        inputs: Tensor,
        positions: Tensor,
        targets: Tensor,
        languages: Tensor | None = None,
    ) -> Tensor:
        """Return the mean cross entropy in nats over the masked positions.

        `inputs` integer [B, T]; `positions` int64 [B, P]; `targets` int64 [B, P], IGNORE_INDEX
        where a sequence has fewer than P maskable tokens; `languages` int64 [B, 1] or [B, T], of
        use to language embeddings alone.
        """
        tie = Tie() if torch.is_grad_enabled() else None
        hidden = self.encoder(inputs, positions=positions, languages=languages, tie=tie)  # B P D
        return self.head.loss(hidden, self.encoder.token_embedding.weight, targets, tie=tie)
