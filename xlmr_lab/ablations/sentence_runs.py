"""Sentence retrieval of one encoder on a folder of sentences: Tatoeba, aligned texts, or an NLI
task.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from xlmr_lab.ablations import task_sets
from xlmr_lab.ablations.evaluation_config import SentencesConfig
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import aligned_sentences, retrieval
from xlmr_lab.evaluate.encoders import Opened
from xlmr_lab.evaluate.scores import Score
from xlmr_lab.evaluate.task_files import Split

ENGLISH = "en"


class Aligned(NamedTuple):
    """Aligned sentences of a folder."""

    groups: list[dict[str, list[str]]]
    """Languages with their sentences; Tatoeba has a group for each of its languages."""
    pivot: str | None
    """Language that each other is paired with."""
    split: Split
    """Split that they are of."""


def groups(config: SentencesConfig, folder: Path, languages: Sequence[str]) -> Aligned:
    """Return the aligned sentences of a folder, those of some languages if they are named.

    Raises:
        UserError: the folder holds no aligned sentences, not those of a language, or fewer than two
            languages.
    """
    if any(folder.glob(f"tatoeba.*-{aligned_sentences.PIVOT}.*")):
        if config.pivot not in ("", ENGLISH):
            raise UserError(f"retrieval.pivot must be en for Tatoeba, got {config.pivot!r}")
        keys = aligned_sentences.KEYS
        there = {keys.get(name, name): name for name in aligned_sentences.tatoeba_languages(folder)}
        wanted = _wanted([key for key in languages if key != ENGLISH], list(there), folder)
        pairs = [aligned_sentences.read_tatoeba(folder, there[key]) for key in wanted]
        return Aligned(pairs, ENGLISH, "test")
    split: Split = "test"
    texts = aligned_sentences.texts(folder)
    if len(texts) > 1:
        found = aligned_sentences.read(
            {key: texts[key] for key in _wanted(languages, list(texts), folder)}
        )
    else:
        splits = [name for name in task_sets.SCORED if task_sets.languages("nli", folder, name)]
        split = (splits or task_sets.SCORED)[0]
        wanted = _wanted(languages, task_sets.languages("nli", folder, split), folder)
        found = aligned_sentences.premises(folder, wanted, split)
    pivot = config.pivot or (ENGLISH if ENGLISH in found else None)
    if len(found) < 2 or (pivot and pivot not in found):
        raise UserError(
            f"{folder} has sentences of {', '.join(found)}; retrieval needs at least 2 languages, "
            "retrieval.pivot among them"
        )
    return Aligned([found], pivot, split)


def _wanted(languages: Sequence[str], there: Sequence[str], folder: Path) -> list[str]:
    """Return the languages to score that are there, or all that are."""
    if not there:
        raise UserError(
            f"retrieval.path holds no aligned sentences: {folder}; give Tatoeba's files, "
            "<language>.txt with a sentence a line, or the folder of an NLI task"
        )
    if missing := [key for key in languages if key not in there]:
        raise UserError(
            f"{folder} has no sentences of {', '.join(missing)}; there are {', '.join(there)}"
        )
    return list(languages or there)


def run(
    opened: Opened, config: SentencesConfig, folder: Path, languages: Sequence[str]
) -> list[Score]:
    """Return how often sentences find their translations, for each layer."""
    found, pivot, split = groups(config, folder, languages)
    own = retrieval.RetrievalConfig(
        similarity=config.similarity,
        neighbours=config.neighbours,
        centred=config.centred,
        specials=config.specials,
    )
    return [
        row
        for sentences in found
        for row in retrieval.run(
            opened.module, opened.text, sentences, config=own, pivot=pivot, split=split
        )
    ]
