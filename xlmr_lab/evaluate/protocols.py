"""Protocols: which training sets an encoder is fine-tuned on, and what each model is scored on.

As in XLM-R Sec. 4.2 and Table 1: `zero-shot`, one model from the training set of one language,
scored in all (cross-lingual transfer; in Table 2 the row `en`); `translate-test`, the same model
scored on test sets translated into its language; `translate-train`, a model for each language from
the training set translated into it; `translate-train-all`, one model from all of those together.
Where languages have training sets of their own (Table 2): `each`, a model for each; `all`, one
model from all. Not of the paper are NLI's `code-switched` and `crossed`: the model of `zero-shot`,
scored on text that mixes two languages within sentences, or on a premise in one and a hypothesis in
the other. Models with the same training sets are one: it is fine-tuned once, whatever protocols
share it. All here is a plan: what is read and trained is transfer.py's. Left out: translating.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, assert_never

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.task_files import Form, ScoredSplit, Split, languages_of

Protocol = Literal[
    "zero-shot",
    "translate-test",
    "translate-train",
    "translate-train-all",
    "each",
    "all",
    "code-switched",
    "crossed",
]
MIXED: dict[Protocol, Form] = {"code-switched": "switched", "crossed": "crossed"}
"""Protocols that score mixed sets, of two languages each, and the form of those."""


class TaskSet(NamedTuple):
    """One set of a task: what one file holds, or for QA one pair of languages in it."""

    split: Split
    language: str
    """Key of the language that the set trains or scores; of a mixed set both, as qaa-qam."""
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
    """The dev set of the same language and form; of a mixed set, which has none, that of its
    language that is not learned in, as it was made."""


class ModelPlan(NamedTuple):
    """One fine-tuned model: its training sets, and the cells that it fills."""

    train: tuple[TaskSet, ...]
    train_dev: tuple[TaskSet, ...]
    """The dev set of each training set's language."""
    cells: tuple[Cell, ...]


def plan(
    protocols: Sequence[Protocol],
    train_language: str,
    scored: Sequence[tuple[str, ScoredSplit]],
    mixed: Sequence[TaskSet] = (),
) -> tuple[ModelPlan, ...]:
    """Return the models of some protocols, each model once; `scored` are languages with the split
    that scores them, `mixed` the sets of two languages.

    >>> [m.train for m in plan(["zero-shot", "translate-test"], "en", [("sw", "test")])]
    [(TaskSet(split='train', language='en', form='', question_language=''),)]

    Raises:
        UserError: no protocol, or one of them twice, or one of mixed sets without such.
    """
    check_names("protocols", protocols)
    languages = [key for key, _ in scored]
    cells: dict[tuple[TaskSet, ...], list[Cell]] = {}
    for protocol in protocols:
        if protocol in MIXED:
            planned = _mixed_cells(protocol, train_language, mixed)
        else:
            planned = [_cell(protocol, train_language, *place) for place in scored]
        for cell in planned:
            train = training_sets(protocol, train_language, cell.scored.language, languages)
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
        case "zero-shot" | "translate-test" | "code-switched" | "crossed":
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
    """Return the key of the language that the text of a set is in.

    It is the one that a model with language embeddings is told, one for a whole row. Of a mixed set
    it is the first: that of the grammar, or of the premises.
    """
    if part.form == "translated-from":
        return train_language
    return languages_of(part.language)[0] if part.form in MIXED.values() else part.language


def _cell(protocol: Protocol, train_language: str, language: str, split: ScoredSplit) -> Cell:
    form = scored_form(protocol, train_language, language)
    return Cell(protocol, TaskSet(split, language, form), TaskSet("dev", language, form))


def _mixed_cells(protocol: Protocol, train_language: str, mixed: Sequence[TaskSet]) -> list[Cell]:
    parts = [part for part in mixed if part.form == MIXED[protocol]]
    if not parts:
        raise UserError(f"{protocol} scores files of two languages, which only NLI has")
    return [Cell(protocol, part, TaskSet("dev", _other(part, train_language))) for part in parts]


def _other(part: TaskSet, train_language: str) -> str:
    """Return the last language of a mixed set that is not learned in."""
    return next(key for key in reversed(languages_of(part.language)) if key != train_language)


def _translated(train_language: str, language: str) -> TaskSet:
    return TaskSet("train", language, "" if language == train_language else "translated")


def scored_form(protocol: Protocol, train_language: str, language: str) -> Form:
    """Return the form of the sets that a protocol scores.

    >>> scored_form("translate-test", "en", "sw"), scored_form("crossed", "en", "en-sw")
    ('translated-from', 'crossed')
    """
    if protocol in MIXED:
        return MIXED[protocol]
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
