"""Which scores a figure is of, and the words for it: task, protocol, selection, measure.

Questions in another language than their context are left out: they are a matrix and no row.
"""

from collections.abc import Collection, Iterable

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.errors import UserError
from xlmr_lab.figures import theme

TASKS = {
    "nli": "natural language inference",
    "ner": "named-entity recognition",
    "qa": "question answering",
    "glue-cola": "CoLA",
    "glue-sst2": "SST-2",
    "glue-mrpc": "MRPC",
    "glue-qqp": "QQP",
    "glue-stsb": "STS-B",
    "glue-mnli": "MNLI",
    "glue-mnli-mm": "MNLI, mismatched",
    "glue-qnli": "QNLI",
    "glue-rte": "RTE",
    "glue-wnli": "WNLI",
    "glue-pawsx": "PAWS-X",
}
METRICS = {
    "accuracy": "accuracy",
    "span_f1": "span F1",
    "f1": "F1",
    "exact_match": "exact match",
    "matthews": "Matthews correlation",
    "pearson": "Pearson correlation",
    "spearman": "Spearman correlation",
}
MEASURES = {"ner": "span_f1", "qa": "f1", "glue-cola": "matthews", "glue-stsb": "pearson"}
"""The measure that a task is known by, where that is not accuracy."""
CORRELATIONS = ("matthews", "pearson", "spearman")
"""Measures in [-1, 1]; the others are in [0, 1]."""
PROTOCOLS = (
    *("zero-shot", "translate-test", "translate-train", "translate-train-all"),
    *("each", "all"),
)
"""The paper's protocols, of Tables 1 and 2; a study may have others."""
LEARNED = {
    "zero-shot": "Fine-tuned on {}, which stands first",
    "translate-test": "Fine-tuned on {}, which stands first; other test sets are put into it",
    "translate-train": "A model for each language, of {}'s training set put into it",
    "translate-train-all": "One model, of {}'s training set put into all languages",
    "each": "A model for each language, of its own training set",
    "all": "One model, of all languages' own training sets",
}
"""What was learned from under a protocol, given the name of the language with the training set."""
CUT = "intervals cut at {} and 1"
GLUE = "GLUE's tasks"
PLAIN = "last"
"""The selection that looks at no dev set."""


def within_bounds(rows: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Cut the intervals of scores at the bounds of their measure, column metric, which Student's t
    does not know; also say which were cut, if any.
    """
    low, correlated = pl.col("low"), pl.col("metric").is_in(CORRELATIONS)
    least = pl.when(correlated).then(-1.0).otherwise(0.0)
    out = rows.filter((low < least) | (pl.col("high") > 1))
    cut = [
        theme.lettered(CUT.format(said))
        for said, some in (("0", out.filter(~correlated)), ("-1", out.filter(correlated)))
        if len(some)
    ]
    rows = rows.with_columns(pl.when(low < least).then(least).otherwise(low).alias("low"))
    return rows.with_columns(pl.col("high").clip(None, 1)), ", ".join(cut)


def in_order_of_print(names: Iterable[str]) -> list[str]:
    """Return protocols in the order of every figure: the paper's, then others by name.

    >>> in_order_of_print(["code-switched", "all", "zero-shot"])
    ['zero-shot', 'all', 'code-switched']
    """
    known = {name: place for place, name in enumerate(PROTOCOLS)}
    return sorted(set(names), key=lambda name: (known.get(name, len(known)), name))


def not_of_print(names: Iterable[str]) -> str:
    """Say which protocols are none of the paper's; nothing where all are.

    >>> not_of_print(["zero-shot", "crossed", "code-switched"])
    'Not of the paper: code-switched, crossed'
    """
    others = [name for name in in_order_of_print(names) if name not in PROTOCOLS]
    return f"Not of the paper: {', '.join(others)}" if others else ""


def transfer_only(part: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Return the rows of languages whose own training set was not learned from, and what to call
    those languages; all of them where every one was learned from.
    """
    others = part.filter(~pl.col("trained"))
    if others.is_empty():
        return part, "all languages, each learned from its own training set"
    return others, "the languages whose own training set was not learned from"


def own_questions(scores: pl.DataFrame) -> pl.DataFrame:
    """Return scores without those of questions in another language than their context."""
    question = pl.col("question_language")
    return scores.filter((question == "") | (question == pl.col("language")))


def of_task(scores: pl.DataFrame, task: str, metric: str = "") -> pl.DataFrame:
    """Return the scores of a task by one measure, of all protocols and selections.

    Raises:
        UserError: there is no such task, or it has no such measure.
    """
    if task not in TASKS:
        raise UserError(f"task must be one of {', '.join(TASKS)}, got {task!r}")
    part = own_questions(scores.filter(pl.col("task") == task))
    known = sorted(part["metric"].unique().to_list())
    if metric and known and metric not in known:
        raise UserError(f"metric must be one of {', '.join(known)}, got {metric!r}")
    return part.filter(pl.col("metric") == (metric or MEASURES.get(task, "accuracy")))


def selected(part: pl.DataFrame, selection: str = "") -> pl.DataFrame:
    """Return the scores of one selection: `last` where there is that, else the first by name, if
    none is named.

    Raises:
        UserError: there is no such selection.
    """
    known = sorted(part["selection"].unique().to_list())
    if selection and known and selection not in known:
        raise UserError(f"selection must be one of {', '.join(known)}, got {selection!r}")
    taken = selection or (PLAIN if PLAIN in known else "".join(known[:1]))
    return part.filter(pl.col("selection") == taken)


def chosen(
    scores: pl.DataFrame, task: str, protocol: str, selection: str, metric: str
) -> pl.DataFrame:
    """Return the scores of a task under one protocol, selection and measure; see `by_language`."""
    part = of_task(scores, task, metric).filter(pl.col("protocol") == protocol)
    return selected(part, selection)


def source(part: pl.DataFrame) -> str:
    """Return the language that the task is learned in, as an axis of languages has it."""
    languages = theme.labelled(part.select("language", "name", "source").unique())
    return ", ".join(languages.filter("source")["label"])


def told_seeds(part: pl.DataFrame) -> str:
    """Say what was learned from, and over which seeds the means and intervals are."""
    protocol, learned_in = part["protocol"][0], source(part)
    learned = LEARNED[protocol].format(learned_in) if learned_in and protocol in LEARNED else ""
    return (
        f"{learned}{'<br>' if learned else ''}Mean over {part['seed'].n_unique()} pretraining "
        f"seeds with {part['finetune_seed'].n_unique()} fine-tuning seeds each,<br>"
        "95\u00a0% intervals over the former"
    )


def missing(task: str, protocol: str) -> str:
    """Say in lines which scores are not there, and what makes them; `task` may be glue, for all of
    GLUE's.
    """
    section, named = task.partition("-")[0], TASKS.get(task, GLUE)
    return (
        f"This study has no {protocol} scores for {named};<br>./lab evaluate name=NEW "
        f"evaluated={section}<br>{section}.protocols={protocol} makes them "
        f"(on your own text with {section}.path=FOLDER)"
    )


def lacking(scores: pl.DataFrame, there: Collection[str], task: str, protocol: str) -> list[str]:
    """Say of each study in scores that is not among those there that it has none of a task, and
    what makes them.

    >>> lacking(pl.DataFrame({"study": ["tiny", "small"]}), ["small"], "qa", "zero-shot")
    ['tiny has none: ./lab evaluate name=NEW evaluated=qa qa.protocols=zero-shot makes them']
    """
    section = task.partition("-")[0]
    call = f"./lab evaluate name=NEW evaluated={section} {section}.protocols={protocol}"
    names = scores["study"].unique(maintain_order=True)
    return [f"{name} has none: {call} makes them" for name in names if name not in there]


def nothing(task: str, protocol: str) -> go.Figure:
    """Return a figure that says which scores are not there, and what makes them."""
    title = f"{capital(TASKS[task])}, {protocol}"
    return theme.empty(missing(task, protocol), title=title, height=170)


def way(part: pl.DataFrame) -> str:
    """Return the protocol of scores, and their selection where that is not the plain one."""
    protocol, selection = part["protocol"][0], part["selection"][0]
    return protocol if selection == PLAIN else f"{protocol}, {selection}"


def capital(text: str) -> str:
    """Return text that begins a sentence."""
    return text[:1].upper() + text[1:]
