"""Named entity recognition: span F1 from one language to others (XLM-R Sec. 4.2 and Table 2).

Each word is encoded on its own and labelled at its first piece, without a CRF (XLM-R Sec. 5.2). A
sentence that is too long is split between words into windows, and the labels are put together again
before scoring, so every word gets a label and no gold entity is lost. A word of which the
vocabulary makes no piece stands as `<unk>`; a word longer than a window keeps its first pieces.
Left out: document context, other labelling schemes.
"""

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import task_files
from xlmr_lab.evaluate.examples import Examples, Ragged
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.metrics import span_f1
from xlmr_lab.evaluate.protocols import (
    Target,
    TaskFile,
    TransferData,
    dev_file,
    scored_files,
    zero_shot,
)
from xlmr_lab.evaluate.scores import Score
from xlmr_lab.model.encoder import Encoder
from xlmr_lab.vocabulary.load import Vocabulary
from xlmr_lab.vocabulary.special_tokens import BOS_ID, EOS_ID, UNK_ID

BEGIN = np.array([BOS_ID], dtype=np.int32)
END = np.array([EOS_ID], dtype=np.int32)
UNKNOWN = np.array([UNK_ID], dtype=np.int32)


def run(
    encoder: Encoder,
    vocabulary: Vocabulary,
    folder: Path,
    *,
    train_language: str,
    languages: Sequence[str],
    config: FinetuneConfig,
    seed: int,
    split: task_files.ScoredSplit | None = None,
) -> list[Score]:
    """Fine-tune a copy of the encoder on one language and return the span F1 in each.

    Each language is scored on `split`, or if None on its test file where there is one and its dev
    file elsewhere. To fine-tune more than once on the same data, call `load` once and
    `protocols.zero_shot` for each.
    """
    data = load(
        vocabulary,
        folder,
        train_language=train_language,
        languages=languages,
        config=config,
        split=split,
    )
    return zero_shot(encoder, data, config=config, seed=seed)


def load(
    vocabulary: Vocabulary,
    folder: Path,
    *,
    train_language: str,
    languages: Sequence[str],
    config: FinetuneConfig,
    split: task_files.ScoredSplit | None = None,
) -> TransferData:
    """Read and encode the training file and the file of every language.

    Raises:
        UserError: a file is missing or not well-formed, or has an entity type that the training
            file lacks.
    """
    scored = scored_files(folder, languages, split)
    dev = dev_file(folder, train_language, scored, config)
    path = task_files.require(folder, "train", train_language)
    train = task_files.read_ner(path, train_language)
    labels = label_set(train.tags)
    if len(labels) == 1:
        raise UserError(f"{path} has no entity: all its tags are O")
    target = functools.partial(_target, vocabulary, labels, config.max_tokens)
    return TransferData(
        task="ner",
        kind="token",
        metric="span_f1",
        num_labels=len(labels),
        vocab_size=vocabulary.size,
        train=encode(
            vocabulary, train, labels, language=train_language, max_tokens=config.max_tokens
        ),
        dev=target(dev) if dev else None,
        targets=tuple(target(file) for file in scored),
    )


def label_set(tags: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Return O and both tags of every entity type that occurs, in a fixed order.

    >>> label_set([["O", "B-PER"], ["B-LOC"]])
    ('O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER')
    """
    kinds = sorted({tag[2:] for sentence in tags for tag in sentence if tag != "O"})
    return ("O", *(f"{prefix}-{kind}" for kind in kinds for prefix in "BI"))


def encode(
    vocabulary: Vocabulary,
    sentences: task_files.TaggedSentences,
    labels: Sequence[str],
    *,
    language: str,
    max_tokens: int,
) -> Examples:
    """Encode tagged sentences of a language, with one label for each word in their order."""
    room = max_tokens - len(BEGIN) - len(END)
    pieces = encode_words(vocabulary, sentences.words, room, language=language)
    rows, positions = [], []
    for words in sentences.words:
        encoded = [pieces[word] for word in words]
        lengths = [len(ids) for ids in encoded]
        for start, end in windows(lengths, room):
            rows.append(np.concatenate([BEGIN, *encoded[start:end], END]))
            firsts = itertools.accumulate(lengths[start : end - 1], initial=len(BEGIN))
            positions.append(np.fromiter(firsts, dtype=np.int64, count=end - start))
    ids = {label: i for i, label in enumerate(labels)}
    gold = np.array([ids[tag] for tags in sentences.tags for tag in tags], dtype=np.int64)
    return Examples(Ragged.of(rows, np.int32), Ragged.of(positions, np.int64), gold, language)


def encode_words(
    vocabulary: Vocabulary, sentences: Iterable[Iterable[str]], room: int, *, language: str
) -> dict[str, np.ndarray]:
    """Encode each distinct word on its own into 1 to `room` pieces."""
    words = list(dict.fromkeys(itertools.chain.from_iterable(sentences)))
    encoded = vocabulary.encode(words, language)
    return {
        word: ids[:room] if len(ids) else UNKNOWN for word, ids in zip(words, encoded, strict=True)
    }


def windows(lengths: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """Yield the (start, end) of runs of words with at most `room` pieces each, as few as can be.

    >>> list(windows([2, 2, 2], 4))
    [(0, 2), (2, 3)]
    """
    start = used = 0
    for word, length in enumerate(lengths):
        if used + length > room:
            yield start, word
            start, used = word, 0
        used += length
    if lengths:
        yield start, len(lengths)


def sentence_tags(
    predicted: np.ndarray, labels: Sequence[str], num_words: Sequence[int]
) -> list[list[str]]:
    """Put the label ids of all words together into one list of tags for each sentence."""
    tags = iter(predicted.tolist())
    return [[labels[i] for i in itertools.islice(tags, n)] for n in num_words]


def _target(
    vocabulary: Vocabulary, labels: Sequence[str], max_tokens: int, file: TaskFile
) -> Target:
    kinds = {label[2:] for label in labels if label != "O"}
    sentences = task_files.read_ner(file.path, file.language, kinds)

    def score(predicted: np.ndarray) -> float:
        tags = sentence_tags(predicted, labels, [len(words) for words in sentences.words])
        return span_f1(tags, sentences.tags).f1

    return Target(
        language=file.language,
        split=file.split,
        examples=encode(
            vocabulary, sentences, labels, language=file.language, max_tokens=max_tokens
        ),
        num_examples=len(sentences.words),
        score=score,
    )
