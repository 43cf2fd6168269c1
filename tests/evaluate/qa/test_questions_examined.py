"""What the doctor says of sets of questions as they are read and encoded:
`pytest tests/evaluate/qa/test_questions_examined.py`.
"""

import json

import pytest

from xlmr_lab.evaluate import qa
from xlmr_lab.evaluate.doctor.sets import benchmark_of
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.protocols import TaskSet
from xlmr_lab.evaluate.qa import AnswerConfig

CONFIG = FinetuneConfig(steps=2, max_tokens=16)
LONG = "ab " * 12


def said(data, split, language):
    return [(one.name, one.level) for one in data.found[TaskSet(split, language)]]


def questions(*asked):
    """Return a file of questions: (context, question, answer, start)."""
    paragraphs = [
        {
            "context": context,
            "qas": [
                {
                    "id": str(i),
                    "question": question,
                    "answers": [{"text": answer, "answer_start": start}],
                }
            ],
        }
        for i, (context, question, answer, start) in enumerate(asked)
    ]
    return json.dumps({"version": "1.1", "data": [{"title": "a", "paragraphs": paragraphs}]})


RIGHT = ("in ab ran", "who", "ab", 3)


def load_qa(text, folder, name, *asked, language="zh-Hans", **answers):
    (folder / "train-en.json").write_text(questions(RIGHT))
    (folder / name).write_text(questions(*asked))
    return qa.load(
        text,
        folder,
        train_language="en",
        languages=[language],
        config=CONFIG,
        answers=AnswerConfig(**answers),
    )


MLQA = "test-context-zh-question-zh.json"


XQUAD = "xquad.zh.json"


@pytest.mark.parametrize(
    ("name", "rule", "told"),
    [
        *((name, "auto", False) for name in (MLQA, XQUAD, "test-zh.json")),
        (MLQA, "mlqa", False),
        (MLQA, "squad", True),
        (XQUAD, "mlqa", True),
        ("test-zh.json", "squad", False),
    ],
)
def test_another_rule_than_that_of_the_benchmark_is_told(text, tmp_path, name, rule, told):
    """Chinese answers of MLQA are compared by character, those of XQuAD are not (xtreme#38)."""
    data = load_qa(text, tmp_path, name, RIGHT, normalization=rule)
    assert said(data, "test", "zh-Hans") == [("normalisation", "flag")] * told


def test_a_language_that_mlqas_rules_do_not_know_is_told(text, tmp_path):
    name = "test-context-sw-question-sw.json"
    data = load_qa(text, tmp_path, name, RIGHT, language="sw")
    (verdict,) = data.found[TaskSet("test", "sw")]
    assert "'white space (not official)'" in verdict.line


def test_wrong_offsets_and_answers_in_no_window_are_told(text, tmp_path):
    asked = [RIGHT, ("in ab ran", "who", "ab", 0), ("in ab ran", "who", "ran", 2)]
    data = load_qa(text, tmp_path, MLQA, *asked)
    assert said(data, "test", "zh-Hans") == [("answer offsets", "refuse"), ("lost gold", "refuse")]
    offsets, lost = data.found[TaskSet("test", "zh-Hans")]
    assert "2 of 3 answers are not what stands at their offset" in offsets.line
    assert (lost.evidence["num_before"], lost.evidence["num_after"]) == (3, 1)


def test_answers_that_are_too_long_to_be_predicted_are_told(text, tmp_path):
    long = ("abcdefgh ran", "who", "abcdefgh", 0)
    data = load_qa(text, tmp_path, MLQA, RIGHT, long, max_answer_tokens=3)
    (verdict,) = data.found[TaskSet("test", "zh-Hans")]
    assert (verdict.name, verdict.level) == ("lost gold", "flag")
    assert "of 0 it stands whole in no window, of 1 it has more than 3 tokens" in verdict.line


def test_questions_that_are_cut_are_told(text, tmp_path):
    data = load_qa(text, tmp_path, MLQA, ("in ab ran", LONG, "ab", 3), max_question_tokens=4)
    (verdict,) = data.found[TaskSet("test", "zh-Hans")]
    assert "1 of 1 questions (100.0%) are longer than 4 tokens" in verdict.line
    assert verdict.line.endswith("raise max_question_tokens")


def test_a_file_of_no_benchmark_or_an_invented_language_has_no_rule():
    assert benchmark_of("dev-v1.1.json", "en") == "squad"
    assert benchmark_of("tydiqa.goldp.sw.dev.json.gz", "sw") == "tydiqa-goldp"
    assert benchmark_of("test-en.json", "en") is None
    assert benchmark_of("test-context-qaa-question-qaa.json", "qaa") is None
