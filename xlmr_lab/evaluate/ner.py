"""Named entity recognition: span F1 from one language to others (XLM-R Sec. 4.2 and Table 2).

Each word is encoded on its own and labelled at its first piece, without a CRF (XLM-R Sec. 5.2). A
sentence that is too long is split between words into windows, and the labels are put together again
before scoring, so every word gets a label and no gold entity is lost. A word of which the
vocabulary makes no piece stands as `<unk>`; a word longer than a window keeps its first pieces.
XLM-R does not say whether a sentence is seen alone or in its document, which BERT does (Sec. 5.3):
`context` takes either. Left out: other labelling schemes.
"""

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import planned_files
from xlmr_lab.evaluate.doctor.sets import of_tags
from xlmr_lab.evaluate.doctor.verdict import Verdict
from xlmr_lab.evaluate.examples import Examples
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.formats import conll
from xlmr_lab.evaluate.metrics import span_f1
from xlmr_lab.evaluate.places import Source
from xlmr_lab.evaluate.protocols import ModelPlan, Protocol, TaskSet, text_language
from xlmr_lab.evaluate.task_files import ScoredSplit, TaggedSentences
from xlmr_lab.evaluate.text import TextEncoder
from xlmr_lab.evaluate.transfer import Target, TransferData

Context = Literal["sentence", "document"]
"""What an encoder sees: a sentence alone, or filled up to the longest sequence with what stands
before and after it in its document."""


def load(
    text: TextEncoder,
    folder: Path,
    *,
    train_language: str,
    languages: Sequence[str],
    config: FinetuneConfig,
    protocols: Sequence[Protocol] = ("zero-shot",),
    split: ScoredSplit | None = None,
    context: Context = "sentence",
) -> TransferData:
    """Read and encode the training sets and what is scored or looked at.

    The folder holds our files or published ones (see formats/conll.py).

    Raises:
        UserError: a file is missing or not well-formed, has an entity type that the training sets
            lack, or does not mark the documents that are to be seen.
    """
    planned = planned_files.planned(
        conll.places,
        folder,
        protocols=protocols,
        train_language=train_language,
        languages=languages,
        split=split,
        selections=config.selections,
    )

    training = _read(planned.training, train_language, context)
    labels = _shared_labels(planned.models, planned.training, training)
    kinds = {label[2:] for label in labels[1:]}
    scoring = _read(planned.scoring, train_language, context, kinds)
    seen = partial(encode, text, labels=labels, max_tokens=config.max_tokens, context=context)
    encoded = {
        part: seen(sentences, language=text_language(part, train_language))
        for part, sentences in (training | scoring).items()
    }
    return TransferData(
        task="ner",
        objective="tagging",
        num_labels=len(labels),
        vocab_size=text.size,
        models=planned.models,
        train={part: encoded[part] for part in training},
        targets={part: _target(encoded[part], own, labels) for part, own in scoring.items()},
        found=_told(training | scoring, encoded, labels),
    )


def _read(
    sources: Mapping[TaskSet, Source],
    train_language: str,
    context: Context,
    kinds: Collection[str] | None = None,
) -> dict[TaskSet, TaggedSentences]:
    """Read some sets; where documents are to be seen, all must mark them."""
    found = {}
    for part, source in sources.items():
        found[part] = conll.read(source, text_language(part, train_language), kinds)
        if context == "document" and not found[part].documents:
            raise UserError(
                f"{source} marks no documents ({conll.DOCUMENT} lines, or {conll.NEW_DOCUMENT!r}), "
                "so context=document has nothing to fill up with; use context=sentence"
            )
    return found


def label_set(tags: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Return O and both tags of every entity type that occurs, in a fixed order.

    >>> label_set([["O", "B-PER"], ["B-LOC"]])
    ('O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER')
    """
    kinds = sorted({tag[2:] for sentence in tags for tag in sentence if tag != "O"})
    return ("O", *(f"{prefix}-{kind}" for kind in kinds for prefix in "BI"))


def _shared_labels(
    models: Sequence[ModelPlan],
    files: Mapping[TaskSet, Source],
    read: Mapping[TaskSet, TaggedSentences],
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
    sentences: TaggedSentences,
    labels: Sequence[str],
    *,
    language: str,
    max_tokens: int,
    context: Context = "sentence",
) -> Examples:
    """Encode tagged sentences of a language, with one label for each word in their order.

    Of a document's context pieces are taken, evenly from before and after, or more from one side
    where the other has fewer.
    """
    layout = text.layout
    room = max_tokens - layout.num_specials_single
    pieces = encode_words(text, sentences.words, room, language=language)
    streams = _streams(sentences, pieces) if context == "document" else None
    rows, positions = [], []
    for number, words in enumerate(sentences.words):
        encoded = [pieces[word] for word in words]
        lengths = [len(ids) for ids in encoded]
        ends = [0, *itertools.accumulate(lengths)]
        for start, end in windows(lengths, room):
            seen, before = np.concatenate(encoded[start:end]), 0
            if streams:
                stream, offset = streams[number]
                seen, before = surrounded(stream, offset + ends[start], offset + ends[end], room)
            row = layout.single(seen)
            rows.append(row)
            firsts = np.array(ends[start:end], dtype=np.int64) - ends[start]
            positions.append(firsts + row.start_first + before)
    ids = {label: i for i, label in enumerate(labels)}
    gold = np.array([ids[tag] for tags in sentences.tags for tag in tags], dtype=np.int64)
    return Examples.of(rows, positions, gold, language=language, layout=layout)


def _streams(
    sentences: TaggedSentences, pieces: Mapping[str, np.ndarray]
) -> list[tuple[np.ndarray, int]]:
    """Return for each sentence the pieces of its document, and where in them it begins."""
    encoded = [np.concatenate([pieces[word] for word in words]) for words in sentences.words]
    found: list[tuple[np.ndarray, int]] = []
    for _, group in itertools.groupby(range(len(encoded)), key=sentences.documents.__getitem__):
        own = [encoded[number] for number in group]
        offsets = itertools.accumulate(map(len, own[:-1]), initial=0)
        stream = np.concatenate(own)
        found += [(stream, offset) for offset in offsets]
    return found


def surrounded(stream: np.ndarray, start: int, end: int, room: int) -> tuple[np.ndarray, int]:
    """Return `stream[start:end]` with up to `room` pieces in all from both sides of it, and how
    many of them stand before it.

    >>> surrounded(np.arange(10), 6, 8, 6)
    (array([4, 5, 6, 7, 8, 9]), 2)
    >>> surrounded(np.arange(10), 1, 2, 6)
    (array([0, 1, 2, 3, 4, 5]), 1)
    """
    spare, after = room - (end - start), len(stream) - end
    before = min(start, max(spare // 2, spare - after))
    return stream[start - before : end + spare - before], before


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


def _told(
    sets: Mapping[TaskSet, TaggedSentences],
    encoded: Mapping[TaskSet, Examples],
    labels: Sequence[str],
) -> dict[TaskSet, list[Verdict]]:
    """Return what the doctor says of the gold tags that have a labelled position."""
    found = {}
    for part, own in sets.items():
        kept = encoded[part].labels[: len(encoded[part].positions.values)]
        found[part] = of_tags(own.tags, sentence_tags(kept, labels, list(map(len, own.words))))
    return found


def _target(examples: Examples, sentences: TaggedSentences, labels: Sequence[str]) -> Target:
    num_words = [len(words) for words in sentences.words]

    def score(logits: np.ndarray) -> dict[str, float]:
        tags = sentence_tags(logits.argmax(-1), labels, num_words)
        return {"span_f1": span_f1(tags, sentences.tags).f1}

    return Target(examples=examples, num_examples=len(sentences.words), score=score)
