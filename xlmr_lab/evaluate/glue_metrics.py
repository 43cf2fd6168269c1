"""The metrics of GLUE's tasks, and the average of XLM-R Table 4.

Each task has GLUE's metrics, those of Table 4 first. The paper does not name the metric of a cell;
it takes the cells of BERT, XLNet and RoBERTa from RoBERTa's table, where QQP and MRPC are
accuracies (F1 would be higher on MRPC, lower on QQP) and STS-B is Pearson's r, as its authors say
(fairseq#1561, #1009). The average is the plain mean of six cells, MNLI's matched one only: it
recomputes every printed average. Where a correlation or Matthews' coefficient is undefined (one
side is constant) it is 0: a collapsed model has a score, and selection never meets a NaN. Left out:
the leaderboard's average over nine tasks, GLUE's diagnostic set.
"""

import math
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.metrics import accuracy

Metric = Literal["accuracy", "f1", "matthews", "pearson", "spearman"]

TASK_METRICS: Mapping[str, tuple[Metric, ...]] = {
    "cola": ("matthews",),
    "sst2": ("accuracy",),
    "mrpc": ("accuracy", "f1"),
    "qqp": ("accuracy", "f1"),
    "stsb": ("pearson", "spearman"),
    "mnli": ("accuracy",),
    "mnli-mm": ("accuracy",),
    "qnli": ("accuracy",),
    "rte": ("accuracy",),
    "wnli": ("accuracy",),
    "pawsx": ("accuracy",),
}
"""GLUE's metrics of each task, and PAWS-X's; the first selects, and is Table 4's."""

TABLE_4: Mapping[str, str] = {
    "MNLI_m": "mnli",
    "QNLI": "qnli",
    "QQP": "qqp",
    "SST2": "sst2",
    "MRPC": "mrpc",
    "STSB": "stsb",
}
"""The columns of `glue_table4` that the paper averages, and the task of each."""


def score(task: str, predicted: ArrayLike, gold: ArrayLike) -> dict[str, float]:
    """Return a task's metrics by name, for class ids or, in STS-B, similarities.

    Raises:
        UserError: the task is none of GLUE's, or the two sides cannot be compared.

    >>> score("mrpc", [1, 1, 0, 0], [1, 0, 1, 1])
    {'accuracy': 0.25, 'f1': 0.4}
    """
    if task not in TASK_METRICS:
        raise UserError(f"unknown GLUE task {task!r}; there is {', '.join(TASK_METRICS)}")
    return {metric: _FUNCTIONS[metric](predicted, gold) for metric in TASK_METRICS[task]}


def table4_average(cells: Mapping[str, float]) -> float:
    """Return the average of XLM-R Table 4 from its six cells, by the column names of `TABLE_4`.

    Raises:
        UserError: a cell is missing: an average over fewer tasks is not the paper's.

    >>> table4_average({"MNLI_m": 89, "QNLI": 94, "QQP": 92, "SST2": 95, "MRPC": 90, "STSB": 92})
    92.0
    """
    missing = [column for column in TABLE_4 if column not in cells]
    if missing:
        raise UserError(
            f"the average of XLM-R Table 4 is over {', '.join(TABLE_4)}; there is no value for "
            f"{', '.join(missing)}"
        )
    return math.fsum(cells[column] for column in TABLE_4) / len(TABLE_4)


def f1(predicted: ArrayLike, gold: ArrayLike) -> float:
    """Return the F1 of class 1 among class ids 0 and 1, and 0 where neither side has it.

    >>> f1([1, 1, 0, 0], [1, 0, 1, 1])  # precision 1/2, recall 1/3
    0.4
    """
    ours, theirs = _labels(predicted, gold)
    strange = set(np.unique([ours, theirs]).tolist()) - {0, 1}
    if strange:
        raise UserError(f"F1 is of class 1 among the classes 0 and 1, got class {min(strange)}")
    num_either = int(ours.sum()) + int(theirs.sum())
    return 2 * int((ours & theirs).sum()) / num_either if num_either else 0.0


def matthews(predicted: ArrayLike, gold: ArrayLike) -> float:
    """Return Matthews' correlation of class ids, in [-1, 1], and 0 where a side is constant.

    For more than two classes it is Gorodkin's R_K, of which Matthews' is the case of two.

    >>> round(matthews([1, 0, 1, 1], [1, 1, 1, 0]), 4)
    -0.3333
    """
    ours, theirs = _labels(predicted, gold)
    classes, ids = np.unique(np.concatenate([ours, theirs]), return_inverse=True)
    num_ours, num_theirs = (
        np.bincount(side, minlength=len(classes)).tolist() for side in np.split(ids, 2)
    )
    expected = sum(n * m for n, m in zip(num_ours, num_theirs, strict=True))
    covariance = len(ours) * int((ours == theirs).sum()) - expected
    spread = [len(ours) ** 2 - sum(n * n for n in side) for side in (num_ours, num_theirs)]
    if not all(spread):
        return 0.0
    return covariance / math.sqrt(float(spread[0]) * float(spread[1]))


def pearson(predicted: ArrayLike, gold: ArrayLike) -> float:
    """Return Pearson's correlation, in [-1, 1], and 0 where a side is constant.

    Sums are exactly rounded, so that the value is the same on every machine.

    >>> pearson([1, 2, 4], [2, 4, 8]), pearson([1, 1, 1], [1, 2, 3])
    (1.0, 0.0)
    """
    ours, theirs = _numbers(predicted, gold)
    return _correlation(ours, theirs)


def spearman(predicted: ArrayLike, gold: ArrayLike) -> float:
    """Return Spearman's correlation: Pearson's of the ranks, equal values sharing their mean rank.

    >>> spearman([1, 10, 100], [1, 2, 3]), spearman([3, 2, 1], [1, 2, 3])
    (1.0, -1.0)
    """
    ours, theirs = _numbers(predicted, gold)
    return _correlation(ranks(ours), ranks(theirs))


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rank of each value from 1, equal values sharing their mean rank.

    >>> ranks(np.array([5.0, 1.0, 5.0, 7.0])).tolist()
    [2.5, 1.0, 2.5, 4.0]
    """
    _, ids, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[ids]


def _correlation(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    if np.all(ours == ours[0]) or np.all(theirs == theirs[0]):
        return 0.0
    x, y = _deviations(ours), _deviations(theirs)
    spread = math.sqrt(math.fsum(x * x) * math.fsum(y * y))
    return min(1.0, max(-1.0, math.fsum(x * y) / spread))


def _deviations(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the deviations from the mean, scaled to at most 1 so that no square overflows."""
    found = values - math.fsum(values) / len(values)
    return found / np.abs(found).max()


def _labels(predicted: ArrayLike, gold: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return both sides as class ids of one length."""
    ours, theirs = _same_length(predicted, gold)
    for name, side in (("predicted", ours), ("gold", theirs)):
        if side.dtype.kind not in "iub":
            raise UserError(f"{name} labels must be class ids, whole numbers; got {side.dtype}")
    return ours.astype(np.int64), theirs.astype(np.int64)


def _numbers(
    predicted: ArrayLike, gold: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both sides as finite numbers of one length, at least two."""
    ours, theirs = (side.astype(np.float64) for side in _same_length(predicted, gold))
    for name, side in (("predicted", ours), ("gold", theirs)):
        if not np.isfinite(side).all():
            place = int(np.flatnonzero(~np.isfinite(side))[0])
            raise UserError(f"{name} value {place + 1} must be a finite number, got {side[place]}")
    if len(ours) < 2:
        raise UserError("a correlation needs at least 2 examples, got 1")
    return ours, theirs


def _same_length(predicted: ArrayLike, gold: ArrayLike) -> tuple[NDArray[np.generic], ...]:
    ours, theirs = np.asarray(predicted), np.asarray(gold)
    if ours.ndim != 1 or ours.shape != theirs.shape:
        raise UserError(
            f"predictions and gold labels must be two lists of one length, got shapes {ours.shape} "
            f"and {theirs.shape}"
        )
    if not len(theirs):
        raise UserError("no examples to score: predictions and gold labels are empty")
    return ours, theirs


_FUNCTIONS: Mapping[Metric, Callable[[ArrayLike, ArrayLike], float]] = {
    "accuracy": accuracy,
    "f1": f1,
    "matthews": matthews,
    "pearson": pearson,
    "spearman": spearman,
}
