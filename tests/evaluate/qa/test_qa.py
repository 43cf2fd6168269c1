"""Question answering: `pytest tests/evaluate/qa/test_qa.py`."""

import dataclasses
import itertools
import json
import logging
import random

import numpy as np
import pytest
import torch

from xlmr_lab.babel import qa as babel_qa
from xlmr_lab.babel import tongues, world
from xlmr_lab.babel.speakers import speakers
from xlmr_lab.babel.translation import TranslationConfig
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import finetune, qa, transfer
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.formats import squad
from xlmr_lab.evaluate.protocols import Cell, TaskSet
from xlmr_lab.evaluate.qa import AnswerConfig
from xlmr_lab.evaluate.qa_metrics import score
from xlmr_lab.evaluate.task_model import predict, task_model
from xlmr_lab.evaluate.text import of_vocabulary
from xlmr_lab.model.encoder import Encoder, EncoderConfig
from xlmr_lab.vocabulary import load as vocabularies
from xlmr_lab.vocabulary import train
from xlmr_lab.vocabulary.settings import VocabularyConfig

QUICK = FinetuneConfig(steps=100, batch_sequences=16, peak_learning_rate=5e-3, max_tokens=16)
SQUAD = AnswerConfig(normalization="squad")
MARKS = {"qaa": "zz", "qab": "zz", "qac": "yy"}
WIDE = EncoderConfig(
    num_layers=1,
    hidden_size=32,
    num_heads=2,
    ffn_size=64,
    max_tokens=32,
    dropout=0.0,
    init_std=0.2,
)
"""An encoder that learns in few steps."""


@pytest.fixture
def encoder(text):
    return Encoder(WIDE, text.size, generator=torch.Generator().manual_seed(0))


def write(path, mark, num=40, asked="xx", misplaced=0):
    """Write questions whose answer is the one word that begins with a mark, in contexts that may
    be longer than a window; the same items under every name of a split. Where the mark is yy, zz
    marks words that are no answer."""
    rng = random.Random(path.name.partition("-")[0].partition(".")[0])
    paragraphs = []
    for number in range(num):
        decoy = "zzgh" if mark == "yy" else "ij"
        words = rng.choices(["ab", "cd", "ef", "gh", decoy], k=rng.randrange(4, 20))
        place = rng.randrange(len(words))
        words[place] = mark + rng.choice(["ab", "cd", "ef"])
        start = len(" ".join([*words[:place], ""]))
        answer = {"text": words[place], "answer_start": start + (number < misplaced)}
        item = {"id": str(number), "question": asked, "answers": [answer]}
        paragraphs.append({"context": " ".join(words), "qas": [item]})
    path.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}), encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    """A task in three languages: qaa and qab share the mark of answers, qac has another."""
    for language, mark in MARKS.items():
        for split, num in (("train", 120), ("dev", 40), ("test", 40)):
            write(tmp_path / f"{split}-context-{language}-question-{language}.json", mark, num)
        write(tmp_path / f"train.translated-{language}.json", mark)
        write(tmp_path / f"test.translated-from-{language}.json", MARKS["qaa"])
    for a, b in (("qaa", "qac"), ("qac", "qaa")):
        write(tmp_path / f"test-context-{a}-question-{b}.json", MARKS[a], asked="vv")
    return tmp_path


def load(text, folder, *, config=QUICK, languages=tuple(MARKS), **more):
    more = {"answers": SQUAD} | more
    return qa.load(text, folder, train_language="qaa", languages=languages, config=config, **more)


def run(encoder, text, folder, *, seed=1, config=QUICK, **more):
    return transfer.run(
        encoder, load(text, folder, config=config, **more), config=config, seed=seed
    )


def test_a_learnable_task_is_learnt_and_transfers_where_the_mark_is_shared(encoder, text, folder):
    rows = run(encoder, text, folder)
    f1 = {r.language: r.value for r in rows if r.metric == "f1" and not r.question_language}
    assert f1["qaa"] > 0.9
    assert f1["qab"] > 0.9
    assert f1["qac"] < 0.5
    assert len(rows) == 2 * 5
    first = dataclasses.asdict(rows[0])
    assert (
        first.items()
        >= {
            "task": "qa",
            "split": "test",
            "language": "qaa",
            "protocol": "zero-shot",
            "metric": "f1",
            "num_examples": 40,
            "question_language": "",
        }.items()
    )
    assert rows[1].metric == "exact_match"


def test_the_matrix_of_languages_has_a_row_for_each_file(encoder, text, folder):
    quick = dataclasses.replace(QUICK, steps=2)
    rows = run(encoder, text, folder, config=quick, languages=["qac", "qaa"])
    pairs = [(row.language, row.question_language) for row in rows if row.metric == "f1"]
    assert pairs == [("qac", ""), ("qaa", ""), ("qac", "qaa"), ("qaa", "qac")]
    off = dataclasses.replace(SQUAD, crossed=False)
    rows = run(encoder, text, folder, config=quick, languages=["qac", "qaa"], answers=off)
    assert [(r.language, r.question_language) for r in rows[::2]] == pairs[:2]


def test_only_models_that_serve_all_languages_are_scored_on_pairs(folder):
    scored = [("qaa", "test"), ("qac", "test")]
    chosen = ("zero-shot", "translate-test", "translate-train", "translate-train-all", "each")
    models = qa.plan(folder, chosen, "qaa", scored, crossed=True)
    pairs = [TaskSet("test", "qaa", "", "qac"), TaskSet("test", "qac", "", "qaa")]
    crossed = [cell for model in models for cell in model.cells if cell.scored.question_language]
    assert crossed == [
        Cell(protocol, pair, TaskSet("dev", pair.language))
        for protocol, pair in itertools.product(("zero-shot", "translate-train-all"), pairs)
    ]


def test_all_protocols_find_their_files(encoder, text, folder):
    chosen = ("zero-shot", "translate-test", "translate-train", "translate-train-all", "each")
    quick = dataclasses.replace(QUICK, steps=1)
    rows = run(encoder, text, folder, config=quick, protocols=chosen, languages=["qaa", "qac"])
    cells = {(row.protocol, row.language) for row in rows}
    assert cells == set(itertools.product(chosen, ("qaa", "qac")))
    (folder / "train.translated-qac.json").unlink()
    with pytest.raises(UserError, match=r"no train.translated-qac.json or qac_squad-translate"):
        load(text, folder, protocols=chosen)


def test_a_step_is_selected_by_f1_on_dev_sets_that_are_not_scored(encoder, text, folder):
    quick = dataclasses.replace(QUICK, steps=4, selections=("train-dev", "per-language-dev"))
    rows = run(encoder, text, folder, config=quick)
    assert len(rows) == 2 * 2 * 5
    (folder / "test-context-qaa-question-qaa.json").unlink()
    message = r"choose the step on .*dev-context-qaa-question-qaa.json and score it there too; add "
    with pytest.raises(UserError, match=message + "test-qaa, leave the language out"):
        run(encoder, text, folder, config=quick)


def test_right_logits_give_full_marks_and_wrong_ones_none(text, folder):
    data = load(text, folder, languages=["qaa"])
    (target,) = data.targets.values()
    labels = target.examples.labels
    logits = np.stack([labels & 1, labels & 2], axis=1).astype(np.float32)
    logits[target.examples.positions.starts[:-1]] = 0  # no answer
    assert target.score(logits) == {"f1": 1.0, "exact_match": 1.0}
    shifted = np.roll(logits, 1, axis=0)
    assert target.score(shifted)["exact_match"] < 0.5
    assert target.num_examples == 40 < len(target.examples)


def test_each_text_is_encoded_once_as_the_language_it_is_in(text, folder):
    load(text, folder, languages=["qaa", "qac"])
    asked = ["qaa", "qaa", "qac", "qac", "qaa"]  # train, both test sets, both pairs
    contexts = ["qaa"] * 160 + ["qac"] * 40  # those of pairs are those of the test sets
    assert sorted(text.languages) == sorted(asked + contexts)


def test_misplaced_answers_are_not_learned_but_stay_gold(text, folder):
    write(folder / "train-context-qaa-question-qaa.json", "zz", 120, misplaced=10)
    write(folder / "test-context-qaa-question-qaa.json", "zz", misplaced=10)
    whole = load(text, folder, languages=["qab"], protocols=("each",))
    dropped = load(text, folder, languages=["qaa"])
    found = load(
        text, folder, languages=["qaa"], answers=dataclasses.replace(SQUAD, misplaced="nearest")
    )
    (exact,), (fewer,), (nearest,) = (d.train.values() for d in (whole, dropped, found))
    assert len(fewer) < len(nearest)
    assert nearest.tokens.values.tolist() == exact.tokens.values.tolist()
    assert nearest.labels.tolist() == exact.labels.tolist()
    (target,) = dropped.targets.values()
    assert target.num_examples == 40


def test_what_becomes_of_answers_and_the_rule_of_scoring_are_told(text, folder, caplog):
    with caplog.at_level(logging.INFO):
        load(text, folder, languages=["qaa"], answers=AnswerConfig(max_answer_tokens=1))
    assert "test-context-qaa-question-qaa.json: 40 questions in 74 windows" in caplog.text
    assert "74 windows; of their answers 40 have more than 1 tokens" in caplog.text
    assert "answers in qaa are compared by white space, which is not official" in caplog.text
    caplog.clear()
    load(text, folder, languages=["qaa"])
    assert "not official" not in caplog.text


def test_chinese_answers_are_scored_by_characters(text, tmp_path):
    """In the words of the paper's task: zh is MLQA's Chinese, whose characters are tokens."""
    context = "\u4e2d\u56fd \u4e0a\u6d77\u5e02"
    item = {"id": "a", "question": "q", "answers": [{"text": context[3:6], "answer_start": 3}]}
    content = {"data": [{"paragraphs": [{"context": context, "qas": [item]}]}]}
    for name in ("train-zh", "test-zh"):
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    for rule, f1 in (("mlqa", 0.8), ("squad", 0.0)):
        data = qa.load(
            text,
            tmp_path,
            train_language="zh-Hans",
            languages=["zh-Hans"],
            config=QUICK,
            answers=AnswerConfig(normalization=rule),
        )
        (target,) = data.targets.values()
        logits = np.zeros((4, 2), dtype=np.float32)
        logits[2] = 1  # the first two of three characters
        assert target.score(logits) == {"f1": pytest.approx(f1), "exact_match": 0.0}


@pytest.mark.parametrize(
    ("rule", "by_character", "with_article"),
    [("auto", 0.0, 2 / 3), ("mlqa", 0.8, 2 / 3), ("squad", 0.0, 0.8)],
)
def test_each_file_is_scored_by_the_rule_of_its_own_benchmark_unless_one_is_set(
    text, tmp_path, rule, by_character, with_article
):
    """In one call: XQuAD's Chinese, whose characters are no tokens, and MLQA's German articles."""
    contexts = {"zh-Hans": "\u4e2d\u56fd \u4e0a\u6d77\u5e02", "de": "in der Stadt"}
    names = {
        "train-de": "de",
        "xquad.zh": "zh-Hans",
        "test-context-de-question-de": "de",
    }
    for name, language in names.items():
        answer = contexts[language][3:]
        item = {"id": "a", "question": "q", "answers": [{"text": answer, "answer_start": 3}]}
        content = {"data": [{"paragraphs": [{"context": contexts[language], "qas": [item]}]}]}
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    data = qa.load(
        text,
        tmp_path,
        train_language="de",
        languages=["zh-Hans", "de"],
        config=QUICK,
        answers=AnswerConfig(normalization=rule),
    )
    chinese, german = (data.targets[TaskSet("test", key)] for key in ("zh-Hans", "de"))
    logits = np.zeros((len(chinese.examples.labels), 2), dtype=np.float32)
    logits[2] = 1  # the first two of three characters
    assert chinese.score(logits)["f1"] == pytest.approx(by_character)
    logits = np.zeros((len(german.examples.labels), 2), dtype=np.float32)
    logits[0, 0] = logits[-1, 1] = 1  # the whole context
    assert german.score(logits)["f1"] == pytest.approx(with_article)


def test_a_kept_run_is_not_gone_on_with_under_another_rule(encoder, text, folder, tmp_path):
    config, kept = dataclasses.replace(QUICK, steps=3), tmp_path / "kept"
    for answers in (SQUAD, SQUAD, dataclasses.replace(SQUAD, max_answer_tokens=1)):
        data = load(text, folder, config=config, languages=["qaa"], answers=answers)
        rows = transfer.run(encoder, data, config=config, seed=1, folder=kept)
        assert rows == transfer.run(encoder, data, config=config, seed=1)
    assert len(list(kept.iterdir())) == 2


@pytest.fixture
def babel(tmp_path):
    """Return the folder of a small task of Babel, scored on what it is learned from, and a
    vocabulary trained on it."""
    made = world.build(0)
    cast = speakers(made, [tongues.grow(made, code, 0) for code in ("qaa", "qab")], 0)
    sizes = babel_qa.QaConfig(train=60, dev=2, test=2, shortest=2, longest=3)
    babel_qa.write(tmp_path, cast, sizes, TranslationConfig())
    path = tmp_path / "train-context-qaa-question-qaa.json"
    path.with_name("test-context-qaa-question-qaa.json").write_bytes(path.read_bytes())
    read, place = squad.read(path), tmp_path / "vocabulary"
    place.mkdir()
    texts = {"qaa": lambda: iter([*read.contexts, *(q.text for q in read.questions)])}
    train.train(texts, {"qaa": 1.0}, place, config=VocabularyConfig(size=200), seed=1)
    return tmp_path, vocabularies.load(place)


def test_a_small_set_of_babel_is_learnt_by_heart(babel):
    """The loss falls, and F1 is well above that of answering with the best word of one place."""
    folder, vocabulary = babel
    config = FinetuneConfig(
        steps=120, batch_sequences=16, peak_learning_rate=5e-3, max_tokens=64, dropout=0.0
    )
    data = qa.load(
        of_vocabulary(vocabulary), folder, train_language="qaa", languages=["qaa"], config=config
    )
    shape = dataclasses.replace(WIDE, max_tokens=64, num_layers=2)
    untrained = Encoder(shape, vocabulary.size, generator=torch.Generator().manual_seed(0))
    model = task_model(untrained, "span", 2, dropout=0.0, seed=1)
    (examples,), (target,) = data.train.values(), data.targets.values()
    losses = finetune.finetune(model, examples, config=config, seed=1)
    assert np.mean(losses[-10:]) < losses[0] / 4
    reached = target.score(predict(model, target.examples))["f1"]
    read = squad.read(folder / "train-context-qaa-question-qaa.json")
    best = 0.0
    for number in range(12):
        words = {q.id: read.contexts[q.context].split()[number:][:1] for q in read.questions}
        trivial = {name: "".join(word) for name, word in words.items()}
        found = score(trivial, read.golds, language="qaa", normalization="mlqa")
        best = max(best, found["f1"])
    assert reached > best + 0.4


def test_settings_that_make_no_sense_are_refused():
    for name in ("stride", "max_question_tokens", "max_answer_tokens"):
        with pytest.raises(UserError, match=f"{name} must be at least 1, got 0"):
            AnswerConfig(**{name: 0})
