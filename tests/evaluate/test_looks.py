"""What is kept and told of a check: `pytest tests/evaluate/test_looks.py`."""

import dataclasses
import json
import logging

import numpy as np
import pytest

from xlmr_lab.evaluate import nli
from xlmr_lab.evaluate.doctor.predictions import (
    label_order,
    one_class_collapse,
    skewed_predictions,
)
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.looks import Look, tell
from xlmr_lab.evaluate.selection import Check
from xlmr_lab.evaluate.task_files import NLI_LABELS

GOLD = np.repeat([0, 1, 2], 20)
COLLAPSE = one_class_collapse(np.zeros(60, dtype=int), GOLD, 3)
SKEW = skewed_predictions(np.where(GOLD == 1, 0, GOLD), GOLD, 3)
ORDER = label_order((GOLD + 1) % 3, GOLD, 3)


def test_a_look_is_the_same_after_json():
    check = Check(learning_rate=1e-4, step=3, dev={"dev-en": 0.5})
    look = Look(check, {"test-sw": {"accuracy": 1 / 3}}, {"test-sw": [COLLAPSE, ORDER, SKEW]})
    assert Look.read(json.loads(json.dumps(look.written()))) == look


def test_a_look_that_was_kept_before_there_were_verdicts_has_none():
    record = {**dataclasses.asdict(Check(learning_rate=1e-4, step=3, dev={})), "scores": {}}
    assert Look.read(record).verdicts == {}


def test_each_kind_is_told_once_and_what_refuses_is_a_warning(caplog):
    with caplog.at_level(logging.INFO):
        tell({"test-en": [], "test-sw": [COLLAPSE], "test-de": [COLLAPSE, SKEW]})
    collapse, skew = caplog.records
    assert collapse.getMessage().startswith(
        "one-class collapse in 2 of 3 scored sets; in test-sw all 60 predictions are label 0"
    )
    assert (collapse.levelname, skew.levelname) == ("WARNING", "INFO")


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
    (score,) = nli.run(
        encoder, tokenizer, tmp_path, train_language="en", languages=["en"], config=config, seed=0
    )
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    if learns:
        assert score.value > 0.5
        assert warned == []
    else:
        (message,) = warned
        assert message.startswith("one-class collapse in 1 of 1 scored sets; in test-en all 60 pre")
