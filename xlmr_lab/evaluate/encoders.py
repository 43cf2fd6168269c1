"""Encoders to evaluate: pretrained by the lab, or freshly initialised as the baseline without it.

The baseline has the architecture, vocabulary and fine-tuning of the pretrained encoder, and the
initial weights of the pretraining run of the same seed, so that what differs between the two is
the pretraining alone. Left out so far: encoders of other libraries.
"""

from collections.abc import Sequence
from pathlib import Path

import torch

from xlmr_lab import configs, seeds
from xlmr_lab.errors import UserError
from xlmr_lab.model.encoder import Encoder, EncoderConfig
from xlmr_lab.pretrain.loop import load_model


def load_encoder(
    checkpoint: Path | None,
    *,
    config: EncoderConfig,
    vocab_size: int,
    seed: int,
    languages: Sequence[str] = (),
) -> Encoder:
    """Return the encoder of a checkpoint, or with None one with initial weights of the seed, and
    with embeddings of `languages` if its configuration has any.

    Raises:
        UserError: the checkpoint is missing or damaged, or holds an encoder of another shape or
            vocabulary size.
    """
    if checkpoint is None:
        generator = torch.Generator().manual_seed(seeds.integer(seed, "model"))
        return Encoder(config, vocab_size, languages=languages, generator=generator).eval()
    encoder = load_model(checkpoint)[0].encoder
    if encoder.vocab_size != vocab_size:
        raise UserError(
            f"{checkpoint} has {encoder.vocab_size:,} ids and the vocabulary {vocab_size:,}; "
            "give the vocabulary that it was pretrained with"
        )
    asked, found = configs.flatten(config), configs.flatten(encoder.config)
    different = [
        f"{name}={found[name]}, not {asked[name]}" for name in asked if asked[name] != found[name]
    ]
    if different:
        raise UserError(f"{checkpoint} has {'; '.join(different)}; give the settings of its run")
    return encoder
