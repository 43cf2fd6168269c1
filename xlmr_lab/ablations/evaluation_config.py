"""The settings of an evaluation of one encoder: its tasks, and how it is fine-tuned on them.

How encoders of usual size are fine-tuned is known, and is the preset `published`; `narrow` is for
toys. Which is taken follows from the encoder's width unless it is said; `settled` lets a setting
have its effect beside those of a preset.
"""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from xlmr_lab import configs
from xlmr_lab.ablations.sections import GlueConfig, NerConfig, NliConfig, QaConfig
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.finetune import CHECKS, STEPS, FinetuneConfig
from xlmr_lab.evaluate.language_keys import key_of, keys_of
from xlmr_lab.evaluate.retrieval import RetrievalConfig
from xlmr_lab.pretrain.settings import Device

SECTIONS = ("nli", "ner", "qa", "glue")
"""Sections of tasks that encoders are fine-tuned on."""
USUAL_WIDTH = 256
"""Least width of an encoder that is fine-tuned as published: BERT-Mini's (arXiv 1908.08962)."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SentencesConfig(RetrievalConfig):
    """Sentences that look for their translations, with no fine-tuning."""

    path: str | None = None
    """Folder of Tatoeba's files (tatoeba.fra-eng.fra, ...), of <language>.txt with a sentence a
    line, line i of each the same, or of an NLI task, whose premises are taken; none: no retrieval.
    """
    pivot: str = ""
    """Language that each other one is paired with; empty: en where there is one, else each with
    each."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationConfig:
    """An evaluation: the tasks whose `path` is given."""

    name: str = ""
    """Name of the folder under `runs_dir`; empty: evaluate- and the encoder's name."""
    runs_dir: str = "runs"
    """Folder of results."""
    device: Device = "auto"
    """Where the model is: cpu, cuda, or auto: a GPU if there is one."""
    vocabulary: str | None = None
    """Vocabulary of a checkpoint of the lab; none: that of the study it lies in."""
    languages: tuple[str, ...] = ()
    """Languages to score (en,sw,...); empty: all that a task has a dev or test file of."""
    predictions: bool = False
    """Whether GLUE's test sets, which have no labels, are predicted for its leaderboard, by the
    model of the last seed."""
    nli: NliConfig = NliConfig()
    """Natural language inference (XLM-R Sec. 4.2, Table 1)."""
    ner: NerConfig = NerConfig()
    """Named entity recognition (XLM-R Sec. 4.3, Table 2)."""
    qa: QaConfig = QaConfig()
    """Question answering (XLM-R Sec. 4.2, Table 3)."""
    glue: GlueConfig = GlueConfig()
    """GLUE's tasks and PAWS-X (XLM-R Sec. 5.3, Table 4)."""
    retrieval: SentencesConfig = SentencesConfig()
    """Sentence retrieval, by layer."""

    def __post_init__(self) -> None:
        if self.name == ".." or self.name != Path(self.name).name:
            raise UserError(
                f"name must be that of one folder, got {self.name!r}; say where it is by runs_dir"
            )
        if self.predictions and self.glue.path is None:
            raise UserError("predictions=true has no effect without glue.path=FOLDER; add it")
        if self.predictions and len(self.glue.finetune.selections) > 1:
            raise UserError("predictions are of one step; name one in glue.finetune.selections")


def published() -> EvaluationConfig:
    """Return how encoders of usual size are fine-tuned, by those who told.

    NLI as XLM-R's authors (fairseq#1367): batches of 128 at 5e-6, up to 30 rounds of 5,000 steps,
    each looked at on the dev sets, of which the best is taken, until 5 rounds brought none; 5 seeds
    (XLM-R Sec. 4.2). Of NER and QA XLM-R tells nothing: they are XTREME's (arXiv 2003.11080 and its
    code): batches of 32, ten passes at 2e-5 over NER's training sets without warm-up and weight
    decay, three at 3e-5 over SQuAD's windows of 384 tokens with a decay of 1e-4 and 500 steps of
    warm-up (6 % of SQuAD's), both rates within BERT's range (Sec. A.3). GLUE is RoBERTa's (Table
    10): batches of 32, ten passes at 2e-5, weight decay 0.1, warm-up 0.06. What is not told is that
    of `FinetuneConfig`.
    """
    nli = FinetuneConfig(
        steps=150_000,
        batch_sequences=128,
        peak_learning_rate=5e-6,
        selections=("joint-dev",),
        selection_checks=30,
        patience=5,
    )
    glue = FinetuneConfig(
        passes=10.0, peak_learning_rate=2e-5, weight_decay=0.1, warmup_fraction=0.06
    )
    ner = FinetuneConfig(
        passes=10.0, peak_learning_rate=2e-5, weight_decay=0.0, warmup_fraction=0.0
    )
    qa = FinetuneConfig(
        passes=3.0,
        peak_learning_rate=3e-5,
        weight_decay=1e-4,
        warmup_fraction=0.06,
        max_tokens=384,
    )
    return EvaluationConfig(
        nli=NliConfig(seeds=5, finetune=nli),
        ner=NerConfig(finetune=ner),
        qa=QaConfig(finetune=qa),
        glue=GlueConfig(finetune=glue),
    )


def narrow() -> EvaluationConfig:
    """Return how encoders of less than 256 dimensions are fine-tuned, as in the tiny study: ten
    passes at 1e-3, batches of 32, the last step.

    Published learning rates are for wider ones.
    """
    finetune = FinetuneConfig(passes=10.0, peak_learning_rate=1e-3)
    return EvaluationConfig(
        nli=NliConfig(finetune=finetune),
        ner=NerConfig(finetune=finetune),
        qa=QaConfig(finetune=finetune),
        glue=GlueConfig(finetune=finetune),
    )


PRESETS: dict[str, Callable[[], EvaluationConfig]] = {"published": published, "narrow": narrow}


def chosen(width: int) -> str:
    """Return the preset of encoders of a width."""
    return "published" if width >= USUAL_WIDTH else "narrow"


def settings(preset: str, given: Sequence[str], max_tokens: int | None = None) -> EvaluationConfig:
    """Return the settings of a preset with those given; sequences that are not given are no longer
    than `max_tokens`, what the encoder takes.

    Raises:
        UserError: there is no such preset or setting, or a value is not allowed, or a language is
            named twice.
    """
    if preset not in PRESETS:
        raise UserError(f"no preset {preset!r} of fine-tuning; there is {', '.join(PRESETS)}")
    base = PRESETS[preset]()
    shortened = [
        f"{section}.finetune.max_tokens={max_tokens}"
        for section in SECTIONS
        if max_tokens and getattr(base, section).finetune.max_tokens > max_tokens
    ]
    return keyed(configs.override(base, [*shortened, *settled(given)]))


def keyed(config: EvaluationConfig) -> EvaluationConfig:
    """Return settings with the lab's keys of the languages that they name (zh-Hans for zh).

    Raises:
        UserError: two names are of one language.
    """
    learned = {
        name: dataclasses.replace(own, train_language=key_of(own.train_language))
        for name in SECTIONS
        for own in (getattr(config, name),)
    }
    return dataclasses.replace(config, languages=keys_of(config.languages), **learned)


def settled(given: Sequence[str]) -> list[str]:
    """Return settings such that steps take the place of a preset's passes and the other way round,
    and the last step that of looking for a better one.

    >>> settled(["ner.finetune.steps=60"])
    ['ner.finetune.passes=0', 'ner.finetune.steps=60']
    """
    values = dict(assignment.partition("=")[::2] for assignment in given)
    yielding: list[tuple[str, object]] = []
    for section in SECTIONS:
        start = f"{section}.finetune."
        if f"{start}steps" in values:
            yielding.append((f"{start}passes", 0))
        elif f"{start}passes" in values:
            yielding.append((f"{start}steps", STEPS))
        chosen = values.get(f"{start}selections", "").split(",")
        if "last" in chosen:
            yielding.append((f"{start}patience", 0))
        if chosen == ["last"]:
            yielding.append((f"{start}selection_checks", CHECKS))
    way = [f"{name}={value}" for name, value in yielding if name not in values]
    return [*way, *given]
