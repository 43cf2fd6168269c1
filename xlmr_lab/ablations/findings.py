"""The paper's claims tested on the data at hand: contrast, effect, interval, verdict.

A finding's effect is signed so that the claim, as stated, is a positive number; the verdict follows
from the interval alone: supported (all of it above 0), contradicted (all below), inconclusive. An
inconclusive effect leans for or against its claim where the mean and most languages agree.
Intervals are Student's t over pretraining seeds, with the languages and tasks at hand as fixed;
fine-tuning seeds are averaged within a pretraining seed first. Held-out losses of arms are paired
by seed and language: same shards, same blocks, same masks.
"""

import dataclasses
import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from xlmr_lab.intervals import Interval, mean_interval

SECTIONS = {"nli": "4.2, Table 1", "ner": "4.3, Table 2", "qa": "4.2, Table 3"}
METRICS = {"nli": "accuracy", "ner": "span F1", "qa": "F1"}
MEASURES = {"nli": "accuracy", "ner": "span_f1", "qa": "f1"}
"""The measure of a task that findings are about, as scores name it."""

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
    lean: str
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


def lean(effect: float, by_language: Sequence[float]) -> str:
    """Return where an undecided effect leans: as its mean does, if that is so in most languages.

    >>> lean(-0.2, [-0.5, -0.2, 0.1]), lean(-0.2, [-0.9, 0.1, 0.2])
    ('leans against', '')
    """
    agree = sum(value * effect > 0 for value in by_language)
    if 2 * agree <= len(by_language):
        return ""
    return "leans for" if effect > 0 else "leans against"


def alpha_tradeoff(
    heldout: Iterable[Row], tiers: Mapping[str, str], *, scale: str
) -> list[Finding]:
    """Test the two halves of F3 (XLM-R Sec. 5.1, Figure 5): what low-resource languages lose and
    high-resource ones gain.

    `heldout` has rows of arm, seed, alpha, step, language, loss (nats per masked token); the last
    step of each run counts. The highest alpha is compared with the lowest; each is also compared
    with the next, because a curve may turn between the ends. `tiers` gives each language's tier;
    without high and low ones there is nothing to trade.
    """
    last = _last(heldout)
    alphas = sorted({alpha for alpha, *_ in last})
    if len(alphas) < 2 or not {"low", "high"} <= set(tiers.values()):
        return []
    steps = list(itertools.pairwise(alphas)) if len(alphas) > 2 else []
    return [
        _alpha_finding(last, tier, pair, tiers, scale)
        for pair in ((alphas[0], alphas[-1]), *steps)
        for tier in ("low", "high")
    ]


def _alpha_finding(
    last: Mapping[tuple[float, int, str], float],
    tier: str,
    alphas: tuple[float, float],
    tiers: Mapping[str, str],
    scale: str,
) -> Finding:
    """Compare the losses of a tier at the second alpha with those at the first."""
    first, second = alphas
    sign, does, moved = (1, "lose", "risen") if tier == "low" else (-1, "gain", "fallen")
    keys = sorted(key for key, value in tiers.items() if value == tier)
    rises = {
        (seed, language): sign * (loss - last[first, seed, language])
        for (alpha, seed, language), loss in last.items()
        if alpha == second and language in keys and (first, seed, language) in last
    }
    every = {a for a, *_ in last}
    ends = f"-{first:g}-{second:g}" if alphas != (min(every), max(every)) else ""
    return _finding(
        mean_interval(_means(rises, 0)),
        _means(rises, 1),
        id=f"F3-{tier}{ends}",
        claim=f"{tier}-resource languages {does} at α = {second:g} against {first:g}",
        section="5.1, Figure 5",
        contrast=f"the same seeds; {', '.join(keys)}",
        outcome=f"held-out loss {moved}, nats per masked token",
        scale=scale,
        note="",
    )


def transfer_gain(
    scores: Iterable[Row],
    task: str,
    *,
    arm: str,
    baseline: str,
    train_language: str,
    scale: str,
    elsewhere: str,
) -> Finding | None:
    """Test that pretraining makes a task learned in one language work in the others (XLM-R Sec. 4).

    The effect is the mean over the other languages of the score with pretraining less the score
    without it, for each pretraining seed over its fine-tuning seeds. `elsewhere` says where a
    claim that is not supported is tried otherwise. Scores that the evaluation doctor refuses
    (column `refused`) count, and the finding's note says how many there are.
    """
    all_rows = [row for row in scores if row["task"] == task and row["arm"] in (arm, baseline)]
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
    supported = verdict(interval.low, interval.high) == SUPPORTED
    return _finding(
        interval,
        _gains(rows, arm, baseline),
        id=f"transfer-{task}",
        claim=f"pretraining makes zero-shot {task.upper()} work in languages without task data",
        section=SECTIONS[task],
        contrast=f"with and without pretraining, {train_language} to {others}, "
        f"{len(seeds)} × {finetunes} seeds",
        outcome=f"zero-shot {METRICS[task]} gained ({levels[0]:.3f} with, {levels[1]:.3f} without; "
        f"{_mean([v for values in own.values() for v in values]):.3f} in {train_language})",
        scale=scale,
        note="; ".join(filter(None, (refused(rows), "" if supported else elsewhere))),
    )


def refused(rows: Sequence[Row]) -> str:
    """Say how many of the scores that a finding is built on the evaluation doctor refuses, and why;
    nothing where it refuses none.

    >>> refused([{"arm": "a", "refused": "one-class collapse"}, {"arm": "a", "refused": ""}])
    'the evaluation doctor refuses 1 of its 2 scores (one-class collapse), 1 of a'
    """
    found = [row for row in rows if row.get("refused")]
    if not found:
        return ""
    names = sorted({name for row in found for name in row["refused"].split(", ")})
    arms = Counter(row["arm"] for row in found)
    told = " and ".join(f"{count:,} of {arm}" for arm, count in arms.items())
    total = f"{len(found):,} of its {len(rows):,} scores"
    return f"the evaluation doctor refuses {total} ({', '.join(names)}), {told}"


def _gains(rows: Sequence[Row], arm: str, baseline: str) -> list[float]:
    """Return by how much an arm's mean score exceeds the baseline's in each language."""
    groups: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in rows:
        groups[row["language"], row["arm"]].append(row["value"])
    languages = sorted({language for language, _ in groups})
    return [_mean(groups[key, arm]) - _mean(groups[key, baseline]) for key in languages]


def _by_seed(rows: Iterable[Row], arm: str) -> dict[int, list[float]]:
    """Return an arm's scores by pretraining seed."""
    groups: dict[int, list[float]] = defaultdict(list)
    for row in rows:
        if row["arm"] == arm:
            groups[row["seed"]].append(row["value"])
    return groups


def _finding(interval: Interval, by_language: Sequence[float], **parts: Any) -> Finding:
    decided = verdict(interval.low, interval.high)
    return Finding(
        effect=interval.mean,
        low=interval.low,
        high=interval.high,
        num_pairs=interval.n,
        verdict=decided,
        lean=lean(interval.mean, by_language) if decided == INCONCLUSIVE else "",
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


def _means(values: Mapping[tuple[int, str], float], part: int) -> list[float]:
    """Return the means of the values whose keys agree in one part, in the order they come."""
    groups: dict[int | str, list[float]] = defaultdict(list)
    for key, value in values.items():
        groups[key[part]].append(value)
    return [_mean(group) for group in groups.values()]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
