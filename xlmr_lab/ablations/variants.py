"""Variants of a study: more languages, one alone, less text, another width; and what its base is.

Pure; what a variant needs of text and vocabulary follows from its settings (see stages.py).
"""

import dataclasses
import math
from collections.abc import Sequence

from xlmr_lab import languages
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.babel import tongues
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.selection import Selection

TASKS = ("nli", "ner", "qa", "glue")
"""Sections of tasks."""
KIN_EVERY = 3
"""Of languages that join, one of so many is kin, while there are any: of the eight that XNLI has
beside the paper's seven three are near relatives of one (es of fr, bg of ru, hi of ur)."""
HIGH, LOW = ("en", "fr"), ("sw", "ur")
"""Languages that the paper calls high- and low-resource (Sec. 5.1)."""
LEAST_LANGUAGES = 5
"""So many languages a base has at least: two of much text, two of little, and one between (F12)."""
OWN_DEV: Selection = "per-language-dev"
"""The selection by the dev set of the language that is scored."""
GOLDEN_RATIO = (1 + 5**0.5) / 2
MONOLINGUAL_IDS = 40_000 / 150_000
"""Ids of a model of one language for each of one of seven (XLM-R Sec. 5.3); Babel's languages have
no more pieces than that."""


def more_languages(config: StudyConfig, count: int) -> StudyConfig:
    """Return a study with so many languages, the ones at hand first.

    A larger set holds the smaller ones. On Babel the text of those at hand stays what it is; for
    the others see `_joining`. Of text of one's own the first fifteen are XNLI's, the rest the
    largest, since the paper does not list its sets of 30 and 60.

    Raises:
        UserError: fewer than it has, or more than there are.
    """
    if config.corpus.languages:
        return _more_of_the_paper(config, count)
    own = config.babel.codes()
    joining = _joining(own)
    most = len(own) + len(joining)
    if not len(own) <= count <= most:
        raise UserError(
            f"languages must be {len(own)} to {most} on Babel, got {count}; leave the larger "
            "counts out"
        )
    babel = config.babel
    grown = (*own, *joining[: count - len(own)])
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


def of_both_selections(config: StudyConfig, task: str) -> StudyConfig:
    """Return a study whose models of a task are chosen on all dev sets, and also on that of each
    language."""
    section = getattr(config, task)
    tuned = dataclasses.replace(section.finetune, selections=("joint-dev", OWN_DEV))
    changed = {task: dataclasses.replace(section, finetune=tuned)}
    return dataclasses.replace(config, **changed)


def shortened(config: StudyConfig, language: str, most_bytes: int) -> StudyConfig:
    """Return a study with so much training text of one language, at most, and all of the others."""
    part = dataclasses.replace(config.part, most_bytes=most_bytes, shortened=(language,))
    return dataclasses.replace(config, part=part)


def wider(config: StudyConfig, width: int) -> StudyConfig:
    """Return a study with another model width, the feed-forward layers and heads in proportion, and
    initial weights and learning rate of that width (see `of_width`)."""
    heads = max(1, width * config.model.num_heads // config.model.hidden_size)
    return of_width(config, width, num_heads=heads)


def of_width(config: StudyConfig, width: int, *, num_heads: int) -> StudyConfig:
    """Return a study with another model width, which its heads must divide.

    Initial weights shrink with the root of the width and the peak learning rate with the width, as
    Yang et al. 2022 (arXiv 2203.03466) have it for weights between layers: what suits one width is
    too much for a wider one, which is then no better for being wider. Here one rate holds for all
    weights, also for embeddings, whose rate they leave as it is.
    """
    ratio = width / config.model.hidden_size
    model = dataclasses.replace(
        config.model,
        hidden_size=width,
        num_heads=num_heads,
        ffn_size=width * config.model.ffn_size // config.model.hidden_size,
        init_std=config.model.init_std / math.sqrt(ratio),
    )
    pretrain = dataclasses.replace(
        config.pretrain, peak_learning_rate=config.pretrain.peak_learning_rate / ratio
    )
    return dataclasses.replace(config, model=model, pretrain=pretrain)


def tiers_of(config: StudyConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the high- and the low-resource languages of a base: the paper's (Sec. 5.1) where it
    has them all, else its two largest and its two smallest by the size that they stand for, or that
    CC-100 has of them."""
    own = languages_of(config)
    if {*HIGH, *LOW} <= {*own}:
        return HIGH, LOW
    if is_babel(config):
        sizes = {code: tongues.stands_for(code).size_gib for code in own}
    else:
        known = languages.LANGUAGES
        sizes = {key: known[key].size_gib for key in own if key in known}
    ordered = sorted(sizes, key=lambda key: -sizes[key])
    return tuple(ordered[:2]), tuple(ordered[-2:])


def is_babel(config: StudyConfig) -> bool:
    """Tell whether a base is on Babel, and not on text of one's own."""
    return not config.corpus.languages


def languages_of(config: StudyConfig) -> list[str]:
    """Return the languages of a base, as far as its settings name them."""
    return list(config.corpus.languages) or config.babel.codes()


def _more_of_the_paper(config: StudyConfig, count: int) -> StudyConfig:
    own, known = config.corpus.languages, languages.LANGUAGES
    if not len(own) <= count <= len(known):
        raise UserError(f"languages must be {len(own)} to {len(known)}, got {count}")
    by_size = sorted(known, key=lambda key: -known[key].size_gib)
    ordered = dict.fromkeys((*own, *languages.FIFTEEN, *by_size))
    named = tuple(ordered)[:count]
    return dataclasses.replace(config, corpus=dataclasses.replace(config.corpus, languages=named))


def _joining(own: Sequence[str]) -> list[str]:
    """Return Babel's other languages in the order in which they join `own`.

    However many there are, they are spread over the sizes (multiples of the golden ratio, from
    which the whole part is left out, are spread over 0 to 1), and some are kin of those at hand
    (see `KIN_EVERY`).
    """
    others = [code for code in tongues.codes() if code not in own]
    spread = sorted(range(len(others)), key=lambda i: (i + 1) * GOLDEN_RATIO % 1)
    at_hand = {tongues.script_and_family(code) for code in own}
    ordered = [others[i] for i in spread]
    kin = [code for code in ordered if tongues.script_and_family(code) in at_hand]
    strangers = [code for code in ordered if code not in kin]
    found: list[str] = []
    while kin or strangers:
        is_kins_turn = kin and len(found) % KIN_EVERY == 0
        found.append((kin if is_kins_turn or not strangers else strangers).pop(0))
    return found


def _real(codes: Sequence[str]) -> float:
    return sum(tongues.stands_for(code).size_gib for code in codes)
