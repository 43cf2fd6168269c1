"""GLUE's tasks as they are published, and PAWS-X: sentences or pairs with classes or numbers.

Read are the folders of GLUE's downloads (`CoLA/train.tsv` and so on, columns by the names in their
headers; CoLA's have none), PAWS-X as published and as XTREME prepares it (no header), and our own
`<task>/<split>-<language>.tsv` in the same columns. Classes are in the order of their ids, so that
F1 is of class 1. QQP's training file has lines that are halves of a row: they are left out, as
everyone does, and counted. GLUE's test sets have no labels: they are no sets to be scored, and only
`unlabelled_source` finds them, for predictions. Left out: the diagnostic set, the hub's Parquet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import places
from xlmr_lab.evaluate.formats import tables
from xlmr_lab.evaluate.places import Place, Places, Source
from xlmr_lab.evaluate.protocols import TaskSet
from xlmr_lab.evaluate.task_files import NLI_LABELS, Form, Split

BINARY = ("0", "1")
ENTAILED = ("entailment", "not_entailment")
PAIR = ("sentence1", "sentence2")
ENGLISH = {"en": "en"}
INDICES = ("index", "id")
"""What files call the number of an example."""
HIGHEST = 5.0
"""The highest similarity of STS-B; the lowest is 0."""
PAWSX = {**{key: key for key in ("de", "es", "fr", "ja", "ko")}, "zh-Hans": "zh"}
"""PAWS-X's languages besides English, whose training sets are machine-translated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GlueTask:
    """How the files of a task are read."""

    folder: str
    """Where GLUE has it, and what a file of predictions is called."""
    texts: tuple[str, ...]
    """Columns of its one or two texts."""
    label: str = "label"
    """Column of the label."""
    classes: tuple[str, ...] = BINARY
    """Labels by id; empty: numbers from 0 to `HIGHEST`."""
    bare: tuple[str, ...] = ()
    """Columns of files without a header."""
    has_broken_rows: bool = False
    """Whether lines that are no rows are left out."""


SENTENCE = ("sentence",)
TASKS = {
    "cola": GlueTask(folder="CoLA", texts=SENTENCE, bare=("source", "label", "mark", "sentence")),
    "sst2": GlueTask(folder="SST-2", texts=SENTENCE),
    "mrpc": GlueTask(folder="MRPC", texts=("#1 String", "#2 String"), label="Quality"),
    "qqp": GlueTask(
        folder="QQP", texts=("question1", "question2"), label="is_duplicate", has_broken_rows=True
    ),
    "stsb": GlueTask(folder="STS-B", texts=PAIR, label="score", classes=()),
    "mnli": GlueTask(folder="MNLI", texts=PAIR, label="gold_label", classes=NLI_LABELS),
    "qnli": GlueTask(folder="QNLI", texts=("question", "sentence"), classes=ENTAILED),
    "rte": GlueTask(folder="RTE", texts=PAIR, classes=ENTAILED),
    "wnli": GlueTask(folder="WNLI", texts=PAIR),
    "pawsx": GlueTask(folder="PAWS-X", texts=PAIR, bare=(*PAIR, "label")),
}
MATCHED, MISMATCHED = "_matched", "_mismatched"
"""Ends of the names of MNLI's two dev and test sets."""


class GlueSet(NamedTuple):
    """The examples of one file."""

    texts: tuple[list[str], ...]
    """One or two for each example."""
    labels: list[float]
    """Class ids or similarities; empty for a set without labels."""
    indices: list[str]
    """Numbers of the examples as the file has them, else their places from 0."""


def get(name: str) -> GlueTask:
    """Return a task by its name.

    Raises:
        UserError: there is none.
    """
    if name == "mnli-mm":
        raise UserError("MNLI is learned once and scored on both of its dev sets; give task mnli")
    if name not in TASKS:
        raise UserError(f"unknown task {name!r}; there is {', '.join(TASKS)}")
    return TASKS[name]


def task_places(name: str) -> Places:
    """Return where the labelled sets of a task may lie."""
    return partial(_places, name, MATCHED if name == "mnli" else "")


def mismatched_source(folder: Path, part: TaskSet) -> Source | None:
    """Return MNLI's mismatched set beside a matched dev set, if it is there."""
    found = [_place("mnli", f"{part.split}{MISMATCHED}")] if part.split == "dev" else []
    return places.find(lambda split, form: found, folder, TaskSet(part.split, part.language))


def unlabelled_source(folder: Path, name: str, *, mismatched: bool = False) -> Source:
    """Return a test set as GLUE publishes it, without labels.

    Raises:
        UserError: it is not there.
    """
    end = (MISMATCHED if mismatched else MATCHED) if name == "mnli" else ""
    place = _place(name, f"test{end}")
    return places.require(lambda split, form: [place], folder, TaskSet("test", "en"))


def read(source: Source, name: str, *, labelled: bool = True) -> GlueSet:
    """Read the examples of a set.

    Raises:
        UserError: a column is missing, a row is broken, a label is missing, unknown or a
            placeholder, or there is no example.
    """
    task, path = TASKS[name], source.paths[0]
    header = tables.header(path)
    columns = None if all(text in header for text in task.texts) else task.bare or None
    named = columns or header
    index = [column for column in INDICES if column in named][:1]
    if labelled and task.label not in named and not columns and "index" in named:
        raise UserError(
            f"{path} has no column {task.label}: GLUE's test sets are published without labels; "
            "score the dev set, or write predictions for the leaderboard"
        )
    wanted = (*task.texts, *index, *((task.label,) if labelled else ()))
    found = GlueSet(tuple([] for _ in task.texts), [], [])
    rows = tables.rows(path, wanted, columns=columns, broken_are_skipped=task.has_broken_rows)
    for place, (where, cells) in enumerate(rows):
        for texts, text in zip(found.texts, cells, strict=False):
            texts.append(text)
        found.indices.append(cells[len(task.texts)] if index else str(place))
        if labelled:
            found.labels.append(_label(cells[-1], task.classes, where))
    tables.check_placeholders(source, found.labels, task.classes)
    return found


def _label(text: str, classes: Sequence[str], where: str) -> float:
    if classes:
        return tables.class_of(text, classes, where)
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= HIGHEST:
        raise UserError(
            f"{where}: the similarity must be a number from 0 to {HIGHEST:g}, got {text[:40]!r}"
        )
    return value


def _places(name: str, end: str, split: Split, form: Form) -> list[Place]:
    start = f"{split}.{form}-" if form else f"{split}-"
    pattern = start + "{language}.tsv"
    within = ("", f"{name}/", f"{TASKS[name].folder}/")
    found = [Place(pattern, kind=name, publisher="ours", within=within)]
    if name == "pawsx":
        return [*found, *_pawsx(split, form)]
    if not form and split != "test":
        found.append(_place(name, split + end * (split == "dev")))
    return found


def _place(name: str, stem: str) -> Place:
    """Return a place in GLUE's folders."""
    within = ("", f"{TASKS[name].folder}/")
    return Place(f"{stem}.tsv", kind=name, publisher="glue", languages=ENGLISH, within=within)


def _pawsx(split: Split, form: Form) -> list[Place]:
    """Return the places of PAWS-X as it is published."""
    if split == "train":
        stem, kept = {"": ("train", ENGLISH), "translated": ("translated_train", PAWSX)}.get(
            form, ("", {})
        )
    else:
        stem, kept = f"{split}_2k", {} if form else ENGLISH | PAWSX
    pattern = "{language}/" + f"{stem}.tsv"
    within = [
        f"{folder}{inner}" for folder in ("", "pawsx/", "PAWS-X/") for inner in ("", "x-final/")
    ]
    return [Place(pattern, "pawsx", "pawsx", kept, within=within)] if kept else []
