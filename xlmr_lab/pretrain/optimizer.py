"""AdamW as RoBERTa sets it, in torch's fused implementation.

XLM-R gives no optimizer settings; betas and epsilon are RoBERTa's (Sec. 3.1). Weight decay is
decoupled and acts on matrices (embeddings included), not on biases and layer norms, as BERT's
released code does.
"""

import torch
from torch import nn

BETAS = (0.9, 0.98)
"""Decay of the running mean and of the running mean square of gradients (RoBERTa Sec. 3.1)."""

EPSILON = 1e-6
"""Added to the root of the mean square (RoBERTa Table 9)."""


def build_optimizer(model: nn.Module, *, weight_decay: float) -> torch.optim.AdamW:
    """Return the optimizer of a model; the learning rate is 0 until a step sets it."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=0.0, betas=BETAS, eps=EPSILON, fused=True)
