"""Scales of the studies: what a budget allows of every grid (design, section 6).

Each is a scaled stand-in for the paper's setting and says so in `about`. On Babel the seven
languages are of one family, so that something transfers within minutes of training, and keep the
proportions of the sizes they stand for.
"""

import dataclasses
from collections.abc import Callable

from xlmr_lab import languages
from xlmr_lab.ablations import studies
from xlmr_lab.ablations.grid import Scale
from xlmr_lab.ablations.sections import AblationConfig
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.ablations.variants import TASKS
from xlmr_lab.errors import UserError
from xlmr_lab.model.encoder import EncoderConfig

SEVEN = ("qaa", "qam", "qay", "qbk", "qbw", "qcu", "qds")
"""Babel's seven, of its first family, from the largest to the smallest."""
COUNTS = (7, 15, 30, 60, 100)
"""Numbers of languages of XLM-R Figure 2."""
REAL = (
    *("en", "fr", "de", "es", "pt", "it", "nl", "sv", "da", "pl", "hr", "ru"),
    *("hi", "bn", "ur", "sw"),
)
"""Languages of the scale of real text: three families of scripts, and the four that the paper's
tiers are of (Sec. 5.1)."""
WIDTHS = (768, 960, 1152)
"""Model widths of XLM-R Figure 4."""


def tiny() -> Scale:
    """Return alpha and languages, at a length that tests nothing but the way: a minute."""
    base = _babel(studies.tiny(), corpus_bytes=600_000, smallest_bytes=60_000, seeds=2)
    base = dataclasses.replace(
        base,
        vocabulary=dataclasses.replace(base.vocabulary, size=1200, sample_bytes=400_000),
        pretrain=dataclasses.replace(base.pretrain, steps=60, warmup_steps=10, heldout_steps=60),
    )
    return Scale(
        name="tiny",
        base=base,
        counts=(7, 9),
        widths=(64, 96),
        vocabularies=(800, 1200),
        text_bytes=(10_000, 40_000),
        about="Babel, a minute of two cores: it shows the way, and decides nothing",
        claims=("F1", "F3"),
    )


def laptop() -> Scale:
    """Return all fifteen on Babel, two cores, one night: predicted to take five to six hours."""
    base = _babel(studies.tiny(), corpus_bytes=5_000_000, smallest_bytes=100_000, seeds=5)
    base = dataclasses.replace(
        base, vocabulary=dataclasses.replace(base.vocabulary, size=1400, sample_bytes=3_000_000)
    )
    return Scale(
        name="laptop",
        base=base,
        counts=(7, 15, 30, 60),
        widths=(64, 96, 128),
        vocabularies=(500, 900, 1400, 1900),
        text_bytes=(30_000, 120_000),
        about="Babel, 2 layers of width 64, 3 million tokens a run (the paper: 12 layers of "
        "width 768, trillions of tokens)",
    )


def gpu() -> Scale:
    """Return all fifteen on Babel, sized for one modern GPU; it has not been run on one."""
    base = _babel(studies.tiny(), corpus_bytes=30_000_000, smallest_bytes=300_000, seeds=5)
    model = dataclasses.replace(
        base.model, num_layers=4, hidden_size=256, num_heads=4, ffn_size=1024, init_std=0.06
    )
    base = dataclasses.replace(
        base,
        model=model,
        vocabulary=dataclasses.replace(base.vocabulary, size=1400, sample_bytes=10_000_000),
        batches=dataclasses.replace(base.batches, batch_sequences=256),
        pretrain=dataclasses.replace(base.pretrain, steps=3000, peak_learning_rate=2e-3),
    )
    return Scale(
        name="gpu",
        base=base,
        counts=COUNTS,
        widths=(256, 320, 384),
        vocabularies=(500, 900, 1400, 2200),
        text_bytes=(100_000, 400_000),
        about="Babel, 4 layers of width 256, 49 million tokens a run (the paper: 12 layers of "
        "width 768, trillions of tokens)",
    )


def real() -> Scale:
    """Return sixteen real languages in text of one's own, two cores: alpha and vocabulary (F3, F4)
    by held-out loss and by NER learned in English."""
    return Scale(
        name="real",
        base=_real_text(studies.tiny()),
        counts=(16, 30, 60, 100),
        widths=(128, 160, 192),
        vocabularies=(4000, 8000, 16_000),
        text_bytes=(100_000, 400_000),
        about="sixteen real languages, text of one's own, 2 layers of width 128, 8 million tokens "
        "a run",
        claims=("F3", "F4"),
        scored=True,
    )


def paper() -> Scale:
    """Return the paper's own settings, for text of one's own and a cluster: seven languages, 150k
    ids, XLM-R Base for 150,000 steps of its batches (Sec. 5.1)."""
    base = _chosen_on_dev(studies.base())
    base = dataclasses.replace(
        base,
        seeds=1,
        corpus=dataclasses.replace(base.corpus, languages=languages.SEVEN),
        vocabulary=dataclasses.replace(base.vocabulary, size=150_000),
        pretrain=dataclasses.replace(base.pretrain, steps=150_000),
    )
    return Scale(
        name="paper",
        base=base,
        counts=COUNTS,
        widths=WIDTHS,
        vocabularies=(32_000, 64_000, 128_000, 256_000),
        text_bytes=(100 << 20, 400 << 20),
        about="text of one's own, XLM-R Base, 150,000 steps of 8,192 blocks",
    )


SCALES: dict[str, Callable[[], Scale]] = {
    "tiny": tiny,
    "laptop": laptop,
    "gpu": gpu,
    "real": real,
    "paper": paper,
}


def scale(name: str) -> Scale:
    """Return the scale of a name.

    Raises:
        UserError: there is none of that name.
    """
    if name not in SCALES:
        raise UserError(f"unknown scale {name!r}; there are {', '.join(SCALES)}")
    return SCALES[name]()


def _real_text(preset: StudyConfig) -> StudyConfig:
    """Return a preset's study on real languages, one arm, of models that leave the plateau (see
    `_leaving_the_plateau`)."""
    base = _chosen_on_dev(preset)
    model = dataclasses.replace(
        _leaving_the_plateau(base.model), hidden_size=128, num_heads=4, ffn_size=512, init_std=0.085
    )
    pretrain = dataclasses.replace(
        base.pretrain, steps=4000, peak_learning_rate=2e-3, warmup_steps=200, heldout_steps=500
    )
    tasks = {name: dataclasses.replace(getattr(base, name), train_language="en") for name in TASKS}
    return dataclasses.replace(
        base,
        seeds=3,
        evaluated=("ner",),
        corpus=dataclasses.replace(base.corpus, languages=REAL),
        measure=dataclasses.replace(base.measure, labelled_sources=()),
        vocabulary=dataclasses.replace(base.vocabulary, size=8000, sample_bytes=10_000_000),
        batches=dataclasses.replace(base.batches, mask_fraction=0.3),
        model=model,
        pretrain=pretrain,
        ablation=AblationConfig(alphas=()),
        **tasks,
    )


def _leaving_the_plateau(model: EncoderConfig) -> EncoderConfig:
    """Return a model whose heads first look at neighbours: without it a model this small knows how
    frequent ids are after thousands of steps, and nothing of their order."""
    return dataclasses.replace(model, attention_start="neighbours")


def _chosen_on_dev(config: StudyConfig) -> StudyConfig:
    """Return a study whose scores are of the checkpoints that are best on all languages' dev sets,
    as the paper's are (Sec. 4.2)."""
    tasks = {}
    for name in TASKS:
        section = getattr(config, name)
        tuned = dataclasses.replace(section.finetune, selections=("joint-dev",))
        tasks[name] = dataclasses.replace(section, finetune=tuned)
    return dataclasses.replace(config, **tasks)


def _babel(
    preset: StudyConfig, *, corpus_bytes: int, smallest_bytes: int, seeds: int
) -> StudyConfig:
    """Return a preset's study on Babel's seven, one arm, of models that leave the plateau (see
    `_leaving_the_plateau`)."""
    babel = dataclasses.replace(
        preset.babel, languages=SEVEN, corpus_bytes=corpus_bytes, smallest_bytes=smallest_bytes
    )
    return dataclasses.replace(
        _chosen_on_dev(preset),
        seeds=seeds,
        babel=babel,
        model=_leaving_the_plateau(preset.model),
        ablation=AblationConfig(alphas=()),
    )
