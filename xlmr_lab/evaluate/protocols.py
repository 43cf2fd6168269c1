"""Protocols: which training sets an encoder is fine-tuned on, and what each model is scored on.

As in XLM-R Sec. 4.2 and Table 1: `zero-shot`, one model from the training set of one language,
scored in all (cross-lingual transfer; in Table 2 the row `en`); `translate-test`, the same model
scored on test sets translated into its language; `translate-train`, a model for each language from
the training set translated into it; `translate-train-all`, one model from all of those together.
Where languages have training sets of their own (Table 2): `each`, a model for each; `all`, one
model from all. Models with the same training sets are one: it is fine-tuned once, whatever
protocols share it. All here is a plan: what is read and trained is transfer.py's. Left out:
translating.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, assert_never

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.task_files import Form, ScoredSplit, Split

Protocol = Literal[
    "zero-shot", "translate-test", "translate-train", "translate-train-all", "each", "all"
]


class TaskSet(NamedTuple):
    """One set of a task: what one file holds, or for QA one pair of languages in it."""

    split: Split
    language: str
    """Key of the language that the set trains or scores."""
    form: Form = ""
    """Whether it is as it was made, or machine-translated (see task_files.py)."""
    question_language: str = ""
    """Key of the questions' language, where that is another than that of their contexts."""

    def __str__(self) -> str:
        asked = f"-asked-in-{self.question_language}" if self.question_language else ""
        return f"{self.split}{'.' if self.form else ''}{self.form}-{self.language}{asked}"


class Cell(NamedTuple):
    """One cell of a table of results: a set that a model is scored on, under a protocol."""

    protocol: Protocol
    scored: TaskSet
    dev: TaskSet
    """The dev set of the same language and form."""


class ModelPlan(NamedTuple):
    """One fine-tuned model: its training sets, and the cells that it fills."""

    train: tuple[TaskSet, ...]
    train_dev: tuple[TaskSet, ...]
    """The dev set of each training set's language."""
    cells: tuple[Cell, ...]


def plan(
    protocols: Sequence[Protocol], train_language: str, scored: Sequence[tuple[str, ScoredSplit]]
) -> tuple[ModelPlan, ...]:
    """Return the models of some protocols, each model once; `scored` are languages with the split
    that scores them.

    >>> [m.train for m in plan(["zero-shot", "translate-test"], "en", [("sw", "test")])]
    [(TaskSet(split='train', language='en', form='', question_language=''),)]

    Raises:
        UserError: no protocol, or one of them twice.
    """
    check_names("protocols", protocols)
    cells: dict[tuple[TaskSet, ...], list[Cell]] = {}
    for protocol in protocols:
        for language, split in scored:
            train = training_sets(protocol, train_language, language, [key for key, _ in scored])
            form = _scored_form(protocol, train_language, language)
            cell = Cell(protocol, TaskSet(split, language, form), TaskSet("dev", language, form))
            cells.setdefault(train, []).append(cell)
    return tuple(
        ModelPlan(train, tuple(TaskSet("dev", part.language) for part in train), tuple(filled))
        for train, filled in cells.items()
    )


def training_sets(
    protocol: Protocol, train_language: str, language: str, languages: Sequence[str]
) -> tuple[TaskSet, ...]:
    """Return the training sets of the model that scores `language`, one of `languages`."""
    match protocol:
        case "zero-shot" | "translate-test":
            return (TaskSet("train", train_language),)
        case "translate-train":
            return (_translated(train_language, language),)
        case "translate-train-all":
            keys = sorted({train_language, *languages})
            return tuple(_translated(train_language, key) for key in keys)
        case "each":
            return (TaskSet("train", language),)
        case "all":
            return tuple(TaskSet("train", key) for key in sorted(set(languages)))
        case _:
            assert_never(protocol)


def text_language(part: TaskSet, train_language: str) -> str:
    """Return the key of the language that the text of a set is in."""
    return train_language if part.form == "translated-from" else part.language


def _translated(train_language: str, language: str) -> TaskSet:
    return TaskSet("train", language, "" if language == train_language else "translated")


def _scored_form(protocol: Protocol, train_language: str, language: str) -> Form:
    translated = protocol == "translate-test" and language != train_language
    return "translated-from" if translated else ""


def check_names(setting: str, names: Sequence[str]) -> None:
    """Refuse a setting that names nothing, or something twice.

    Raises:
        UserError: it does.
    """
    if not names:
        raise UserError(f"{setting} must name at least one")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"{setting} names {', '.join(twice)} more than once; name each once")
