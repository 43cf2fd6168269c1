"""Sentences as vectors: the mean of a sentence's hidden states, in every layer from one pass.

The specials around a sentence are left out by default, for they say nothing of it; XTREME's script
for Tatoeba takes them in (`specials`). Layer 0 is the embeddings; XTREME counts from the first
layer above them, so its layer 7 of mBERT and its 13 of XLM-R are 8 and 14 here. A sentence that is
too long is cut, a text without a piece stands as `<unk>`. Encoders are run as they are, in their
own precision. Left out: other poolings (the state of `<s>`, maxima).

Shapes: N sentences, B in a batch, T positions, D model width, L layers, the embeddings included.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from xlmr_lab.evaluate.encoders import AnyEncoder
from xlmr_lab.evaluate.examples import Ragged, prediction_batches
from xlmr_lab.evaluate.huggingface_encoder import ForeignEncoder
from xlmr_lab.evaluate.text import TextEncoder

BATCH_TOKENS = 4096
"""Tokens in one batch, padding included."""


class SentenceVectors(NamedTuple):
    """Sentences of one language."""

    vectors: npt.NDArray[np.float32]
    """[L, N, D]."""
    num_cut: int
    """Sentences that lost pieces because the encoder takes no longer ones."""


@torch.inference_mode()
def embed(
    module: AnyEncoder,
    text: TextEncoder,
    sentences: Sequence[str],
    language: str,
    *,
    specials: bool = False,
    batch_tokens: int = BATCH_TOKENS,
) -> SentenceVectors:
    """Return the mean of the hidden states of each sentence's tokens, in every layer.

    Raises:
        UserError: the encoder or its text lacks the language.
    """
    module.eval()
    layout, unknown = text.layout, np.array([text.layout.unk_id], dtype=np.int32)
    room = module.max_tokens - layout.num_specials_single
    pieces = [ids if len(ids) else unknown for ids in text.encode(sentences, language)]
    rows = [layout.single(ids[:room]) for ids in pieces]
    tokens = Ragged.of([row.ids for row in rows], np.int32)
    segments = Ragged.of([row.segments for row in rows], np.int32)
    means, places = [], []
    for batch in prediction_batches(tokens.lengths, batch_tokens):
        ids, present = tokens.padded(batch, layout.pad_id)
        states = hidden_states(
            module,
            _on(ids, module),
            None if present.all() else _on(present, module),
            module.language_ids([language] * len(batch)),
            _on(segments.padded(batch, 0)[0], module) if layout.has_segments else None,
        )
        if not specials:
            present = _own(present, first=len(layout.begin), last=len(layout.end))
        means.append(_means(states, _on(present, module)))
        places.append(batch)
    found = np.concatenate(means, axis=1)
    vectors = np.empty_like(found)
    vectors[:, np.concatenate(places)] = found
    return SentenceVectors(vectors, sum(len(ids) > room for ids in pieces))


def hidden_states(
    module: AnyEncoder,
    ids: Tensor,
    mask: Tensor | None,
    languages: Tensor | None,
    segments: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Return the embeddings and each layer's hidden states, all [B, T, D], from one pass through an
    encoder in evaluation mode; the arguments are those of its call."""
    assert not module.training, "dropout would change the states"
    if isinstance(module, ForeignEncoder):
        return module.hidden_states(ids, mask, languages, segments)
    found: list[Tensor] = []
    hooks = [
        part.register_forward_hook(lambda _module, _inputs, output: found.append(output))
        for part in (module.embedding_norm, *module.layers)
    ]
    try:
        module(ids, mask, languages=languages)
    finally:
        for hook in hooks:
            hook.remove()
    return tuple(found)


def _own(present: npt.NDArray[np.bool_], *, first: int, last: int) -> npt.NDArray[np.bool_]:
    """Return which positions [B, T] are a sentence's own, given those that are no padding and how
    many specials stand before and behind the sentence.

    >>> _own(np.array([[True, True, True, False]]), first=1, last=1).tolist()
    [[False, True, False, False]]
    """
    at = np.arange(present.shape[1])
    own: npt.NDArray[np.bool_] = (at >= first) & (at < present.sum(1, keepdims=True) - last)
    return own


def _means(states: Sequence[Tensor], counted: Tensor) -> npt.NDArray[np.float32]:
    """Return the means [L, B, D] of states [B, T, D] over the positions that count [B, T]."""
    shares = counted / counted.sum(1, keepdim=True)
    rows = [(shares[:, None].to(state.dtype) @ state)[:, 0] for state in states]
    found: npt.NDArray[np.float32] = torch.stack(rows).float().cpu().numpy()
    return found


def _on(array: npt.NDArray[np.generic], module: AnyEncoder) -> Tensor:
    return torch.from_numpy(array).to(next(module.parameters()).device)
