"""The paper's claims as a campaign tested them, in tables and words: the verdict on each claim, and
every contrast with all that is known of it.

Each contrast is judged by itself at 95 %, so of many that are true of nothing some are decided all
the same. How many is said, and what is left where all contrasts are held to 95 % together (Holm's
method). Contrasts that stand beside a claim are no part of either count.
"""

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from xlmr_lab import intervals
from xlmr_lab.figures import theme
from xlmr_lab.figures.findings import unbroken
from xlmr_lab.figures.tables import Table, show, with_interval
from xlmr_lab.figures.theme import lettered
from xlmr_lab.intervals import MOST_SEEDS

LEVEL = 0.05
"""Chance of a false decision that a verdict bears."""
DECIDED = ("supported", "contradicted")
VERDICTS = (*DECIDED, "inconclusive")
CLAIM_VERDICTS = {
    "supported": "supported",
    "contradicted": "contradicted",
    "mixed": "mixed (parts supported, others contradicted)",
    "inconclusive": "inconclusive",
}
"""Verdicts on claims, and how they are counted in a sentence."""
NOTHING = "No claim was tested."
SPACE = "\u00a0"


def judged(conclusions: pl.DataFrame) -> pl.DataFrame:
    """Return conclusions with `together`: the p-value of each effect against 0, Holm-adjusted for
    all that are part of a claim; null where there is no interval, and beside a claim.
    """
    columns = conclusions.select("effect", "low", "high", "num_seeds", "aside").fill_null(math.nan)
    tests = [math.nan if aside else intervals.p_value(*row) for *row, aside in columns.iter_rows()]
    together = pl.Series(intervals.holm(tests), dtype=pl.Float64).fill_nan(None)
    return conclusions.with_columns(together=together)


def words(conclusions: pl.DataFrame) -> str:
    """Say in Markdown how many claims are decided, and how far that many verdicts can be trusted
    together.
    """
    if conclusions.is_empty():
        return NOTHING
    found = conclusions.unique("claim", maintain_order=True)["claim_verdict"].to_list()
    parts = [f"{found.count(v)} {told}" for v, told in CLAIM_VERDICTS.items() if v in found]
    decided = sum(found.count(verdict) for verdict in DECIDED)
    own = judged(conclusions).filter(~pl.col("aside"))
    tests = own.filter(pl.col("together").is_not_null())
    count = len(tests.filter(pl.col("verdict").is_in(DECIDED)))
    kept = len(tests.filter(pl.col("together") <= LEVEL))
    chance = theme.significant(LEVEL * len(tests))
    return (
        f"**{decided} of {len(found)} tested claims are decided**: {_listed(parts)}. "
        f"They rest on {len(own)} contrasts, {len(tests)} of them with an interval, {count} "
        f"decided. Each is judged by itself at 95{SPACE}%, without correction: if nothing were "
        f"true (every effect just 0), {chance} of them on average would be decided all the same. "
        f"Where all are to hold together (Holm's method: one false decision or more in at most one "
        f"of twenty such studies), {kept} of the {count} would remain."
    )


def verdicts(conclusions: pl.DataFrame) -> Table:
    """Show the verdict on each claim, and how many of its contrasts came out how."""
    if conclusions.is_empty():
        return show(pl.DataFrame({"claims": [NOTHING]}))
    own = judged(conclusions).filter(~pl.col("aside"))
    kept = (pl.col("verdict").is_in(DECIDED) & (pl.col("together") <= LEVEL)).sum()
    found = own.group_by("claim", maintain_order=True).agg(
        pl.col("title", "claim_verdict", "section", "stand_in").first(), "verdict", kept=kept
    )
    rows = found.to_dicts()
    columns = {
        "claim": [_wide(f"{row['claim']}: {row['title']}", 38) for row in rows],
        "verdict": [row["claim_verdict"] for row in rows],
        "its contrasts": [_counted(row["verdict"]) for row in rows],
        "decided together": [f"{row['kept']} of {len(row['verdict'])}" for row in rows],
        "XLM-R Sec.": [re.sub(r"(?<=[a-z]) ", SPACE, row["section"]) for row in rows],
        "what stands for the paper's setting": [_wide(row["stand_in"], 38) for row in rows],
    }
    shown = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    caption = (
        "Supported: every contrast is; contradicted: one is and none is supported; mixed: there "
        "are both; else inconclusive. Decided together: with all contrasts of all claims held to "
        f"95{SPACE}% at once (Holm)."
    )
    return show(shown, caption)


def details(conclusions: pl.DataFrame, *, claims: Sequence[str] = ()) -> Table:
    """Show every contrast, of all claims or of some: effect and intervals, verdict, the paper's
    numbers, what it would take to decide it, what makes up the spread, and what is missing, if
    anything is. Corrections are for all claims, whichever are shown.

    `least`: the effect that as many seeds decide in four of five studies, in the effect's unit;
    `takes`: seeds that would decide an effect as large as the one seen; `s. d.`: standard
    deviations of the effect from one pretraining seed, fine-tuning seed and language to another.
    """
    frame = judged(conclusions) if len(conclusions) else conclusions
    if claims:
        frame = frame.filter(pl.col("claim").is_in(list(claims)))
    if frame.is_empty():
        return show(pl.DataFrame({"contrasts": [NOTHING]}))
    rows = frame.to_dicts()
    columns = {
        "contrast": [_named(row) for row in rows],
        f"effect [95{SPACE}%]": _effects(frame),
        "verdict": [_verdict(row) for row in rows],
        "in the paper": [_wide(row["paper"], 24) or None for row in rows],
        "languages too": [_bounds(row) for row in rows],
        "p, together": [_p_value(row["together"]) for row in rows],
        "seeds": [f"{row['num_seeds']}" for row in rows],
        "takes": [_seeds(row) for row in rows],
        "least": [_significant(row["detectable"]) for row in rows],
        "languages": [f"{row['num_languages']}" for row in rows],
        "s. d.": [_spread(row) for row in rows],
        "missing": [_wide(row["note"], 30) or None for row in rows],
    }
    shown = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    if shown["missing"].null_count() == len(shown):
        shown = shown.drop("missing")
    return show(shown, "Effects are positive as the claim says; see the text for the columns.")


def missing(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Show what cells should have and have not, one row for each cell and stage."""
    if not rows:
        told = "nothing is missing: every cell has all its runs and scores"
        return show(pl.DataFrame({"missing": [told]}))
    frame = pl.DataFrame([dict(row) for row in rows])
    grouped = frame.group_by("cell", "stage", maintain_order=True).agg(pl.col("why").str.join("; "))
    return show(grouped.rename({"why": "what"}), "What is known of these cells lacks some values.")


def _named(row: Mapping[str, Any]) -> str:
    beside = " (beside the claim)" * row["aside"]
    return _wide(f"{row['contrast']}: {row['says']}{beside}", 32)


def _effects(frame: pl.DataFrame) -> list[str | None]:
    told = with_interval(frame.with_columns(pl.col("effect").fill_null(math.nan)), "effect")
    known = frame.select("effect", "unit").iter_rows()
    return [
        f"{text} {unit.replace(' ', SPACE)}" if effect is not None else None
        for text, (effect, unit) in zip(told, known, strict=True)
    ]


def _bounds(row: Mapping[str, Any]) -> str | None:
    if row["languages_low"] is None or row["effect"] is None:
        return None
    told = intervals.told(row["effect"], row["languages_low"], row["languages_high"])
    return lettered(told.partition(" ")[2]).replace(" ", SPACE)


def _verdict(row: Mapping[str, Any]) -> str:
    if row["effect"] is None:
        return "not known"
    return ", ".join(filter(None, (row["verdict"], row["lean"])))


def _p_value(value: float | None) -> str | None:
    if value is None:
        return None
    return f"<{SPACE}0.001" if value < 0.001 else theme.significant(value)


def _significant(value: float | None) -> str | None:
    return None if value is None else theme.significant(value)


def _seeds(row: Mapping[str, Any]) -> str | None:
    """Return how many seeds would decide what is not decided."""
    if row["verdict"] in DECIDED or row["effect"] is None:
        return None
    if row["num_seeds"] < 2:
        return "2 or more"
    needed = row["seeds_needed"]
    return f"over{SPACE}{MOST_SEEDS:,}" if needed is None else f"{needed:,}"


def _spread(row: Mapping[str, Any]) -> str | None:
    names = ("pretraining_std", "finetuning_std", "languages_std")
    told = [_significant(row[name]) or "\u2013" for name in names]
    return f" /{SPACE}".join(told) if row["effect"] is not None else None


def _counted(verdicts: Sequence[str]) -> str:
    """Count verdicts.

    >>> _counted(["supported", "inconclusive", "supported"])
    '2\\xa0supported, 1\\xa0inconclusive'
    """
    counts = ((verdicts.count(name), name) for name in VERDICTS)
    return ", ".join(f"{number}{SPACE}{name}" for number, name in counts if number)


def _wide(text: str, letters: int) -> str:
    """Keep so many letters on a line, so that a column of text is not squeezed by others."""
    lines = textwrap.wrap(unbroken(text), letters, break_on_hyphens=False)
    return " ".join(line.replace(" ", SPACE) for line in lines)


def _listed(parts: Sequence[str]) -> str:
    """Join parts as a sentence does.

    >>> _listed(["1 a", "2 b", "3 c"]), _listed(["1 a"])
    ('1 a, 2 b and 3 c', '1 a')
    """
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
