"""What the BiLSTM-CRF sees of tagged sentences: words, their characters, and tags in IOBES.

The lexicon is that of the training set (Lample et al. 2016 Sec. 4.1 and 5.2): digits are zeros, a
word that was not seen is unknown, and so that something is learned for it, words that occur once
are unknown half of the time in training. To those come words with a pretrained vector. Characters
that were not seen are passed over, as the authors' code does; a word of none is one character
without meaning. Tags that are learned say where an entity ends as well (IOBES, Sec. 2.4), or are
IOB2. Characters are read once for each distinct word of a batch. Left out: lower-casing and
features of capitals, which the paper has none of.

Shapes: B sentences, T words, U distinct words of a batch, K characters.
"""

import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from xlmr_lab.evaluate.examples import Ragged
from xlmr_lab.evaluate.metrics import chunks
from xlmr_lab.evaluate.task_files import TaggedSentences

Scheme = Literal["iobes", "iob2"]

UNKNOWN_WORD = 0
NO_CHARACTER = 0

_DIGIT = re.compile(r"\d")
_OF_IOBES = {"S": "B", "E": "I"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Lexicon:
    """Ids of all that a model knows."""

    words: dict[str, int]
    """From 1 on."""
    characters: dict[str, int]
    """From 1 on."""
    labels: tuple[str, ...]
    is_singleton: np.ndarray
    """bool [ids of words], whether a word occurs once in the training set."""
    scheme: Scheme
    zero_digits: bool

    @property
    def num_words(self) -> int:
        """Ids of words, the unknown one included."""
        return len(self.is_singleton)

    @property
    def num_characters(self) -> int:
        """Ids of characters, that of none included."""
        return len(self.characters) + 1


class Encoded(NamedTuple):
    """Sentences as ids."""

    forms: Ragged
    """int64, the distinct words of each sentence by number."""
    words: np.ndarray
    """int64, the id of each distinct word."""
    characters: Ragged
    """int64, the ids of each distinct word's characters; each has at least one."""
    labels: np.ndarray | None
    """int64, one for each of `forms.values`; None where nothing is learned from them."""


class Batch(NamedTuple):
    """Some sentences; what stands behind the end of one is of no meaning."""

    words: Tensor  # B T
    forms: Tensor  # B T, places in the U distinct words
    lengths: Tensor  # B
    characters: Tensor  # U K
    num_characters: Tensor  # U
    labels: Tensor | None  # B T


def lexicon(
    training: TaggedSentences,
    *,
    scheme: Scheme,
    zero_digits: bool,
    with_vectors: Iterable[str] = (),
) -> Lexicon:
    """Return the lexicon of a training set and of more words, which have pretrained vectors."""
    words = itertools.chain.from_iterable(training.words)
    counts = Counter(plain(word, zero_digits=zero_digits) for word in words)
    known = dict.fromkeys([*counts, *with_vectors])
    return Lexicon(
        words={word: number for number, word in enumerate(known, 1)},
        characters={c: number for number, c in enumerate(dict.fromkeys("".join(counts)), 1)},
        labels=_labels(training.tags, scheme),
        is_singleton=np.array([False, *(counts[word] == 1 for word in known)]),
        scheme=scheme,
        zero_digits=zero_digits,
    )


def plain(word: str, *, zero_digits: bool) -> str:
    """Return a word as the model sees it.

    >>> plain("A-\u0967\u0968 7", zero_digits=True)
    'A-00 0'
    """
    return _DIGIT.sub("0", word) if zero_digits else word


def kinds(tags: Iterable[Iterable[str]]) -> list[str]:
    """Return the entity types that occur, sorted."""
    return sorted({tag[2:] for sentence in tags for tag in sentence if tag != "O"})


def _labels(tags: Iterable[Iterable[str]], scheme: Scheme) -> tuple[str, ...]:
    prefixes = "BIES" if scheme == "iobes" else "BI"
    return ("O", *(f"{prefix}-{kind}" for kind in kinds(tags) for prefix in prefixes))


def encode(sentences: TaggedSentences, known: Lexicon, *, with_labels: bool = False) -> Encoded:
    """Return sentences as ids; with labels, all their entity types must be known."""
    distinct: dict[str, int] = {}
    rows = [
        np.array([distinct.setdefault(word, len(distinct)) for word in words])
        for words in sentences.words
    ]
    forms = [plain(word, zero_digits=known.zero_digits) for word in distinct]
    spelled = [[known.characters[c] for c in form if c in known.characters] for form in forms]
    labels = None
    if with_labels:
        ids = {label: number for number, label in enumerate(known.labels)}
        written = (scheme_tags(tags, known.scheme) for tags in sentences.tags)
        labels = np.array([ids[tag] for tags in written for tag in tags], dtype=np.int64)
    return Encoded(
        Ragged.of(rows, np.int64),
        np.array([known.words.get(form, UNKNOWN_WORD) for form in forms], dtype=np.int64),
        Ragged.of([np.array(ids or [NO_CHARACTER]) for ids in spelled], np.int64),
        labels,
    )


def batch(encoded: Encoded, rows: np.ndarray, hidden: np.ndarray | None = None) -> Batch:
    """Gather some sentences; words whose place in the batch [B, T] is `hidden` are unknown."""
    padded, inside = encoded.forms.padded(rows, 0)
    words = encoded.words[padded]
    if hidden is not None:
        words = np.where(hidden, UNKNOWN_WORD, words)
    distinct, places = np.unique(np.where(inside, padded, padded[0, 0]), return_inverse=True)
    characters, _ = encoded.characters.padded(distinct, NO_CHARACTER)
    labels = None
    if encoded.labels is not None:
        labels = Ragged(encoded.labels, encoded.forms.starts).padded(rows, 0)[0]
    return Batch(
        torch.from_numpy(words),
        torch.from_numpy(places.reshape(padded.shape)),
        torch.from_numpy(encoded.forms.lengths[rows]),
        torch.from_numpy(characters),
        torch.from_numpy(encoded.characters.lengths[distinct]),
        None if labels is None else torch.from_numpy(labels),
    )


def training_batch(
    encoded: Encoded,
    rows: np.ndarray,
    is_singleton: np.ndarray,
    probability: float,
    rng: np.random.Generator,
) -> Batch:
    """Gather some sentences, in which each word that occurs once is unknown with a probability."""
    padded, _ = encoded.forms.padded(rows, 0)
    drawn = rng.random(padded.shape) < probability
    return batch(encoded, rows, drawn & is_singleton[encoded.words[padded]])


def scheme_tags(tags: Sequence[str], scheme: Scheme) -> Sequence[str]:
    """Write the IOB2 tags of a sentence in a scheme.

    >>> scheme_tags(["B-PER", "I-PER", "O", "B-LOC"], "iobes")
    ['B-PER', 'E-PER', 'O', 'S-LOC']
    """
    if scheme == "iob2":
        return tags
    made = list(tags)
    for start, end, kind in chunks(tags):
        made[end - 1] = f"{'S' if end - start == 1 else 'E'}-{kind}"
    return made


def iob2_tags(tags: Iterable[str]) -> list[str]:
    """Return tags of either scheme in IOB2; what no entity may look like stays so.

    >>> iob2_tags(["B-PER", "E-PER", "S-LOC", "E-LOC"])
    ['B-PER', 'I-PER', 'B-LOC', 'I-LOC']
    """
    return [_OF_IOBES.get(tag[0], tag[0]) + tag[1:] for tag in tags]


def wanted(words: Collection[str], *, zero_digits: bool) -> set[str]:
    """Return all spellings under which vectors of words are looked up."""
    forms = {plain(word, zero_digits=zero_digits) for word in words}
    return {spelling for form in forms for spelling in spellings(form)}


def spellings(word: str) -> tuple[str, str, str]:
    """Return how a word may be spelled in a file of vectors, the likeliest first (as in the
    authors' code).

    >>> spellings("In1990")
    ('In1990', 'in1990', 'in0000')
    """
    lower = word.lower()
    return word, lower, plain(lower, zero_digits=True)
