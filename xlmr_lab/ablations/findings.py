"""The paper's claims tested on the data at hand: contrast, effect, interval, verdict.

A finding's effect is signed so that the claim, as stated, is a positive number; the verdict follows
from the interval alone: supported (all of it above 0), contradicted (all below), inconclusive.
Intervals are Student's t over pretraining seeds, with the languages and tasks at hand as fixed;
fine-tuning seeds are averaged within a pretraining seed first. Held-out losses of arms are paired
by seed and language: same shards, same blocks, same masks.
"""

import dataclasses
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from xlmr_lab.intervals import Interval, mean_interval

SECTIONS = {"nli": "4.2, Table 1", "ner": "4.3, Table 2"}
METRICS = {"nli": "accuracy", "ner": "span F1"}

SUPPORTED, CONTRADICTED, INCONCLUSIVE = "supported", "contradicted", "inconclusive"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One claim and what the study says of it."""

    id: str
    claim: str
    section: str
    contrast: str
    outcome: str
    effect: float
    low: float
    high: float
    verdict: str
    num_pairs: int
    scale: str
    note: str


Row = Mapping[str, Any]


def verdict(low: float, high: float) -> str:
    """Return the verdict of an interval; one without bounds decides nothing.

    >>> verdict(0.1, 0.3), verdict(-0.1, 0.3), verdict(-0.3, -0.1), verdict(math.nan, math.nan)
    ('supported', 'inconclusive', 'contradicted', 'inconclusive')
    """
    if low > 0:
        return SUPPORTED
    return CONTRADICTED if high < 0 else INCONCLUSIVE


def alpha_tradeoff(
    heldout: Iterable[Row], tiers: Mapping[str, str], *, scale: str
) -> list[Finding]:
    """Test the two halves of F3 (XLM-R Sec. 5.1, Figure 5): what low-resource languages lose and
    high-resource ones gain.

    `heldout` has rows of arm, seed, alpha, step, language, loss (nats per masked token); the last
    step of each run counts, the lowest alpha is compared with the highest. `tiers` gives each
    language's tier: high, mid or low.
    """
    last = _last(heldout)
    alphas = sorted({alpha for alpha, *_ in last})
    if len(alphas) < 2:
        return []
    first, final = alphas[0], alphas[-1]
    rises: dict[str, dict[int, list[float]]] = {"low": defaultdict(list), "high": defaultdict(list)}
    for (alpha, seed, language), loss in last.items():
        before = last.get((first, seed, language))
        if alpha == final and before is not None and tiers.get(language) in rises:
            rises[tiers[language]][seed].append(loss - before)
    contrast = f"α {first:g} to {final:g}, the same seeds"
    told = {
        "low": ("F3-low", "low-resource languages lose as α rises", 1.0),
        "high": ("F3-high", "high-resource languages gain as α rises", -1.0),
    }
    found = []
    for tier, (name, claim, sign) in told.items():
        keys = sorted(key for key, value in tiers.items() if value == tier)
        values = [sign * _mean(by_language) for by_language in rises[tier].values()]
        found.append(
            _finding(
                mean_interval(values),
                id=name,
                claim=claim,
                section="5.1, Figure 5",
                contrast=f"{contrast}; {', '.join(keys)}",
                outcome=f"held-out loss {'risen' if sign > 0 else 'fallen'}, nats per masked token",
                scale=scale,
                note="",
            )
        )
    return found


def transfer_gain(
    scores: Iterable[Row],
    task: str,
    *,
    arm: str,
    baseline: str,
    train_language: str,
    scale: str,
    clear_at: str,
) -> Finding | None:
    """Test that pretraining makes a task learned in one language work in the others (XLM-R Sec. 4).

    The effect is the mean over the other languages of the score with pretraining less the score
    without it, for each pretraining seed over its fine-tuning seeds. `clear_at` names the scale at
    which an undecided result becomes clear.
    """
    all_rows = [row for row in scores if row["task"] == task]
    own = _by_seed([r for r in all_rows if r["language"] == train_language], arm)
    rows = [row for row in all_rows if row["language"] != train_language]
    with_, without = (_by_seed(rows, name) for name in (arm, baseline))
    seeds = sorted(set(with_) & set(without))
    if not seeds:
        return None
    interval = mean_interval([_mean(with_[seed]) - _mean(without[seed]) for seed in seeds])
    others = ", ".join(sorted({row["language"] for row in rows}))
    finetunes = len({row["finetune_seed"] for row in rows})
    levels = [_mean([v for seed in seeds for v in group[seed]]) for group in (with_, without)]
    decided = verdict(interval.low, interval.high) != INCONCLUSIVE
    return _finding(
        interval,
        id=f"transfer-{task}",
        claim=f"pretraining makes zero-shot {task.upper()} work in languages without task data",
        section=SECTIONS[task],
        contrast=f"with and without pretraining, {train_language} to {others}, "
        f"{len(seeds)} × {finetunes} seeds",
        outcome=f"zero-shot {METRICS[task]} gained ({levels[0]:.3f} with, {levels[1]:.3f} without; "
        f"{_mean([v for values in own.values() for v in values]):.3f} in {train_language})",
        scale=scale,
        note="" if decided or not clear_at else f"becomes clear at {clear_at}",
    )


def _by_seed(rows: Iterable[Row], arm: str) -> dict[int, list[float]]:
    """Return an arm's scores by pretraining seed."""
    groups: dict[int, list[float]] = defaultdict(list)
    for row in rows:
        if row["arm"] == arm:
            groups[row["seed"]].append(row["value"])
    return groups


def _finding(interval: Interval, **parts: Any) -> Finding:
    return Finding(
        effect=interval.mean,
        low=interval.low,
        high=interval.high,
        num_pairs=interval.n,
        verdict=verdict(interval.low, interval.high),
        **parts,
    )


def _last(heldout: Iterable[Row]) -> dict[tuple[float, int, str], float]:
    """Return the loss at each run's last step by (alpha, seed, language)."""
    steps: dict[tuple[float, int, str], tuple[int, float]] = {}
    for row in heldout:
        key = (row["alpha"], row["seed"], row["language"])
        if key not in steps or row["step"] > steps[key][0]:
            steps[key] = (row["step"], row["loss"])
    return {key: loss for key, (_, loss) in steps.items()}


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
