"""The studies that come with the lab.

`tiny` is what `./lab` runs: minutes on two cores. `small` has an easier corpus and eight
times the tokens, so that transfer on Babel can be seen: half an hour on two cores. `web` cleans raw
web pages. These are scaled stand-ins for XLM-R Base (Table 7); what they change is stated beside
it. `medium`, `base` and `large` are for text of one's own, the last two with the paper's numbers.
"""

import dataclasses
from collections.abc import Callable, Sequence

from xlmr_lab.ablations import evaluation_config
from xlmr_lab.ablations.sections import (
    AblationConfig,
    GlueConfig,
    NerConfig,
    NliConfig,
    QaConfig,
)
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.babel import qa as babel_qa
from xlmr_lab.babel.corpora import BabelConfig
from xlmr_lab.babel.tasks import TaskConfig
from xlmr_lab.batches.stream import BatchConfig
from xlmr_lab.corpus.judge import CleanConfig
from xlmr_lab.corpus.models import MeasureConfig
from xlmr_lab.corpus.quality import QualityConfig
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.model import presets
from xlmr_lab.pretrain.settings import PretrainConfig
from xlmr_lab.vocabulary.settings import VocabularyConfig

SHORT_QUESTIONS = babel_qa.QaConfig(train=16_000, shortest=2, longest=6)
"""Questions about contexts that mostly fit in one block of 64 tokens."""


def tiny() -> StudyConfig:
    """Return the study of `./lab`: six languages of Babel, three million tokens a run, minutes.

    Against the paper: 6 languages (100), 2 layers of width 64 (12 of 768), 1,800 pieces (250k),
    blocks of 64 tokens (512), batches of 32 blocks (8192), initial weights of deviation 0.12 (0.02,
    with which a model this narrow takes three times as long), no dropout, since so little training
    does not overfit; one sentence in ten stands beside its translation into the first language.
    """
    return StudyConfig(
        babel=BabelConfig(
            languages=("qaa", "qab", "qam", "qbk", "qcu", "qdc"),
            corpus_bytes=4_000_000,
            smallest_bytes=150_000,
            glossed=0.1,
        ),
        tasks=TaskConfig(nli_train=16_000, ner_train=2000, qa=SHORT_QUESTIONS),
        measure=MeasureConfig(labelled_sources=("encyclopaedia",), second_identifier=False),
        vocabulary=VocabularyConfig(size=1800, sample_bytes=3_000_000, coverage=0.9999),
        batches=BatchConfig(block_tokens=64, batch_sequences=32, heldout_fraction=0.05),
        model=dataclasses.replace(
            presets.preset("tiny").encoder, dropout=0.0, attention_dropout=0.0, init_std=0.12
        ),
        pretrain=PretrainConfig(
            steps=1500, peak_learning_rate=6e-3, warmup_steps=100, heldout_steps=300
        ),
        nli=NliConfig(
            train_language="qaa",
            finetune=FinetuneConfig(passes=1.0, peak_learning_rate=1e-3),
        ),
        ner=NerConfig(
            train_language="qaa",
            finetune=FinetuneConfig(passes=2.4, peak_learning_rate=1e-3),
        ),
        qa=QaConfig(
            train_language="qaa",
            stride=32,
            finetune=FinetuneConfig(steps=1500, peak_learning_rate=1e-3, max_tokens=64),
        ),
        glue=GlueConfig(
            train_language="qaa",
            finetune=FinetuneConfig(steps=500, peak_learning_rate=1e-3),
        ),
    )


def small() -> StudyConfig:
    """Return the study of transfer on Babel, with an easier corpus: half an hour on two cores.

    Four languages of one family and of equal size, one sentence in five with its translation, 25
    million tokens a run; one arm, since it asks about transfer and not about alpha; four seeds,
    since transfer differs much between them.
    """
    base = tiny()
    return dataclasses.replace(
        base,
        seeds=4,
        babel=dataclasses.replace(
            base.babel,
            languages=("qaa", "qam", "qay", "qbk"),
            balanced=True,
            glossed=0.2,
            corpus_bytes=8_000_000,
        ),
        tasks=TaskConfig(nli_train=40_000, ner_train=2000, qa=SHORT_QUESTIONS),
        vocabulary=dataclasses.replace(base.vocabulary, size=1200),
        pretrain=dataclasses.replace(base.pretrain, steps=12_000, heldout_steps=1000),
        nli=dataclasses.replace(
            base.nli, finetune=dataclasses.replace(base.nli.finetune, passes=2.0)
        ),
        ablation=AblationConfig(alphas=()),
    )


def web() -> StudyConfig:
    """Return the settings for raw web pages, as XLM-R's corpus was made (Sec. 3, CCNet): two
    identifiers, filters of documents, near duplicates; otherwise those of `tiny`.

    Give it labelled text of each language beside the pages (`measure.labelled_sources`) and, for
    perplexity, text of quality (`measure.encyclopaedia_sources`).
    """
    base = tiny()
    return dataclasses.replace(
        base,
        measure=MeasureConfig(labelled_sources=base.measure.labelled_sources),
        clean=CleanConfig(
            quality=QualityConfig(sets=("gopher_quality", "gopher_repetition")),
            near_duplicates=True,
        ),
    )


def medium() -> StudyConfig:
    """Return a study of text of one's own for one GPU: 8 layers of width 512, 64,000
    ids, 21 billion tokens, hours.

    Against the paper: 8 layers of width 512 (12 of 768), 64,000 ids (250,002), batches of 2,048
    blocks (8,192), 20,000 steps (1.5 million). The learning rate is RoBERTa's for such batches
    (5e-4, fairseq's examples/roberta), its warm-up 6 % of the steps. Fine-tuning is XTREME's: five
    passes over XNLI and ten over WikiANN's English, batches of 32, 2e-5, 128 tokens; three over
    SQuAD, 3e-5, 384 tokens; of GLUE RoBERTa's (Table 10), ten passes, batches of 32, 2e-5.
    """
    made = presets.preset("medium")
    return StudyConfig(
        seeds=1,
        jobs=1,
        vocabulary=VocabularyConfig(size=made.vocab_size),
        batches=BatchConfig(batch_sequences=2048),
        model=made.encoder,
        pretrain=PretrainConfig(
            steps=20_000,
            peak_learning_rate=5e-4,
            warmup_steps=1200,
            micro_sequences=128,
            heldout_steps=1000,
            checkpoint_steps=1000,
        ),
        nli=NliConfig(finetune=FinetuneConfig(steps=61_360, peak_learning_rate=2e-5)),
        ner=NerConfig(finetune=FinetuneConfig(steps=6250, peak_learning_rate=2e-5)),
        qa=QaConfig(finetune=FinetuneConfig(steps=8300, peak_learning_rate=3e-5, max_tokens=384)),
        glue=GlueConfig(finetune=FinetuneConfig(passes=10, peak_learning_rate=2e-5)),
        ablation=AblationConfig(alphas=()),
    )


def base() -> StudyConfig:
    """Return XLM-R-Base on text of one's own (XLM-R Sec. 3, 5.2, Table 7): 1.5 million steps of
    8,192 blocks, 6.3 trillion tokens; the paper took 500 GPUs.

    Blocks of 512 tokens, 15 % masked, alpha 0.3, 250,002 ids. Learning rate and warm-up are not the
    paper's but those of a public command of its shape (PerfKitBenchmarker, see `PretrainConfig`),
    nor is how the vocabulary is trained. Fine-tuning is that of `medium`.
    """
    made = presets.preset("base")
    return dataclasses.replace(
        medium(),
        vocabulary=VocabularyConfig(size=made.vocab_size),
        batches=BatchConfig(),
        model=made.encoder,
        pretrain=PretrainConfig(micro_sequences=128, heldout_steps=5000, checkpoint_steps=5000),
    )


def large() -> StudyConfig:
    """Return XLM-R on text of one's own (XLM-R Sec. 3, 5.2, Table 7): `base` with 24 layers of
    width 1024.

    NLI is fine-tuned as the authors tell of XNLI (batches of 128, 5e-6, fairseq#1367), five passes;
    of NER they tell nothing.
    """
    settings = base()
    nli = FinetuneConfig(steps=15_340, batch_sequences=128, peak_learning_rate=5e-6)
    return dataclasses.replace(
        settings,
        model=presets.preset("large").encoder,
        pretrain=dataclasses.replace(settings.pretrain, micro_sequences=64),
        nli=NliConfig(finetune=nli),
    )


PRESETS: dict[str, Callable[[], StudyConfig]] = {
    "tiny": tiny,
    "small": small,
    "web": web,
    "medium": medium,
    "base": base,
    "large": large,
}
OF_TEXT = ("medium", "base", "large")
"""Presets for text of one's own alone: Babel has not enough of it."""


def preset(name: str, *, own_text: bool = False) -> StudyConfig:
    """Return the study of a name, for Babel or for text of one's own.

    Raises:
        UserError: there is none of that name.
    """
    if name not in PRESETS:
        raise UserError(f"unknown preset {name!r}; there are {', '.join(PRESETS)}")
    config = PRESETS[name]()
    return for_text(config) if own_text and name not in OF_TEXT else config


def require_text(name: str, *, own_text: bool) -> None:
    """Refuse a preset that Babel is too small for.

    Raises:
        UserError: so it is, and there is no other text.
    """
    if name in OF_TEXT and not own_text:
        raise UserError(f"preset {name} is for text of your own; add corpus.path=FOLDER")


def settled(assignments: Sequence[str], *, own_text: bool) -> list[str]:
    """Return a user's settings such that each has its effect beside those of a preset.

    A number of Babel's languages takes the place of the preset's list of them, a schedule of
    sampling that of its arms of constant exponents, a cap that of its exponent, and a number of
    steps of fine-tuning that of passes.

    Raises:
        UserError: a setting of Babel for text that is not Babel.
    """
    given = dict(assignment.partition("=")[::2] for assignment in assignments)
    for name in given:
        if own_text and name.startswith(("babel.", "tasks.")):
            raise UserError(f"{name} has no effect with corpus.path: it belongs to Babel")
    schedule = given.get("sampling.schedule", "constant")
    yielding = {
        "babel.languages=": "babel.num_languages" in given,
        "ablation.alphas=": schedule != "constant",
        "sampling.alpha=0": schedule == "capped",
    }
    names = {setting: setting.partition("=")[0] for setting in yielding}
    way = [
        setting for setting, yields in yielding.items() if yields and names[setting] not in given
    ]
    return evaluation_config.settled([*way, *assignments])


def for_text(config: StudyConfig) -> StudyConfig:
    """Return a study with what suits Babel alone replaced by what natural text needs.

    The identifier learns from all sources, the vocabulary is larger (each language has thousands of
    words and Chinese thousands of characters), and tasks are learned in English or the largest
    language.
    """
    return dataclasses.replace(
        config,
        measure=dataclasses.replace(config.measure, labelled_sources=()),
        vocabulary=dataclasses.replace(
            config.vocabulary, size=8000, sample_bytes=10_000_000, coverage=0.99999
        ),
        nli=dataclasses.replace(
            config.nli,
            train_language="",
            finetune=dataclasses.replace(config.nli.finetune, passes=0.0, steps=500),
        ),
        qa=dataclasses.replace(config.qa, train_language=""),
        glue=dataclasses.replace(config.glue, train_language=""),
        ner=dataclasses.replace(
            config.ner,
            train_language="",
            finetune=dataclasses.replace(config.ner.finetune, passes=0.0, steps=1000),
        ),
        ablation=AblationConfig(),
    )
