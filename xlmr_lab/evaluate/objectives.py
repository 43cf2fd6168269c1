"""What is learned at the labelled positions of a row: the head, the loss, and what labels are.

`classification`: one class for a row (BERT Sec. 4.1). `tagging`: one class for each word, without a
CRF (XLM-R Sec. 5.2). `regression`: one number for a row, squared error (as for STS-B in the code of
BERT and RoBERTa). `span`: an answer begins at one of a row's labelled positions and ends at one;
the loss is the mean of both cross entropies over those positions (BERT Sec. 4.2). There the first
labelled position is the token of the whole row, which stands for "no answer here" (BERT Sec. 4.3),
and labels are flags. A prediction is always the logits. Left out: several answers in one row.

Shapes: B sequences in a batch, P labelled positions, D model width, C labels.
"""

import math
from typing import Literal

import numpy as np
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from xlmr_lab.evaluate.examples import Examples
from xlmr_lab.model.heads import ClassificationHead, TokenClassificationHead
from xlmr_lab.model.losses import IGNORE_INDEX

Objective = Literal["classification", "tagging", "regression", "span"]

BEGIN, END = 1, 2
"""Flags of a label of `span`: 1 where the answer begins, 2 where it ends, 3 both, 0 neither."""


def head(objective: Objective, width: int, num_labels: int, dropout: float) -> nn.Module:
    """Return the head from hidden states [B, P, D] to logits [B, P, C].

    C is `num_labels`; 1 for regression, 2 (begin, end) for span.
    """
    wanted = {"regression": 1, "span": 2}.get(objective, num_labels)
    assert num_labels == wanted, f"{objective} has {wanted} outputs, not {num_labels}"
    if objective in ("classification", "regression"):
        return ClassificationHead(width, num_labels, dropout)
    return TokenClassificationHead(width, num_labels, dropout)


def loss(objective: Objective, logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean loss of a batch: logits [B, P, C], labels [B, P], IGNORE_INDEX where none is.

    >>> import torch
    >>> flags = torch.tensor([[0, 1, 2, IGNORE_INDEX]])
    >>> loss("span", torch.zeros(1, 4, 2), flags).exp()
    tensor(3.)
    """
    logits = logits.float() if logits.dtype.itemsize < 4 else logits
    if objective == "regression":
        present = labels != IGNORE_INDEX
        return F.mse_loss(logits[..., 0][present], labels[present].to(logits.dtype))
    if objective == "span":
        return _span_loss(logits, labels)
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORE_INDEX)


def _span_loss(logits: Tensor, labels: Tensor) -> Tensor:
    absent = labels == IGNORE_INDEX
    flags = labels.masked_fill(absent, 0)
    scores = logits.masked_fill(absent[..., None], -math.inf)  # B P 2
    begin = F.cross_entropy(scores[..., 0], (flags & BEGIN).argmax(1))
    end = F.cross_entropy(scores[..., 1], (flags & END).argmax(1))
    return (begin + end) / 2


def check_labels(objective: Objective, examples: Examples, num_labels: int) -> None:
    """Make sure that labels are what the objective reads: an error here is one of our own."""
    labels, starts = examples.labels, examples.positions.starts
    assert len(labels) == len(examples.positions.values), "a label for each position"
    if objective == "regression":
        assert np.isfinite(labels).all(), "a label that is no number"
        return
    assert labels.dtype == np.int64, f"labels of {objective} are int64, not {labels.dtype}"
    assert labels.min() >= 0, "a label below 0"
    if objective == "span":
        for flag in (BEGIN, END):
            counted = np.add.reduceat((labels & flag) != 0, starts[:-1], dtype=np.int64)
            assert (counted == 1).all(), "each row begins and ends one answer"
    else:
        assert labels.max() < num_labels, "a label that the head has no output for"
