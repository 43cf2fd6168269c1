"""Named entity recognition: span F1 from one language to others (XLM-R Sec. 4.2 and Table 2).

Each word is encoded on its own and labelled at its first piece, without a CRF (XLM-R Sec. 5.2). A
sentence that is too long is split between words into windows, and the labels are put together again
before scoring, so every word gets a label and no gold entity is lost. A word of which the
vocabulary makes no piece stands as `<unk>`; a word longer than a window keeps its first pieces.
Left out: document context, other labelling schemes.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import planned_files, task_files, transfer
from xlmr_lab.evaluate.encoders import AnyEncoder
from xlmr_lab.evaluate.examples import Examples
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.metrics import span_f1
from xlmr_lab.evaluate.protocols import ModelPlan, Protocol, TaskSet, plan, text_language
from xlmr_lab.evaluate.scores import Score
from xlmr_lab.evaluate.text import TextEncoder
from xlmr_lab.evaluate.transfer import Target, TransferData


def run(
    encoder: AnyEncoder,
    text: TextEncoder,
    folder: Path,
    *,
    train_language: str,
    languages: Sequence[str],
    config: FinetuneConfig,
    seed: int,
    protocols: Sequence[Protocol] = ("zero-shot",),
    split: task_files.ScoredSplit | None = None,
) -> list[Score]:
    """Fine-tune copies of the encoder under some protocols and return the span F1 in each language.

    Each language is scored on `split`, or if None on its test file where there is one and its dev
    file elsewhere. To fine-tune more than once on the same data, call `load` once and
    `transfer.run` for each.
    """
    data = load(
        text,
        folder,
        train_language=train_language,
        languages=languages,
        config=config,
        protocols=protocols,
        split=split,
    )
    return transfer.run(encoder, data, config=config, seed=seed)


def load(
    text: TextEncoder,
    folder: Path,
    *,
    train_language: str,
    languages: Sequence[str],
    config: FinetuneConfig,
    protocols: Sequence[Protocol] = ("zero-shot",),
    split: task_files.ScoredSplit | None = None,
) -> TransferData:
    """Read and encode the training sets and what is scored or looked at.

    Raises:
        UserError: a file is missing or not well-formed, or has an entity type that the training
            sets lack.
    """
    scored = planned_files.scored(folder, languages, split)
    models = plan(protocols, train_language, scored)
    training = planned_files.training(folder, models)
    scoring = planned_files.scoring(folder, models, config.selections)
    read = {
        part: task_files.read_ner(path, text_language(part, train_language))
        for part, path in training.items()
    }
    labels = _shared_labels(models, training, read)
    kinds = {label[2:] for label in labels[1:]}

    def examples(part: TaskSet, sentences: task_files.TaggedSentences) -> Examples:
        language = text_language(part, train_language)
        return encode(text, sentences, labels, language=language, max_tokens=config.max_tokens)

    def target(part: TaskSet, path: Path) -> Target:
        sentences = task_files.read_ner(path, text_language(part, train_language), kinds)
        return _target(examples(part, sentences), sentences, labels)

    return TransferData(
        task="ner",
        objective="tagging",
        num_labels=len(labels),
        vocab_size=text.size,
        models=models,
        train={part: examples(part, sentences) for part, sentences in read.items()},
        targets={part: target(part, path) for part, path in scoring.items()},
    )


def label_set(tags: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Return O and both tags of every entity type that occurs, in a fixed order.

    >>> label_set([["O", "B-PER"], ["B-LOC"]])
    ('O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER')
    """
    kinds = sorted({tag[2:] for sentence in tags for tag in sentence if tag != "O"})
    return ("O", *(f"{prefix}-{kind}" for kind in kinds for prefix in "BI"))


def _shared_labels(
    models: Sequence[ModelPlan],
    files: Mapping[TaskSet, Path],
    read: Mapping[TaskSet, task_files.TaggedSentences],
) -> tuple[str, ...]:
    """Return the labels of the training sets; each model must be able to learn all of them.

    Raises:
        UserError: training sets have no entity, or a model's lack a type that another's have.
    """
    found = {
        model: label_set(t for part in model.train for t in read[part].tags) for model in models
    }
    labels = label_set(found.values())
    for model, own in found.items():
        named = " and ".join(str(files[part]) for part in model.train)
        if len(own) == 1:
            raise UserError(f"{named} has no entity: all its tags are O")
        if missing := sorted({label[2:] for label in set(labels) - set(own)}):
            raise UserError(
                f"{named} has no entity of type {', '.join(missing)}, which other training sets "
                "have; leave its language out, or fine-tune it in a study of its own"
            )
    return labels


def encode(
    text: TextEncoder,
    sentences: task_files.TaggedSentences,
    labels: Sequence[str],
    *,
    language: str,
    max_tokens: int,
) -> Examples:
    """Encode tagged sentences of a language, with one label for each word in their order."""
    layout = text.layout
    room = max_tokens - layout.num_specials_single
    pieces = encode_words(text, sentences.words, room, language=language)
    rows, positions = [], []
    for words in sentences.words:
        encoded = [pieces[word] for word in words]
        lengths = [len(ids) for ids in encoded]
        for start, end in windows(lengths, room):
            row = layout.single(np.concatenate(encoded[start:end]))
            rows.append(row)
            firsts = itertools.accumulate(lengths[start : end - 1], initial=row.start_first)
            positions.append(np.fromiter(firsts, dtype=np.int64, count=end - start))
    ids = {label: i for i, label in enumerate(labels)}
    gold = np.array([ids[tag] for tags in sentences.tags for tag in tags], dtype=np.int64)
    return Examples.of(rows, positions, gold, language=language, layout=layout)


def encode_words(
    text: TextEncoder, sentences: Iterable[Iterable[str]], room: int, *, language: str
) -> dict[str, np.ndarray]:
    """Encode each distinct word on its own into 1 to `room` pieces."""
    words = list(dict.fromkeys(itertools.chain.from_iterable(sentences)))
    encoded = text.encode_words(words, language)
    unknown = np.array([text.layout.unk_id], dtype=np.int32)
    return {
        word: ids[:room] if len(ids) else unknown for word, ids in zip(words, encoded, strict=True)
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
    examples: Examples, sentences: task_files.TaggedSentences, labels: Sequence[str]
) -> Target:
    num_words = [len(words) for words in sentences.words]

    def score(logits: np.ndarray) -> dict[str, float]:
        tags = sentence_tags(logits.argmax(-1), labels, num_words)
        return {"span_f1": span_f1(tags, sentences.tags).f1}

    return Target(examples=examples, num_examples=len(sentences.words), score=score)
