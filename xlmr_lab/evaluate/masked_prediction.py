"""What a masked language model predicts where tokens are hidden, and how often it is right.

Tensors in, arrays out; which text is hidden where is decided by the caller. Logits are held for a
few positions at a time.

Shapes: B blocks, T tokens, P positions of a block, N positions that count, V vocabulary.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from xlmr_lab.batches.masking import IGNORE_INDEX, Masked
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.pretrain.loop import load_model

CHUNK_ROWS = 128
"""Positions whose logits are held at once."""
CHUNK_BLOCKS = 16
"""Blocks that go through the encoder at once."""

Ids = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float32]
Array = npt.NDArray[np.integer[Any]]


class Answers(NamedTuple):
    """What a model says at hidden positions, and what stood there."""

    targets: Ids
    """[N] what stood there."""
    ranks: Ids
    """[N] place of that among all ids by probability; 1 is the first choice."""
    probabilities: Numbers
    """[N] its probability."""
    choices: Ids
    """[N] the first choice."""
    confidences: Numbers
    """[N] the probability of the first choice."""


def load(checkpoint: Path) -> MaskedLM:
    """Return the model of a checkpoint.

    Raises:
        UserError: there is no checkpoint, or it is damaged.
    """
    return load_model(checkpoint)[0]


def untrained(
    config: EncoderConfig, vocab_size: int, *, languages: Sequence[str] = (), seed: int = 0
) -> MaskedLM:
    """Return a model that has learned nothing, with initial weights of a seed."""
    generator = torch.Generator().manual_seed(seed)
    return MaskedLM(config, vocab_size, languages=languages, generator=generator).eval()


@torch.inference_mode()
def distributions(model: MaskedLM, ids: Ids, positions: Ids, language: str) -> Numbers:
    """Return the probabilities [P, V] at some positions [P] of one text, `ids` [T]."""
    hidden = _hidden(model, ids[None], positions[None], language)
    logits: Tensor = model.head(hidden, model.encoder.token_embedding.weight)
    found: Numbers = logits.float().softmax(-1).numpy()
    return found


@torch.inference_mode()
def answers(model: MaskedLM, masked: Masked, language: str) -> Answers:
    """Judge a model at every position that counts, of a language's masked blocks [B, T]."""
    weight = model.encoder.token_embedding.weight
    parts = []
    for start in range(0, len(masked.inputs), CHUNK_BLOCKS):
        inputs, positions, targets = (part[start : start + CHUNK_BLOCKS] for part in masked)
        counted = targets.ravel() != IGNORE_INDEX
        rows = _hidden(model, inputs, positions, language)[torch.from_numpy(counted)]
        stood = torch.from_numpy(targets.ravel()[counted])
        for hidden, target in zip(rows.split(CHUNK_ROWS), stood.split(CHUNK_ROWS), strict=True):
            parts.append(_judged(model.head(hidden, weight), target))
    return Answers(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _judged(logits: Tensor, targets: Tensor) -> tuple[npt.NDArray[np.generic], ...]:
    """Return the columns of `Answers` for logits [n, V] and targets [n]."""
    scores = logits.float().softmax(-1)
    stood = scores.gather(1, targets[:, None])
    confidences, choices = scores.max(-1)
    ranks = (scores > stood).sum(-1) + 1
    columns = (targets, ranks, stood[:, 0], choices, confidences)
    return tuple(column.numpy() for column in columns)


def _hidden(model: MaskedLM, ids: Array, positions: Array, language: str) -> Tensor:
    """Return the states [B P, D] at positions [B, P] of blocks [B, T] of a language."""
    tokens, places = (torch.from_numpy(np.asarray(x, dtype=np.int64)) for x in (ids, positions))
    languages = model.encoder.language_ids([language] * len(ids))
    hidden: Tensor = model.encoder(tokens, positions=places, languages=languages)
    return hidden.flatten(0, 1)
