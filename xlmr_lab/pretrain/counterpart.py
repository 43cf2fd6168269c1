"""Hugging Face's `XLMRobertaForMaskedLM` as its users train it, to compare with.

Packed blocks go through its collator (`DataCollatorForLanguageModeling`) and the model in its
default attention kernel; the loss, clipping, and AdamW in torch's fused form are what its `Trainer`
does by default, without that class's own bookkeeping. It runs in the precision of the lab's side.
transformers is needed here and nowhere else.
"""

from collections.abc import Callable
from typing import Any

import torch

from xlmr_lab.errors import UserError
from xlmr_lab.model import convert
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.pretrain.optimizer import BETAS, EPSILON
from xlmr_lab.pretrain.precision import Computed

MISSING = (
    "the comparison needs Hugging Face's transformers 5: pip install 'xlmr-lab[bench]' "
    "(or 'transformers>=5,<6')"
)


def load_library() -> None:
    """Import what is needed of transformers.

    Raises:
        UserError: it is not installed.
    """
    try:
        from transformers import (  # noqa: F401
            DataCollatorForLanguageModeling,
            XLMRobertaForMaskedLM,
            XLMRobertaTokenizer,
        )
    except ImportError:
        raise UserError(MISSING) from None


def build(like: MaskedLM) -> torch.nn.Module:
    """Return Hugging Face's model of the shape of `like`, with weights of its own."""
    from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

    config = XLMRobertaConfig(**convert.huggingface_config(like))
    model: torch.nn.Module = XLMRobertaForMaskedLM(config)
    return model


def with_weights(model: torch.nn.Module, of: MaskedLM) -> torch.nn.Module:
    """Give a model of the same shape the weights of the lab's, and return it."""
    found = model.load_state_dict(convert.huggingface_tensors(of), strict=False)
    assert not found.unexpected_keys, found.unexpected_keys
    return model


def collator(vocab_size: int, mask_fraction: float) -> Callable[..., Any]:
    """Return transformers' collator for masked LM, with a tokenizer that knows ids and nothing
    else."""
    from transformers import DataCollatorForLanguageModeling, XLMRobertaTokenizer

    specials = ("<s>", "<pad>", "</s>", "<unk>")
    pieces = (f"piece{number}" for number in range(len(specials), vocab_size - 1))
    vocabulary = [(piece, 0.0) for piece in (*specials, *pieces, "<mask>")]
    return DataCollatorForLanguageModeling(
        XLMRobertaTokenizer(vocab=vocabulary), mlm_probability=mask_fraction
    )


def trainer(
    model: torch.nn.Module,
    collate: Callable[..., Any],
    *,
    precision: Computed,
    learning_rate: float,
    weight_decay: float,
    clip_norm: float,
) -> Callable[[torch.Tensor], float]:
    """Return a function that takes a step on blocks of ids [B, T] and returns the loss."""
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=learning_rate,
        betas=BETAS,
        eps=EPSILON,
        weight_decay=weight_decay,
        fused=True,
    )
    device = next(model.parameters()).device
    model.train()

    def step(blocks: torch.Tensor) -> float:
        batch = collate([{"input_ids": row} for row in blocks.long()])
        on_device = {name: tensor.to(device) for name, tensor in batch.items()}
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            loss = model(**on_device).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        return float(loss.detach())

    return step
