"""Extractive question answering (XLM-R Sec. 4, MLQA): questions about documents, the answer a span
of the context, the same items in every language.

A question is asked only where all sentences that answer it give the same answer, and the facts that
dev and test ask for are in no earlier split. Every place that answers is listed; the answer's words
may stand elsewhere too, where they answer nothing, as in SQuAD. Files are SQuAD v1.1 JSON and named
as MLQA's, `<split>-context-<a>-question-<b>.json`, ids shared by all; translated ones are
`train.translated-<language>.json` and `{dev,test}.translated-from-<language>.json`, whose answers
are the spans that the answers became. Left out: unanswerable questions.
"""

import dataclasses
import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from xlmr_lab import storage
from xlmr_lab.babel import questions
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.speakers import Speakers
from xlmr_lab.babel.tongues import Phrase, Tongue
from xlmr_lab.babel.translation import CHANCES, Say, TranslationConfig, Translator, exact
from xlmr_lab.babel.world import Event, World
from xlmr_lab.errors import UserError

SPLITS = ("train", "dev", "test")
DOCUMENTS_AT_ONCE = 100
NUM_AGENTS = 4
"""Most actors of a document, one more than other text has."""
KEPT = 0.5
"""Share of the details of an event that a question about it says (probability)."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class QaConfig:
    """How much is asked about what."""

    train: int = 2000
    """Training questions."""
    dev: int = 200
    """Development questions."""
    test: int = 400
    """Test questions."""
    shortest: int = 4
    """Least length of a context (sentences)."""
    longest: int = 16
    """Greatest length of a context (sentences)."""
    questions_a_context: int = 3
    """Most questions about one context."""
    crossed: int = 7
    """Number of languages, the first ones, whose test contexts are also asked about in each other's
    language; MLQA's has 7."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            least = 0 if field.name == "crossed" else 1
            if getattr(self, field.name) < least:
                raise UserError(
                    f"tasks.qa.{field.name} must be at least {least}, "
                    f"got {getattr(self, field.name)}"
                )
        if self.longest < self.shortest:
            raise UserError(
                f"tasks.qa.longest must be at least tasks.qa.shortest, {self.shortest}, "
                f"got {self.longest}"
            )


class Item(NamedTuple):
    """A question and the sentences of its context that answer it."""

    question: Event
    support: list[int]


class Context(NamedTuple):
    """A document and what is asked about it."""

    events: list[Event]
    items: list[Item]


class Said(NamedTuple):
    """A context in one language: its text, and the span of each answer of each item."""

    text: str
    answers: list[list[tuple[int, int]]]


Fact = tuple[Event, tuple[int, ...]]
"""A question and its answer in concepts."""
SayPhrases = Callable[[Event, set[str]], list[Phrase]]
"""Says an event as phrases, the named parts whole."""


def draw(
    world: World, rng: np.random.Generator, count: int, config: QaConfig, known: set[Fact]
) -> list[Context]:
    """Draw contexts with `count` questions, none of them a known fact; their facts become known."""
    found: list[Context] = []
    asked: set[Fact] = set()
    left = count
    length = (config.shortest, config.longest)
    while True:
        for events in worlds.documents(
            world, rng, DOCUMENTS_AT_ONCE, num_events=length, num_agents=NUM_AGENTS
        ):
            items = _items(events, rng, min(left, config.questions_a_context), known)
            if not items:
                continue
            found.append(Context(events, items))
            asked.update(fact(events, item) for item in items)
            left -= len(items)
            if not left:
                known |= asked
                return found


def _items(
    events: list[Event], rng: np.random.Generator, count: int, known: set[Fact]
) -> list[Item]:
    """Ask about some events of a document, each another one."""
    items: list[Item] = []
    chances = rng.random((len(events), 5)).tolist()
    for event, chance in sorted(zip(events, chances, strict=True), key=lambda pair: pair[1][0]):
        parts = questions.can_be_asked(event)
        if not parts:
            continue
        part = parts[int(chance[1] * len(parts))]
        question = questions.ask(event, part, [c < KEPT for c in chance[2:]])
        support = [i for i, e in enumerate(events) if questions.answers(question, e)]
        answers = {questions.answer(question, events[i]) for i in support}
        item = Item(question, support)
        new = all(question != other.question for other in items)
        if len(answers) == 1 and new and fact(events, item) not in known:
            items.append(item)
            if len(items) == count:
                break
    return items


def fact(events: Sequence[Event], item: Item) -> Fact:
    """Return what an item asks of a document, with the answer."""
    return item.question, questions.answer(item.question, events[item.support[0]])


def say(tongue: Tongue, context: Context, phrases: SayPhrases) -> Said:
    """Say a context as text, and find its answers in it (characters, end exclusive)."""
    whole = [
        {questions.asked(item.question) for item in context.items if i in item.support}
        for i in range(len(context.events))
    ]
    sentences: list[str] = []
    spans: list[dict[str, tuple[int, int]]] = []
    offset = 0
    for event, parts in zip(context.events, whole, strict=True):
        said = phrases(event, parts)
        sentence = tongue.write([word for _, phrase in said for word, _ in phrase])
        spans.append(_spans(tongue, sentence, said, offset))
        sentences.append(sentence)
        offset += len(sentence) + tongue.script.spaced
    answers = [
        [spans[i][questions.asked(item.question)] for i in item.support] for item in context.items
    ]
    return Said(tongue.join(sentences), answers)


def _spans(
    tongue: Tongue, sentence: str, said: Sequence[Phrase], offset: int
) -> dict[str, tuple[int, int]]:
    """Return where in the context the words of each part that could be an answer stand."""
    found, end = {}, 0
    for part, phrase in said:
        places = []
        for word, _ in phrase:
            start = sentence.index(word, end)
            end = start + len(word)
            places.append((offset + start, offset + end))
        answer = places[questions.answer_words(tongue, part, len(places))]
        found[part] = answer[0][0], answer[-1][1]
    return found


def squad(split: str, said: Sequence[Said], asked: Sequence[list[str]]) -> str:
    """Return contexts as said in one language and their questions as asked in another in SQuAD's
    JSON, an article for each context.
    """
    articles: list[dict[str, Any]] = []
    for number, (text, answers) in enumerate(said):
        asked_here = []
        for place, (question, spans) in enumerate(zip(asked[number], answers, strict=True)):
            listed = [{"text": text[start:end], "answer_start": start} for start, end in spans]
            name = f"{split}-{number}-{place}"
            asked_here.append({"id": name, "question": question, "answers": listed})
        paragraphs = [{"context": text, "qas": asked_here}]
        articles.append({"title": f"{split}-{number}", "paragraphs": paragraphs})
    return json.dumps({"version": "1.1", "data": articles}, ensure_ascii=False) + "\n"


def write(folder: Path, cast: Speakers, config: QaConfig, translation: TranslationConfig) -> None:
    """Write the files of all splits and languages."""
    known: set[Fact] = set()
    for split in SPLITS:
        contexts = draw(cast.world, cast.stream("qa", split), getattr(config, split), config, known)
        told = {t.code: [say(t, c, _exactly(t)) for c in contexts] for t in cast.tongues}
        asked = {t.code: _asked(contexts, exact(t)) for t in cast.tongues}
        together = set(list(told)[: config.crossed]) if split == "test" else set()
        for a, b in itertools.product(told, asked):
            if a == b or {a, b} <= together:
                name = f"{split}-context-{a}-question-{b}.json"
                storage.write_text(folder / name, squad(split, told[a], asked[b]))
        for tongue in cast.others():
            code = tongue.code
            if split == "train":
                machine, rng = cast.into(tongue, translation), cast.stream("qa", "into", code)
                _write_translated(folder / f"train.translated-{code}.json", contexts, machine, rng)
            else:
                machine = cast.out_of(tongue, translation)
                rng = cast.stream("qa", split, "out of", code)
                name = f"{split}.translated-from-{code}.json"
                _write_translated(folder / name, contexts, machine, rng)


def _write_translated(
    path: Path, contexts: Sequence[Context], machine: Translator, rng: np.random.Generator
) -> None:
    def phrases(event: Event, whole: set[str]) -> list[Phrase]:
        return machine.phrases(event, rng.random(CHANCES).tolist(), whole)

    said = [say(machine.tongue, context, phrases) for context in contexts]
    asked = _asked(contexts, machine.sayer(rng))
    storage.write_text(path, squad(path.name.partition(".")[0], said, asked))


def _exactly(tongue: Tongue) -> SayPhrases:
    return lambda event, whole: tongue.phrases(event)


def _asked(contexts: Sequence[Context], sentence: Say) -> list[list[str]]:
    """Return the questions of each context."""
    return [[sentence(item.question) for item in context.items] for context in contexts]
