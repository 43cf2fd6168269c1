"""Masked language models of Hugging Face transformers: an encoder with the head that it has there.

The library runs a head over every position; here it is taken off and run where it is asked for, and
tried out once against the library's own logits. Heads that lie under none of the known names are
refused, and XLNet, which has none: it is trained on permutations.
"""

from typing import Any

import torch
from torch import Tensor, nn

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.huggingface import Parts, open_parts
from xlmr_lab.evaluate.pseudo_perplexity import MaskedModel

HEADS = ("lm_head", "cls", "pred_layer")
"""Where the library keeps the head: RoBERTa and XLM-R; BERT; XLM."""


class ForeignHead(nn.Module):
    """A head with one output: XLM's returns a tuple."""

    def __init__(self, head: Any) -> None:
        super().__init__()
        self.head = head

    def forward(self, states: Tensor) -> Tensor:
        """Return logits [..., V] of hidden states [..., D]."""
        found = self.head(states)
        logits: Tensor = found[0] if isinstance(found, tuple) else found
        return logits


def open_masked_lm(source: str) -> MaskedModel:
    """Return the masked language model of a folder or hub name, in evaluation mode on the CPU.

    Raises:
        UserError: as `huggingface.open_encoder`, or the model has no head for masked tokens, one
            that is not known, or no token that masks.
    """
    parts = open_parts(source, "AutoModelForMaskedLM")
    mask_id = parts.tokenizer.mask_token_id
    if mask_id is None:
        raise UserError(f"the tokenizer of {parts.folder} has no mask token; give another model")
    parts.model.eval()
    return MaskedModel(
        encoder=parts.encoder, head=_head(parts), mask_id=int(mask_id), text=parts.text
    )


def _head(parts: Parts) -> ForeignHead:
    """Return the head of a model, after it gave the logits that the whole model gives."""
    kind = parts.model.config.model_type
    found = [getattr(parts.model, name) for name in HEADS if hasattr(parts.model, name)]
    if len(found) == 1:
        head = ForeignHead(found[0]).eval()
        (ids,) = parts.text.encode(["a"], "en")
        row = torch.from_numpy(parts.text.layout.single(ids).ids)[None].long()
        languages = None if parts.encoder.languages is None else torch.zeros(1, 1).long()
        told = {} if languages is None else {"langs": languages.expand_as(row)}
        with torch.inference_mode():
            expected = parts.model(input_ids=row, **told).logits
            if torch.allclose(head(parts.encoder(row, None, None, languages)), expected, atol=1e-4):
                return head
    raise UserError(
        f"{parts.folder}: the head of {kind!r} is not known here; give a model such as 'bert' or "
        "'xlm-roberta'"
    )
