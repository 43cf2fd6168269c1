"""Spreads of seeds, and what is told of verdicts: `pytest tests/ablations/test_examined.py`."""

import pytest

from xlmr_lab.ablations import doctor_told
from xlmr_lab.ablations.examined import TOLD_APART, spreads
from xlmr_lab.evaluate.scores import Score

CELL = {
    **{"study": "s", "task": "nli", "split": "test", "language": "sw", "protocol": "zero-shot"},
    **{"selection": "last", "metric": "accuracy", "num_examples": 9},
}


def score(arm, seed, finetune_seed, value, **more):
    return Score(
        **{**CELL, "arm": arm, "seed": seed, "finetune_seed": finetune_seed, **more}, value=value
    )


def test_a_gain_is_paired_by_pretraining_seed_over_the_means_of_fine_tuning_seeds():
    """Gains 0.10 and 0.30: mean 0.20, half width 12.706 x 0.1 = 1.27 of two seeds; about 5 seeds
    would do, at t(4) = 2.776 x 0.1414 / sqrt(5) = 0.176."""
    rows = [
        *(score("a", 0, i, value) for i, value in enumerate((0.4, 0.6))),
        *(score("b", 0, i, value) for i, value in enumerate((0.3, 0.5))),
        *(score("a", 1, i, value) for i, value in enumerate((0.7, 0.9))),
        *(score("b", 1, i, value) for i, value in enumerate((0.5, 0.5))),
    ]
    (found,) = spreads(rows, without="b", learned={})
    assert (found["arm"], found["set"], found["level"], found["name"]) == (
        *("a", "test-sw", "flag"),
        "seed spread",
    )
    assert found["line"] == (
        "against b, a difference of 0.200 is within what 2 seeds leave open (+-1.271); "
        "about 5 would do"
    )
    assert (found["seed"], found["finetune_seed"], found["language"]) == (None, None, "sw")


def test_gains_that_seeds_do_not_make_and_baselines_alone_are_let_pass():
    rows = [
        score(arm, seed, 0, 0.5 + (arm == "a") * 0.2 + seed / 1000)
        for arm in "ab"
        for seed in (0, 1, 2)
    ]
    assert spreads(rows, without="b", learned={}) == []
    assert [row["arm"] for row in spreads([rows[0], rows[3]], without="b", learned={})] == ["a"]


@pytest.mark.parametrize("step", [0.004, 0.010])
def test_one_encoder_is_told_whether_its_seeds_tell_close_scores_apart(step):
    """Three seeds `step` apart have a half width of 4.303 / sqrt(3) = 2.48 steps."""
    rows = [score("hf", None, i, 0.5 + i * step) for i in range(3)]
    found = spreads(rows, without="", learned={})
    assert bool(found) == (2.48 * step > TOLD_APART)
    if found:
        assert "a difference of 0.020 is within what 3 seeds leave open" in found[0]["line"]


@pytest.mark.parametrize(
    ("protocol", "language", "named"),
    [
        ("translate-test", "sw", "test.translated-from-sw"),
        ("translate-test", "en", "test-en"),
        ("code-switched", "en-sw", "test.switched-en-sw"),
        ("crossed", "en-sw", "test.crossed-en-sw"),
    ],
)
def test_a_set_is_named_with_its_form(protocol, language, named):
    rows = [score("hf", None, 0, 0.5, protocol=protocol, language=language)]
    (found,) = spreads(rows, without="", learned={"nli": "en"})
    assert found["set"] == named


def test_one_seed_of_one_encoder_has_no_interval():
    (found,) = spreads([score("hf", None, 0, 0.5)], without="", learned={})
    assert "from 1 seed has no interval; run at least 3" in found["line"]


def test_each_cell_is_judged_by_itself_and_by_the_measure_that_selects():
    wide = (0.1, 0.5, 0.9)
    rows = [
        *(score("hf", None, i, 0.5, task="qa", metric="f1") for i in range(3)),
        *(score("hf", None, i, x, task="qa", metric="exact_match") for i, x in enumerate(wide)),
        *(
            score("hf", None, i, x, task="qa", metric="f1", question_language="en")
            for i, x in enumerate(wide)
        ),
        score("hf", None, None, 0.5, task="retrieval"),
    ]
    (found,) = spreads(rows, without="", learned={})
    assert (found["set"], found["question_language"]) == ("test-sw-asked-in-en", "en")


RECORD = {
    **{"task": "nli", "arm": "a", "seed": 0, "finetune_seed": 1, "set": "test-sw"},
    **{"protocol": "zero-shot", "selection": "last"},
}


def test_refusals_come_first_and_each_kind_once_with_its_count():
    flag = {**RECORD, "level": "flag", "name": "truncation", "line": "cut"}
    refusal = {**RECORD, "level": "refuse", "name": "label order", "line": "wrong"}
    found = [flag, {**flag, "set": "test-de"}, refusal, {**flag, "task": "ner"}]
    assert list(doctor_told.lines(found)) == [
        "doctor, refuse: nli, label order; test-sw, zero-shot, last, a, seed 0, fine-tuning seed 1:"
        " wrong",
        "doctor, flag: nli, truncation 2 times, in 2 sets; test-sw, zero-shot, last, a, seed 0, "
        "fine-tuning seed 1: cut",
        "doctor, flag: ner, truncation; test-sw, zero-shot, last, a, seed 0, fine-tuning seed 1:"
        " cut",
    ]
    assert list(doctor_told.lines([])) == []
