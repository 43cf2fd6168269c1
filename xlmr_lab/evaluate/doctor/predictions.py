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
Of more than `ALL_ORDERS_UP_TO` labels only swaps and rotations are tried.

Shapes: N examples, C labels.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
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
        "are, so nothing was learned: lower the learning rate, warm up longer, or try more seeds",
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
    """Refuse predictions that would be far better if their labels were read in another order.

    An accuracy far below chance is one case of it: some other order is then above chance.
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
    now, then = right / total, (right + max(gains)) / total
    read = ", ".join(f"{i} as {label}" for i, label in enumerate(best) if i != label)
    return Verdict(
        name="label order",
        level="refuse",
        line=f"accuracy is {now:.1%}, and {then:.1%} if predictions are read in another order "
        f"({read}): training and test labels are numbered differently; number them alike",
        evidence={
            "accuracy": now,
            "accuracy_reordered": then,
            "p": p,
            **{f"read_{i}_as": label for i, label in enumerate(best)},
        },
    )


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
