"""What the evaluation doctor says of a study's scores, as a table: refusals first.

A refused number does not say what it is shown for, such as an accuracy of one class for everything;
a flagged one is to be read with care. Which checks there are is told by `evaluate.doctor`.
"""

import polars as pl

from xlmr_lab.figures.tables import Table, show
from xlmr_lab.figures.theme import lettered

MODEL = ("task", "arm", "seed", "finetune_seed", "train")
"""Columns of looks that name a fine-tuned model."""
STUDY = "study"
"""Column of the study's name."""
KIND = ("task", "level", "name")
LEVELS = {"refuse": "refused", "flag": "flagged"}


def table(verdicts: pl.DataFrame, looks: pl.DataFrame) -> Table:
    """Show each kind of verdict on a task once: how often it was found, in how many sets, of which
    arms, and the first of them in words.

    `verdicts` and `looks` are those of a study, or of several below one another, whose verdicts are
    then told apart; sets are counted for each fine-tuned model anew.
    """
    number = examined(looks)
    if not number and verdicts.is_empty():
        told = "nothing is known: the study keeps no verdicts, which `./lab evaluate` makes"
        return show(pl.DataFrame({"the evaluation doctor": [told]}))
    if verdicts.is_empty():
        told = f"nothing was flagged of {number:,} sets examined"
        return show(pl.DataFrame({"the evaluation doctor": [told]}))
    ordered = verdicts.sort(pl.col("level") != "refuse", maintain_order=True)
    several = [STUDY] * (verdicts[STUDY].n_unique() > 1)
    kinds = ordered.group_by(*several, *KIND, maintain_order=True).agg(
        times=pl.len(),
        sets=pl.col("set").n_unique(),
        arms=pl.col("arm").unique(maintain_order=True).str.join(", "),
        first=pl.concat_str(pl.col("set").first(), pl.lit(": "), pl.col("line").first()),
    )
    shown = kinds.select(
        *several,
        "task",
        pl.col("level").replace(LEVELS).alias("verdict"),
        pl.col("name").alias("of"),
        "times",
        "sets",
        pl.Series("arms", [lettered(arms) for arms in kinds["arms"]], dtype=pl.String),
        pl.col("first").alias("the first of them"),
    )
    caption = f"{number:,} sets of fine-tuned models were examined. "
    return show(shown, caption + "Refused: not what it is shown for; flagged: read with care.")


def examined(looks: pl.DataFrame) -> int:
    """Return how many sets were scored, and so examined, each fine-tuned model's by itself."""
    names = [name for name in (STUDY, *MODEL, "set") if name in looks.columns]
    return looks.filter(kind="scored").n_unique(names) if len(looks) else 0


def told(scores: pl.DataFrame) -> str:
    """Say how many scores of a frame with a column `refused` the doctor refuses, as a caption does;
    nothing where it refuses none, or the frame does not tell.

    >>> told(pl.DataFrame({"refused": ["one-class collapse", ""]}))
    'the evaluation doctor refuses 1 of 2 scores (one-class collapse)'
    """
    if "refused" not in scores.columns:
        return ""
    found = scores.filter(pl.col("refused") != "")["refused"]
    if found.is_empty():
        return ""
    names = ", ".join(sorted(set(", ".join(found).split(", "))))
    return f"the evaluation doctor refuses {len(found):,} of {len(scores):,} scores ({names})"
