"""Adaptive softmax: an output for vocabularies of millions of ids (Grave et al. 2017, arXiv
1609.04309), which XLM-R leaves to future work.

Ids are cut into bands. The first band, and one entry for each further band, is a softmax of its
own, on the token embedding's rows; an id of a further band costs that entry and a softmax within
the band, on vectors narrower from band to band (see bands.py). Only positions whose target lies in
a band are scored there, so most of the work and weights of the output of rare ids is saved.

This is cheap where low ids are the frequent ones. The lab's vocabularies are so: SentencePiece
writes unigram pieces in order of their probability, BPE and WordPiece in order of their merges;
specials are first, `<mask>` is last and never a target. Left out: narrower input embeddings of
rare ids (Baevski and Auli 2019), and tying the further bands, whose widths differ.

Shapes: N positions, D model width, V vocabulary, k bands after the first.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from xlmr_lab.model.bands import bands
from xlmr_lab.model.losses import IGNORE_INDEX, masked_lm_loss
from xlmr_lab.model.tied import Tie, first_rows


class AdaptiveOutput(nn.Module):
    """The output matrix in bands of ids."""

    def __init__(self, hidden_size: int, vocab_size: int, cutoffs: Sequence[int]) -> None:
        """Make the bands that begin at 0 and at each of `cutoffs`.

        Raises:
            UserError: a cutoff that leaves a band without ids.
        """
        super().__init__()
        self.edges = (*cutoffs, vocab_size)
        further = bands(vocab_size, hidden_size, cutoffs)[1:]
        self.bands = nn.Linear(hidden_size, len(cutoffs))
        self.narrow = nn.ModuleList(nn.Linear(hidden_size, b.width, bias=False) for b in further)
        self.rows = nn.ModuleList(nn.Linear(b.width, b.num_ids, bias=False) for b in further)

    def loss(
        self,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor,
        targets: Tensor,
        *,
        tie: Tie | None = None,
    ) -> Tensor:
        """Return the mean cross entropy in nats, as `losses.masked_lm_loss` does; of `weight` [V,
        D] the first band's rows are used, of `bias` [V] all. The gradient of those rows is left at
        `tie` where one is given.
        """
        first, total = self.edges[0], (targets != IGNORE_INDEX).sum().clamp(min=1)
        edges = torch.tensor(self.edges[:-1], device=targets.device)
        band = torch.bucketize(targets, edges, right=True)  # N, 0 where nothing counts too
        loss = masked_lm_loss(
            hidden,
            *self._first(weight, bias, tie),
            torch.where(band > 0, first + band - 1, targets),
        )
        for number, (narrow, rows, part) in enumerate(self._further(bias), start=1):
            inside = band == number
            share = inside.sum().to(loss.dtype) / total
            label = targets[inside] - self.edges[number - 1]
            loss = loss + share * masked_lm_loss(narrow(hidden[inside]), rows, part, label)
        return loss

    def log_probabilities(self, hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Return the logarithm of the probability of every id, [..., V]: logits that are
        normalised.
        """
        first = self.edges[0]
        scores = F.linear(hidden, *self._first(weight, bias)).log_softmax(-1)
        parts = [scores[..., :first]]
        for number, (narrow, rows, part) in enumerate(self._further(bias)):
            within = F.linear(narrow(hidden), rows, part).log_softmax(-1)
            parts.append(within + scores[..., first + number, None])
        return torch.cat(parts, dim=-1)

    def _first(self, weight: Tensor, bias: Tensor, tie: Tie | None = None) -> tuple[Tensor, Tensor]:
        """Return matrix and bias of the first band with an entry for each of the others."""
        first = self.edges[0]
        return (
            torch.cat([first_rows(weight, first, tie), self.bands.weight]),
            torch.cat([bias[:first], self.bands.bias]),
        )

    def _further(self, bias: Tensor) -> list[tuple[nn.Module, Tensor, Tensor]]:
        """Return what narrows hidden states, matrix and bias of each further band."""
        rows = list(self.rows.parameters())
        parts = bias.split([self.edges[0], *map(len, rows)])[1:]
        return list(zip(self.narrow, rows, parts, strict=True))
