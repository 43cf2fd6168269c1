"""What is to be known of a study's scores before they are compared: which are transfer, and which
stand beside the paper's.

A language is learned in where a training set of its own, as it was made, was learned from under the
row's protocol. A set that was translated into a language is none of its own: translate-train is
what is done without one (XLM-R Sec. 4.2), so that its scores belong with those of zero-shot
transfer. Left out: averages and intervals, which are those of whoever draws them.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from xlmr_lab.score_tables import ONE_EACH

OWN_SETS = ("each", "all")
"""Protocols that learn from every language's own training set."""
PRINTED = ("joint-dev", "per-language-dev")
"""Selections of the paper: one model for all languages, and one for each (Table 1, #M)."""


def marked(
    scores: pl.DataFrame, *, pretrained: Iterable[str], sources: Mapping[str, str]
) -> pl.DataFrame:
    """Add to scores what figures ask of each row, given the pretrained arms and the language that
    each task is learned in.

    `pretrained`: whether its arm is. `source`: whether its language is the task's, under any
    protocol, so that the languages are the same ones whatever is compared. `trained`: whether its
    language's own training set was learned from, which makes it no transfer: the source alone, but
    under `each` and `all` every language.

    >>> rows = [("nli", "alpha=0.3", protocol, "qab") for protocol in ("translate-train", "all")]
    >>> frame = pl.DataFrame(rows, ["task", "arm", "protocol", "language"], orient="row")
    >>> marked(frame, pretrained=["alpha=0.3"], sources={"nli": "qaa"})["trained"].to_list()
    [False, True]
    """
    is_source = [
        (pl.col("task") == task) & (pl.col("language") == language)
        for task, language in sources.items()
    ]
    return scores.with_columns(
        pretrained=pl.col("arm").is_in(list(pretrained)),
        source=pl.any_horizontal(pl.lit(False), *is_source),
    ).with_columns(trained=pl.col("source") | pl.col("protocol").is_in(OWN_SETS))


def as_in_print(scores: pl.DataFrame) -> pl.DataFrame:
    """Return the scores of pretrained arms whose step was chosen as in the paper's Table 1; of a
    task without such as they were chosen. A protocol with a model for each language has one way.
    """
    ours, is_printed = scores.filter("pretrained"), pl.col("selection").is_in(PRINTED)
    wanted = ours.filter(is_printed | ~is_printed.any().over("task"))
    joint, own = (pl.col("selection") == name for name in PRINTED)
    twice = joint & own.any().over("task", "protocol") & pl.col("protocol").is_in(ONE_EACH)
    return wanted.filter(~twice)


def beside(scores: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Return the scores of one study and of another below them; of the other only such as are of
    another name, so that one study beside itself, or beside its copy, is there once.

    >>> one, other = (pl.DataFrame({"study": [name]}) for name in ("tiny", "small"))
    >>> beside(one, other)["study"].to_list(), beside(one, one)["study"].to_list()
    (['tiny', 'small'], ['tiny'])
    """
    names = scores["study"].unique().to_list()
    return pl.concat([scores, others.filter(~pl.col("study").is_in(names))])


def glue_sizes(config: Mapping[str, Any]) -> dict[str, int]:
    """Return how many examples each of GLUE's tasks has by split in a study on Babel, from the
    study's settings; nothing where the tasks are read from files, whose sizes only those know.

    >>> made = {"tasks": {"glue": {"train": 4000, "dev": 400, "test": 800}}}
    >>> glue_sizes(made | {"glue": {"path": None}})["train"], glue_sizes(made | {"glue": {}})
    (4000, {'train': 4000, 'dev': 400, 'test': 800})
    >>> glue_sizes(made | {"glue": {"path": "../glue"}})
    {}
    """
    if config.get("glue", {}).get("path"):
        return {}
    return dict(config.get("tasks", {}).get("glue", {}))
