"""Questions about contexts in SQuAD v1.1's JSON: SQuAD, XQuAD, MLQA, TyDiQA-GoldP, ARCD, Babel.

Reading is strict, and says what is wrong by file and place in it. An offset counts characters (code
points) of the context, and each is checked: an answer that does not stand at its offset is
misplaced, and listed. Scoring still compares with its text; training leaves it out, or takes the
nearest place where its words stand (`placed`). TyDiQA-GoldP repeats ids: those are numbered, and
the original is kept. Left out: unanswerable questions (SQuAD 2.0), the hub's flat tables.
"""

import codecs
import json
import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import task_files

logger = logging.getLogger(__name__)

Misplacement = Literal["drop", "nearest"]
"""What training does with misplaced answers: leave them out, or look for them nearby."""

T = TypeVar("T")

SURROGATE = re.compile(r"[\ud800-\udfff]")
"""Half a character, which JSON can write and UTF-8 cannot."""
SHAPE = '{"data": [{"paragraphs": [{"context": ..., "qas": [...]}]}]}'
_KINDS: dict[type, str] = {dict: "an object", list: "a list", str: "text", int: "a whole number"}
_SHOWN = 40


class Answer(NamedTuple):
    """A gold answer."""

    text: str
    start: int
    """Its offset: the character of the context with which it begins."""
    stands: bool
    """Whether the context has the text at the offset."""


class Question(NamedTuple):
    """A question about a context."""

    id: str
    """Unique in its file: the original id, with a number where that is repeated."""
    original_id: str
    """As the file has it."""
    text: str
    context: int
    """Place of its context in the set."""
    answers: tuple[Answer, ...]
    """All that count as right; at least one."""
    where: str
    """Place in the file: data[0].paragraphs[0].qas[0]."""


class Misplaced(NamedTuple):
    """An answer that does not stand at its offset."""

    where: str
    """Place in the file: data[0].paragraphs[0].qas[0].answers[0]."""
    id: str
    """Of its question."""
    text: str
    start: int
    found: str
    """What the context has there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionSet:
    """The questions of one file."""

    path: Path
    contexts: list[str]
    """Paragraphs, in the file's order."""
    questions: list[Question]
    """In the file's order."""

    @property
    def golds(self) -> dict[str, list[str]]:
        """The texts of the gold answers of each question, by its id."""
        return {q.id: [answer.text for answer in q.answers] for q in self.questions}

    @property
    def misplaced(self) -> list[Misplaced]:
        """The answers whose offsets do not give them."""
        return [
            Misplaced(
                f"{question.where}.answers[{place}]",
                question.id,
                answer.text,
                answer.start,
                _at(self.contexts[question.context], answer.start, len(answer.text)),
            )
            for question in self.questions
            for place, answer in enumerate(question.answers)
            if not answer.stands
        ]


def read(path: Path) -> QuestionSet:
    """Read a file of questions, plain or packed; how many answers are misplaced is logged.

    Raises:
        UserError: it is not JSON of this form, or has no question, a question without an answer or
            an answer without text.
    """
    contexts: list[str] = []
    questions: list[Question] = []
    for where, paragraph in _paragraphs(path):
        context = _text(paragraph, "context", f"{path}, {where}")
        for place, item in enumerate(_get(paragraph, "qas", list, f"{path}, {where}")):
            questions.append(_question(path, f"{where}.qas[{place}]", item, context, len(contexts)))
        contexts.append(context)
    if not questions:
        raise UserError(f"{path} has no question: expected {SHAPE}")
    found = QuestionSet(path=path, contexts=contexts, questions=_numbered(questions))
    if misplaced := found.misplaced:
        logger.warning("%s", told(path, misplaced, sum(len(q.answers) for q in questions)))
    return found


def told(path: Path, misplaced: list[Misplaced], num_answers: int) -> str:
    """Return a line about the misplaced answers of a file, the first of them shown."""
    first = misplaced[0]
    return (
        f"{path}: {len(misplaced):,} of {num_answers:,} answers do not stand at their offsets, "
        f"which count characters of the context; the first is {first.where}: "
        f"{_short(first.text)} at {first.start:,}, where {_short(first.found)} stands"
    )


def placed(questions: QuestionSet, misplacement: Misplacement = "drop") -> list[Question]:
    """Return what can be learned: questions with those answers whose place in the context is known.

    Raises:
        UserError: no question is left.
    """
    kept = []
    for question in questions.questions:
        context = questions.contexts[question.context]
        answers = [
            nearest(context, answer) if misplacement == "nearest" else answer
            for answer in question.answers
        ]
        if standing := tuple(answer for answer in answers if answer.stands):
            kept.append(question._replace(answers=standing))
    if not kept:
        misplaced = questions.misplaced
        raise UserError(told(questions.path, misplaced, len(misplaced)))
    if left_out := len(questions.questions) - len(kept):
        logger.warning("%s: %s questions are not learned from", questions.path, f"{left_out:,}")
    return kept


def nearest(context: str, answer: Answer) -> Answer:
    """Return a misplaced answer as it stands nearest to its offset, whatever white space is between
    its words there; as it is, where the context has it nowhere.

    >>> nearest("a b, a  b", Answer("a b", 4, False))
    Answer(text='a  b', start=5, stands=True)
    """
    if answer.stands:
        return answer
    pattern = r"\s+".join(map(re.escape, answer.text.split()))
    spans = [match.span(1) for match in re.finditer(f"(?=({pattern}))", context)]
    if not spans:
        return answer
    start, end = min(spans, key=lambda span: abs(span[0] - answer.start))
    return Answer(context[start:end], start, True)


def _paragraphs(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each paragraph with its place in the file."""
    for i, article in enumerate(_get(_json(path), "data", list, str(path))):
        listed = _get(article, "paragraphs", list, f"{path}, data[{i}]")
        for j, paragraph in enumerate(listed):
            yield f"data[{i}].paragraphs[{j}]", paragraph


def _json(path: Path) -> Any:
    data = task_files.content(path).removeprefix(codecs.BOM_UTF8)
    if not data.strip():
        raise UserError(f"{path} is empty: expected {SHAPE}")
    try:
        return json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text at byte {error.start:,}") from None
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path}, line {error.lineno} is not JSON at column {error.colno} ({error.msg}): "
            f"expected {SHAPE}"
        ) from None


def _question(path: Path, where: str, item: object, context: str, number: int) -> Question:
    full = f"{path}, {where}"
    if isinstance(item, dict) and item.get("is_impossible"):
        raise UserError(
            f"{full} is unanswerable (SQuAD 2.0); only SQuAD v1.1 is read: take those questions out"
        )
    name = _get(item, "id", object, full)
    if not isinstance(name, int | str):
        raise UserError(f"{full}.id must be text or a whole number, got {_short(name)}")
    text = _text(item, "question", full)
    listed = _get(item, "answers", list, full)
    if not listed:
        raise UserError(f"{full}.answers is empty: SQuAD v1.1 asks for at least 1 answer")
    answers = tuple(
        _answer(answer, context, f"{full}.answers[{place}]") for place, answer in enumerate(listed)
    )
    return Question(str(name), str(name), text, number, answers, where)


def _answer(item: object, context: str, where: str) -> Answer:
    text = _text(item, "text", where)
    start = _get(item, "answer_start", int, where)
    return Answer(text, start, _at(context, start, len(text)) == text)


def _at(context: str, start: int, length: int) -> str:
    return context[start : start + length] if start >= 0 else ""


def _numbered(questions: list[Question]) -> list[Question]:
    """Give each question whose id is repeated one of its own."""
    counts = Counter(question.id for question in questions)
    seen: Counter[str] = Counter()
    numbered = []
    for question in questions:
        name = question.id
        if counts[name] > 1:
            seen[name] += 1
            while (own := f"{name}#{seen[name]}") in counts:
                seen[name] += 1
            question = question._replace(id=own)
        numbered.append(question)
    return numbered


def _text(record: object, key: str, where: str) -> str:
    text = _get(record, key, str, where)
    if not text.strip():
        raise UserError(f"{where}.{key} is blank")
    if half := SURROGATE.search(text):
        raise UserError(
            f"{where}.{key} has half a character, U+{ord(half[0]):04X}; write the file as UTF-8"
        )
    return text


def _get(record: object, key: str, kind: type[T], where: str) -> T:
    """Return a value of an object in the file, of a kind."""
    if not isinstance(record, dict):
        raise UserError(f"{where} must be an object with {key!r}, got {_short(record)}")
    if key not in record:
        has = ", ".join(map(repr, record)) or "nothing"
        raise UserError(f"{where} has no {key!r}, only {has}: expected {SHAPE}")
    value = record[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UserError(f"{where}.{key} must be {_KINDS[kind]}, got {_short(value)}")
    return value


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
