"""Checks of predictions against gold labels: collapse, skew, and labels in another order.

Users of XNLI report 33.3 %, one class for everything, and labels of one data set read in the order
of another. A low score alone proves none of it, so each statistical check has a null hypothesis
under which it speaks with a chance of `ALPHA` at most, corrected for how much it tries:

- collapse: predictions are drawn from the distribution of the gold labels;
- skew: a label is predicted as often as it is gold (McNemar's exact test of its two margins);
- label order: predictions have nothing to do with the gold labels. What another order gains is
  compared with what the shares of labels alone would let it gain, so that a model that prefers a
  rare label is not taken for one (variance of a linear permutation statistic, Hoeffding 1951).

Skew and label order must be large as well, for with many examples any model has a little of them.
Of more than `ALL_ORDERS_UP_TO` labels only swaps and rotations are tried. Another order that gains
is no proof of labels that are numbered otherwise: a model that transfers badly confuses labels
systematically too. So it is a flag unless it is sure (`label_order`).

Shapes: N examples, C labels.
"""

import dataclasses
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from xlmr_lab.evaluate.doctor.verdict import ALPHA, Verdict
from xlmr_lab.intervals import binomial_tail

Labels = npt.NDArray[np.integer[Any]]
Numbers = npt.NDArray[np.floating[Any]]

LEAST_SKEW = 0.1
"""Share of the examples by which a label is predicted too often or too rarely to be flagged."""

LEAST_GAIN = 0.1
"""Accuracy that another order of the labels must gain to be told."""

LABEL_ORDER = "label order"
"""Name of the check of the labels' order."""

ALL_ORDERS_UP_TO = 6
"""Labels up to which every order is tried."""

CONSTANT = 1e-3
"""Predicted numbers that spread less than this share of the gold numbers' spread are constant."""


def not_finite(logits: Numbers) -> Verdict | None:
    """Refuse logits [N, C] that are infinite or not a number."""
    num_broken = int((~np.isfinite(logits)).any(axis=-1).sum())
    if not num_broken:
        return None
    return Verdict(
        name="not finite",
        level="refuse",
        line=f"{num_broken:,} of {len(logits):,} predictions are infinite or not a number: lower "
        "the learning rate",
        evidence={"num_broken": num_broken, "num_predictions": len(logits)},
    )


def one_class_collapse(predicted: Labels, gold: Labels, num_labels: int) -> Verdict | None:
    """Refuse predictions [N] that are all one label where gold labels [N] are not."""
    label, total = int(predicted[0]), len(predicted)
    share = float(np.mean(gold == label))
    chance = min(1.0, num_labels * share**total)
    if not (predicted == label).all() or chance >= ALPHA:
        return None
    return Verdict(
        name="one-class collapse",
        level="refuse",
        line=f"all {total:,} predictions are label {label}, which {share:.1%} of the gold labels "
        "are, so nothing was learned: train longer, lower the learning rate, or try more seeds",
        evidence={"label": label, "gold_share": share, "num_predictions": total, "p": chance},
    )


def skewed_predictions(predicted: Labels, gold: Labels, num_labels: int) -> Verdict | None:
    """Flag predictions that have a label far more or less often than the gold labels have it."""
    shifts = _shares(predicted, num_labels) - _shares(gold, num_labels)
    label = int(np.abs(shifts).argmax())
    num_more = int(((predicted == label) & (gold != label)).sum())
    num_less = int(((predicted != label) & (gold == label)).sum())
    tail = binomial_tail(max(num_more, num_less), num_more + num_less, 0.5)
    p = min(1.0, 2 * num_labels * tail)
    if abs(shifts[label]) < LEAST_SKEW or p >= ALPHA:
        return None
    ours, theirs = float(np.mean(predicted == label)), float(np.mean(gold == label))
    return Verdict(
        name="skewed predictions",
        level="flag",
        line=f"label {label} is predicted for {ours:.1%} of {len(gold):,} examples and is gold for "
        f"{theirs:.1%}: look at the scores of each label",
        evidence={"label": label, "predicted_share": ours, "gold_share": theirs, "p": p},
    )


def label_order(predicted: Labels, gold: Labels, num_labels: int) -> Verdict | None:
    """Flag predictions that would be better if their labels were read in another order, and refuse
    them where that is sure.

    It is sure where, of the examples whose label the other order changes, so many become right that
    the other order is more than halfway from their commonest gold label to perfect (a binomial
    test). As they are, most of those are then wrong, fewer right than by always saying one label.
    Training and test labels that are numbered differently look like that once a model has learned
    the task; zero-shot transfer that confuses two labels does not (37.9 % of code-switched XNLI
    right, and 52.0 % with two labels swapped, is flagged). False alarms: predictions that have
    nothing to do with the gold labels are flagged with a chance of `ALPHA` at most, and a model of
    which no order is expected to be right more than halfway is refused with a chance of `ALPHA` at
    most, however much it gains; both are corrected for the number of orders. What a flag leaves
    open, the set of the language learned in can settle (looks.py).
    """
    counts = np.zeros((num_labels, num_labels))  # predicted, gold
    np.add.at(counts, (predicted, gold), 1)
    total, right = counts.sum(), float(np.trace(counts))
    orders = list(_orders(num_labels))
    gains = [float(counts[range(num_labels), order].sum()) - right for order in orders]
    if not orders or max(gains) < LEAST_GAIN * total:
        return None
    best = orders[int(np.argmax(gains))]
    p = min(1.0, len(orders) * _chance_of_gain(counts, best))
    if p >= ALPHA:
        return None
    p_weak = min(1.0, len(orders) * _chance_of_half(counts, best))
    now, then = right / total, (right + max(gains)) / total
    order = {f"read_{i}_as": float(label) for i, label in enumerate(best)}
    evidence = {"accuracy": now, "accuracy_reordered": then, "p": p, "p_weak": p_weak, **order}
    weak = Verdict(
        name=LABEL_ORDER,
        level="flag",
        line=f"accuracy is {now:.1%}, and {then:.1%} if predictions are read in another order "
        f"({_read(evidence)}): weak transfer can do that, and labels numbered differently; look at "
        "the labels of both files",
        evidence=evidence,
    )
    return sure_order(weak) if p_weak < ALPHA else weak


def sure_order(weak: Verdict) -> Verdict:
    """Return the refusal that a flag of `label_order` becomes."""
    now, then = (weak.evidence[name] for name in ("accuracy", "accuracy_reordered"))
    return dataclasses.replace(
        weak,
        level="refuse",
        line=f"accuracy is {now:.1%}, and {then:.1%} if predictions are read in another order "
        f"({_read(weak.evidence)}): training and test labels are numbered differently; number them "
        "alike",
    )


def same_order(first: Verdict, second: Verdict) -> bool:
    """Tell whether two verdicts are of the same other order of labels."""
    return _order(first.evidence) == _order(second.evidence)


def _order(evidence: Mapping[str, float]) -> dict[str, float]:
    return {name: label for name, label in evidence.items() if name.startswith("read_")}


def _read(evidence: Mapping[str, float]) -> str:
    """Return the labels that another order changes, as a line tells them."""
    places = list(_order(evidence).values())
    return ", ".join(f"{i} as {label:.0f}" for i, label in enumerate(places) if i != label)


def constant_predictions(predicted: Numbers, gold: Numbers) -> Verdict | None:
    """Refuse predicted numbers [N] that are all the same where gold numbers [N] are not."""
    ours, theirs = float(np.std(predicted)), float(np.std(gold))
    if theirs == 0 or ours >= CONSTANT * theirs:
        return None
    mean = float(np.mean(predicted))
    return Verdict(
        name="constant predictions",
        level="refuse",
        line=f"all {len(gold):,} predictions are about {mean:.3g}, and gold numbers spread by "
        f"{theirs:.3g}: the model learned nothing; lower the learning rate or try more seeds",
        evidence={"mean": mean, "spread": ours, "gold_spread": theirs},
    )


def _shares(labels: Labels, num_labels: int) -> Numbers:
    return np.bincount(labels, minlength=num_labels) / len(labels)


def _orders(num_labels: int) -> Iterable[Sequence[int]]:
    """Yield the orders of labels that are tried, but for the one that is there.

    >>> list(_orders(2)), len(list(_orders(3))), len(list(_orders(8)))
    ([(1, 0)], 5, 35)
    """
    own = tuple(range(num_labels))
    if num_labels <= ALL_ORDERS_UP_TO:
        yield from (order for order in itertools.permutations(own) if order != own)
        return
    yield from (own[i:] + own[:i] for i in range(1, num_labels))
    for i, j in itertools.combinations(own, 2):
        swapped = list(own)
        swapped[i], swapped[j] = j, i
        yield tuple(swapped)


def _chance_of_gain(counts: Numbers, order: Sequence[int]) -> float:
    """Return the chance of a gain as large as that of an order, where predictions and gold labels
    with these shares (of `counts`, predicted by gold) have nothing to do with each other."""
    size, total = len(counts), counts.sum()
    gain = np.zeros((size, size))
    gain[range(size), order] += 1
    gain[range(size), range(size)] -= 1
    ours, theirs = counts.sum(1), counts.sum(0)
    means = (gain @ theirs)[:, None] / total + (ours @ gain) / total
    centred = gain - means + ours @ gain @ theirs / total**2
    variance = float(ours @ centred**2 @ theirs) / max(1.0, total - 1)
    excess = float((gain * counts).sum() - ours @ gain @ theirs / total)
    if variance <= 0:
        return 1.0
    return math.erfc(excess / math.sqrt(2 * variance)) / 2


def _chance_of_half(counts: Numbers, order: Sequence[int]) -> float:
    """Return the chance that so many of the examples whose label an order changes are right in it
    where it is right halfway from their commonest gold label to perfect."""
    moved = [i for i, label in enumerate(order) if i != label]
    own = counts[moved]
    number, right = int(own.sum()), int(own[range(len(moved)), [order[i] for i in moved]].sum())
    halfway = (1 + float(own.sum(0).max()) / number) / 2
    return binomial_tail(right, number, halfway) if halfway < 1 else 1.0
