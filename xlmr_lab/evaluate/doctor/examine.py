"""The examination of one scored set: what its logits and gold labels alone can tell.

For classification and tagging: collapse, skew and (classification) label order; for numbers:
constant predictions; for spans: whether every row is given no answer. (That every row is given one
proves nothing: questions have answers, but for rows of long texts.) Placeholders are looked for
first, for against them nothing else means anything.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from xlmr_lab.evaluate.doctor.gold import placeholder_labels
from xlmr_lab.evaluate.doctor.predictions import (
    constant_predictions,
    label_order,
    not_finite,
    one_class_collapse,
    skewed_predictions,
)
from xlmr_lab.evaluate.doctor.verdict import Verdict
from xlmr_lab.evaluate.examples import Examples
from xlmr_lab.evaluate.objectives import BEGIN, Objective

Ids = npt.NDArray[np.int64]


def examine(
    objective: Objective, logits: npt.NDArray[np.floating[Any]], examples: Examples, num_labels: int
) -> list[Verdict]:
    """Return what is wrong with the logits [len(labels), C] of a set, as `predict` gives them."""
    gold = examples.labels
    if objective == "span":
        predicted, answered = _answered(logits, examples)
        empty = None if predicted.any() else one_class_collapse(predicted, answered, 2)
        return _found(not_finite(logits)) or _found(empty)
    is_number = objective == "regression"
    placeholder = placeholder_labels(gold, None if is_number else num_labels)
    if first := _found(placeholder, not_finite(logits)):
        return first
    if is_number:
        return _found(constant_predictions(logits[:, 0], gold))
    labels = logits.argmax(-1)
    if collapse := _found(one_class_collapse(labels, gold, num_labels)):
        return collapse
    order = label_order(labels, gold, num_labels) if objective == "classification" else None
    return _found(order, skewed_predictions(labels, gold, num_labels))


def examine_tags(
    predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]
) -> list[Verdict]:
    """Return what is wrong with the tags of sentences, predicted without logits; labels are
    numbered in the order of their names."""
    names = sorted({tag for tags in (*predicted, *gold) for tag in tags})
    ids = {name: number for number, name in enumerate(names)}
    ours, theirs = (
        np.array([ids[tag] for tags in sentences for tag in tags])
        for sentences in (predicted, gold)
    )
    if collapse := _found(one_class_collapse(ours, theirs, len(names))):
        return collapse
    return _found(skewed_predictions(ours, theirs, len(names)))


def _answered(logits: npt.NDArray[np.floating[Any]], examples: Examples) -> tuple[Ids, Ids]:
    """Return for each row whether an answer is predicted to begin, and whether one does, as 0 or
    1: the first labelled position of a row stands for none."""
    starts = examples.positions.starts
    predicted = [int(logits[a:b, 0].argmax() > 0) for a, b in itertools.pairwise(starts)]
    gold = (examples.labels[starts[:-1]] & BEGIN) == 0
    return np.array(predicted), gold.astype(np.int64)


def _found(*verdicts: Verdict | None) -> list[Verdict]:
    return [verdict for verdict in verdicts if verdict is not None]
