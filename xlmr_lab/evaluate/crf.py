"""A linear-chain CRF: how likely a path of labels is, and which is best.

The score of a path is the sum of its emissions, of the transitions between its labels, and of what
its first label has for starting and its last for stopping; its probability is the softmax of that
over all paths (Lample et al. 2016, arXiv 1603.01360, Sec. 2.2). All is in log space and for a whole
batch at once, one step a word; what stands behind the end of a sentence has no part in anything.
Left out: transitions that are forbidden, which the paper has none of.

Shapes: B sentences, T words, C labels.
"""

import torch
from torch import Tensor, nn


class Crf(nn.Module):
    """The transitions between C labels, at first all alike."""

    def __init__(self, num_labels: int) -> None:
        super().__init__()
        self.transitions = nn.Parameter(torch.zeros(num_labels, num_labels))
        """From the label of the row to that of the column."""
        self.start = nn.Parameter(torch.zeros(num_labels))
        self.stop = nn.Parameter(torch.zeros(num_labels))

    def loss(self, emissions: Tensor, labels: Tensor, lengths: Tensor) -> Tensor:
        """Return the negative log-likelihood [B] of paths `labels` [B, T], whose first `lengths`
        [B] labels count, at least one."""
        return self.log_partition(emissions, lengths) - self.path_score(emissions, labels, lengths)

    def path_score(self, emissions: Tensor, labels: Tensor, lengths: Tensor) -> Tensor:
        """Return the score [B] of paths."""
        inside = is_inside(lengths, emissions.shape[1])
        emitted = emissions.gather(2, labels[..., None])[..., 0]  # B T
        passed = self.transitions[labels[:, :-1], labels[:, 1:]]  # B T-1
        last = labels.gather(1, lengths[:, None] - 1)[:, 0]
        inner = emitted.where(inside, 0).sum(1) + passed.where(inside[:, 1:], 0).sum(1)
        return inner + self.start[labels[:, 0]] + self.stop[last]

    def log_partition(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """Return the logarithm [B] of the sum of exp(score) over all paths."""
        inside = is_inside(lengths, emissions.shape[1])
        first, *rest = emissions.unbind(1)  # each B C
        total = self.start + first
        for word, emitted in enumerate(rest, 1):
            longer = torch.logsumexp(total[:, :, None] + self.transitions, dim=1) + emitted
            total = torch.where(inside[:, word, None], longer, total)
        return torch.logsumexp(total + self.stop, dim=1)

    @torch.no_grad()
    def best_paths(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """Return the labels [B, T] of each sentence's best path, the first of equals; 0 behind its
        end (Viterbi 1967)."""
        inside = is_inside(lengths, emissions.shape[1])
        first, *rest = emissions.unbind(1)
        best, origins = self.start + first, []
        stay = torch.arange(emissions.shape[2], device=emissions.device)
        for word, emitted in enumerate(rest, 1):
            longer, origin = (best[:, :, None] + self.transitions).max(dim=1)
            goes_on = inside[:, word, None]
            best = torch.where(goes_on, longer + emitted, best)
            origins.append(torch.where(goes_on, origin, stay))
        found = [(best + self.stop).argmax(dim=1)]
        for origin in reversed(origins):
            found.append(origin.gather(1, found[-1][:, None])[:, 0])
        return torch.stack(found[::-1], dim=1).masked_fill(~inside, 0)


def is_inside(lengths: Tensor, size: int) -> Tensor:
    """Return which of `size` places of each sentence [B] hold a word: bool [B, size].

    >>> is_inside(torch.tensor([1, 3]), 3).int().tolist()
    [[1, 0, 0], [1, 1, 1]]
    """
    return torch.arange(size, device=lengths.device) < lengths[:, None]
