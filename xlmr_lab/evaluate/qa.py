"""Extractive question answering: F1 from one language to others (MLQA; XLM-R Sec. 4.2, Table 3).

An answer is a span of its context: where it begins and ends is learned at the context's tokens (see
qa_windows.py), and the best span of all windows is the prediction (qa_spans.py). F1 selects, exact
match is told beside it, both under the rules of the language that the context is in. Where test
contexts are also asked about in other languages, models that serve all languages are scored on the
whole matrix (MLQA's generalised transfer). The defaults are those of BERT's code for SQuAD. Left
out: several answers learned in one window, unanswerable questions.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from xlmr_lab import configs
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import planned_files, protocols, qa_files, qa_metrics
from xlmr_lab.evaluate.doctor.sets import benchmark_of, of_questions, of_rule
from xlmr_lab.evaluate.doctor.verdict import Verdict
from xlmr_lab.evaluate.examples import Examples
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.formats import squad
from xlmr_lab.evaluate.formats.squad import Misplacement, Question, QuestionSet
from xlmr_lab.evaluate.protocols import Cell, ModelPlan, Protocol, TaskSet, text_language
from xlmr_lab.evaluate.qa_metrics import Normalization
from xlmr_lab.evaluate.qa_spans import best_spans
from xlmr_lab.evaluate.qa_windows import Context, Cut, Windows, encode
from xlmr_lab.evaluate.selection import Selection
from xlmr_lab.evaluate.task_files import ScoredSplit
from xlmr_lab.evaluate.text import TextEncoder
from xlmr_lab.evaluate.transfer import Target, TransferData

logger = logging.getLogger(__name__)

FOR_ALL: tuple[Protocol, ...] = ("zero-shot", "translate-train-all", "all")
"""Protocols whose one model serves all languages, those of questions too."""


@dataclass(frozen=True, kw_only=True)
class AnswerConfig:
    """How contexts are cut into windows, and answers read and scored."""

    normalization: Literal["auto", "mlqa", "squad"] = "auto"
    """What is compared of answers: mlqa (punctuation and articles of the context's language are
    dropped, Chinese is split into characters), squad, or auto: the rule of the benchmark that a
    file's name is of (MLQA, SQuAD, XQuAD, TyDiQA-GoldP), mlqa for others."""
    stride: int = 128
    """Tokens from one window of a context to the next, at most half a window (BERT: 128)."""
    max_question_tokens: int = 64
    """Longest question (tokens), at most half a sequence; the rest is cut (BERT: 64)."""
    max_answer_tokens: int = 30
    """Longest answer that is predicted (tokens; BERT: 30)."""
    misplaced: Misplacement = "drop"
    """What training does with an answer that does not stand at its offset: drop, or nearest, the
    nearest place where its words stand. Scoring always compares with its text."""
    crossed: bool = True
    """Whether contexts are also asked about in other languages, where there are files (MLQA)."""

    def __post_init__(self) -> None:
        for name in ("stride", "max_question_tokens", "max_answer_tokens"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 1, got {getattr(self, name)}")

    def rule(self, path: Path, language: str) -> Normalization:
        """Return the rule that the answers of a file in a language are scored by.

        >>> AnswerConfig().rule(Path("xquad.zh.json"), "zh-Hans")
        'squad'
        """
        if self.normalization != "auto":
            return self.normalization
        benchmark = benchmark_of(path.name, language)
        return qa_metrics.CONVENTIONS[benchmark] if benchmark else "mlqa"


def load(
    text: TextEncoder,
    folder: Path,
    *,
    train_language: str,
    languages: Sequence[str],
    config: FinetuneConfig,
    protocols: Sequence[Protocol] = ("zero-shot",),
    split: ScoredSplit | None = None,
    answers: AnswerConfig = AnswerConfig(),
) -> TransferData:
    """Read and encode the training sets and what is scored or looked at.

    Raises:
        UserError: a file is missing or not well-formed.
    """
    models, training, scoring = planned(
        folder,
        protocols=protocols,
        train_language=train_language,
        languages=languages,
        split=split,
        selections=config.selections,
        crossed=answers.crossed,
    )
    reader = _Reader(text, train_language, config.max_tokens, answers)
    data = TransferData(
        task="qa",
        objective="span",
        num_labels=2,
        vocab_size=text.size,
        models=models,
        train={part: reader.examples(part, path) for part, path in training.items()},
        targets={part: reader.target(part, path) for part, path in scoring.items()},
        found=reader.found,
    )
    tell_rules(reader.rules)
    return data


class Planned(NamedTuple):
    """What question answering fine-tunes and reads."""

    models: tuple[ModelPlan, ...]
    training: Mapping[TaskSet, Path]
    scoring: Mapping[TaskSet, Path]


def planned(
    folder: Path,
    *,
    protocols: Sequence[Protocol],
    train_language: str,
    languages: Sequence[str],
    split: ScoredSplit | None,
    selections: Sequence[Selection],
    crossed: bool = True,
) -> Planned:
    """Return the models of some protocols, and the files of their sets.

    Raises:
        UserError: a file is missing, or both scored and looked at.
    """
    scored = planned_files.scored(folder, languages, split, qa_files.scored_split)
    models = plan(folder, protocols, train_language, scored, crossed=crossed)
    return Planned(
        models,
        planned_files.training(folder, models, qa_files.require),
        planned_files.scoring(folder, models, selections, qa_files.require),
    )


def plan(
    folder: Path,
    chosen: Sequence[Protocol],
    train_language: str,
    scored: Sequence[tuple[str, ScoredSplit]],
    *,
    crossed: bool,
) -> tuple[ModelPlan, ...]:
    """Return the models of some protocols, those for all languages with the cells of the matrix
    that there are files for.
    """
    models = protocols.plan(chosen, train_language, scored)
    pairs = qa_files.crossed(folder, scored) if crossed else []

    def more(model: ModelPlan) -> list[Cell]:
        served = dict.fromkeys(cell.protocol for cell in model.cells if cell.protocol in FOR_ALL)
        return [Cell(p, pair, TaskSet("dev", pair.language)) for p in served for pair in pairs]

    return tuple(model._replace(cells=(*model.cells, *more(model))) for model in models)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads files of questions; each context is encoded once, whatever asks about it."""

    text: TextEncoder
    train_language: str
    max_tokens: int
    config: AnswerConfig
    seen: dict[tuple[str, str], Context] = field(default_factory=dict)
    found: dict[TaskSet, list[Verdict]] = field(default_factory=dict)
    """What the doctor says of each set."""
    rules: dict[tuple[Normalization, str], None] = field(default_factory=dict)
    """Rules of scoring, each with a language."""

    def examples(self, part: TaskSet, path: Path) -> Examples:
        """Return a training set."""
        questions = squad.read(path)
        return self._windows(
            part, questions, squad.placed(questions, self.config.misplaced)
        ).examples

    def target(self, part: TaskSet, path: Path) -> Target:
        """Return a set to be scored."""
        questions = squad.read(path)
        windows = self._windows(part, questions, questions.questions)
        golds, language = questions.golds, text_language(part, self.train_language)
        rule = self.config.rule(path, language)
        self.rules[rule, language] = None
        self.found[part] += of_rule(path, language, rule)

        def score(logits: np.ndarray) -> dict[str, float]:
            found = predictions(windows, list(golds), logits, self.config)
            return qa_metrics.score(found, golds, language=language, normalization=rule)

        return Target(
            examples=windows.examples,
            num_examples=len(golds),
            score=score,
            scored_by=configs.fingerprint(self.config, rule, language, golds, questions.contexts),
        )

    def _windows(self, part: TaskSet, read: QuestionSet, asked: Sequence[Question]) -> Windows:
        language = text_language(part, self.train_language)
        windows = encode(
            self.text,
            asked,
            [self._context(text, language) for text in read.contexts],
            languages=(language, part.question_language or language),
            cut=Cut(self.max_tokens, self.config.stride, self.config.max_question_tokens),
        )
        logger.info("%s: %s", read.path, told(windows, self.config.max_answer_tokens))
        self.found[part] = of_questions(read, windows, self.config.max_answer_tokens)
        return windows

    def _context(self, text: str, language: str) -> Context:
        key = language, text
        if key not in self.seen:
            self.seen[key] = Context(text, *self.text.offsets(text, language))
        return self.seen[key]


def predictions(
    windows: Windows, ids: Sequence[str], logits: np.ndarray, config: AnswerConfig
) -> dict[str, str]:
    """Return the answer to each question; an empty one where its context has no token."""
    spans = best_spans(windows, logits, max_answer_tokens=config.max_answer_tokens)
    return {name: best[0].text if best else "" for name, best in zip(ids, spans, strict=True)}


def told(windows: Windows, max_answer_tokens: int) -> str:
    """Return what became of a set's questions and answers, in one line."""
    lengths = windows.answer_tokens
    counts = {
        "stand whole in no window": lengths == 0,
        "begin or end inside a token": (lengths > 0) & ~windows.exact,
        f"have more than {max_answer_tokens} tokens": lengths > max_answer_tokens,
    }
    lost = [f"{np.sum(which):,} {what}" for what, which in counts.items() if which.any()]
    rows = f"{len(lengths):,} questions in {len(windows.row_questions):,} windows"
    return f"{rows}; of their answers {', '.join(lost)}" if lost else rows


def tell_rules(rules: Iterable[tuple[Normalization, str]]) -> None:
    """Log the languages whose answers are not scored by the official rule."""
    if others := [key for rule, key in rules if qa_metrics.normalization_name(key, rule) != rule]:
        logger.warning(
            "answers in %s are compared by white space, which is not official: the rules of mlqa "
            "do not know these languages",
            ", ".join(others),
        )
