"""What is kept and told of a check: `pytest tests/evaluate/test_looks.py`."""

import dataclasses
import json
import logging

import numpy as np
import pytest
from tuned import tuned

from xlmr_lab.evaluate import nli
from xlmr_lab.evaluate.doctor.predictions import (
    label_order,
    one_class_collapse,
    skewed_predictions,
)
from xlmr_lab.evaluate.doctor.verdict import Verdict
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.looks import Look, Told, tell, told_of, told_of_sets
from xlmr_lab.evaluate.protocols import TaskSet, plan
from xlmr_lab.evaluate.selection import Check, rules
from xlmr_lab.evaluate.task_files import NLI_LABELS, Pairs

GOLD = np.repeat([0, 1, 2], 20)
COLLAPSE = one_class_collapse(np.zeros(60, dtype=int), GOLD, 3)
SKEW = skewed_predictions(np.where(GOLD == 1, 0, GOLD), GOLD, 3)
ORDER = label_order((GOLD + 1) % 3, GOLD, 3)


def test_a_look_is_the_same_after_json():
    check = Check(learning_rate=1e-4, step=3, dev={"dev-en": 0.5})
    verdicts = {"test-sw": [COLLAPSE, ORDER, SKEW]}
    look = Look(check, {"test-sw": {"accuracy": 1 / 3}}, verdicts, [SKEW])
    assert Look.read(json.loads(json.dumps(look.written()))) == look


def test_a_look_that_was_kept_before_there_were_verdicts_has_none():
    record = {**dataclasses.asdict(Check(learning_rate=1e-4, step=3, dev={})), "scores": {}}
    assert Look.read(record).verdicts == {}


def told_in(language, verdict, split="test"):
    return Told(TaskSet(split, language), "zero-shot", "last", verdict)


def test_each_kind_is_told_once_and_what_refuses_is_a_warning(caplog):
    with caplog.at_level(logging.INFO):
        tell([told_in("sw", COLLAPSE), told_in("de", COLLAPSE), told_in("de", SKEW)])
    collapse, skew = caplog.records
    assert collapse.getMessage().startswith(
        "one-class collapse in 2 sets; in test-sw all 60 predictions are label 0"
    )
    assert (collapse.levelname, skew.levelname) == ("WARNING", "INFO")


def transfer_rules(*selections, languages=("en", "sw", "de")):
    (model,) = plan(["zero-shot"], "en", [(key, "test") for key in languages])
    return model, rules(model, selections)


def weak_order(shift):
    """A flag: half of the labels are read `shift` further, the rest at random."""
    gold, rng = np.repeat([0, 1, 2], 60), np.random.default_rng(0)
    own = np.where(rng.random(180) < 0.5, gold, rng.integers(3, size=180))
    verdict = label_order((own + shift) % 3, gold, 3)
    assert verdict.level == "flag"
    return verdict


@pytest.mark.parametrize(
    ("in_english", "levels"),
    [
        ([], ["flag", "flag"]),
        ([weak_order(1)], ["refuse", "refuse", "flag"]),
        ([SKEW], ["flag", "flag", "flag"]),
    ],
)
def test_an_order_that_the_language_learned_in_shows_too_is_no_matter_of_transfer(
    in_english, levels
):
    model, own = transfer_rules("last")
    verdicts = {"test-en": in_english, "test-sw": [weak_order(1)], "test-de": [weak_order(2)]}
    look = Look(Check(learning_rate=1.0, step=1, dev={}), {}, verdicts)
    found = told_of([(rule, look) for rule in own], [look], model.train)
    assert [one.verdict.level for one in found] == levels


@pytest.mark.parametrize("form", ["", "translated"])
def test_a_weak_order_does_not_settle_itself_where_english_shows_none(form):
    """A model that learned several languages, English right, confuses labels in one of them."""
    _, own = transfer_rules("last")
    verdicts = {"test-en": [], "test-sw": [weak_order(1)], "test-de": []}
    look = Look(Check(learning_rate=1.0, step=1, dev={}), {}, verdicts)
    learned = [TaskSet("train", "en"), TaskSet("train", "sw", form)]
    (found,) = told_of([(rule, look) for rule in own], [look], learned)
    assert (str(found.part), found.verdict.level) == ("test-sw", "flag")


def test_what_is_said_of_a_run_is_said_of_each_score_that_is_taken_of_it():
    model, own = transfer_rules("joint-dev", languages=("en", "sw"))
    moved = Verdict(name="reloaded", level="refuse", line="moved", evidence={})
    checks = [Check(learning_rate=rate, step=1, dev={}) for rate in (1.0, 2.0, 2.0)]
    looks = [Look(checks[0], {}, {}, [moved]), Look(checks[1], {}, {}), Look(checks[2], {}, {})]
    first, second = own
    (found,) = told_of([(first, looks[0]), (second, looks[1])], looks, model.train)
    assert (str(found.part), found.selection, found.verdict) == ("test-en", "joint-dev", moved)
    looks[2] = looks[2]._replace(model=[moved])
    found = told_of([(first, looks[1]), (second, looks[1])], looks, model.train)
    assert [str(one.part) for one in found] == ["test-en", "test-sw"]


def test_sets_are_told_of_once_for_each_score_and_the_others_once(tokenizer):
    words = [f"{a}{b}" for a in "abcdef" for b in "xyz"]
    sets = {
        name: nli.encode(tokenizer, Pairs(own, own, [0] * len(own)), language="en", max_tokens=16)
        for name, own in (("dev", words[:9]), ("test", words[8:]))
    }
    model, own = transfer_rules("last", "joint-dev", languages=("en",))
    scored = {TaskSet(name, "en"): examples for name, examples in sets.items()}
    found = {TaskSet("train", "en"): [SKEW], TaskSet("test", "en"): [COLLAPSE]}
    told = told_of_sets(own, model.train, found, scored)
    assert [(str(one.part), one.selection, one.verdict.name) for one in told] == [
        ("test-en", "last", "one-class collapse"),
        ("test-en", "joint-dev", "one-class collapse"),
        ("test-en", "joint-dev", "dev in test"),
        ("train-en", "", "skewed predictions"),
    ]
    assert told[2].verdict.evidence["num_shared"] == 1
    assert json.loads(json.dumps(told[2].written()))["language"] == "en"


@pytest.mark.parametrize("learns", [False, True])
def test_fine_tuning_that_collapsed_is_told(encoder, tokenizer, tmp_path, caplog, learns):
    words = ["ja", "hm", "no"]
    lines = [f"ab\t{words[i % 3]}\t{NLI_LABELS[i % 3]}\n" for i in range(60)]
    for name in ("train-en", "test-en"):
        (tmp_path / f"{name}.tsv").write_text("".join(lines))
    config = FinetuneConfig(
        steps=60 if learns else 1,
        batch_sequences=12,
        max_tokens=16,
        peak_learning_rate=1e-2 if learns else 1e-12,
    )
    (score,) = tuned(
        nli,
        encoder,
        tokenizer,
        tmp_path,
        train_language="en",
        languages=["en"],
        config=config,
        seed=0,
    )
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    if learns:
        assert score.value > 0.5
        assert warned == []
    else:
        (message,) = warned
        assert message.startswith("one-class collapse in 1 set; in test-en all 60 pre")
