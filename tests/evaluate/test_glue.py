"""GLUE's tasks: `pytest tests/evaluate/test_glue.py`."""

import dataclasses
import logging
import random

import numpy as np
import pytest
from tuned import tuned

from xlmr_lab.babel import glue as babel_glue
from xlmr_lab.babel import tongues
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.speakers import speakers
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import glue, glue_metrics, places
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.formats import glue as formats
from xlmr_lab.evaluate.formats.glue import TASKS, GlueSet
from xlmr_lab.evaluate.protocols import TaskSet

QUICK = FinetuneConfig(steps=60, batch_sequences=16, peak_learning_rate=5e-3, max_tokens=16)
WORDS = ("ja", "no", "hm")


def put(folder, name, header, rows):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(row) + "\n" for row in (header, *rows)), encoding="utf-8")


def sentences(rng, num, classes):
    """Draw sentences that one word labels."""
    for _ in range(num):
        label = rng.randrange(classes)
        filler = rng.choices(["ab", "cd", "ef"], k=rng.randrange(1, 4))
        yield " ".join([WORDS[label], *filler]), label


@pytest.fixture
def folder(tmp_path):
    rng = random.Random(1)
    for split, num in (("train", 150), ("dev", 40)):
        rows = [(text, str(label)) for text, label in sentences(rng, num, 2)]
        put(tmp_path, f"SST-2/{split}.tsv", ("sentence", "label"), rows)
        rows = [(str(label), text, "ab") for text, label in sentences(rng, num, 2)]
        put(tmp_path, f"MRPC/{split}.tsv", ("Quality", "#1 String", "#2 String"), rows)
        rows = [(text, "ab", f"{2.5 * label:.3f}") for text, label in sentences(rng, num, 3)]
        put(tmp_path, f"STS-B/{split}.tsv", ("sentence1", "sentence2", "score"), rows)
    header = ("index", "sentence1", "sentence2")
    for name, num in (("train", 150), ("dev_matched", 30), ("dev_mismatched", 20)):
        drawn = list(sentences(rng, num, 3))
        labels = ("entailment", "contradiction", "neutral")
        rows = [(str(i), text, "ab", labels[label]) for i, (text, label) in enumerate(drawn)]
        put(tmp_path, f"MNLI/{name}.tsv", (*header, "gold_label"), rows)
    for name, words in (("test_matched", "ja no"), ("test_mismatched", "hm ja no")):
        rows = [(str(10 + i), f"{word} cd", "ab") for i, word in enumerate(words.split())]
        put(tmp_path, f"MNLI/{name}.tsv", header, rows)
    return tmp_path


def run(encoder, tokenizer, folder, task, **settings):
    config = settings.pop("config", QUICK)
    where = {"train_language": "en", "languages": ["en"], **settings}
    return tuned(glue, encoder, tokenizer, folder, task=task, config=config, seed=1, **where)


def test_sentences_and_pairs_are_laid_out_and_labelled_at_the_first_token(tokenizer):
    settings = {"language": "en", "max_tokens": 8}
    a, c = (tokenizer.encode([word])[0][0] for word in ("ab", "cd"))
    found = GlueSet((["ab cd", "cd"],), [1, 0], ["0", "1"])
    examples = glue.encode(tokenizer, found, "cola", **settings)
    assert examples.tokens.values.tolist() == [0, a, c, 2, 0, c, 2]
    assert examples.positions.values.tolist() == [0, 0]
    assert examples.labels.tolist() == [1, 0]
    assert examples.labels.dtype == np.int64
    found = GlueSet((["ab"], ["cd"]), [4.0], ["0"])
    examples = glue.encode(tokenizer, found, "stsb", **settings)
    assert examples.tokens.values.tolist() == [0, a, 2, 2, c, 2]
    assert examples.labels.tolist() == [pytest.approx(0.8)]


def test_sentences_that_are_too_long_are_cut_and_counted(tokenizer, caplog):
    found = GlueSet((["ab " * 20, "cd"],), [1, 0], ["0", "1"])
    with caplog.at_level(logging.INFO):
        examples = glue.encode(tokenizer, found, "cola", language="en", max_tokens=8)
    assert examples.tokens.lengths.tolist() == [8, 3]
    assert "1 of 2 sentences are longer than 8 tokens and are cut" in caplog.text


def test_a_learnable_task_is_learnt_and_scored_with_glues_metrics(encoder, tokenizer, folder):
    (score,) = run(encoder, tokenizer, folder, "sst2")
    assert (score.task, score.split, score.metric) == ("glue-sst2", "dev", "accuracy")
    assert (score.num_examples, score.value) == (40, pytest.approx(1, abs=0.1))
    scores = run(encoder, tokenizer, folder, "mrpc")
    assert [row.metric for row in scores] == ["accuracy", "f1"]
    assert min(row.value for row in scores) > 0.9


def test_similarities_are_learnt_as_numbers(encoder, tokenizer, folder):
    scores = run(encoder, tokenizer, folder, "stsb")
    assert [(row.task, row.metric) for row in scores] == [
        ("glue-stsb", "pearson"),
        ("glue-stsb", "spearman"),
    ]
    assert min(row.value for row in scores) > 0.9


def test_mnli_is_learnt_once_scored_on_both_sets_and_predicted(encoder, tokenizer, folder):
    config = dataclasses.replace(QUICK, steps=150, selections=("train-dev",), selection_checks=3)
    kept = folder / "predictions"
    settings = {"config": config, "predictions": kept}
    assert run(encoder, tokenizer, folder, "mnli", languages=(), **settings) == []
    rows = (kept / "MNLI-m.tsv").read_text("utf-8").splitlines()
    assert rows == ["index\tprediction", "10\tentailment", "11\tcontradiction"]
    rows = (kept / "MNLI-mm.tsv").read_text("utf-8").splitlines()
    assert rows[1:] == ["10\tneutral", "11\tentailment", "12\tcontradiction"]
    scores = run(encoder, tokenizer, folder, "mnli", config=dataclasses.replace(QUICK, steps=150))
    assert [(row.task, row.metric, row.num_examples) for row in scores] == [
        ("glue-mnli", "accuracy", 30),
        ("glue-mnli-mm", "accuracy", 20),
    ]
    assert min(row.value for row in scores) > 0.9
    with pytest.raises(UserError, match=r"would choose the step on .* and score it there too"):
        run(encoder, tokenizer, folder, "mnli", **settings)


def test_each_of_mnlis_sets_has_its_own_accuracy(tokenizer, folder):
    data = glue.load(
        tokenizer, folder, task="mnli", train_language="en", languages=["en"], config=QUICK
    )
    target = data.targets[TaskSet("dev", "en")]
    gold = target.examples.labels
    logits = np.eye(3, dtype=np.float32)[gold]
    logits[30:] = np.eye(3, dtype=np.float32)[(gold[30:] + 1) % 3]  # all wrong
    assert target.score(logits) == {"accuracy": 1.0, glue.MISMATCHED: 0.0}
    assert (target.num_examples, len(target.examples)) == (30, 50)


@pytest.mark.parametrize(
    ("task", "settings", "problem"),
    [
        ("mnli-mm", {}, "give task mnli"),
        ("rte", {}, r"no test-en.tsv and no dev-en.tsv or dev.tsv in .*; languages with one: none"),
        ("sst2", {"languages": []}, "no language to score"),
        ("sst2", {"predictions": "p"}, r"no test.tsv in .*; languages with a test file: none"),
        ("sst2", {"split": "test"}, r"no test-en.tsv in"),
    ],
)
def test_what_cannot_be_done_is_told(encoder, tokenizer, folder, task, settings, problem):
    if "predictions" in settings:
        settings = {"predictions": folder / "p"}
    with pytest.raises(UserError, match=problem):
        run(encoder, tokenizer, folder, task, **settings)


def test_predictions_are_of_one_step(encoder, tokenizer, folder):
    config = FinetuneConfig(selections=("last", "train-dev"))
    with pytest.raises(
        UserError, match="predictions are of one step, and selections=last,train-dev"
    ):
        run(encoder, tokenizer, folder, "mnli", config=config, predictions=folder / "p")


def test_other_languages_are_scored_from_our_files(encoder, tokenizer, tmp_path):
    rng = random.Random(2)
    for name, num in (("train-qaa", 150), ("test-qaa", 40), ("test-qab", 40)):
        rows = [(text, str(label)) for text, label in sentences(rng, num, 2)]
        put(tmp_path, f"sst2/{name}.tsv", ("sentence", "label"), rows)
    scores = run(
        encoder, tokenizer, tmp_path, "sst2", train_language="qaa", languages=["qaa", "qab"]
    )
    assert [(row.language, row.split) for row in scores] == [("qaa", "test"), ("qab", "test")]
    assert min(row.value for row in scores) > 0.9


def test_babels_sets_are_read_whole_in_every_language(tmp_path):
    world = worlds.build(0)
    spoken = [tongues.grow(world, code, 0) for code in ("qaa", "qae")]
    config = babel_glue.GlueConfig(train=20, dev=10, test=120)
    babel_glue.write(tmp_path, speakers(world, spoken, 0), config)
    for task in babel_glue.HEADERS:
        for language in ("qaa", "qae"):
            for split in ("train", "dev", "test"):
                part = TaskSet(split, language)
                source = places.require(formats.task_places(task), tmp_path, part)
                found = formats.read(source, task)
                assert len(found.labels) == getattr(config, split)
                assert len(set(found.labels)) > 1
                assert all(len(texts) == len(found.labels) for texts in found.texts)
                assert all(text for texts in found.texts for text in texts)


def test_every_task_has_metrics():
    assert set(TASKS) <= set(glue_metrics.TASK_METRICS)
