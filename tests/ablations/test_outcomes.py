"""Values of terms, looked up in the rows of a run folder."""

import math

import pytest

from xlmr_lab.ablations import outcomes, task_jobs
from xlmr_lab.ablations.grid import BEST, Outcome, Term
from xlmr_lab.ablations.outcomes import measured
from xlmr_lab.evaluate import baselines

NLI = Outcome(kind="score", task="nli", metric="accuracy")


def heldout(cell: str, seed: int, step: int, language: str, bits: float | None) -> dict:
    row = {"cell": cell, "seed": seed, "step": step, "language": language}
    return {**row, "loss": 9.0, "bits_per_byte": bits}


def score(seed: int, finetune_seed: int, language: str, value: float | None, **changed) -> dict:
    return {
        "cell": "base",
        "arm": "alpha=0.3",
        "seed": seed,
        "finetune_seed": finetune_seed,
        "task": "nli",
        "language": language,
        "protocol": "zero-shot",
        "selection": "joint-dev",
        "metric": "accuracy",
        "value": value,
        **changed,
    }


def test_a_heldout_loss_is_minus_the_bits_per_byte_of_each_runs_last_step() -> None:
    """Seed 1 stopped earlier than seed 0."""
    rows = [
        heldout("base", 0, 20, "en", 1.5),
        heldout("base", 0, 10, "en", 2.5),
        heldout("base", 1, 10, "en", 2.0),
        heldout("wide", 0, 30, "en", 1.0),
    ]
    found = measured(rows, [])
    assert found.values(Term(cell="base", language="en")) == {0: [-1.5], 1: [-2.0]}
    assert found.values(Term(cell="wide", language="en")) == {0: [-1.0]}
    assert found.values(Term(cell="base", language="sw")) == {}
    assert found.values(Term(cell="none", language="en")) == {}


def test_the_best_loss_of_a_run_is_that_of_any_step_of_each_language() -> None:
    rows = [
        heldout("base", 0, 10, "en", 1.0),
        heldout("base", 0, 20, "en", 1.5),
        heldout("base", 0, 10, "sw", 3.0),
        heldout("base", 0, 20, "sw", 2.5),
        heldout("base", 1, 20, "en", math.nan),
    ]
    found = measured(rows, [])
    for language, best, last in (("en", -1.0, -1.5), ("sw", -2.5, -2.5)):
        assert found.values(Term(cell="base", language=language, outcome=BEST)) == {0: [best]}
        assert found.values(Term(cell="base", language=language)) == {0: [last]}


def test_a_run_that_ends_without_a_number_has_no_last_loss() -> None:
    rows = [heldout("base", 0, 10, "en", 1.0), heldout("base", 0, 20, "en", math.nan)]
    assert measured(rows, []).values(Term(cell="base", language="en")) == {}


def test_scores_are_grouped_by_pretraining_seed() -> None:
    rows = [score(1, 1, "en", 0.7), score(0, 1, "en", 0.6), score(0, 0, "en", 0.5)]
    rows.append(score(0, 0, "sw", 0.1))
    found = measured([], rows).values(Term(cell="base", language="en", outcome=NLI))
    assert found == {0: [0.5, 0.6], 1: [0.7]}


def test_only_scores_of_the_outcome_count() -> None:
    others = [
        {"task": "ner"},
        {"protocol": "translate-test"},
        {"selection": "last"},
        {"metric": "f1"},
        {"cell": "wide"},
        {"arm": "no-pretraining"},
    ]
    rows = [score(0, 0, "en", 0.5), *(score(0, 0, "en", 0.1, **changed) for changed in others)]
    found = measured([], rows)
    assert found.values(Term(cell="base", language="en", outcome=NLI)) == {0: [0.5]}
    fresh = Outcome(kind="score", task="nli", metric="accuracy", arm="no-pretraining")
    assert found.values(Term(cell="base", language="en", outcome=fresh)) == {0: [0.1]}


def test_without_a_language_a_value_is_the_mean_of_runs_that_have_all() -> None:
    """The second fine-tuning run lacks sw: its mean would be that of en."""
    rows = [score(0, 0, "en", 0.8), score(0, 0, "sw", 0.4), score(0, 1, "en", 0.9)]
    found = measured([heldout("base", 0, 5, key, 2.0 * k) for k, key in enumerate("ab")], rows)
    assert found.values(Term(cell="base", language="", outcome=NLI)) == {
        0: [pytest.approx((0.8 + 0.4) / 2)]
    }
    assert found.values(Term(cell="base", language="")) == {0: [-1.0]}


def test_the_test_set_goes_before_the_dev_set_and_own_questions_before_others() -> None:
    rows = [
        score(0, 0, "en", 0.7, split="test"),
        score(0, 0, "en", 0.9, split="dev"),
        score(0, 0, "en", 0.1, split="test", question_language="de"),
        score(1, 0, "en", 0.6, split="dev", question_language=""),
    ]
    found = measured([], rows).values(Term(cell="base", language="en", outcome=NLI))
    assert found == {0: [0.7], 1: [0.6]}


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_value_that_is_no_number_is_absent(value: float | None) -> None:
    found = measured([heldout("base", 0, 5, "en", value)], [score(0, 0, "en", value)])
    assert found.values(Term(cell="base", language="en")) == {}
    assert found.values(Term(cell="base", language="en", outcome=NLI)) == {}


def test_baselines_are_named_as_their_scores_are() -> None:
    assert set(outcomes.BASELINES) == {task_jobs.BASELINE, baselines.ARM}


def test_refusals_are_counted_among_a_terms_values() -> None:
    """Of four scores, two of a language, one of en is refused by two checks."""
    checks = "one-class collapse, shuffled labels"
    rows = [
        score(0, 0, "en", 0.3, refused=checks),
        score(1, 0, "en", 0.5, refused=""),
        score(0, 0, "sw", 0.4),
        score(1, 0, "sw", 0.6),
    ]
    found = measured([heldout("base", 0, 5, "en", 1.0)], rows)
    names = set(checks.split(", "))
    assert found.refusals(Term(cell="base", language="en", outcome=NLI)) == (1, 2, names)
    assert found.refusals(Term(cell="base", language="", outcome=NLI)) == (1, 4, names)
    assert found.refusals(Term(cell="base", language="sw", outcome=NLI)) == (0, 2, set())
    assert found.refusals(Term(cell="base", language="en")) == (0, 1, set())
