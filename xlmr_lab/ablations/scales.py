"""Scales of the studies: what a budget allows of every grid (design, section 6).

Each is a scaled stand-in for the paper's setting and says so in `about`. On Babel the seven
languages are of one family, so that something transfers within minutes of training, and keep the
proportions of the sizes they stand for; where languages are added (F1, F2), the seven keep their
own text.
"""

import dataclasses
from collections.abc import Callable, Sequence

from xlmr_lab import languages
from xlmr_lab.ablations import studies
from xlmr_lab.ablations.grid import Scale
from xlmr_lab.ablations.sections import AblationConfig
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.babel import tongues
from xlmr_lab.errors import UserError

SEVEN = ("qaa", "qam", "qay", "qbk", "qbw", "qcu", "qds")
"""Babel's seven, of its first family, from the largest to the smallest."""
TASKS = ("nli", "ner", "qa", "glue")
"""Sections of tasks."""
COUNTS = (7, 15, 30, 60, 100)
"""Numbers of languages of XLM-R Figure 2."""
MONOLINGUAL_IDS = 40_000 / 150_000
"""Ids of a model of one language for each of one of seven (XLM-R Sec. 5.3); Babel's languages have
no more pieces than that."""
WIDTHS = (768, 960, 1152)
"""Model widths of XLM-R Figure 4."""


def tiny() -> Scale:
    """Return alpha and languages only, at a length that tests nothing but the way: a minute."""
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


def more_languages(config: StudyConfig, count: int) -> StudyConfig:
    """Return a study with so many languages, the ones at hand first.

    On Babel their own text stays what it is, and the others stand for languages spread evenly over
    the sizes. Of text of one's own the first fifteen are XNLI's, the rest the largest, since the
    paper does not list its sets of 30 and 60.

    Raises:
        UserError: fewer than it has, or more than there are.
    """
    if config.corpus.languages:
        return _more_of_the_paper(config, count)
    own = config.babel.codes()
    everything = tongues.codes()
    if not len(own) <= count <= len(everything):
        raise UserError(
            f"languages must be {len(own)} to {len(everything)} on Babel, got {count}; leave the "
            "larger counts out"
        )
    others = [code for code in everything if code not in own]
    step = len(others) / max(1, count - len(own))
    added = [others[int(i * step)] for i in range(count - len(own))]
    babel = config.babel
    grown = (*own, *added)
    corpus_bytes = round(babel.corpus_bytes * _real(grown) / _real(own))
    return dataclasses.replace(
        config, babel=dataclasses.replace(babel, languages=grown, corpus_bytes=corpus_bytes)
    )


def alone(config: StudyConfig, language: str) -> StudyConfig:
    """Return a study with one of the languages alone, with the same text and as many steps, and
    fewer ids, as in the paper; tasks are learned in it."""
    ids = round(config.vocabulary.size * MONOLINGUAL_IDS)
    config = dataclasses.replace(
        config, vocabulary=dataclasses.replace(config.vocabulary, size=ids)
    )
    tasks = {
        name: dataclasses.replace(getattr(config, name), train_language=language) for name in TASKS
    }
    part = dataclasses.replace(config.part, languages=(language,))
    return dataclasses.replace(config, part=part, **tasks)


def shortened(config: StudyConfig, language: str, most_bytes: int) -> StudyConfig:
    """Return a study with so much training text of one language, at most, and all of the others."""
    part = dataclasses.replace(config.part, most_bytes=most_bytes, shortened=(language,))
    return dataclasses.replace(config, part=part)


def _more_of_the_paper(config: StudyConfig, count: int) -> StudyConfig:
    own, known = config.corpus.languages, languages.LANGUAGES
    if not len(own) <= count <= len(known):
        raise UserError(f"languages must be {len(own)} to {len(known)}, got {count}")
    by_size = sorted(known, key=lambda key: -known[key].size_gib)
    ordered = dict.fromkeys((*own, *languages.FIFTEEN, *by_size))
    named = tuple(ordered)[:count]
    return dataclasses.replace(config, corpus=dataclasses.replace(config.corpus, languages=named))


def wider(config: StudyConfig, width: int) -> StudyConfig:
    """Return a study with another model width, the feed-forward layers and heads in proportion."""
    shape = config.model
    model = dataclasses.replace(
        shape,
        hidden_size=width,
        ffn_size=width * shape.ffn_size // shape.hidden_size,
        num_heads=max(1, width * shape.num_heads // shape.hidden_size),
    )
    return dataclasses.replace(config, model=model)


def _chosen_on_dev(config: StudyConfig) -> StudyConfig:
    """Return a study whose scores are of the checkpoints that are best on all languages' dev sets,
    as the paper's are (Sec. 4.2)."""
    tasks = {}
    for name in TASKS:
        section = getattr(config, name)
        tuned = dataclasses.replace(section.finetune, selections=("joint-dev",))
        tasks[name] = dataclasses.replace(section, finetune=tuned)
    return dataclasses.replace(config, **tasks)


def _real(codes: Sequence[str]) -> float:
    return sum(tongues.stands_for(code).size_gib for code in codes)


def _babel(
    preset: StudyConfig, *, corpus_bytes: int, smallest_bytes: int, seeds: int
) -> StudyConfig:
    """Return a preset's study on Babel's seven, one arm."""
    babel = dataclasses.replace(
        preset.babel, languages=SEVEN, corpus_bytes=corpus_bytes, smallest_bytes=smallest_bytes
    )
    return dataclasses.replace(
        _chosen_on_dev(preset),
        seeds=seeds,
        babel=babel,
        ablation=AblationConfig(alphas=()),
    )


def tiers_of(config: StudyConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the high- and the low-resource languages of a base: Babel's two largest and smallest,
    or the paper's (Sec. 5.1)."""
    if is_babel(config):
        own = config.babel.codes()
        return tuple(own[:2]), tuple(own[-2:])
    return ("en", "fr"), ("sw", "ur")


def is_babel(config: StudyConfig) -> bool:
    """Tell whether a base is on Babel, and not on text of one's own."""
    return not config.corpus.languages


def languages_of(config: StudyConfig) -> list[str]:
    """Return the languages of a base, as far as its settings name them."""
    return list(config.corpus.languages) or config.babel.codes()
