"""Checks of what is scored against: placeholders, lost entities, wrong offsets, cut text, leaks.

The hidden labels of published test sets stand as -1 or as one class (xtreme#24: 0.33 on XNLI);
entities get lost where sentences are cut; answers are scored by a rule that is not their
benchmark's (xtreme#38: Chinese MLQA); a test file may be the dev file that chose the model.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import qa_metrics
from xlmr_lab.evaluate.doctor.verdict import ALPHA, Level, Verdict
from xlmr_lab.evaluate.examples import Examples
from xlmr_lab.evaluate.metrics import chunks

MOST_WRONG = 0.5
"""Share of wrong answer offsets above which a file counts them in another way, and is refused."""

MOST_CUT = 0.01
"""Share of rows that may lose tokens before it is flagged."""

MOST_SHARED = 0.01
"""Share of test rows that may be dev rows too before it is flagged."""


def placeholder_labels(gold: npt.NDArray[Any], num_labels: int | None = None) -> Verdict | None:
    """Refuse gold labels [N] that are none: below 0, beyond the labels, or all the same.

    `num_labels` is None where labels are numbers to predict. A few examples may be of one class by
    chance (even chances of all are assumed), and are let pass.
    """
    total = len(gold)
    outside = ~np.isfinite(gold)
    if num_labels is not None:
        outside |= (gold < 0) | (gold >= num_labels)
    num_outside = int(outside.sum())
    chance = 0.0 if num_labels is None else float(num_labels) ** (1 - total)
    if num_outside:
        first = int(outside.argmax())
        allowed = "numbers" if num_labels is None else f"0 to {num_labels - 1}"
        problem = (
            f"{num_outside:,} of {total:,} gold labels are not {allowed}, the first {gold[first]} "
            f"at example {first + 1:,}"
        )
    elif total > 1 and (gold == gold[0]).all() and chance < ALPHA:
        problem = f"all {total:,} gold labels are {gold[0]}"
    else:
        return None
    return Verdict(
        name="placeholder labels",
        level="refuse",
        line=f"{problem}: placeholders of hidden labels; score a set with labels, or send the "
        "predictions to the benchmark",
        evidence={"num_outside": num_outside, "num_distinct": len(set(gold)), "num_gold": total},
    )


def num_entities(tags: Sequence[Sequence[str]]) -> int:
    """Return how many entities the tags of sentences hold, as conlleval counts them.

    >>> num_entities([["B-PER", "I-PER", "O"], ["B-LOC"]])
    2
    """
    return sum(len(chunks(sentence)) for sentence in tags)


def lost_gold(num_before: int, num_after: int, what: str = "entities") -> Verdict | None:
    """Refuse a set of which encoding lost gold, or made some: counts in the file and after it.

    A model is then scored against less than the benchmark asks for, and looks better.
    """
    if num_before == num_after:
        return None
    change = "are lost" if num_after < num_before else "are too many"
    return Verdict(
        name="lost gold",
        level="refuse",
        line=f"the file has {num_before:,} gold {what} and its encoding {num_after:,}, "
        f"{abs(num_before - num_after):,} {change}: split long texts instead of cutting them",
        evidence={"num_before": num_before, "num_after": num_after},
    )


def wrong_offsets(
    contexts: Sequence[str], answers: Sequence[str], starts: Sequence[int]
) -> Verdict | None:
    """Flag answers that do not stand at their start in their context, and refuse a set where most
    do not; the three lists go together."""
    wrong = [
        (context, answer)
        for context, answer, start in zip(contexts, answers, starts, strict=True)
        if start < 0 or context[start : start + len(answer)] != answer
    ]
    if not wrong:
        return None
    total, num_elsewhere = len(answers), sum(answer in context for context, answer in wrong)
    level: Level = "refuse" if len(wrong) > MOST_WRONG * total else "flag"
    hint = (
        "offsets may count bytes or UTF-16 units; they must count characters"
        if level == "refuse" and num_elsewhere > len(wrong) / 2
        else "correct them, or leave those questions out"
    )
    return Verdict(
        name="answer offsets",
        level=level,
        line=f"{len(wrong):,} of {total:,} answers are not what stands at their offset "
        f"({num_elsewhere:,} stand elsewhere in their context): {hint}",
        evidence={
            "num_wrong": len(wrong),
            "num_elsewhere": num_elsewhere,
            "num_answers": total,
        },
    )


def unofficial_normalization(
    benchmark: str, language: str, normalization: qa_metrics.Normalization
) -> Verdict | None:
    """Flag answers that are scored by another rule than their benchmark's.

    Raises:
        UserError: a benchmark whose rule is not known.
    """
    if benchmark not in qa_metrics.CONVENTIONS:
        known = ", ".join(qa_metrics.CONVENTIONS)
        raise UserError(f"no rule is known for {benchmark!r}; benchmarks with one: {known}")
    official = qa_metrics.CONVENTIONS[benchmark]
    used = qa_metrics.normalization_name(language, normalization)
    if used == official:
        return None
    return Verdict(
        name="normalisation",
        level="flag",
        line=f"answers in {language} are scored by the rule {used!r}, those of {benchmark} by "
        f"{official!r}: do not set this number beside published ones",
        evidence={"is_official_rule": float(normalization == official)},
    )


def unreachable_answers(
    answer_tokens: npt.NDArray[np.integer[Any]], max_answer_tokens: int
) -> Verdict | None:
    """Flag a set with questions of which no answer can be predicted, and refuse one where those are
    most.

    `answer_tokens` [N] are the tokens of the answer to each question that a window holds whole, 0
    where none does, as where an answer does not stand at its offset.
    """
    lengths = np.asarray(answer_tokens)
    num_none, num_long = int((lengths == 0).sum()), int((lengths > max_answer_tokens).sum())
    total, num_lost = len(lengths), num_none + num_long
    if num_lost <= MOST_CUT * total:
        return None
    return Verdict(
        name="lost gold",
        level="refuse" if num_lost > MOST_WRONG * total else "flag",
        line=f"the file has {total:,} questions, and {total - num_lost:,} have an answer that can "
        f"be predicted: of {num_none:,} it stands whole in no window, of {num_long:,} it has more "
        f"than {max_answer_tokens:,} tokens; raise max_answer_tokens, or correct offsets",
        evidence={"num_before": total, "num_after": total - num_lost, "num_long": num_long},
    )


def truncation(
    lengths: npt.ArrayLike, most: int, what: str = "rows", setting: str = "max_tokens"
) -> Verdict | None:
    """Flag texts that lose tokens; `lengths` [N] are those of whole ones, specials included, and
    `setting` is what cuts them at `most`."""
    whole = np.asarray(lengths)
    num_cut = int((whole > most).sum())
    share = num_cut / len(whole)
    if share <= MOST_CUT:
        return None
    return Verdict(
        name="truncation",
        level="flag",
        line=f"{num_cut:,} of {len(whole):,} {what} ({share:.1%}) are longer than {most:,} "
        f"tokens and lose some, the longest has {int(whole.max()):,}: raise {setting}",
        evidence={"num_cut": num_cut, "share": share, "longest": int(whole.max())},
    )


def dev_in_test(dev: Examples, test: Examples) -> Verdict | None:
    """Flag a test set with rows of the dev set that chose the model; refuse one that has no
    others."""
    seen = set(_rows(dev))
    num_shared = sum(row in seen for row in _rows(test))
    share = num_shared / len(test)
    if share <= MOST_SHARED:
        return None
    return Verdict(
        name="dev in test",
        level="refuse" if num_shared == len(test) else "flag",
        line=f"{num_shared:,} of {len(test):,} test rows ({share:.1%}) are rows of the dev set, "
        "which may choose the model: score another file",
        evidence={"num_shared": num_shared, "num_rows": len(test), "share": share},
    )


def _rows(examples: Examples) -> list[bytes]:
    values, starts = examples.tokens
    return [values[a:b].tobytes() for a, b in itertools.pairwise(starts)]
