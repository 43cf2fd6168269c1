"""Sentence retrieval: whether a sentence finds its translation among those of another language.

Sentences are vectors (see sentence_vectors.py), and the nearest by cosine is retrieved, as XTREME
does for Tatoeba. `margin` divides by the mean cosine to the nearest of both sides (Artetxe and
Schwenk 2019, arXiv 1811.01136), `csls` subtracts them (Conneau et al. 2018, arXiv 1710.04087): both
take from sentences that are near to everything. `centred` first subtracts each language's mean,
which mostly says which language it is (Libovicky et al. 2020, arXiv 2004.05160); it looks at all
sentences of a language, so it is not XTREME's number. Equally near sentences share the credit, as
drawing among them would: an encoder that tells nothing apart gets 1/N. Left out: fine-tuned
sentence encoders, mining.

Shapes: N sentences, n in a chunk, D model width, L layers, the embeddings as layer 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.encoders import AnyEncoder
from xlmr_lab.evaluate.scores import Score
from xlmr_lab.evaluate.sentence_vectors import embed
from xlmr_lab.evaluate.text import TextEncoder

Similarity = Literal["cosine", "margin", "csls"]
Vectors = npt.NDArray[np.floating[Any]]

TIE = 1e-6
"""Similarities no further apart are equal: what rounding can make of equal sentences."""

CHUNK_ROWS = 1024
"""Sentences that are compared with all others at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetrievalConfig:
    """How translations are looked for."""

    similarity: Similarity = "cosine"
    """What nearest means: cosine, as XTREME has it; margin or csls, which correct for sentences
    that are near to everything."""
    neighbours: int = 4
    """Nearest sentences of which margin and csls take the mean (Artetxe and Schwenk 2019: 4;
    Conneau et al. 2018: 10)."""
    centred: bool = False
    """Subtract the mean of a language's sentences from each of them."""
    specials: bool = False
    """Whether a sentence's mean takes in the specials around it, as XTREME's does."""

    def __post_init__(self) -> None:
        if self.similarity not in get_args(Similarity):
            allowed = ", ".join(get_args(Similarity))
            raise UserError(f"similarity must be one of {allowed}, got {self.similarity!r}")
        if self.neighbours < 1:
            raise UserError(f"neighbours must be at least 1, got {self.neighbours}")

    def protocol(self, layer: int) -> str:
        """Return the name of a layer's scores.

        >>> RetrievalConfig(similarity="csls", centred=True).protocol(7)
        'mean-layer-7-centred-csls'
        """
        ends = [name for name in ("specials", "centred") if getattr(self, name)]
        ends += [] if self.similarity == "cosine" else [self.similarity]
        return "-".join([f"mean-layer-{layer}", *ends])


class Accuracy(NamedTuple):
    """How many sentences find their translation."""

    value: float
    """Share of them, in [0, 1]."""
    num_tied: int
    """Sentences with more than one nearest."""


def run(
    module: AnyEncoder,
    text: TextEncoder,
    sentences: Mapping[str, Sequence[str]],
    *,
    config: RetrievalConfig | None = None,
    pivot: str | None = None,
    split: str = "test",
) -> list[Score]:
    """Return how well aligned sentences of some languages find each other, for each layer.

    A row's `language` is one and its `question_language` the other of a pair: `accuracy_to` says
    how often a sentence of the first finds its own in the second, `accuracy_from` the other way
    round, `accuracy` is the mean of both. With a `pivot` each other language is paired with it
    (Tatoeba: English; XTREME asks in English, so it prints `accuracy_from`), without one each with
    each.

    Raises:
        UserError: fewer than 2 languages or sentences, languages with different numbers of them, or
            the encoder lacks the embedding of a language.
    """
    config = config or RetrievalConfig()
    _pairs({key: len(own) for key, own in sentences.items()}, pivot)
    vectors = {
        key: embed(module, text, own, key, specials=config.specials).vectors
        for key, own in sentences.items()
    }
    return score(vectors, config=config, pivot=pivot, split=split)


def score(
    vectors: Mapping[str, Vectors],
    *,
    config: RetrievalConfig,
    pivot: str | None = None,
    split: str = "test",
) -> list[Score]:
    """Return the rows of `run` for the vectors [L, N, D] of each language's sentences."""
    pairs = _pairs({key: own.shape[1] for key, own in vectors.items()}, pivot)
    if config.centred:
        vectors = {key: own - own.mean(axis=1, keepdims=True) for key, own in vectors.items()}
    rows: list[Score] = []
    for language, other in pairs:
        for layer, (ours, theirs) in enumerate(zip(vectors[language], vectors[other], strict=True)):
            there = accuracy(ours, theirs, config).value
            back = accuracy(theirs, ours, config).value
            found = {"accuracy": (there + back) / 2, "accuracy_to": there, "accuracy_from": back}
            rows += [
                Score(
                    finetune_seed=None,
                    task="retrieval",
                    split=split,
                    language=language,
                    question_language=other,
                    protocol=config.protocol(layer),
                    selection="",
                    metric=metric,
                    value=value,
                    num_examples=len(ours),
                )
                for metric, value in found.items()
            ]
    return rows


def accuracy(ours: Vectors, theirs: Vectors, config: RetrievalConfig | None = None) -> Accuracy:
    """Return how often the nearest of `theirs` [N, D] to a row of `ours` is the one at its place.

    >>> accuracy(np.eye(3), np.eye(3)[[0, 2, 1]]).value
    0.3333333333333333

    Raises:
        UserError: fewer than 2 sentences, vectors that are not finite, or margins that are no ratio
            of positive numbers.
    """
    config = config or RetrievalConfig()
    if len(ours) != len(theirs) or len(ours) < 2:
        raise UserError(
            f"retrieval needs at least 2 sentences in each language and as many in both, got "
            f"{len(ours):,} and {len(theirs):,}"
        )
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        raise UserError(
            "the encoder gives vectors that are not finite; its weights are damaged or were "
            "trained at too high a rate"
        )
    ours, theirs = _unit(ours), _unit(theirs)
    near: tuple[Vectors, Vectors] | None = None
    if config.similarity != "cosine":
        near = (
            _nearness(ours, theirs, config.neighbours),
            _nearness(theirs, ours, config.neighbours),
        )
    credit, num_tied = 0.0, 0
    for start in range(0, len(ours), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        values: Vectors = ours[rows] @ theirs.T
        if near is not None:
            values = _corrected(values, near[0][rows], near[1], config.similarity)
        best = values >= values.max(axis=1, keepdims=True) - TIE
        places = np.arange(len(values))
        counts = best.sum(axis=1)
        credit += float((best[places, places + start] / counts).sum())
        num_tied += int((counts > 1).sum())
    return Accuracy(credit / len(ours), num_tied)


def _nearness(ours: Vectors, theirs: Vectors, neighbours: int) -> Vectors:
    """Return the mean cosine of each row of `ours` to its nearest of `theirs` [N]."""
    k = min(neighbours, len(theirs))
    parts = []
    for start in range(0, len(ours), CHUNK_ROWS):
        values = ours[start : start + CHUNK_ROWS] @ theirs.T
        parts.append(np.partition(values, -k, axis=1)[:, -k:].mean(axis=1))
    return np.concatenate(parts)


def _corrected(values: Vectors, ours: Vectors, theirs: Vectors, similarity: Similarity) -> Vectors:
    """Return cosines [n, N] with the nearness of both sides [n], [N] taken out."""
    total = ours[:, None] + theirs
    if similarity == "csls":
        return 2 * values - total
    if (total <= 0).any():
        raise UserError(
            "margin divides by the mean cosine to the nearest sentences, which is not above 0 "
            "here; use similarity=csls"
        )
    return values / (total / 2)


def _pairs(sizes: Mapping[str, int], pivot: str | None) -> list[tuple[str, str]]:
    """Return the pairs of languages that are scored, given how many sentences each has."""
    named = ", ".join(sizes)
    if len(sizes) < 2:
        raise UserError(f"retrieval needs at least 2 languages, got {named or 'none'}")
    if pivot is not None and pivot not in sizes:
        raise UserError(f"pivot must be one of {named}, got {pivot!r}")
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{size:,} of {key}" for key, size in sizes.items())
        raise UserError(f"aligned sentences must be as many in each language, got {told}")
    others = (pivot,) if pivot is not None else tuple(sizes)
    return [(key, other) for key in sizes if key != pivot for other in others if key != other]


def _unit(vectors: Vectors) -> Vectors:
    """Return rows of length 1, in 64 bits; a row of zeros stays."""
    wide = vectors.astype(np.float64)
    return wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), np.finfo(float).tiny)
