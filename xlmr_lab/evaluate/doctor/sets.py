"""What the doctor says of a set as it is read and encoded, before any model is trained on it.

Entities and answers are counted in the file and after encoding; sentences and pairs are encoded one
by one, and readers say which they leave out. Which rule is official for answers is told by the
benchmark that a file's name is of (qa_files.py); a file of nobody's form has none, and neither have
languages that nobody speaks. Left out: training sets that hold rows of a test set.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from xlmr_lab.evaluate.doctor.gold import (
    lost_gold,
    num_entities,
    truncation,
    unofficial_normalization,
    unreachable_answers,
    wrong_offsets,
)
from xlmr_lab.evaluate.doctor.verdict import Verdict
from xlmr_lab.evaluate.examples import Examples
from xlmr_lab.evaluate.formats.squad import QuestionSet
from xlmr_lab.evaluate.qa_metrics import Normalization
from xlmr_lab.evaluate.qa_windows import Windows
from xlmr_lab.languages import LANGUAGES

FORMS = {
    "mlqa": r"(dev|test)-context-.*|translate-test-context-.*|.*_squad-translate-train-.*",
    "xquad": r"xquad\..*",
    "tydiqa-goldp": r"tydiqa\.goldp\..*",
    "squad": r"(train|dev)-v1\.1\..*",
}
"""How the names of a benchmark's files are written, by its name in `qa_metrics.CONVENTIONS`."""


def of_rows(examples: Examples, max_tokens: int) -> list[Verdict]:
    """Return what is wrong with a set of sentences or pairs, each encoded into a row."""
    lengths = examples.whole_lengths
    found = None if lengths is None else truncation(lengths, max_tokens)
    return [found] if found else []


def of_tags(tags: Sequence[Sequence[str]], encoded: Sequence[Sequence[str]]) -> list[Verdict]:
    """Return what is wrong with a set of tagged sentences: their tags in the file, and the gold
    tags that their encoding has a labelled position for."""
    found = lost_gold(num_entities(tags), num_entities(encoded))
    return [found] if found else []


def of_questions(read: QuestionSet, windows: Windows, max_answer_tokens: int) -> list[Verdict]:
    """Return what is wrong with a set of questions and its windows."""
    answers = [
        (read.contexts[question.context], answer.text, answer.start)
        for question in read.questions
        for answer in question.answers
    ]
    contexts, texts, starts = zip(*answers, strict=True)
    setting = "max_question_tokens"
    found = [
        wrong_offsets(contexts, texts, starts),
        unreachable_answers(windows.answer_tokens, max_answer_tokens),
        truncation(windows.question_tokens, windows.longest_question, "questions", setting),
    ]
    return [verdict for verdict in found if verdict]


def of_rule(path: Path, language: str, normalization: Normalization) -> list[Verdict]:
    """Return what is wrong with the rule that answers of a file in a language are scored by."""
    benchmark = benchmark_of(path.name, language)
    found = benchmark and unofficial_normalization(benchmark, language, normalization)
    return [found] if found else []


def benchmark_of(name: str, language: str) -> str | None:
    """Return the benchmark of question answering that a file in a language is of, by its name.

    >>> benchmark_of("test-context-zh-question-zh.json", "zh-Hans")
    'mlqa'
    >>> benchmark_of("test-context-qaa-question-qaa.json", "qaa") is None  # Babel's
    True
    """
    if language not in LANGUAGES:
        return None
    return next((found for found, form in FORMS.items() if re.fullmatch(form, name)), None)
