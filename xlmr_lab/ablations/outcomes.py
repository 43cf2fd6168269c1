"""What was measured in a campaign, looked up by the terms of contrasts.

Rows are those of a run folder's heldout.jsonl, words.jsonl and scores.jsonl, each with its cell. A
value is found for each pretraining seed and, where models were fine-tuned, each fine-tuning seed.
Left out: answers to questions in another language than their text (MLQA's pairs), which no contrast
is about.
"""

import dataclasses
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from xlmr_lab.ablations.grid import BEST, HELDOUT, WORDS, Outcome, Term

Row = Mapping[str, Any]

BASELINES = ("no-pretraining", "bilstm-crf")
"""Arms of scores that are no pretrained model's."""

Key = tuple[str, Outcome]
"""Name of a cell, and what is measured of it."""
Run = tuple[int, int | None]
"""Pretraining seed and fine-tuning seed."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """All values of a campaign."""

    table: Mapping[Key, Mapping[Run, Mapping[str, float]]]
    """By cell and outcome: {run: {language: value}}."""
    refused: Mapping[Key, Mapping[Run, Mapping[str, str]]]
    """The same of scores that the evaluation doctor refuses: the names of its checks."""

    def refusals(self, term: Term) -> tuple[int, int, set[str]]:
        """Return how many of a term's values the evaluation doctor refuses, of how many, and the
        names of its checks."""
        key = term.cell, term.outcome
        runs, refused = self.table.get(key, {}), self.refused.get(key, {})
        values = [
            refused.get(run, {}).get(language, "")
            for run, own in runs.items()
            for language in own
            if term.language in ("", language)
        ]
        return sum(map(bool, values)), len(values), {n for v in values if v for n in v.split(", ")}

    def values(self, term: Term) -> dict[int, list[float]]:
        """Return the values of each pretraining seed's fine-tuning seeds; a held-out loss is one.

        Without a language a value is the mean over the languages that the outcome has in the cell,
        of the runs that have all of them.
        """
        runs = self.table.get((term.cell, term.outcome), {})
        every = sorted({language for own in runs.values() for language in own})
        wanted = [term.language] if term.language else every
        found: dict[int, list[float]] = defaultdict(list)
        for (seed, _), own in sorted(runs.items(), key=lambda item: _order(item[0])):
            if all(language in own for language in wanted):
                found[seed].append(math.fsum(own[key] for key in wanted) / len(wanted))
        return dict(found)


def measured(heldout: Iterable[Row], scores: Iterable[Row], words: Iterable[Row] = ()) -> Measured:
    """Gather the rows of a run folder. Values that are absent or not finite are left out.

    Of held-out losses, as minus bits per byte, the last step of each run counts, and as another
    outcome the best of each language; of those of whole words likewise there is one; of scores,
    which are shares, those of a test set count before those of a dev set.
    """
    table: dict[Key, dict[Run, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    refused: dict[Key, dict[Run, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    losses = list(heldout)
    for outcome, rows in ((HELDOUT, _last(losses)), (BEST, losses), (WORDS, words)):
        for row in rows:
            if _is_number(row["bits_per_byte"]):
                own, value = table[row["cell"], outcome][row["seed"], None], -row["bits_per_byte"]
                own[row["language"]] = max(value, own.get(row["language"], value))
    for row in sorted(scores, key=lambda row: row.get("split") == "test"):
        asked = row.get("question_language") or row["language"]
        if _is_number(row["value"]) and asked == row["language"]:
            key, run = (row["cell"], _outcome(row)), (row["seed"], row["finetune_seed"])
            table[key][run][row["language"]] = row["value"]
            refused[key][run][row["language"]] = row.get("refused", "")
    return Measured(table=table, refused=refused)


def _outcome(row: Row) -> Outcome:
    return Outcome(
        kind="score",
        task=row["task"],
        metric=row["metric"],
        protocol=row["protocol"],
        selection=row["selection"],
        arm=row["arm"] if row["arm"] in BASELINES else "",
    )


def _last(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of the last step of each cell's run."""
    steps: dict[tuple[str, int], int] = {}
    for row in rows:
        run = row["cell"], row["seed"]
        steps[run] = max(steps.get(run, 0), row["step"])
    return [row for row in rows if row["step"] == steps[row["cell"], row["seed"]]]


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _order(run: Run) -> tuple[int, int]:
    seed, finetune_seed = run
    return seed, -1 if finetune_seed is None else finetune_seed
