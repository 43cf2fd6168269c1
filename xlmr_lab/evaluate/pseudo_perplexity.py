"""Pseudo-perplexity: how well a masked language model foresees each token from all the others.

The pseudo-log-likelihood of a sentence is the sum over its tokens of the log probability of each
where it alone is masked (Salazar et al. 2020, arXiv 1910.14659); pseudo-perplexity is the
exponential of its negative mean over the tokens of a corpus. Tokens of different
vocabularies do not compare; bits per byte of text do, but for one thing: the pieces of a rare word
give each other away, so that vocabularies of short pieces look better. `within-word` masks the
pieces behind in the same word as well (Kauf and Ivanova 2023, arXiv 2305.10588); where words are
not parted by spaces that is a whole run of text. `<unk>` is foreseen cheaply, so its number stands
beside. Sentences that are too long are scored in windows. Left out: sums weighted by frequency.

Shapes: N sentences, R rows of one masked token each, T positions, D model width, V vocabulary.
"""

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.encoders import AnyEncoder
from xlmr_lab.evaluate.examples import Ragged, prediction_batches
from xlmr_lab.evaluate.text import TextEncoder, of_vocabulary
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.vocabulary.load import Vocabulary
from xlmr_lab.vocabulary.special_tokens import mask_id

Masking = Literal["token", "within-word"]
"""What is hidden from the prediction of a token: it alone, or what follows in its word as well."""

Ids = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]

BATCH_TOKENS = 8192
"""Tokens in one batch, padding included."""

CHUNK_ROWS = 128
"""Positions whose logits are held at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskedModel:
    """A masked language model of any library with its text."""

    encoder: AnyEncoder
    head: Callable[[Tensor], Tensor]
    """Hidden states [R, D] to logits [R, V]."""
    mask_id: int
    """Id of the token that hides another."""
    text: TextEncoder


class LogLikelihoods(NamedTuple):
    """Sentences of one language under a model."""

    nats: Numbers
    """[N] pseudo-log-likelihoods, natural logarithms."""
    num_tokens: Ids
    """[N] tokens, specials not counted."""
    num_bytes: Ids
    """[N] bytes of the text in UTF-8."""
    num_unknown: int
    """Tokens that are `<unk>`."""

    @property
    def perplexity(self) -> float:
        """Pseudo-perplexity for each token."""
        return math.exp(-self.nats.sum() / self.num_tokens.sum())

    @property
    def bits_per_byte(self) -> float:
        """Bits for each byte of text."""
        return float(-self.nats.sum() / math.log(2) / self.num_bytes.sum())


def of_masked_lm(model: MaskedLM, vocabulary: Vocabulary) -> MaskedModel:
    """Return one of our models."""
    return MaskedModel(
        encoder=model.encoder,
        head=functools.partial(model.head, token_embedding=model.encoder.token_embedding.weight),
        mask_id=mask_id(vocabulary.size),
        text=of_vocabulary(vocabulary),
    )


def run(
    model: MaskedModel, sentences: Mapping[str, Sequence[str]], *, masking: Masking = "token"
) -> dict[str, LogLikelihoods]:
    """Return the pseudo-log-likelihoods of sentences by language; raises as `log_likelihoods`."""
    return {
        key: log_likelihoods(model, own, key, masking=masking) for key, own in sentences.items()
    }


@torch.inference_mode()
def log_likelihoods(
    model: MaskedModel,
    sentences: Sequence[str],
    language: str,
    *,
    masking: Masking = "token",
    batch_tokens: int = BATCH_TOKENS,
) -> LogLikelihoods:
    """Return the pseudo-log-likelihood of each sentence of a language.

    Raises:
        UserError: no sentence, or one without a token; or the model or its text lacks the language.
    """
    rows = _rows(model, sentences, language, masking)
    model.encoder.eval()
    nats = np.zeros(len(sentences))
    for places in prediction_batches(rows.tokens.lengths[rows.windows], batch_tokens):
        np.add.at(nats, rows.owners[places], _foreseen(model, rows, places, language))
    num_tokens = np.bincount(rows.owners, minlength=len(sentences))
    num_bytes = np.array([len(sentence.encode("utf-8")) for sentence in sentences])
    num_unknown = int((rows.tokens.values == model.text.layout.unk_id).sum())
    return LogLikelihoods(nats, num_tokens, num_bytes, num_unknown)


def word_ends(text: str, spans: npt.NDArray[np.int64]) -> list[int]:
    """Return for each piece the place behind the last piece of its word, given the spans [n, 2] of
    pieces in a text; words are parted by white space.

    >>> word_ends("ab cd", np.array([[0, 1], [1, 2], [3, 5]]))
    [2, 2, 3]
    """
    ends = [len(spans)] * len(spans)
    for i in range(len(spans) - 1, 0, -1):
        gap = text[spans[i - 1, 1] : spans[i, 0]]
        ends[i - 1] = i if any(map(str.isspace, gap)) else ends[i]
    return ends


class _Rows(NamedTuple):
    """One row for each token; W windows, each a sentence or a part of one."""

    tokens: Ragged  # W
    segments: Ragged | None  # W
    windows: Ids  # R
    first: Ids  # R, the token that is foreseen
    last: Ids  # R, behind the last that is hidden
    owners: Ids  # R, the sentence


def _rows(model: MaskedModel, sentences: Sequence[str], language: str, masking: Masking) -> _Rows:
    layout = model.text.layout
    room = model.encoder.max_tokens - layout.num_specials_single
    laid, windows, first, last, owners = [], [], [], [], []
    for owner, (pieces, ends) in enumerate(_encoded(model.text, sentences, language, masking)):
        for start in range(0, len(pieces), room):
            size = min(room, len(pieces) - start)
            laid.append(layout.single(pieces[start : start + size]))
            windows += [len(laid) - 1] * size
            owners += [owner] * size
            first += [len(layout.begin) + i for i in range(size)]
            last += [len(layout.begin) + min(size, ends[start + i] - start) for i in range(size)]
    segments = Ragged.of([row.segments for row in laid], np.int32) if layout.has_segments else None
    numbers = (np.array(column, dtype=np.int64) for column in (windows, first, last, owners))
    return _Rows(Ragged.of([row.ids for row in laid], np.int32), segments, *numbers)


def _encoded(
    text: TextEncoder, sentences: Sequence[str], language: str, masking: Masking
) -> Iterator[tuple[npt.NDArray[np.int32], list[int]]]:
    """Yield the ids of each sentence, and for each token the place behind the last that is hidden
    with it."""
    if masking not in get_args(Masking):
        raise UserError(f"masking must be {' or '.join(get_args(Masking))}, got {masking!r}")
    if not sentences:
        raise UserError(f"no sentence of {language} to score; give at least one")
    if masking == "token":
        alone = text.encode(sentences, language)
        found = [(ids, list(range(1, len(ids) + 1))) for ids in alone]
    else:
        spans = (text.offsets(sentence, language) for sentence in sentences)
        found = [
            (ids, word_ends(sentence, places))
            for sentence, (ids, places) in zip(sentences, spans, strict=True)
        ]
    for number, (ids, ends) in enumerate(found, 1):
        if not len(ids):
            raise UserError(f"sentence {number:,} of {language} has no token; leave it out")
        yield ids, ends


def _foreseen(model: MaskedModel, rows: _Rows, places: Ids, language: str) -> Numbers:
    """Return the log probability, in nats, of the token that each of some rows hides first."""
    device = next(model.encoder.parameters()).device
    windows, first = rows.windows[places], rows.first[places]
    ids, present = rows.tokens.padded(windows, model.text.layout.pad_id)
    targets = torch.from_numpy(ids[np.arange(len(ids)), first]).long().to(device)
    at = np.arange(ids.shape[1])
    hidden = (at >= first[:, None]) & (at < rows.last[places, None])
    ids = np.where(hidden, np.int32(model.mask_id), ids)
    more: dict[str, Any] = {}
    if rows.segments is not None:
        more["segments"] = torch.from_numpy(rows.segments.padded(windows, 0)[0]).to(device)
    states = model.encoder(
        torch.from_numpy(ids).to(device),
        None if present.all() else torch.from_numpy(present).to(device),
        torch.from_numpy(first[:, None]).to(device),
        model.encoder.language_ids([language] * len(ids)),
        **more,
    )
    found = []
    chunks = states[:, 0].split(CHUNK_ROWS), targets.split(CHUNK_ROWS)
    for state, target in zip(*chunks, strict=True):
        logits = model.head(state)
        wide = logits.float() if logits.dtype.itemsize < 4 else logits
        found.append(wide.log_softmax(-1).gather(1, target[:, None])[:, 0].double())
    nats: Numbers = torch.cat(found).cpu().numpy()
    return nats
